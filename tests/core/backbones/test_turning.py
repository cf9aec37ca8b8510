"""Cached keys are turned back as the decoder itself would have computed them, or not at all."""

import pytest
import torch
from transformers import (
    CohereConfig,
    CohereForCausalLM,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedConfig,
)

from core.backbones.base import Backbone
from core.backbones.turning import turn_of
from tests.core.conftest import tiny_backbone

SMALL = {
    "vocab_size": 300, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "initializer_range": 0.3,
    "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 0,
}  # fmt: skip


def backbone(config: PreTrainedConfig, kind: type) -> Backbone:
    tiny = tiny_backbone()
    torch.manual_seed(0)
    return Backbone(tiny.card, tiny.connector, kind(config), tiny.tokenizer).double().eval()


FAMILIES = {
    "halves": lambda: backbone(LlamaConfig(**SMALL), LlamaForCausalLM),
    "pairs": lambda: backbone(CohereConfig(**SMALL), CohereForCausalLM),
    "a part of the key": lambda: backbone(
        GPTNeoXConfig(**SMALL, rotary_pct=0.5), GPTNeoXForCausalLM
    ),
    "scaled": lambda: backbone(
        LlamaConfig(
            **SMALL,
            rope_parameters={
                "rope_type": "yarn", "factor": 4.0, "rope_theta": 10000.0,
                "original_max_position_embeddings": 64,
            },
        ),
        LlamaForCausalLM,
    ),
}  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
@torch.inference_mode()
def test_turned_keys_are_the_keys_further_in_front(family: str):
    from core.backbones.turning import _keys

    decoder = FAMILIES[family]()
    turn = turn_of(decoder)
    assert turn is not None
    for layer, (far, near) in enumerate(zip(_keys(decoder, 900), _keys(decoder, 157), strict=True)):
        torch.testing.assert_close(turn(far, 743), near, atol=1e-4, rtol=0, msg=str(layer))


def test_a_decoder_with_several_rotations_is_not_turned():
    config = Gemma3TextConfig(**SMALL, head_dim=8, sliding_window=16)
    assert turn_of(backbone(config, Gemma3ForCausalLM)) is None
