"""The trie of a moment against labels scored one by one, each with its whole softmax."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from core.attention import dense_mask
from core.classifiers.generative import GenerativeClassifier
from core.decoding import Scoring
from core.decoding.answering import Answering
from core.decoding.branches import LEAST, Branch, drawn
from core.decoding.inspection import inspect
from core.frame_cache import FrameCache
from core.labels.base import Vocabulary
from core.labels.text import TextCodec
from core.sequence import Example, Forest, collate
from tests.core.conftest import random_features, tiny_backbone
from tests.core.test_decoding import WINDOW

LABELS = ("add salt", "add sugar", "add", "stir tea", "stir soup", "cut bread", "cut", "pour milk")
FRAMES = 9


@pytest.fixture(scope="module")
def classifier() -> GenerativeClassifier:
    backbone = tiny_backbone()
    codec = TextCodec(LABELS, Vocabulary(backbone.tokenizer, backbone.vocabulary))
    classifier = GenerativeClassifier(backbone, codec).double().eval()
    # Few tokens compete, so that labels are likely enough for every term to count.
    competing = torch.zeros(backbone.vocabulary, dtype=torch.bool)
    competing[
        [backbone.eos, 5, 6, 7, *(t for i in range(len(LABELS)) for t in codec.encode(i))]
    ] = True
    classifier.competing = competing
    return classifier


@torch.inference_mode()
def moments(classifier):
    cache = FrameCache(classifier, WINDOW, 1)
    cache.push(torch.from_numpy(random_features(FRAMES)), None, [])
    return cache.moments(FRAMES)


def found_at(classifier, t: int, decoder: str = "exact", scoring: Scoring = "sum"):
    return inspect(Answering(classifier, decoder, scoring), moments(classifier).rows([t]))


@torch.inference_mode()
def slow(classifier, t: int, tokens: tuple[int, ...]) -> np.ndarray:
    """Log-softmax after every prefix of `tokens`, as a sequence of its own. [len + 1, V]."""
    forest, above = Forest(), -1
    for token in (int(classifier.root), *tokens):
        above = forest.add(token, t, above)
    batch = collate([Example(random_features(FRAMES), forest.done())], WINDOW)
    hidden = classifier.backbone.hidden(classifier.embed(batch), dense_mask(batch), batch.position)
    return classifier.logits(hidden[0, batch.head :]).log_softmax(-1).numpy()


def slow_label(classifier, t: int, label: int) -> float:
    tokens = (*classifier.codec.encode(label), classifier.backbone.eos)
    scores = slow(classifier, t, tokens[:-1])
    return float(np.exp(sum(scores[i, token] for i, token in enumerate(tokens))))


def prefixes(classifier) -> dict[tuple[int, ...], set[int]]:
    """What follows every prefix of a label, EOS included."""
    following: dict[tuple[int, ...], set[int]] = {}
    for label in range(len(LABELS)):
        tokens = (*classifier.codec.encode(label), classifier.backbone.eos)
        for n, token in enumerate(tokens):
            following.setdefault(tokens[:n], set()).add(token)
    return following


@pytest.mark.parametrize("t", [0, 4, 8])
def test_a_branch_is_the_sum_of_its_labels_scored_one_by_one(classifier, t):
    found = found_at(classifier, t)
    p = [slow_label(classifier, t, label) for label in range(len(LABELS))]
    np.testing.assert_allclose(np.exp(found.log_p), p, rtol=1e-4)
    assert found.not_a_label == pytest.approx(1 - sum(p), abs=1e-5)
    behind = np.zeros(len(found.parent))
    for label, node in enumerate(found.ends):
        while node >= 0:
            behind[node] += p[label]
            node = found.parent[node]
    np.testing.assert_allclose(found.p, behind, rtol=1e-4)


@pytest.mark.parametrize("t", [0, 8])
def test_what_leaves_the_trie_is_the_rest_of_the_softmax_at_every_node(classifier, t):
    found, leaving = found_at(classifier, t), {}
    for before, following in prefixes(classifier).items():
        scores = slow(classifier, t, before)
        reach = np.exp(sum(scores[i, token] for i, token in enumerate(before)))
        inside = np.exp(scores[len(before)][list(following)]).sum()
        leaving[before] = reach * (1 - inside)
    np.testing.assert_allclose(sorted(found.leaves), sorted(leaving.values()), atol=1e-6)
    assert found.leaves.sum() == pytest.approx(found.not_a_label, abs=1e-5)


def test_free_text_has_the_probability_and_entropy_of_each_token(classifier):
    for t in range(FRAMES):
        written = found_at(classifier, t).written
        tokens: tuple[int, ...] = ()
        for token in written.tokens:
            likely = slow(classifier, t, tokens)[-1]
            assert token.p == pytest.approx(np.exp(likely.max()), rel=1e-4)
            real = likely[np.isfinite(likely)]
            bits = -(np.exp(real) * real).sum() / np.log(2)
            assert token.entropy == pytest.approx(bits, rel=1e-4)
            tokens += (int(likely.argmax()),)
        read = [token for token in tokens if token != classifier.backbone.eos]
        assert written.text == classifier.codec.text(read)
        name, distance = written.nearest[0]
        assert name in LABELS
        assert written.nearest[1][1] >= distance


@pytest.mark.parametrize("t", [1, 7])
def test_the_answer_is_the_decoders_with_the_margin_to_the_second(classifier, t):
    p = np.array([slow_label(classifier, t, label) for label in range(len(LABELS))])
    first, second = np.argsort(-p)[:2]
    decision = found_at(classifier, t).decision
    assert (decision.label, decision.runner_up) == (LABELS[first], LABELS[second])
    assert decision.margin == pytest.approx(p[first] - p[second], rel=1e-3)
    by_text = found_at(classifier, t, "greedy")
    assert by_text.decision.label == by_text.written.nearest[0][0]
    assert by_text.decision.unit == "edits"
    distances = [distance for _, distance in by_text.written.nearest]
    assert by_text.decision.margin == distances[1] - distances[0]


def test_the_rule_of_the_mean_decides_by_the_mean(classifier):
    lengths = np.array([len(classifier.codec.encode(i)) + 1 for i in range(len(LABELS))])
    for t in range(FRAMES):
        found = found_at(classifier, t, scoring="mean")
        assert found.decision.label == LABELS[int((found.log_p / lengths).argmax())]
        assert found.decision.unit == "nats"


def leaves(branches: tuple[Branch, ...]) -> list[Branch]:
    return [e for b in branches for e in ([b] if b.label else []) + leaves(b.children)]


def test_drawn_branches_and_the_rest_make_one(classifier):
    for t in range(FRAMES):
        found = found_at(classifier, t)
        tree = drawn(found, ["add sugar"])
        shown = leaves(tree.branches)
        whole = sum(branch.ends for branch in shown) + tree.rest + found.not_a_label
        assert whole == pytest.approx(1, abs=1e-5)
        assert len(shown) + tree.others == len(LABELS)
        names = {branch.label for branch in shown}
        likely = {LABELS[i] for i in np.flatnonzero(np.exp(found.log_p) >= LEAST)}
        assert likely | {"add sugar", found.written.nearest[0][0]} == names


def test_labels_part_where_the_model_decides(classifier):
    tree = drawn(found_at(classifier, 3), LABELS)
    by_text = {branch.text: branch for branch in tree.branches}
    add = next(branch for text, branch in by_text.items() if text.startswith("add"))
    assert add.label == "add"
    assert add.labels == 3
    assert add.p == pytest.approx(sum(b.ends for b in leaves((add,))), rel=1e-6)
    for branch in leaves(tree.branches):
        assert not branch.children or branch.label in ("add", "cut")


def test_a_branch_ends_where_a_label_that_is_not_shown_turns_off(classifier):
    found, log_p = found_at(classifier, 3), np.full(len(LABELS), -20, np.float32)
    log_p[LABELS.index("stir tea")] = -0.1
    tree = drawn(replace(found, log_p=log_p))
    stir = next(branch for branch in tree.branches if branch.text.startswith("stir"))
    assert stir.labels == 2
    assert stir.label is None
    (tea,) = leaves((stir,))
    assert (tea.label, tea.labels) == ("stir tea", 1)
