"""nano as it is shipped: small, strict, told the truth about, and not fooled by compression."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from analysis.metrics import evaluate_frames
from core.backbones import find, load_backbone, load_tower
from core.classifiers import CLASSIFIERS
from core.features import FeatureCache
from core.kitchen import DEMO_RUNS
from core.kitchen.demo import FPS, demo_labels, demo_path, demo_scripts
from core.kitchen.render import render
from core.kitchen.world import HELD_OUT_MOTIONS, HELD_OUT_THINGS, NOUNS, VERBS
from core.run_folder import load_run
from core.tasks.online_detection import frame_targets
from core.types import LabelledVideo
from core.video import probe, sample, write_mp4

NANO = find("nano").folder
SHIPPED = sorted(CLASSIFIERS)


@pytest.fixture(scope="module")
def unseen(tmp_path_factory) -> LabelledVideo:
    """A video of the demo's test split, rendered and written as the studio does it."""
    script = next(script for script, split in demo_scripts() if split == "test")
    path = demo_path(tmp_path_factory.mktemp("demo"), script)
    write_mp4(path, render(script, FPS), FPS)
    info = probe(path)
    return LabelledVideo(
        script.name, path, info.content_hash, info.duration_us, script.segments, split="test"
    )


def test_nano_is_small_half_precision_safetensors():
    files = [path for path in NANO.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 15e6
    assert {path.suffix for path in files} <= {".safetensors", ".json", ".md"}
    for path in NANO.rglob("*.safetensors"):
        with safe_open(path, "pt") as weights:
            kinds = {weights.get_tensor(key).dtype for key in weights.keys()}  # noqa: SIM118
        assert kinds <= {torch.float16, torch.int64}  # counters of batch norm


def test_the_model_card_says_how_it_was_made_and_what_it_never_saw():
    card = (NANO / "README.md").read_text()
    for said in ("core.kitchen.pretrain", "Tower recipe", "Language recipe", "How well it sees"):
        assert said in card
    held_out = {NOUNS[t] for t in HELD_OUT_THINGS} | {VERBS[m] for m in HELD_OUT_MOTIONS}
    sentence = next(line for line in card.splitlines() if "Held out" in line)
    assert [word for word in held_out if word not in sentence] == []


def test_labels_are_a_few_tokens_and_equal_words_equal_tokens():
    tokenizer = load_backbone("nano").tokenizer
    ids = {
        name: tokenizer.encode(f" {name}", add_special_tokens=False)
        for name in demo_labels().classes
    }
    assert max(map(len, ids.values())) <= 6
    by_verb = sorted(ids, key=lambda name: name.split()[0])
    pairs = [(a, b) for a, b in pairwise(by_verb) if a.split()[0] == b.split()[0]]
    assert len(pairs) >= 5
    assert all(ids[a][0] == ids[b][0] for a, b in pairs)
    assert {name: tokenizer.decode(row).strip() for name, row in ids.items()} == {n: n for n in ids}


def test_a_frame_and_its_compressed_copy_look_alike_to_nano(unseen):
    """The pre-training imitates compression; this is the real one."""
    script = next(s for s, _ in demo_scripts() if s.name == unseen.name)
    rendered = list(render(script, FPS))
    tower = load_tower("nano")
    times = np.arange(2, len(rendered), 25)
    decoded = [frame for _, frame in sample(unseen.path, times * 1_000_000 // FPS + 1000)]

    def seen(frames):
        return tower(torch.from_numpy(np.stack([tower.prepare(f) for f in frames]))).flatten(1)

    alike = torch.cosine_similarity(seen([rendered[i] for i in times]), seen(decoded))
    assert alike.min() >= 0.95
    # Not merely because everything looks alike to it.
    others = torch.cosine_similarity(seen(decoded), seen(decoded).roll(1, 0))
    assert others.mean() < alike.mean()


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_run_belongs_to_this_nano_and_these_labels(name):
    card = json.loads((DEMO_RUNS / name / "run.json").read_text())
    assert card["config"]["classifier"] == name
    run = load_run(DEMO_RUNS / name)
    assert run.labels == demo_labels()


@pytest.mark.training
@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_run_knows_a_video_it_never_saw(name, unseen, tmp_path):
    cache = FeatureCache(tmp_path, "nano")
    cache.compute([unseen])
    features = cache.load(unseen)
    run = load_run(DEMO_RUNS / name, merge=True)
    predictor = run.predictor()
    said = predictor.predict(unseen, features, predictor.measure(features))
    truth = frame_targets(unseen, features.time_us, run.labels)
    report = evaluate_frames(
        {"a": truth}, {"a": said.predicted}, fps=run.recipe.rate, classes=run.classifier.classes
    )
    assert report.metrics["frame_accuracy"] > 50  # 24 classes and background


def test_shipped_files_are_small():
    files = [path for path in Path(DEMO_RUNS).rglob("*") if path.is_file()]
    assert 0 < sum(path.stat().st_size for path in files) < 10e6
