"""What is drawn for training: pure functions of seed, epoch and video; unbiased weights."""

import numpy as np
import pytest

from core.classifiers.generation_assisted import GenerationAssistedClassifier
from core.dataset import Drawing, TrainingSet, draw_texts
from core.labels.base import Vocabulary
from core.labels.text import TextCodec
from core.tasks import load_task
from core.types import LabelSet
from tests.core.conftest import tiny_backbone, toy_video

LABELS = LabelSet(("add salt", "stir tea"))


def examples(seed: int = 0, stretch: int = 16, videos: int = 3) -> TrainingSet:
    backbone = tiny_backbone()
    codec = TextCodec(
        ("background", *LABELS.classes), Vocabulary(backbone.tokenizer, backbone.vocabulary)
    )
    classifier = GenerationAssistedClassifier(backbone, codec)
    drawing = Drawing(8, stretch, 0.25, 0.5, "previous_action", 4096, seed, 100)
    data = [toy_video(f"v{i}", seed=i) for i in range(videos)]
    return TrainingSet(data, load_task("online_detection"), classifier, LABELS, drawing)


def same(a, b) -> bool:
    return (
        a.first == b.first
        and a.offset == b.offset
        and np.array_equal(a.features, b.features)
        and np.array_equal(a.readout.token, b.readout.token)
        and np.array_equal(a.readout.text_weight, b.readout.text_weight)
    )


def test_an_example_is_a_pure_function_of_its_place():
    first, second = examples(), examples()
    assert all(same(first[i], second[i]) for i in (0, 7, 31))


def test_epochs_and_seeds_draw_differently():
    data = examples()
    assert not same(data.example(0, 0), data.example(0, 1))
    assert not same(data.example(0, 0), examples(seed=1).example(0, 0))


def test_an_epoch_holds_every_stretch_once():
    data = examples()
    order = {data[i].features.tobytes() for i in range(data.per_epoch)}
    assert len(order) == data.per_epoch == 9  # 3 videos of 40 frames in stretches of at most 16


def test_stretches_cover_a_video_once_and_begin_with_unsupervised_frames():
    data = examples(videos=1)
    parts = [data.example(i, 3) for i in range(data.per_epoch)]
    asked = np.concatenate([np.unique(p.readout.time) for p in parts])
    assert sorted(asked.tolist()) == list(range(40))
    assert parts[0].first == 0
    for p in parts[1:]:
        assert p.readout.time.min() - p.first == 7  # window - 1


def test_background_carries_its_weight():
    readout = examples().example(0, 0).readout
    weights = readout.class_weight[readout.class_target == 0]
    assert set(weights.tolist()) == {0.5}


def test_few_texts_stand_for_all_frames():
    target = np.repeat([0, 1, 0, 2], 25)
    drawn = [draw_texts(target, 0.125, np.random.default_rng(i)) for i in range(400)]
    assert all(d.sum() == pytest.approx(100) for d in drawn)
    assert np.mean([(d > 0).sum() for d in drawn]) == pytest.approx(12.5, rel=0.1)


def test_boundaries_carry_texts_more_often_and_the_loss_is_weighted_back():
    target = np.repeat([0, 1, 0, 2], 25)
    drawn = np.array([draw_texts(target, 0.125, np.random.default_rng(i)) for i in range(3000)])
    chosen = (drawn > 0).mean(0)
    assert chosen[25] > 2 * chosen[10]
    importance = drawn.mean(0)
    assert importance[25] == pytest.approx(importance[10], rel=0.25)


def test_at_least_one_text_is_drawn():
    assert (draw_texts(np.zeros(3, np.int64), 0.01, np.random.default_rng(0)) > 0).sum() >= 1
