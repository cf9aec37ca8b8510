"""Names and folders lead to a backbone, or to a sentence that says how to get one."""

import json
import subprocess
import sys

import pytest
from huggingface_hub import constants

from core.backbones import (
    BACKBONES,
    KINDS,
    backbone_card,
    default_rate,
    find,
    load_backbone,
    load_tower,
)
from core.errors import InvalidFile, MissingArtifact, UnknownName
from tests.core.backbones.families import write_checkpoint

HUB = [name for name, entry in BACKBONES.items() if entry.hub]


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty Hugging Face cache."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def test_names_are_found_without_torch():
    code = "import core.backbones as b, sys; b.default_rate('nano'); print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


@pytest.mark.parametrize("name", BACKBONES)
def test_every_entry_says_what_it_needs(name):
    entry = BACKBONES[name]
    assert entry.kind in KINDS
    assert entry.licence
    assert 1 <= entry.memory_gb < 60
    assert bool(entry.hub) == (entry.download_gb > 0) == bool(entry.download_command)


@pytest.mark.parametrize("name", HUB)
@pytest.mark.fault
def test_what_is_not_cached_names_the_command_and_downloads_nothing(name, hub):
    entry = BACKBONES[name]
    with pytest.raises(MissingArtifact) as caught:
        backbone_card(name)
    assert f"hf download {entry.hub}" in str(caught.value)
    assert entry.licence in str(caught.value)
    assert ("Accept its terms" in str(caught.value)) is entry.gated
    assert default_rate(name) == 2.0
    assert not hub.exists()


@pytest.mark.fault
def test_a_cached_checkpoint_is_used_by_its_name(hub):
    entry = BACKBONES["smolvlm2-256m"]
    repository = hub / f"models--{entry.hub.replace('/', '--')}"
    write_checkpoint("smolvlm", repository / "snapshots" / "abc")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("abc")
    card = backbone_card("smolvlm2-256m")
    assert (card.name, card.licence, card.feature_width) == ("smolvlm2-256m", "Apache-2.0", 32)
    assert load_backbone("smolvlm2-256m").width == 32
    assert load_tower("smolvlm2-256m").card == card
    (repository / "snapshots" / "abc" / "model.safetensors").unlink()  # an interrupted download
    with pytest.raises(MissingArtifact, match="hf download"):
        find("smolvlm2-256m")


def refused(folder, **config):
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(InvalidFile) as caught:
        find(str(folder))
    return str(caught.value)


def test_half_a_backbone_says_how_to_compose(tmp_path):
    said = refused(tmp_path / "a", model_type="llama", architectures=["LlamaForCausalLM"])
    assert "this is a decoder alone (llama)" in said
    assert "core.backbones.compose" in said
    said = refused(tmp_path / "b", model_type="siglip", architectures=["SiglipModel"],
                   text_config={}, vision_config={})  # fmt: skip
    assert "this is an encoder alone (siglip)" in said


@pytest.mark.fault
def test_remote_code_is_refused_before_anything_is_loaded(tmp_path):
    said = refused(tmp_path / "c", architectures=["InternVLChatModel"], vision_config={},
                   auto_map={"AutoModel": "modeling.InternVLChatModel"})  # fmt: skip
    assert "brings its own" in said
    assert "-HF" in said


def test_an_unknown_kind_is_refused_with_all_kinds(tmp_path):
    (tmp_path / "backbone.json").write_text('{"kind": "composd"}')
    with pytest.raises(UnknownName, match="Did you mean 'composed'"):
        backbone_card(str(tmp_path))
    (tmp_path / "backbone.json").write_text("[]")
    with pytest.raises(InvalidFile, match="must hold a JSON object"):
        backbone_card(str(tmp_path))
