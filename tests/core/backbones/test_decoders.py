"""Which decoders can be used: proven by asking them, refused with the reason."""

import json

import pytest
import torch
import transformers as t

from core.backbones.adapters import LINEAR_LAYERS, linear_layers
from core.backbones.base import Backbone, BackboneCard, Connector
from core.backbones.decoders import check_decoder, load_decoder
from core.errors import InvalidFile, MissingArtifact
from tests.core.backbones.families import SCALED, TEXT
from tests.core.conftest import tiny_tokenizer

HEADS = {k: v for k, v in TEXT.items() if k != "num_key_value_heads"}
FALCON = {"vocab_size": 300, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
DYNAMIC = {"rope_type": "dynamic", "factor": 8.0, "rope_theta": 1e4}
MIXED = ["sliding_attention", "full_attention", "sliding_attention"]
USABLE = {
    "llama": lambda: t.LlamaConfig(**TEXT),
    "qwen2 sliding": lambda: t.Qwen2Config(
        **TEXT, use_sliding_window=True, sliding_window=6, max_window_layers=1
    ),
    "qwen3": lambda: t.Qwen3Config(**TEXT, head_dim=8),
    "mistral sliding": lambda: t.MistralConfig(**TEXT, sliding_window=6),
    "gemma": lambda: t.GemmaConfig(**TEXT, head_dim=8),
    "gemma2": lambda: t.Gemma2Config(
        **TEXT, **SCALED, sliding_window=6, attn_logit_softcapping=5.0, final_logit_softcapping=3.0
    ),
    "gemma3": lambda: t.Gemma3TextConfig(**TEXT, **SCALED, sliding_window=6, layer_types=MIXED),
    "phi": lambda: t.PhiConfig(**HEADS),
    "phi3": lambda: t.Phi3Config(**TEXT, sliding_window=6),
    "gpt_neox": lambda: t.GPTNeoXConfig(**HEADS),
    "olmo2": lambda: t.Olmo2Config(**TEXT),
    "smollm3": lambda: t.SmolLM3Config(**TEXT),
    "granite": lambda: t.GraniteConfig(**TEXT, logits_scaling=4.0, embedding_multiplier=3.0),
    "cohere": lambda: t.CohereConfig(**TEXT, logit_scale=0.25),
    "mixtral": lambda: t.MixtralConfig(**TEXT, num_local_experts=3),
    "falcon": lambda: t.FalconConfig(**FALCON, alibi=False),
}
REFUSED = {
    "gpt2": (lambda: t.GPT2Config(vocab_size=300, n_embd=32, n_layer=2, n_head=4), "index out of"),
    "falcon alibi": (lambda: t.FalconConfig(**FALCON, alibi=True), "rotary positions"),
    "mpt": (lambda: t.MptConfig(vocab_size=300, d_model=32, n_layers=2, n_heads=4), "positions"),
    "mamba": (lambda: t.MambaConfig(vocab_size=300, hidden_size=32, num_hidden_layers=2),
              "has linear_attention layers"),
    "qwen3.5": (lambda: t.Qwen3_5TextConfig(**TEXT), "has linear_attention layers"),
    "dynamic rotary": (lambda: t.LlamaConfig(**TEXT, rope_parameters=DYNAMIC), "late positions"),
}  # fmt: skip


def random_decoder(config):
    torch.manual_seed(0)
    model = t.AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return model


@pytest.mark.parametrize("config", USABLE.values(), ids=USABLE)
@torch.inference_mode()
def test_usable_decoders_answer_as_themselves_and_take_an_adapter(config):
    decoder = random_decoder(config())
    check_decoder(decoder, "here")
    card = BackboneCard("tiny", "0", "none", 4.0, 2.0, 1, 6, 2048, 4, 8, 2e-3)
    backbone = Backbone(card, Connector(6, 32), decoder, tiny_tokenizer())
    ids, position = torch.arange(2, 14).unsqueeze(0), torch.arange(12).unsqueeze(0)
    mask = torch.ones(1, 1, 12, 12, dtype=torch.bool).tril()
    own = decoder(input_ids=ids).logits
    assert own.abs().max() > 0.1
    ours = backbone.logits(backbone.hidden(backbone.embed(ids), mask, position))
    torch.testing.assert_close(ours, own, atol=1e-4, rtol=1e-4)
    backbone.add_adapter(rank=2, alpha=4, dropout=0.0, output=True)
    torch.testing.assert_close(backbone.decoder(input_ids=ids).logits, own, atol=1e-4, rtol=1e-4)
    adapted = {n for n, p in backbone.decoder.named_parameters() if p.requires_grad}
    assert len(adapted) >= 2 * 4 * decoder.config.num_hidden_layers + 2  # and the output matrix


@pytest.mark.parametrize(("config", "reason"), REFUSED.values(), ids=REFUSED)
def test_other_decoders_are_refused_with_the_reason(config, reason):
    with pytest.raises(InvalidFile, match=reason):
        check_decoder(random_decoder(config()), "here")


def test_other_blocks_have_their_own_linear_layers():
    assert linear_layers(random_decoder(USABLE["qwen3"]())) == list(LINEAR_LAYERS)
    found = linear_layers(random_decoder(USABLE["phi3"]()))
    assert found == ["down_proj", "gate_up_proj", "o_proj", "qkv_proj"]


@pytest.fixture
def folder(tmp_path):
    random_decoder(USABLE["llama"]()).save_pretrained(tmp_path, max_shard_size="20KB")
    tiny_tokenizer().save_pretrained(tmp_path)
    return tmp_path


@pytest.mark.fault
def test_a_decoder_in_parts_loads_and_a_missing_part_is_named(folder):
    load_decoder(folder)
    part = sorted(folder.glob("model-*.safetensors"))[1]
    part.unlink()
    with pytest.raises(MissingArtifact, match=part.name):
        load_decoder(folder)


@pytest.mark.fault
def test_pickled_weights_are_refused(folder):
    for path in folder.glob("*.safetensors*"):
        path.unlink()
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")
    with pytest.raises(MissingArtifact, match=r"pytorch_model\.bin, which may run code"):
        load_decoder(folder)


def test_an_adapter_is_no_base(folder):
    (folder / "adapter_config.json").write_text("{}")
    with pytest.raises(InvalidFile, match="holds an adapter"):
        load_decoder(folder)


@pytest.mark.parametrize("type_", ["something_of_its_own", "llama"])
@pytest.mark.fault
def test_remote_code_is_never_run(folder, type_):
    path = folder / "config.json"
    config = json.loads(path.read_text()) | {"model_type": type_}
    config["auto_map"] = {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"}
    path.write_text(json.dumps(config))
    (folder / "own.py").write_text("raise SystemExit('remote code ran')\n")
    if type_ == "llama":  # transformers has code for it, which is taken
        assert load_decoder(folder).config.model_type == "llama"
    else:
        with pytest.raises(InvalidFile, match="build the model by itself"):
            load_decoder(folder)
