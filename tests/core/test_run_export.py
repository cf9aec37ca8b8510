"""Exported runs: transformers and peft alone load them, and they answer as the run does."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from core.errors import Conflict, InvalidData
from core.kitchen import DEMO_RUNS
from core.model_card import Figure
from core.prediction import Cost
from core.run_export import export_run
from core.run_folder import load_run
from core.types import FrameFeatures, LabelledVideo, grid_us
from tests.core.backbones.families import write_checkpoint
from tests.core.test_loaded_runs import write

NANO = Path(__file__).parents[2] / "core" / "backbones" / "nano" / "decoder"
FRAMES = 12


def lines_of(folder: Path, **replaced: str) -> dict:
    """Run the Python of an export's README in its folder; returns its names."""
    code = "\n".join(re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.S))
    code = code.replace('folder = "."', f"folder = {str(folder)!r}")
    for old, new in replaced.items():
        code = code.replace(f'"{old}"', repr(new))
    names: dict = {}
    exec(code, names)
    return names


def features(tokens: int = 1, width: int = 768, rate: float = 4.0) -> FrameFeatures:
    time_us = grid_us(round(FRAMES / rate * 1e6), rate)
    rng = np.random.default_rng(3)
    values = rng.standard_normal((len(time_us), tokens, width)).astype(np.float16)
    return FrameFeatures(values, time_us, time_us)


def answers(folder: Path, seen: FrameFeatures, decoder: str | None = None):
    video = LabelledVideo("v", Path("v"), "0" * 64, int(seen.time_us[-1]) + 250_000)
    return load_run(folder).predictor(decoder).predict(video, seen, Cost(0, 0, 0))


def logits(model) -> torch.Tensor:
    with torch.inference_mode():
        return model.eval()(torch.arange(2, 40)[None]).logits


@pytest.mark.parametrize("name", ["discriminative", "gad"])
def test_the_lines_of_the_card_give_the_answers_of_the_run(name, tmp_path):
    export_run(DEMO_RUNS / name, tmp_path / "model", "merged")
    ask = lines_of(tmp_path / "model")["probabilities"]
    seen = features()
    own = answers(DEMO_RUNS / name, seen).scores.probability
    with torch.inference_mode():
        for at in (0, 5, FRAMES - 1):
            theirs = ask(torch.from_numpy(seen.features[: at + 1]).float()).numpy()
            np.testing.assert_allclose(theirs, own[at], atol=2e-4)


def test_the_lines_of_a_generative_card_write_what_the_run_writes(tmp_path):
    export_run(DEMO_RUNS / "generative", tmp_path / "model", "merged")
    write_text = lines_of(tmp_path / "model")["written"]
    seen = features()
    own = answers(DEMO_RUNS / "generative", seen, "greedy").texts
    with torch.inference_mode():
        for at in (0, FRAMES - 1):
            assert write_text(torch.from_numpy(seen.features[: at + 1]).float()) == own[at].strip()


def test_peft_alone_loads_an_exported_adapter_and_asks_it(tmp_path):
    export_run(DEMO_RUNS / "gad", tmp_path / "adapter", "adapter")
    assert not list((tmp_path / "adapter").glob("model*.safetensors"))
    names = lines_of(tmp_path / "adapter", nano=str(NANO))
    assert isinstance(names["model"], PeftModel)
    seen = features()
    own = answers(DEMO_RUNS / "gad", seen).scores.probability
    with torch.inference_mode():
        theirs = names["probabilities"](torch.from_numpy(seen.features).float()).numpy()
    np.testing.assert_allclose(theirs, own[-1], atol=2e-4)


@pytest.mark.parametrize("form", ["merged", pytest.param("adapter", marks=pytest.mark.slow)])
def test_the_text_part_of_a_vision_language_model_is_exported(form, tmp_path):
    base = write_checkpoint("smolvlm", tmp_path / "base")
    run = write(tmp_path / "run", base, {"classifier": "discriminative"})
    export_run(run, tmp_path / "out", form)
    about = json.loads((tmp_path / "out" / "labels.json").read_text())
    seen = features(about["tokens_per_frame"], about["feature_width"], about["frames_per_second"])
    ask = lines_of(tmp_path / "out", base=str(base))["probabilities"]
    with torch.inference_mode():
        theirs = ask(torch.from_numpy(seen.features).float()).numpy()
    np.testing.assert_allclose(theirs, answers(run, seen).scores.probability[-1], atol=2e-4)


@pytest.mark.slow
def test_a_part_that_is_no_causal_model_by_itself_is_exported_as_adapter_only(tmp_path):
    base = write_checkpoint("qwen3_vl", tmp_path / "base")
    run = write(tmp_path / "run", base, {"classifier": "discriminative"})
    with pytest.raises(InvalidData, match="--adapter"):
        export_run(run, tmp_path / "out", "merged")
    assert export_run(run, tmp_path / "out", "adapter")["form"] == "adapter"


@pytest.fixture(scope="module")
def tied_folder(tiny_folder, tmp_path_factory) -> Path:
    """The tiny backbone with one matrix for reading and writing tokens."""
    folder = tmp_path_factory.mktemp("tied") / "tied"
    shutil.copytree(tiny_folder, folder)
    decoder = AutoModelForCausalLM.from_pretrained(folder / "decoder", dtype=torch.float32)
    decoder.config.tie_word_embeddings = True
    decoder.tie_weights()
    assert decoder.lm_head.weight is decoder.model.embed_tokens.weight
    shutil.rmtree(folder / "decoder")
    decoder.save_pretrained(folder / "decoder")
    AutoTokenizer.from_pretrained(tiny_folder / "decoder").save_pretrained(folder / "decoder")
    return folder


@pytest.mark.parametrize(("classifier", "stays"), [("generative", False), ("discriminative", True)])
def test_a_tied_base_merges_to_the_same_logits(classifier, stays, tied_folder, tmp_path):
    run = write(tmp_path / "run", tied_folder, {"classifier": classifier})
    before = logits(load_run(run).classifier.backbone.decoder)
    done = export_run(run, tmp_path / "model", "merged")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    torch.testing.assert_close(logits(model), before, atol=1e-4, rtol=1e-4)
    assert 0 <= done["difference"] < 1e-3
    assert (model.lm_head.weight is model.model.embed_tokens.weight) is stays
    assert model.config.tie_word_embeddings is stays
    assert AutoTokenizer.from_pretrained(tmp_path / "model").eos_token_id == 1


def test_the_card_says_what_is_known_and_nothing_else(tmp_path):
    figures = (
        Figure("test", "frame accuracy", 81.25, 76.5, 85.0, 10),
        Figure("test", "edit", 70.0, None, None, None),
    )
    run = DEMO_RUNS / "discriminative"
    export_run(
        run, tmp_path / "known", "adapter", name="lab run", data_hash="ab12", figures=figures
    )
    card = (tmp_path / "known" / "README.md").read_text()
    assert "# lab run" in card
    assert "| test | frame accuracy | 81.2 | 76.5 to 85.0 | 10 |" in card
    assert "| test | edit | 70.0 | – | – |" in card
    assert "| Data | ab12 (hash of videos and labels) |" in card
    assert "| Licence of the base | Apache-2.0 |" in card
    assert "\nlicense" not in card  # that of the fine-tune is its maker's to say
    export_run(run, tmp_path / "bare", "adapter")
    card = (tmp_path / "bare" / "README.md").read_text()
    assert "None are recorded with this run." in card
    assert "no hash is recorded" in card
    assert "- pour milk" in card
    assert str(tmp_path) not in card


def test_an_export_replaces_nothing_and_leaves_no_half(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "precious.txt").write_text("x")
    with pytest.raises(Conflict, match="new or an empty folder"):
        export_run(DEMO_RUNS / "gad", tmp_path / "full", "adapter")
    run = tmp_path / "run"
    shutil.copytree(DEMO_RUNS / "discriminative", run)
    (run / "labels.json").write_text(json.dumps({"classes": ["a"]}))
    with pytest.raises(InvalidData, match="exactly those"):
        export_run(run, tmp_path / "model", "merged")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["full", "run"]
