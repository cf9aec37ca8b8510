"""Exact scoring against labels scored one by one; greedy writing against its own definition."""

import numpy as np
import pytest
import torch

from core.attention import dense_mask
from core.classifiers.generative import GenerativeClassifier
from core.decoding.beam import search
from core.decoding.exact import exact
from core.decoding.greedy import greedy
from core.decoding.trie import LabelTrie, ask
from core.decoding.written import Names
from core.frame_cache import FrameCache
from core.labels.base import Vocabulary
from core.labels.text import TextCodec
from core.sequence import Example, Forest, collate
from tests.core.conftest import WORDS, random_features, tiny_backbone

WINDOW = 5


@pytest.fixture
def classifier() -> GenerativeClassifier:
    backbone = tiny_backbone()
    return (
        GenerativeClassifier(
            backbone, TextCodec(tuple(WORDS), Vocabulary(backbone.tokenizer, backbone.vocabulary))
        )
        .double()
        .eval()
    )


@pytest.fixture
def moments(classifier):
    with torch.inference_mode():
        cache = FrameCache(classifier, WINDOW, 1)
        cache.push(torch.from_numpy(random_features(9)), classifier.root)
        yield cache.moments(9)


@torch.inference_mode()
def slow_scores(classifier, features, t):
    """log p of every label, each as its own sequence under the dense mask."""
    scores = []
    for index in range(len(WORDS)):
        forest = Forest()
        classifier.add_text(forest, classifier.codec.encode(index), t, weight=1.0)
        batch = collate([Example(features, forest.done())], WINDOW)
        hidden = classifier.backbone.hidden(
            classifier.embed(batch), dense_mask(batch), batch.position
        )
        log_p = classifier.backbone.logits(hidden[0, batch.head :]).log_softmax(-1)
        scores.append(log_p.gather(1, batch.text_target[0].unsqueeze(1)).sum().item())
    return np.array(scores)


@pytest.mark.parametrize("limit", [2, 3, 256])
def test_exact_equals_labels_scored_one_by_one_however_the_trie_is_cut(classifier, moments, limit):
    trie = LabelTrie(classifier.codec, classifier.backbone.eos, limit=limit)
    with torch.inference_mode():
        found = exact(classifier, moments, trie)
    for t in range(9):
        slow = slow_scores(classifier, random_features(9), t)
        np.testing.assert_allclose(found.log_p[t], slow, atol=2e-5)  # scores are kept in float32


def test_a_batch_of_moments_equals_moments_one_by_one(classifier, moments):
    trie = LabelTrie(classifier.codec, classifier.backbone.eos)
    with torch.inference_mode():
        together = exact(classifier, moments, trie).log_p
        alone = [exact(classifier, moments.rows(slice(i, i + 1)), trie).log_p[0] for i in range(9)]
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_asking_leaves_the_moments_as_they_were(classifier, moments):
    trie = LabelTrie(classifier.codec, classifier.backbone.eos)
    with torch.inference_mode():
        first = ask(classifier, moments, trie.pieces[0].readout)
        second = ask(classifier, moments, trie.pieces[0].readout)
    assert torch.equal(first, second)


def test_label_probabilities_leave_room_for_texts_that_are_no_label(classifier, moments):
    trie = LabelTrie(classifier.codec, classifier.backbone.eos)
    with torch.inference_mode():
        total = np.exp(exact(classifier, moments, trie).log_p).sum(1)
    assert (total > 0).all()
    assert (total <= 1 + 1e-6).all()


def test_a_label_that_begins_another_has_its_own_path(classifier):
    trie = LabelTrie(classifier.codec, classifier.backbone.eos)
    assert len({tuple(p) for p in trie.path.tolist()}) == len(WORDS)
    shorter, longer = WORDS.index("add"), WORDS.index("add sugar")
    assert classifier.codec.encode(longer)[: len(classifier.codec.encode(shorter))] == (
        classifier.codec.encode(shorter)
    )


def trie_and_exact(classifier, moments):
    trie = LabelTrie(classifier.codec, classifier.backbone.eos)
    return trie, exact(classifier, moments, trie)


@torch.inference_mode()
def test_a_beam_as_wide_as_the_label_set_finds_every_label_with_its_score(classifier, moments):
    trie, scored = trie_and_exact(classifier, moments)
    found = search(classifier, moments, trie, len(WORDS))
    np.testing.assert_allclose(found.log_p, scored.log_p, atol=1e-5)
    np.testing.assert_array_equal(found.nearest, scored.log_p.argmax(1))
    assert (found.distance == 0).all()


@torch.inference_mode()
@pytest.mark.parametrize("width", [1, 2, 3])
def test_what_a_narrow_beam_finds_has_its_exact_score(classifier, moments, width):
    trie, scored = trie_and_exact(classifier, moments)
    found = search(classifier, moments, trie, width)
    hit = np.isfinite(found.log_p)
    assert (hit.sum(1) >= 1).all()
    np.testing.assert_allclose(found.log_p[hit], scored.log_p[hit], atol=1e-5)
    total = np.nansum(found.token_log_p, axis=1)
    np.testing.assert_allclose(total, found.log_p.max(1), atol=1e-5)


@torch.inference_mode()
def test_the_narrowest_beam_takes_the_likeliest_allowed_token_at_every_node(classifier, moments):
    trie, _ = trie_and_exact(classifier, moments)
    found = search(classifier, moments, trie, 1)
    for row in range(len(moments)):
        written: list[int] = []
        while True:
            forest = Forest()
            classifier.add_text(forest, tuple(written), row, weight=1.0)
            batch = collate([Example(random_features(9), forest.done())], WINDOW)
            log_p = classifier.logits(classifier.hidden(batch)[0, -1:]).log_softmax(-1)[0]
            allowed = {
                (*classifier.codec.encode(i), classifier.backbone.eos)[len(written)]
                for i in range(len(WORDS))
                if list(classifier.codec.encode(i)[: len(written)]) == written
            }
            token = max(allowed, key=lambda t: float(log_p[t]))
            if token == classifier.backbone.eos:
                break
            written.append(token)
        assert found.nearest[row] == classifier.codec.decode(written)
        assert np.isfinite(found.log_p[row]).sum() == 1


def test_the_text_of_exact_is_the_text_of_greedy(classifier, moments):
    trie = LabelTrie(classifier.codec, classifier.backbone.eos)
    with torch.inference_mode():
        scored, written = (
            exact(classifier, moments, trie),
            greedy(classifier, moments, trie),
        )
    assert scored.texts == written.texts
    np.testing.assert_allclose(scored.token_log_p, written.token_log_p, atol=1e-5)
    np.testing.assert_array_equal(scored.distance, written.distance)


def test_greedy_writes_labels_after_learning_them(classifier):
    """A classifier that has learned one label writes it, at distance 0, with its probability."""
    features, target = random_features(4), WORDS.index("stir tea")
    forest = Forest()
    classifier.add_text(forest, classifier.codec.encode(target), 3, weight=1.0)
    batch = collate([Example(features, forest.done())], WINDOW)
    classifier.requires_grad_(True)
    optimiser = torch.optim.Adam(classifier.parameters(), 3e-3)
    for _ in range(60):
        optimiser.zero_grad()
        classifier(batch)["loss"].backward()
        optimiser.step()
    with torch.inference_mode():
        cache = FrameCache(classifier, WINDOW, 1)
        cache.push(torch.from_numpy(features), classifier.root)
        found = greedy(
            classifier, cache.moments(1), LabelTrie(classifier.codec, classifier.backbone.eos)
        )
    assert found.texts == ("stir tea",)
    assert found.distance.tolist() == [0]
    assert found.nearest.tolist() == [target]
    assert np.exp(found.log_p[0, target]) > 0.5
    assert np.isneginf(np.delete(found.log_p[0], target)).all()


def test_ties_in_edit_distance_go_to_the_alphabetically_first_label():
    nearest, distance = Names(("pour b", "pour a")).nearest(["pour c", "pour b"])
    assert nearest.tolist() == [1, 0]
    assert distance.tolist() == [1, 0]
