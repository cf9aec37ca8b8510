"""Clips of different lengths in one padded batch answer as each does alone."""

import numpy as np
import pytest
import torch

from core import clip_batches
from core.answers import Answerer
from core.classifiers.discriminative import DiscriminativeClassifier
from core.classifiers.generative import GenerativeClassifier
from core.clip_batches import batches, read_clips
from core.frame_cache import FrameCache
from tests.core.conftest import random_features
from tests.core.test_streaming import tiny

LENGTHS = (3, 11, 7)


@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("frames_are_read", [False, True])
@torch.inference_mode()
def test_padded_clips_give_the_hidden_states_of_each_alone(k: int, frames_are_read: bool):
    classifier = tiny(k=k)
    classifier.reads_frames = frames_are_read
    clips = [random_features(n, k, seed=n) for n in LENGTHS]
    asked = [np.array([n // 2, n - 1]) for n in LENGTHS]
    kinds = [np.zeros(2, np.int64)] * 3
    found, _ = read_clips(classifier, clips, asked, kinds, moments=False)
    for i, clip in enumerate(clips):
        cache = FrameCache(classifier, len(clip), k)
        alone = cache.push(torch.from_numpy(clip), classifier.roots([0, 0]), asked[i].tolist())
        torch.testing.assert_close(found[2 * i : 2 * i + 2], alone, atol=1e-6, rtol=0)


@torch.inference_mode()
def test_padded_clips_are_asked_as_each_alone():
    classifier = tiny(GenerativeClassifier)
    clips = [random_features(n, seed=n) for n in LENGTHS]
    asked, kinds = [np.array([n - 1]) for n in LENGTHS], [np.zeros(1, np.int64)] * 3
    hidden, moments = read_clips(classifier, clips, asked, kinds, moments=True)
    answerer = Answerer(classifier)
    found = answerer.answer(moments, hidden, np.zeros(3, np.int64))
    for i, clip in enumerate(clips):
        cache = FrameCache(classifier, len(clip), 1)
        root = cache.push(torch.from_numpy(clip), classifier.roots([0]), [len(clip) - 1])
        alone = answerer.answer(cache.moments(1), root, np.zeros(1, np.int64))
        np.testing.assert_allclose(found.scores.log_p[i], alone.scores.log_p[0], atol=1e-5)
        assert found.written and alone.written and found.written.texts[i] == alone.written.texts[0]


def test_batches_hold_every_clip_once_and_bound_the_padded_tokens(monkeypatch):
    monkeypatch.setattr(clip_batches, "_TOKENS", 40)
    tokens = np.random.default_rng(0).integers(1, 60, 50).tolist()
    found = [*batches(tokens)]
    assert sorted(i for group in found for i in group) == [*range(50)]
    for group in found:
        assert len(group) == 1 or len(group) * max(tokens[i] for i in group) <= 40


@torch.inference_mode()
def test_a_long_clip_is_read_in_blocks_and_answers_the_same(monkeypatch):
    from core import prediction
    from core.prediction import Asked, Predictor
    from core.tasks import load_task
    from core.types import LabelSet

    classifier = tiny(DiscriminativeClassifier)
    task, labels = load_task("step_recognition"), LabelSet(classifier.classes)
    predictor = Predictor(classifier, task, labels, window=4)
    asked = [
        Asked(random_features(n, seed=n), np.array([n - 1]), np.zeros(1, np.int64))
        for n in (30, 5, 40)
    ]
    together = predictor._answers(asked)
    monkeypatch.setattr(prediction, "LONG", 20)
    monkeypatch.setattr(prediction, "BLOCK", 16)
    apart = predictor._answers(asked)
    np.testing.assert_allclose(apart.scores.log_p, together.scores.log_p, atol=1e-5)
