"""What a run says within segments, against one segment at a time."""

import numpy as np
import pytest

from analysis import within_segments
from analysis.label_errors import margins
from analysis.within_segments import majority, opinion, rows_of_spans, rows_within
from core.types import SECOND
from tests.analysis.test_proposals import random_scores


def random_segments(rng, count, end_us):
    start = rng.integers(0, end_us, count)
    return start, start + rng.integers(1, 5 * SECOND, count)


@pytest.mark.parametrize("seed", range(5))
def test_a_segment_has_the_rows_on_its_grid_times_or_the_one_that_its_start_lies_in(seed):
    rng = np.random.default_rng(seed)
    times = np.arange(60) * SECOND // 2
    start, end = random_segments(rng, 200, 30 * SECOND)
    end[:50] = start[:50] + 1
    rows = rows_within(times, start, end)
    for first, last, a, b in zip(rows.first, rows.last, start, end, strict=True):
        inside = [i for i, t in enumerate(times) if a <= t < b]
        assert list(range(first, last)) == (inside or [max(i for i in range(60) if times[i] <= a)])


def test_a_clip_has_the_row_of_exactly_its_times():
    spans = np.array([[0, 5], [5, 9], [0, 9]])
    rows = rows_of_spans(spans, np.array([0, 0, 5]), np.array([9, 8, 9]))
    assert rows.some.tolist() == [True, False, True]
    assert rows.first[rows.some].tolist() == [2, 1]


@pytest.mark.parametrize(("classes", "cells"), [(5, 1 << 22), (5, 40), (900, 1 << 22), (900, 2000)])
def test_opinions_are_means_over_the_rows_of_a_segment(monkeypatch, classes, cells):
    monkeypatch.setattr(within_segments, "_CELLS", cells)
    rng = np.random.default_rng(classes)
    scores = random_scores(rng, 60, classes, sharp=2)
    p = np.zeros((60, classes))
    listed = np.tile(np.arange(classes), (60, 1)) if scores.listed is None else scores.listed
    np.put_along_axis(p, listed.astype(np.int64), scores.probability.astype(float), 1)
    rows = rows_within(np.arange(60) * SECOND // 2, *random_segments(rng, 50, 30 * SECOND))
    own = rng.integers(1, classes, 50)
    found = opinion(own, rows, scores, range(1, classes))
    means = np.array([p[a:b].mean(0) for a, b in zip(rows.first, rows.last, strict=True)])
    np.testing.assert_allclose(found.confidence, means[np.arange(50), own], atol=1e-6)
    np.testing.assert_array_equal(found.suggestion, means[:, 1:].argmax(1) + 1)
    np.testing.assert_allclose(found.suggestion_confidence, means[:, 1:].max(1), atol=1e-6)


def test_the_majority_is_the_commonest_answer_and_of_equals_the_first_class():
    rng = np.random.default_rng(0)
    said = rng.integers(0, 4, 60)
    rows = rows_within(np.arange(60) * SECOND // 2, *random_segments(rng, 80, 30 * SECOND))
    slow = [np.bincount(said[a:b]).argmax() for a, b in zip(rows.first, rows.last, strict=True)]
    assert majority(said, rows, 4).tolist() == slow
    none = rows.of(np.zeros(80, bool))
    assert majority(said, none, 4).tolist() == []
    assert len(opinion(said[:0], none, random_scores(rng, 60, 4), range(4)).own) == 0


def slow_margins(own, confidence):
    def usual(label):
        same = [p for c, p in zip(own, confidence, strict=True) if c == label]
        return sum(same) / len(same)

    return [p - usual(c) for c, p in zip(own, confidence, strict=True)]


def slow_auc(score, wrong):
    """How often a wrong label ranks below a right one, over all pairs."""
    below = score[wrong][:, None] < score[~wrong]
    return (below + 0.5 * (score[wrong][:, None] == score[~wrong])).mean()


def swapped(seed: int):
    """Return what a run believes of labels of which every tenth is wrong; it finds half hard."""
    rng = np.random.default_rng(seed)
    classes, count = 6, 300
    true = rng.integers(0, classes, count)
    strength = np.where(true < 3, 1.5, 5.0)[:, None]
    logits = rng.normal(0, 1, (count, classes)) + strength * np.eye(classes)[true]
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    wrong = rng.random(count) < 0.1
    own = np.where(wrong, (true + rng.integers(1, classes, count)) % classes, true)
    return own, p[np.arange(count), own], wrong


@pytest.mark.parametrize("seed", range(8))
def test_swapped_labels_rank_above_the_right_ones(seed):
    own, confidence, wrong = swapped(seed)
    found = margins(own, confidence)
    np.testing.assert_allclose(found, slow_margins(own, confidence), atol=1e-12)
    assert slow_auc(found, wrong) > 0.93


def test_the_margin_finds_more_than_the_confidence_alone():
    made = [swapped(seed) for seed in range(12)]
    found = np.mean([slow_auc(margins(own, sure), wrong) for own, sure, wrong in made])
    alone = np.mean([slow_auc(sure, wrong) for _, sure, wrong in made])
    assert found > alone + 0.005
