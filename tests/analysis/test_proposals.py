"""Proposals of dense predictions, against slow references on random answers."""

from itertools import pairwise

import numpy as np
import pytest

from analysis import within_segments
from analysis.proposals import boundaries, change, stretches
from core.scores import Scores
from core.types import SECOND, grid_us


def random_scores(rng: np.random.Generator, rows: int, classes: int, sharp: float = 1) -> Scores:
    """Return scores of answers that stay for some rows; large label sets keep some of them."""
    starts = rng.random(rows) < 0.2
    logits = rng.normal(0, 2, (rows, classes))[np.maximum.accumulate(np.arange(rows) * starts)]
    logits = sharp * logits + rng.normal(0, 1, (rows, classes))
    log_p = (logits - np.log(np.exp(logits).sum(1, keepdims=True))).astype(np.float32)
    return Scores.of(log_p, log_p.argmax(1))


def slow_stretches(said, times, end_us, shortest_us):
    """Join and drop as the rules say, one stretch at a time."""
    edges, said = [*times, end_us], list(said)
    at = 0
    while at < len(said):
        last = at + 1
        while said[at] and any(
            said[ahead] == said[at]
            for ahead in range(last, len(said))
            if edges[ahead] - edges[last] < shortest_us
        ):
            ahead = next(a for a in range(last, len(said)) if said[a] == said[at])
            said[last:ahead] = [said[at]] * (ahead - last)
            last = ahead + 1
        at = last
    cuts = [0, *(i for i in range(1, len(said)) if said[i] != said[i - 1]), len(said)]
    runs = [(a, b, said[a]) for a, b in pairwise(cuts)]
    return [(a, b, c) for a, b, c in runs if c and b > a and edges[b] - edges[a] >= shortest_us]


@pytest.mark.parametrize("seed", range(20))
def test_stretches_are_joined_and_dropped_as_the_rules_say(seed):
    rng = np.random.default_rng(seed)
    times = grid_us(int(rng.integers(10, 60) * SECOND), 5)
    scores = random_scores(rng, len(times), 4)
    said = scores.log_p.argmax(1)
    end_us, shortest_us = int(times[-1]) + 70_000, int(rng.integers(1, 10) * 100_000)
    found = stretches(said, scores, times, end_us, shortest_us=shortest_us)
    slow = slow_stretches(said, times.tolist(), end_us, shortest_us)
    edges = [*times.tolist(), end_us]
    assert [(s.start_us, s.end_us, s.label) for s in found] == [
        (edges[a], edges[b], c) for a, b, c in slow
    ]
    p = np.exp(scores.log_p)
    assert [s.confidence for s in found] == pytest.approx([p[a:b, c].mean() for a, b, c in slow])


def test_rows_behind_the_end_of_a_damaged_video_are_left_out():
    said, times = np.array([1, 1, 2, 2]), np.arange(4) * SECOND
    scores = Scores(np.log(np.full((4, 3), 1 / 3, np.float32)))
    found = stretches(said, scores, times, 2_600_000)
    assert [(s.start_us, s.end_us) for s in found] == [(0, 2_000_000), (2_000_000, 2_600_000)]
    assert stretches(said[:0], scores, times[:0], 0) == []


def slow_change(p: np.ndarray, window: int) -> list[float]:
    found = [0.0]
    for row in range(1, len(p)):
        past, coming = p[max(0, row - window) : row].mean(0), p[row : row + window].mean(0)
        found.append(float(np.abs(past - coming).sum() / 2))
    return found


@pytest.mark.parametrize(("rows", "window", "classes"), [(70, 3, 5), (7, 9, 5), (1, 2, 5)])
def test_change_is_the_total_variation_distance_of_neighbouring_windows(
    monkeypatch, rows, window, classes
):
    monkeypatch.setattr(within_segments, "_CELLS", 80)
    scores = random_scores(np.random.default_rng(rows), rows, classes)
    slow = slow_change(np.exp(scores.log_p.astype(float)), window)
    np.testing.assert_allclose(change(scores, window), slow, atol=1e-5)


def test_of_a_large_label_set_the_classes_that_were_not_kept_count_as_one():
    scores = random_scores(np.random.default_rng(3), 40, 900, sharp=3)
    assert scores.listed is not None
    p = np.zeros((40, 901))
    np.put_along_axis(p, scores.listed.astype(np.int64), scores.probability.astype(float), 1)
    p[:, 900] = 1 - p.sum(1)
    np.testing.assert_allclose(change(scores, 3), slow_change(p, 3), atol=1e-5)


def test_boundaries_are_where_the_answer_changes_and_where_the_distribution_does():
    sure = np.array([[0.6, 0.2, 0.2]] * 10 + [[0.6, 0.4, 0.0]] * 10 + [[0.1, 0.9, 0.0]] * 10)
    sure[15:20] = [0.52, 0.03, 0.45]  # the answer stays, what else it may be does not
    scores = Scores(np.log(sure.clip(1e-9)).astype(np.float32))
    said, times = sure.argmax(1), np.arange(30) * SECOND // 2
    assert boundaries(said, scores, times, 2.0).tolist() == [times[15], times[20]]
    flat = Scores(np.log(np.full((30, 3), 1 / 3, np.float32)))
    assert boundaries(np.zeros(30, np.int64), flat, times, 2.0).tolist() == []
