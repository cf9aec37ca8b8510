"""What every classifier promises: it learns by heart, comes back as saved, heeds no padding."""

from copy import deepcopy
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.classifiers import CLASSIFIERS, classifier_class
from core.classifiers.base import Classifier
from core.config import RunConfig
from core.dataset import Collator, Drawing, TrainingSet
from core.labels import CODECS, make_codec
from core.labels.base import Vocabulary
from core.prediction import Cost
from core.run_folder import Run, build_classifier, load_run, recipe_of, write_run
from core.sequence import Batch, Kind
from core.tasks import load_task
from core.training import train
from core.training_data import TrainingData
from core.types import FrameFeatures, LabelledVideo, LabelSet, Segment, grid_us
from tests.core.conftest import random_features, tiny_backbone

LABELS = LabelSet(
    ("add salt", "cut tomato", "pour milk in cup", "stir tea"), ("make soup", "make tea")
)
EVERY = list(product(CLASSIFIERS, CODECS))
CLOSE = {"atol": 1e-6, "rtol": 0}
FREE = Cost(0, 0, 0)


def clips(count: int = 8, k: int = 1, seed: int = 0) -> tuple[LabelledVideo, FrameFeatures]:
    """A video of `count` segments, 3 to 8 frames long, that random features tell apart."""
    rng, segments, start = np.random.default_rng(seed), [], 1
    for place in range(count):
        end = start + int(rng.integers(3, 9))
        name = LABELS.classes[place % len(LABELS.classes)]
        segments.append(Segment(start * 250_000, end * 250_000, name))
        start = end + int(rng.integers(0, 2))
    name, duration = f"clips{seed}.mp4", (start + 2) * 250_000
    video = LabelledVideo(
        name, Path(name), "", duration, tuple(segments), split="train", goal=LABELS.goals[seed % 2]
    )
    time_us = grid_us(duration, 4.0)
    return video, FrameFeatures(random_features(len(time_us), k, seed=seed), time_us, time_us)


def settings(folder: Path, classifier: str, codec: str, **training: Any) -> RunConfig:
    return RunConfig.read({
        "backbone": str(folder), "classifier": classifier, "codec": codec,
        "task": "step_recognition",
        "training": {"device": "cpu", "dropout": 0, "seed": 3, "rank": 16, "alpha": 32, **training},
    })  # fmt: skip


def disturb(classifier: Classifier) -> Classifier:
    """Move everything that training may move, so that nothing is as it was built."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in classifier.parameters():
            if parameter.requires_grad:
                noise = torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
                parameter.add_(0.2 * noise)
    return classifier


# ---- eight examples are learned by heart ---------------------------------------------------------


@pytest.mark.training
@pytest.mark.parametrize(
    ("name", "codec"), [("discriminative", "text"), *product(["generative", "gad"], CODECS)]
)
def test_eight_clips_are_learned_by_heart(name, codec, tiny_folder, tmp_path):
    video, features = clips()
    config = settings(tiny_folder, name, codec, steps=120, batch=8, lr=1e-2)
    heard: list[dict[str, float]] = []
    data = TrainingData(LABELS, [(video, features)])
    train(config, data, tmp_path, report=lambda p: heard.append(p.values))
    predictor = load_run(tmp_path).predictor()
    found = predictor.predict(video, features, FREE)
    assert found.predicted.tolist() == [LABELS.index(s.label) for s in video.segments]
    losses = [values for values in heard if "loss" in values]
    learned = {"generative": {"gen"}, "discriminative": {"cls"}, "gad": {"cls", "gen"}}[name]
    assert learned == losses[0].keys() & {"cls", "gen"}
    for part in learned:  # GAD has its context by heart, too
        assert losses[-1][part] < 0.1 < 0.5 < losses[0][part]


# ---- a run comes back as it was saved ------------------------------------------------------------


@pytest.mark.parametrize(("name", "codec"), EVERY)
def test_a_saved_run_comes_back_to_the_bit(name, codec, tiny_folder, tmp_path):
    config = settings(tiny_folder, name, codec).model_copy(update={"task": "clip_tasks"})
    classifier = disturb(build_classifier(config, LABELS))
    write_run(classifier, config, LABELS, tmp_path, {"steps": 1})
    back = load_run(tmp_path)
    classifier.to(back.classifier.tokens.weight.device)
    before = Run(
        classifier, config, LABELS, load_task(config.task),
        recipe_of(config, classifier.backbone.card), {},
    )  # fmt: skip
    first, second = (run.predictor().predict(*clips(), FREE) for run in (before, back))
    assert np.isfinite(first.log_p.max(axis=1)).all()
    np.testing.assert_array_equal(first.log_p, second.log_p)
    np.testing.assert_array_equal(first.embedding, second.embedding)
    assert (first.texts, second.decoder) == (second.texts, first.decoder)


# ---- padding changes nothing ---------------------------------------------------------------------


def examples(name: str, task: str) -> tuple[Classifier, TrainingSet, Collator]:
    """Return a classifier in double precision with examples of many lengths, two tokens a frame."""
    backbone, asked = tiny_backbone(2, tokens_per_frame=2), load_task(task)
    words = Vocabulary(backbone.tokenizer, backbone.vocabulary)
    codec = make_codec("text", asked.classes(LABELS), words)
    kind, choices = classifier_class(name), asked.choices(LABELS)
    backbone.add_adapter(rank=4, alpha=8, dropout=0.0, output=kind.writes_text)
    classifier = disturb(kind(backbone, codec, choices).double()).eval()
    drawing = Drawing(6, 11, 0.3, 0.5, "previous_action", 512, 5, 100)
    data = [clips(3 + seed, k=2, seed=seed) for seed in range(3)]
    found = TrainingSet(data, asked, classifier, LABELS, drawing)
    return classifier, found, Collator(6 if asked.dense else None)


TASKS_ASKED = pytest.mark.parametrize(
    ("name", "task"), list(product(CLASSIFIERS, ["online_detection", "clip_tasks"]))
)


@TASKS_ASKED
@torch.inference_mode()
def test_a_batch_of_eight_equals_eight_batches_of_one(name, task):
    classifier, found, collate = examples(name, task)
    eight = [found[i] for i in range(8)]
    assert len({len(e.features) for e in eight}) > 2
    assert len({len(e.readout) for e in eight}) > 1
    batch = collate(eight)["batch"]
    together, hidden = classifier(batch), classifier.hidden(batch)
    sums = dict.fromkeys(together, 0.0)
    for row, example in enumerate(eight):
        alone = collate([example])["batch"]
        for part, loss in classifier(alone).items():
            sums[part] += loss.item() * alone.questions
        own = classifier.hidden(alone)[0]
        torch.testing.assert_close(hidden[row, : len(own)], own, **CLOSE)
    for part, loss in together.items():
        assert loss.item() == pytest.approx(sums[part] / batch.questions, abs=1e-6)


def padded_in_front(batch: Batch) -> Batch:
    """Move frames and readouts to the ends of their parts, and put noise in their places."""
    front, head, k = deepcopy(batch), batch.head, batch.features.shape[2]
    readouts = ("token", "text_target", "text_weight", "class_target", "class_weight")
    for row, kind in enumerate(batch.kind):
        spare = int((kind[1:head] == Kind.PAD).sum())
        later = int((kind[head:] == Kind.PAD).sum())
        front.features[row] = batch.features[row].roll(spare // k, 0)
        front.features[row, : spare // k] = 50
        for name in ("kind", "time", "end", "position"):
            old, new = getattr(batch, name)[row], getattr(front, name)[row]
            new[1:head], new[head:] = old[1:head].roll(spare), old[head:].roll(later)
        front.end[row, head + later :] += later
        for name in readouts:
            getattr(front, name)[row] = getattr(batch, name)[row].roll(later)
        front.token[row, :later] = 17
        front.time[row, 1 : 1 + spare] = front.time[row, head : head + later] = 3
    return front


@TASKS_ASKED
@torch.inference_mode()
def test_padding_in_front_and_what_stands_there_change_nothing(name, task):
    classifier, found, collate = examples(name, task)
    batch = collate([found[i] for i in range(8)])["batch"]
    front = padded_in_front(batch)
    assert (front.kind[:, 1] == Kind.PAD).any()
    assert (front.kind[:, front.head] == Kind.PAD).any()
    behind, before = (classifier.hidden(b)[b.kind[:, b.head :] != Kind.PAD] for b in (batch, front))
    torch.testing.assert_close(before, behind, **CLOSE)
    losses = classifier(batch), classifier(front)
    for part, loss in losses[0].items():
        assert losses[1][part].item() == pytest.approx(loss.item(), abs=1e-6)
