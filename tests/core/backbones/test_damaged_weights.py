"""What stands in the place of a model's files is named, and nothing of it is run or fetched."""

import json
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from core.backbones import load_backbone
from core.backbones.decoders import load_decoder
from core.backbones.places import find
from core.config import RunConfig
from core.errors import InvalidConfig, InvalidFile, MissingArtifact, UnknownName
from core.run_folder import build_classifier, load_weights, save_weights
from core.types import LabelSet
from tests.core.backbones.test_decoders import USABLE, random_decoder
from tests.core.conftest import tiny_tokenizer

pytestmark = pytest.mark.fault

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 2030000000\n"


@pytest.fixture
def folder(tmp_path) -> Path:
    random_decoder(USABLE["llama"]()).save_pretrained(tmp_path)
    tiny_tokenizer().save_pretrained(tmp_path)
    return tmp_path


REPLACED = {
    "empty": (b"", "the file is empty"),
    "git lfs": (POINTER, r"Git LFS pointer to them.*Run 'git lfs pull'"),
    "web page": (b"<!DOCTYPE html><html>Please log in</html>", "this is a web page"),
    "random": (bytes(range(256)) * 8, "must be whole safetensors"),
}


@pytest.mark.parametrize("what", REPLACED)
def test_a_file_that_is_no_weights_is_named_for_what_it_is(folder, what):
    content, said = REPLACED[what]
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(InvalidFile, match=said):
        load_decoder(folder)


def test_truncated_incomplete_and_misshapen_weights_are_refused(folder):
    path = folder / "model.safetensors"
    whole = path.read_bytes()
    tensors = {n: t.clone() for n, t in load_file(path).items()}  # not views of the file
    name = next(n for n in tensors if "q_proj" in n)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InvalidFile, match="whole safetensors"):
        load_decoder(folder)
    save_file({n: t for n, t in tensors.items() if n != name}, path, {"format": "pt"})
    with pytest.raises(InvalidFile, match=r"missing_keys.*q_proj"):
        load_decoder(folder)
    save_file(tensors | {name: tensors[name][:-1].contiguous()}, path, {"format": "pt"})
    with pytest.raises(InvalidFile, match="mismatched_keys"):
        load_decoder(folder)


@pytest.mark.parametrize("name", ["adapter/adapter_model.safetensors", "heads.safetensors"])
def test_a_runs_weights_that_are_a_pointer_or_gone_are_named(tiny_folder, tmp_path, name):
    config = RunConfig.read({"backbone": str(tiny_folder)})
    classifier = build_classifier(config, LabelSet(("add salt", "stir tea")))
    save_weights(classifier, tmp_path)
    (tmp_path / name).write_bytes(POINTER)
    with pytest.raises(InvalidFile, match="git lfs pull"):
        load_weights(classifier, tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(MissingArtifact, match="all its files"):
        load_weights(classifier, tmp_path)


@pytest.mark.parametrize("key", ["attn_implementation", "_attn_implementation"])
def test_a_config_that_names_compiled_code_on_the_hub_is_refused(folder, key):
    path = folder / "config.json"
    config = json.loads(path.read_text())
    for changed in (config | {key: "org/kernel"}, config | {"text_config": {key: "org/kernel"}}):
        path.write_text(json.dumps(changed))
        with pytest.raises(InvalidFile, match="names 'org/kernel'"):
            load_decoder(folder)


@pytest.mark.parametrize("content", ["", "{", "[]", '"text"'])
def test_a_broken_config_is_a_sentence(folder, content):
    (folder / "config.json").write_text(content)
    with pytest.raises(InvalidFile, match=r"config\.json"):
        load_decoder(folder)
    with pytest.raises(InvalidFile, match=r"config\.json must hold a JSON object"):
        find(str(folder))


@pytest.mark.parametrize(
    "name", ["../../etc", "HuggingFaceTB/SmolVLM2-256M-Video-Instruct", "a\\b"]
)
def test_a_path_or_a_name_of_the_hub_is_looked_for_on_this_machine_only(
    name, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((MissingArtifact, UnknownName)):
        load_backbone(name)


def test_a_folder_named_like_a_model_of_the_hub_is_a_folder(folder, tmp_path, monkeypatch):
    own = tmp_path / "org" / "model"
    own.mkdir(parents=True)
    (own / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}')
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidFile, match="a decoder alone"):
        find("org/model")


def test_how_attention_is_computed_cannot_be_set_from_outside():
    with pytest.raises(InvalidConfig, match="attn_implementation"):
        RunConfig.read({"attn_implementation": "org/kernel"})
