"""The laws of the sequence: dense, blocks and streaming are one function."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from core.attention import dense_mask
from core.classifiers.base import Learned
from core.classifiers.discriminative import DiscriminativeClassifier
from core.decoding.trie import ask
from core.frame_cache import FrameCache
from core.labels.base import Vocabulary
from core.labels.text import TextCodec
from core.sequence import Example, Forest, Readout, collate
from tests.core.conftest import WORDS, random_features, tiny_backbone

CLOSE = {"atol": 1e-6, "rtol": 0}


def tiny_classifier(layers: int = 3, k: int = 1) -> DiscriminativeClassifier:
    backbone = tiny_backbone(layers, k)
    codec = TextCodec(tuple(WORDS), Vocabulary(backbone.tokenizer, backbone.vocabulary))
    return DiscriminativeClassifier(backbone, codec).double().eval()


@torch.inference_mode()
def dense(classifier, features, window, *, first=0, offset=0):
    """One masked pass with a root after every frame. Shape: [T, H]."""
    forest = Forest()
    for t in range(first, first + len(features)):
        forest.add(classifier.root, t)
    batch = collate([Example(features, forest.done(), first=first, offset=offset)], window)
    hidden = classifier.backbone.hidden(classifier.embed(batch), dense_mask(batch), batch.position)
    return hidden[0, -len(features) :].numpy()


@torch.inference_mode()
def in_blocks(classifier, features, window, size):
    cache = FrameCache(classifier, window, features.shape[1])
    parts = []
    for start in range(0, len(features), size):
        block = torch.from_numpy(features[start : start + size])
        parts.append(cache.push(block, classifier.root).numpy())
        cache.forget()
    return np.concatenate(parts)


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("size", [1, 4, 7, 40])
def test_blocks_of_any_size_equal_the_dense_pass(size: int, k: int):
    classifier, features = tiny_classifier(k=k), random_features(40, k)
    np.testing.assert_allclose(
        in_blocks(classifier, features, 8, size), dense(classifier, features, 8), **CLOSE
    )


@pytest.mark.parametrize("k", [1, 3])
def test_without_a_cls_token_training_and_blocks_read_the_same_frames(k: int):
    classifier, features = tiny_classifier(k=k), random_features(20, k)
    classifier.reads_frames = True
    forest = Forest()
    for t in range(5, 25):
        forest.add(Learned.CLS, t)
    batch = collate([Example(features, forest.done(), first=5)], 8)
    with torch.inference_mode():
        read = classifier.hidden(batch)[0]
        place = np.arange(k, 20 * k + 1, k)  # the last token of each frame
        torch.testing.assert_close(read, classifier.everywhere(batch)[0, place], **CLOSE)
        cache = FrameCache(classifier, 8, k)
        cache.frames = 5
        parts = [cache.push(torch.from_numpy(features[i : i + 4]), None) for i in (0, 4, 8, 12, 16)]
    torch.testing.assert_close(torch.cat(parts), read, **CLOSE)


def test_a_stream_in_single_precision_stays_close_to_the_dense_pass():
    classifier, features = tiny_classifier().float(), random_features(60)
    streamed = in_blocks(classifier, features, 8, 1)
    np.testing.assert_allclose(streamed, dense(classifier, features, 8), atol=1e-4, rtol=0)


def per_window(classifier, features, window, t):
    """Encode one window from scratch, with the position ids it has in the video."""
    first = max(0, t - window + 1)
    return dense(classifier, features[first : t + 1], window, first=first)[-1]


def test_one_layer_equals_windows_encoded_one_by_one():
    classifier, features = tiny_classifier(layers=1), random_features(20)
    whole = dense(classifier, features, 5)
    for t in range(20):
        np.testing.assert_allclose(whole[t], per_window(classifier, features, 5, t), **CLOSE)


def test_the_first_window_equals_windows_at_any_depth_and_later_frames_do_not():
    classifier, features = tiny_classifier(layers=3), random_features(20)
    whole = dense(classifier, features, 5)
    for t in range(5):
        np.testing.assert_allclose(whole[t], per_window(classifier, features, 5, t), **CLOSE)
    assert np.abs(whole[12] - per_window(classifier, features, 5, 12)).max() > 1e-3


def test_the_receptive_field_is_layers_times_window_less_one_plus_one():
    layers, window, t = 3, 4, 18
    field = layers * (window - 1) + 1
    classifier, features = tiny_classifier(layers), random_features(20)
    before = dense(classifier, features, window)[t]
    for age, changes in ((field, False), (field - 1, True)):
        other = features.copy()
        other[t - age] += 1
        moved = np.abs(dense(classifier, other, window)[t] - before).max()
        assert bool(moved > 1e-9) is changes


def test_an_offset_changes_only_the_distance_to_the_start():
    classifier, features = tiny_classifier(), random_features(10)
    near, far = dense(classifier, features, 4), dense(classifier, features, 4, offset=500)
    assert np.abs(near - far).max() > 1e-9
    np.testing.assert_allclose(far, dense(classifier, features, 4, first=500), **CLOSE)


def test_padding_changes_nothing():
    classifier, features = tiny_classifier(), random_features(9)
    forest = Forest()
    forest.add(Learned.CLS, 8)
    longer = Forest()
    for t in range(20):
        longer.add(Learned.CLS, t)
    examples = [
        Example(features, forest.done()),
        Example(random_features(20, seed=1), longer.done()),
    ]
    with torch.inference_mode():
        batch = collate(examples, 6)
        mask = dense_mask(batch)
        hidden = classifier.backbone.hidden(classifier.embed(batch), mask, batch.position)
    alone = dense(classifier, features, 6)[-1]
    np.testing.assert_allclose(hidden[0, 1 + 20].numpy(), alone, **CLOSE)


def test_memory_stays_flat():
    classifier = tiny_classifier(layers=1)
    cache = FrameCache(classifier, 6, 1)
    for _ in range(30):
        with torch.inference_mode():
            cache.push(torch.from_numpy(random_features(3)), classifier.root)
            cache.forget()
        assert cache.cache.layers[0].keys.shape[2] == 1 + min(5, cache.frames)


def test_a_moment_sees_the_start_and_its_own_window():
    classifier, features = tiny_classifier(), torch.from_numpy(random_features(7))
    with torch.inference_mode():
        cache = FrameCache(classifier, 4, 1)
        cache.push(features, classifier.root)
        moments = cache.moments(3)
    assert moments.time.tolist() == [4, 5, 6]
    assert moments.visible.sum(1).tolist() == [5, 5, 5]
    early = FrameCache(classifier, 4, 1)
    with torch.inference_mode():
        early.push(features[:2], classifier.root)
    assert early.moments(2).visible.sum(1).tolist() == [2, 3]


def small_tree(time: int, chain: tuple[int, ...] = ()) -> Readout:
    """Return a chain of tokens, and below it a token with two branches."""
    forest, node = Forest(), -1
    for token in chain:
        node = forest.add(token, time, node)
    top = forest.add(Learned.TEXT, time, node)
    forest.add(30, time, forest.add(20, time, top))
    forest.add(40, time, top)
    return forest.done()


@pytest.mark.parametrize("k", [1, 3])
@torch.inference_mode()
def test_a_chain_asked_in_the_cache_equals_the_chain_in_the_forest(k: int):
    classifier, features = tiny_classifier(k=k), random_features(9, k)
    chain = (11, 12, int(Learned.CLS), 13)
    cache = FrameCache(classifier, 4, k)
    cache.push(torch.from_numpy(features), classifier.root)
    moments = cache.moments(9)
    once = moments.after(classifier, chain)
    twice = moments.after(classifier, chain[:1]).after(classifier, chain[1:])
    assert moments.after(classifier, ()) is moments
    found = [ask(classifier, asked, small_tree(0)) for asked in (once, twice)]
    for t in range(9):
        batch = collate([Example(features, small_tree(t, chain))], 4)
        slow = classifier.hidden(batch)[0, len(chain) :]
        for hidden in found:
            torch.testing.assert_close(hidden[t], slow, **CLOSE)


@pytest.mark.parametrize("k", [1, 3])
@torch.inference_mode()
def test_the_blank_moment_is_a_sequence_without_frames(k: int):
    classifier, chain = tiny_classifier(k=k), (11, 12)
    cache = FrameCache(classifier, 4, k)
    cache.push(torch.from_numpy(random_features(6, k)), classifier.root)
    batch = collate([Example(random_features(0, k), small_tree(-1, chain))], 4)
    slow = classifier.hidden(batch)[0, len(chain) :]
    for blank in (cache.blank(), FrameCache(classifier, 1, 1).blank()):
        found = ask(classifier, blank.after(classifier, chain), small_tree(0))[0]
        torch.testing.assert_close(found, slow, **CLOSE)


def short_positions(limit: int, k: int = 1, layers: int = 1) -> DiscriminativeClassifier:
    """A classifier whose decoder ends at a position that a short video passes."""
    classifier = tiny_classifier(layers, k)
    classifier.backbone.card = replace(classifier.backbone.card, max_position=limit)
    return classifier


def in_cut_blocks(classifier, features, window, size):
    cache = FrameCache(classifier, window, features.shape[1])
    parts = []
    with torch.inference_mode():
        for start, end in cache.blocks(len(features), size):
            parts.append(cache.push(torch.from_numpy(features[start:end]), classifier.root).numpy())
            cache.forget()
    return np.concatenate(parts), cache


@pytest.mark.parametrize("k", [1, 3])
def test_a_video_longer_than_the_last_position_goes_back_and_blocks_still_agree(k: int):
    classifier, features = short_positions(64 + 24 * k, k, layers=3), random_features(70, k)
    one, cache = in_cut_blocks(classifier, features, 5, 1)
    assert cache.positions.room == 22
    for size in (4, 9, 70):
        np.testing.assert_allclose(in_cut_blocks(classifier, features, 5, size)[0], one, **CLOSE)


def test_after_going_back_frames_are_seen_at_smaller_positions():
    classifier, features = short_positions(64 + 24), random_features(70)
    found, cache = in_cut_blocks(classifier, features, 5, 8)
    for t in (21, 22, 25, 40, 69):
        behind = cache.positions.behind(t)
        window = features[max(0, t - 4) : t + 1]
        slow = dense(classifier, window, 5, first=t - len(window) + 1 - behind)[-1]
        np.testing.assert_allclose(found[t], slow, **CLOSE)
        assert t - behind < 22


def test_a_window_as_long_as_the_positions_only_grows():
    classifier = short_positions(64 + 24)
    assert FrameCache(classifier, 12, 1).positions.room == 0
    assert [*FrameCache(classifier, 12, 1).blocks(70, 30)] == [(0, 30), (30, 60), (60, 70)]
