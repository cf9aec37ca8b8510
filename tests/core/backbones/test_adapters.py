"""LoRA merged by exchange: the answers of the unmerged, and a base that stays itself to the bit."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
import torch
from peft import PeftModel, get_peft_model_state_dict
from transformers import LlamaConfig, LlamaForCausalLM, Phi3Config, Phi3ForCausalLM

from core.backbones.adapters import Adapter, adapted_layers, adapter_tensors, merge, merged, unmerge
from core.backbones.base import Backbone, BackboneCard, Connector
from core.errors import InvalidData
from tests.core.conftest import tiny_tokenizer

SMALL: dict[str, Any] = {
    "vocab_size": 300, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "initializer_range": 0.3,
    "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1,
}  # fmt: skip
DECODERS = {
    "tied": lambda: LlamaForCausalLM(LlamaConfig(**SMALL, tie_word_embeddings=True)),
    "untied": lambda: LlamaForCausalLM(LlamaConfig(**SMALL, tie_word_embeddings=False)),
    "other names": lambda: Phi3ForCausalLM(Phi3Config(**SMALL, tie_word_embeddings=True)),
}
IDS = torch.arange(2, 14).unsqueeze(0)
every_decoder = pytest.mark.parametrize("name", DECODERS)
with_or_without_output = pytest.mark.parametrize("output", [False, True])


def decoder_of(name: str) -> Any:
    torch.manual_seed(0)
    return DECODERS[name]().eval().requires_grad_(False)


def in_peft(decoder: Any, *, output: bool, rank: int = 3, seed: int = 1) -> Any:
    """Return a copy of a decoder with a random adapter of peft's own, unmerged."""
    card = BackboneCard("tiny", "0", "", 4.0, 2.0, 1, 6, 4096, rank, 8, 2e-3)
    backbone = Backbone(card, Connector(6, 32), deepcopy(decoder), tiny_tokenizer())
    backbone.add_adapter(rank=rank, alpha=8, dropout=0.0, output=output)
    generator = torch.Generator().manual_seed(seed)
    for parameter in backbone.decoder.parameters():
        if parameter.requires_grad:
            parameter.data = 0.3 * torch.randn(parameter.shape, generator=generator)
    return backbone.decoder.to(decoder.dtype).eval()


def as_adapter(model: PeftModel, decoder: Any, *, output: bool, rank: int = 3) -> Adapter:
    state = get_peft_model_state_dict(model, save_embedding_layers=False)
    return Adapter.of(state, adapted_layers(decoder, output=output), 8 / rank)


@contextmanager
def unchanged(decoder: Any) -> Iterator[None]:
    """Require that every weight is the same object with the same bits afterwards."""
    before = {n: (p, p.clone()) for n, p in decoder.named_parameters(remove_duplicate=False)}
    yield
    after = dict(decoder.named_parameters(remove_duplicate=False))
    assert after.keys() == before.keys()
    assert all(after[n] is p and torch.equal(p, copy) for n, (p, copy) in before.items())


@every_decoder
@with_or_without_output
def test_peft_adapts_the_layers_that_we_name(name, output):
    decoder = decoder_of(name)
    theirs = get_peft_model_state_dict(in_peft(decoder, output=output), save_embedding_layers=False)
    ours = adapter_tensors(adapted_layers(decoder, output=output), 3)
    assert {n: t.shape for n, t in ours.items()} == {n: t.shape for n, t in theirs.items()}
    assert any("lm_head" in n for n in ours) is output


@every_decoder
@with_or_without_output
@torch.inference_mode()
def test_merged_answers_are_those_of_peft_unmerged(name, output):
    decoder = decoder_of(name).double()
    plain = decoder(IDS).logits
    for rank, seed in ((3, 1), (5, 2), (3, 3)):
        model = in_peft(decoder, output=output, rank=rank, seed=seed)
        expected = model(IDS).logits
        assert (expected - plain).abs().max() > 0.1  # it does something
        with merged(decoder, as_adapter(model, decoder, output=output, rank=rank)):
            torch.testing.assert_close(decoder(IDS).logits, expected, atol=1e-9, rtol=0)
        assert torch.equal(decoder(IDS).logits, plain)


@every_decoder
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_base_is_itself_to_the_bit_after_any_number_of_merges(name, dtype):
    decoder = decoder_of(name).to(dtype)
    adapters = [
        as_adapter(in_peft(decoder, output=output, seed=seed), decoder, output=output)
        for seed, output in ((1, True), (2, False), (3, True))
    ]
    tied = decoder.get_output_embeddings().weight is decoder.get_input_embeddings().weight
    with unchanged(decoder):
        for adapter in adapters * 2:
            with merged(decoder, adapter):
                head, table = decoder.get_output_embeddings(), decoder.get_input_embeddings()
                assert (head.weight is table.weight) is (tied and adapter is adapters[1])


def test_a_merged_weight_is_rounded_once():
    decoder = decoder_of("untied").bfloat16()
    adapter = as_adapter(in_peft(decoder, output=True), decoder, output=True)
    own = merge(decoder, adapter)
    for path, weight in own.items():
        a, b = (matrix.double() for matrix in adapter.matrices[path])
        exact = weight.double() + adapter.scale * (b @ a)
        found = decoder.get_submodule(path).weight.double()
        assert ((found - exact).abs() <= 2**-8 * exact.abs() * 1.001).all(), path


def test_an_adapter_on_an_adapter_is_an_error():
    decoder = decoder_of("tied")
    adapter = as_adapter(in_peft(decoder, output=True), decoder, output=True)
    own = merge(decoder, adapter)
    with pytest.raises(AssertionError, match="merged already"):
        merge(decoder, replace(adapter, scale=1.0))
    unmerge(decoder, own)
    unmerge(decoder, own)  # they are there already
    merge(decoder, adapter)


def test_a_merge_that_is_not_finite_is_refused_and_changes_nothing():
    decoder = decoder_of("tied").half()
    adapter = as_adapter(in_peft(decoder, output=True), decoder, output=True)
    far = replace(adapter, scale=1e6)  # finite in single precision, not in half
    with unchanged(decoder), pytest.raises(InvalidData, match="must be finite"):
        merge(decoder, far)
    a, b = adapter.matrices["model.layers.1.mlp.up_proj"]
    broken = dict(adapter.matrices) | {"model.layers.1.mlp.up_proj": (a * torch.nan, b)}
    with unchanged(decoder), pytest.raises(InvalidData, match=r"layers.1.mlp.up_proj"):
        merge(decoder, replace(adapter, matrices=broken))


def test_a_failure_while_merged_leaves_the_base_as_it_was():
    decoder = decoder_of("tied")
    adapter = as_adapter(in_peft(decoder, output=True), decoder, output=True)
    with unchanged(decoder), pytest.raises(ZeroDivisionError), merged(decoder, adapter):
        raise ZeroDivisionError
