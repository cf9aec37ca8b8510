"""Streams: equal to the dense pass at every frame, whatever runs beside them, and flat."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from core.answers import Answerer
from core.classifiers.discriminative import DiscriminativeClassifier
from core.classifiers.generation_assisted import GenerationAssistedClassifier
from core.classifiers.generative import GenerativeClassifier
from core.errors import InvalidConfig
from core.frame_cache import FrameCache
from core.frame_ring import FrameRing
from core.labels.base import Vocabulary
from core.labels.text import TextCodec
from core.streaming import StreamingPredictor
from tests.core.conftest import WORDS, random_features, tiny_backbone

WINDOW = 6
CLOSE = {"atol": 1e-6, "rtol": 0}
KINDS = (DiscriminativeClassifier, GenerationAssistedClassifier, GenerativeClassifier)


def tiny(kind: type = DiscriminativeClassifier, k: int = 1, limit: int = 4096, layers: int = 3):
    backbone = tiny_backbone(layers, k)
    backbone.card = replace(backbone.card, max_position=limit)
    codec = TextCodec(tuple(WORDS), Vocabulary(backbone.tokenizer, backbone.vocabulary))
    return kind(backbone, codec).double().eval()


@torch.inference_mode()
def dense(classifier, features, *, frames: bool = False) -> torch.Tensor:
    """The hidden states of the dense pass at the roots, or at the frames' last tokens. [T, H]."""
    cache = FrameCache(classifier, WINDOW, features.shape[1])
    parts = []
    for start, end in cache.blocks(len(features), len(features)):
        block = torch.from_numpy(features[start:end])
        parts.append(cache.push(block, None if frames else classifier.root))
        cache.forget()
    return torch.cat(parts)


def ring_of(classifier, k: int = 1, streams: int = 1) -> FrameRing:
    with torch.inference_mode():
        return FrameRing(classifier, WINDOW, k, streams=streams)


@torch.inference_mode()
def streamed(ring: FrameRing, videos: np.ndarray, root: int) -> torch.Tensor:
    """Push `videos` [B, T, k, d] frame by frame. Returns [B, T, 2, H]: frame and root."""
    asked = ring.model.embed_tokens(torch.tensor([int(root)]))
    steps = [ring.push(torch.from_numpy(videos[:, t]), asked) for t in range(videos.shape[1])]
    return torch.stack(steps, dim=1)


@pytest.mark.parametrize("k", [1, 3])
def test_a_stream_equals_the_dense_pass_at_every_frame(k: int):
    classifier, features = tiny(k=k), random_features(25, k)
    found = streamed(ring_of(classifier, k), features[None], classifier.root)[0]
    torch.testing.assert_close(found[:, 1], dense(classifier, features), **CLOSE)
    torch.testing.assert_close(found[:, 0], dense(classifier, features, frames=True), **CLOSE)


def test_streams_in_one_batch_know_nothing_of_each_other():
    classifier = tiny()
    videos = np.stack([random_features(20, seed=i) for i in range(3)])
    found = streamed(ring_of(classifier, streams=3), videos, classifier.root)
    for i in range(3):
        torch.testing.assert_close(found[i, :, 1], dense(classifier, videos[i]), **CLOSE)


def test_a_stream_that_begins_anew_forgets_and_the_others_go_on():
    classifier = tiny()
    ring = ring_of(classifier, streams=2)
    videos = np.stack([random_features(19, seed=i) for i in range(2)])
    before = streamed(ring, videos[:, :9], classifier.root)
    with torch.inference_mode():
        ring.reset(0)
    after = streamed(ring, videos[:, 9:], classifier.root)
    torch.testing.assert_close(after[0, :, 1], dense(classifier, videos[0, 9:]), **CLOSE)
    whole = torch.cat([before[1, :, 1], after[1, :, 1]])
    torch.testing.assert_close(whole, dense(classifier, videos[1]), **CLOSE)


@pytest.mark.parametrize("k", [1, 3])
def test_a_stream_longer_than_the_last_position_equals_the_dense_pass(k: int):
    classifier, features = tiny(k=k, limit=64 + 24 * k), random_features(70, k)
    ring = ring_of(classifier, k)
    assert ring.positions.room == 22
    found = streamed(ring, features[None], classifier.root)[0, :, 1]
    torch.testing.assert_close(found, dense(classifier, features), **CLOSE)


def test_streams_of_different_ages_go_back_one_by_one():
    classifier = tiny(limit=64 + 24)
    ring = ring_of(classifier, streams=2)
    videos = np.stack([random_features(40, seed=i) for i in range(2)])
    streamed(ring, videos[:, :7], classifier.root)
    with torch.inference_mode():
        ring.reset(1)
    found = streamed(ring, videos[:, 7:], classifier.root)[1, :, 1]
    torch.testing.assert_close(found, dense(classifier, videos[1, 7:]), **CLOSE)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("decoder", ["exact", "greedy"])
@torch.inference_mode()
def test_answers_of_a_stream_are_those_of_the_dense_pass(kind: type, decoder: str):
    classifier, features = tiny(kind), random_features(9)
    if kind is GenerationAssistedClassifier:
        classifier.strategy = "generation_first"
    cache = FrameCache(classifier, WINDOW, 1)
    hidden = cache.push(torch.from_numpy(features), classifier.roots([0]))
    answerer = Answerer(classifier, decoder)
    moments = None if answerer.at_root else cache.moments(9)
    slow = answerer.answer(moments, hidden, np.zeros(9, np.int64))
    stream = StreamingPredictor(classifier, WINDOW, 1, decoder=decoder)
    for t in range(9):
        (found,) = stream.push(torch.from_numpy(features[t : t + 1]))
        np.testing.assert_allclose(found.scores.log_p[0], slow.scores.log_p[t], atol=1e-5)
        assert found.predicted[0] == slow.predicted[t]


def test_heads_on_the_same_frames_are_asked_in_one_step():
    first, second, third = tiny(), tiny(), tiny()
    second.tokens.weight.data.normal_()
    third.reads_frames = True
    calls, features = [], random_features(8)
    first.backbone.causal.get_decoder().register_forward_pre_hook(lambda *_: calls.append(1))
    together = StreamingPredictor([first, second, third], WINDOW, 1)
    alone = [StreamingPredictor(c, WINDOW, 1) for c in (second, third)]
    calls.clear()
    for t in range(8):
        frame = torch.from_numpy(features[t : t + 1])
        found = together.push(frame)[1:]
        for a, b in zip(found, [each.push(frame)[0] for each in alone], strict=True):
            np.testing.assert_allclose(a.scores.log_p, b.scores.log_p, atol=1e-6)
    assert len(calls) == 8


def test_classifiers_that_read_frames_differently_are_refused():
    other = tiny()
    other.backbone.connector[0].weight.data += 0.1
    with pytest.raises(InvalidConfig, match="read them alike"):
        StreamingPredictor([tiny(), other], WINDOW, 1)


def test_a_stream_in_single_precision_stays_close_over_a_long_video():
    classifier = tiny().float()
    features = random_features(400)
    found = streamed(ring_of(classifier), features[None], classifier.root)[0, :, 1]
    torch.testing.assert_close(found, dense(classifier, features), atol=1e-4, rtol=0)


@pytest.mark.slow
def test_ten_thousand_frames_leave_the_buffers_where_they_are():
    classifier = tiny(layers=1)
    ring = ring_of(classifier)
    features = random_features(10)
    streamed(ring, features[None], classifier.root)
    places = [(layer.keys.data_ptr(), layer.keys.shape) for layer in ring._layers]
    for _ in range(1000):
        streamed(ring, features[None], classifier.root)
    assert [(layer.keys.data_ptr(), layer.keys.shape) for layer in ring._layers] == places
    assert ring.clock == [10_010]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_a_step_captured_on_a_gpu_equals_the_dense_pass():
    classifier, features = tiny().float().cuda(), random_features(25)
    with torch.inference_mode():
        ring = FrameRing(classifier, WINDOW, 1)
        asked = classifier.embed_tokens(torch.tensor([int(classifier.root)], device="cuda"))
        steps = [ring.push(torch.from_numpy(features[t : t + 1]), asked)[0, 1] for t in range(25)]
    found = torch.stack(steps).cpu()
    torch.testing.assert_close(found, dense(classifier, features).cpu(), atol=1e-4, rtol=0)
