"""Agreement of two tracks, against scikit-learn and references that try everything."""

from itertools import pairwise, permutations
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from analysis.segments import IGNORED, segment_f1
from analysis.significance import Bootstrap
from analysis.tracks import RATE, Track, agreement, compare, frames, segment_agreement
from core.tasks.online_detection import frame_targets
from core.types import SECOND, LabelledVideo, LabelSet, Segment, grid_us

LENGTH_US = 60 * SECOND
GRID = grid_us(LENGTH_US, RATE)
NAMES = ("a", "b", "c")


def track(rng: np.random.Generator, count: int = 12, ignored: int = 1) -> Track:
    """Return a track whose segments overlap as chance has it."""
    start = rng.integers(0, 20, count + ignored) * SECOND  # so that some start together
    end = start + rng.integers(10_000, 9 * SECOND, count + ignored)
    spans = np.stack([start, end], axis=1)
    label = rng.integers(1, 4, count)
    return Track(start[:count], end[:count], label, spans[count:])


def shaken(rng: np.random.Generator, of: Track) -> Track:
    """Return what a second person might have made of it."""
    kept = rng.random(len(of)) < 0.9
    start = (of.start_us + rng.integers(-SECOND, SECOND, len(of))).clip(0)[kept]
    end = np.maximum(of.end_us[kept] + rng.integers(-SECOND, SECOND, kept.sum()), start + 1000)
    label = np.where(rng.random(kept.sum()) < 0.9, of.label[kept], rng.integers(1, 4, kept.sum()))
    return Track(start, end, label, of.ignored[:0])


@pytest.mark.parametrize("seed", range(10))
def test_frames_are_labelled_as_for_training(seed):
    made = track(np.random.default_rng(seed), ignored=2)
    segments = zip(made.start_us, made.end_us, made.label, strict=True)
    video = LabelledVideo(
        "v", Path("v"), "h", LENGTH_US, tuple(Segment(a, b, NAMES[c - 1]) for a, b, c in segments),
        tuple(map(tuple, made.ignored.tolist())),
    )  # fmt: skip
    slow = frame_targets(video, GRID, LabelSet(NAMES))
    np.testing.assert_array_equal(frames(made, GRID), slow)


def iou(one, other) -> float:
    shared = max(0, min(one[1], other[1]) - max(one[0], other[0]))
    return shared / (one[1] - one[0] + other[1] - other[0] - shared)


def most_pairs(first: Track, second: Track, percent: int) -> int:
    """Try all ways to pair segments: only for a few."""

    def fits(i, j):
        same = first.label[i] == second.label[j]
        spans = [(t.start_us[k], t.end_us[k]) for t, k in ((first, i), (second, j))]
        return same and iou(*spans) > 0 and 100 * iou(*spans) >= percent

    if len(first) > len(second):
        return most_pairs(second, first, percent)
    ways = permutations(range(len(second)), len(first))
    return max(sum(fits(i, j) for i, j in enumerate(way)) for way in ways)


@pytest.mark.parametrize("percent", [10, 25, 50])
@pytest.mark.parametrize("seed", range(6))
def test_hits_are_the_most_pairs_there_can_be_in_either_direction(seed, percent):
    rng = np.random.default_rng(seed)
    first = track(rng, 5)
    first.label[:] = rng.integers(1, 3, 5)  # crowded, so that pairs compete
    second = shaken(rng, first)
    found = segment_agreement(first, second, [percent])[percent]
    assert found.tp == most_pairs(first, second, percent)
    assert (found.tp + found.fn, found.tp + found.fp) == (len(first), len(second))
    assert segment_agreement(second, first, [percent])[percent].f1 == found.f1


def test_one_long_and_two_short_segments_pair_as_well_as_they_can():
    # Greedily the long one would take the better of its partners, and leave the other one alone.
    none = np.empty((0, 2), np.int64)
    first = Track(np.array([0, 6]), np.array([10, 10]), np.array([1, 1]), none)
    second = Track(np.array([5, 0]), np.array([10, 3]), np.array([1, 1]), none)
    assert segment_agreement(first, second, [25])[25].tp == 2


@pytest.mark.parametrize("seed", range(5))
def test_without_overlaps_and_above_half_it_is_the_f1_of_predictions(seed):
    rng = np.random.default_rng(seed)
    one, other = (np.repeat(rng.integers(0, 4, 60), 10) for _ in range(2))
    other = np.where(rng.random(600) < 0.02, other, np.roll(one, int(rng.integers(1, 4))))
    made = []
    for labels in (one, other):
        cuts = [0, *(np.flatnonzero(np.diff(labels)) + 1).tolist(), 600]
        runs = [(a, b, labels[a]) for a, b in pairwise(cuts) if labels[a]]
        made.append(Track(*np.array(runs).T, np.empty((0, 2), np.int64)))
    assert segment_agreement(*made, [51])[51] == segment_f1(one, other, threshold=0.51)


@pytest.mark.parametrize("seed", range(5))
def test_kappa_is_that_of_scikit_learn_over_the_frames_that_both_judge(seed):
    rng = np.random.default_rng(seed)
    first = [track(rng) for _ in range(4)]
    second = [shaken(rng, each) for each in first]
    videos = [compare(a, b, GRID) for a, b in zip(first, second, strict=True)]
    one, other = (np.concatenate([frames(t, GRID) for t in each]) for each in (first, second))
    counted = (one != IGNORED) & (other != IGNORED)
    assert sum(each.frames for each in videos) == counted.sum() < len(GRID) * 4
    found = agreement(videos, Bootstrap(200))
    assert found.kappa.value == pytest.approx(cohen_kappa_score(one[counted], other[counted]))
    assert found.kappa.low <= found.kappa.value <= found.kappa.high
    hits = sum(segment_agreement(a, b, [25])[25].tp for a, b in zip(first, second, strict=True))
    both = sum(map(len, first)) + sum(map(len, second))
    assert found.f1[25].value == pytest.approx(100 * 2 * hits / both)


def test_two_tracks_of_one_class_throughout_have_no_kappa():
    none = np.empty((0, 2), np.int64)
    whole = Track(np.array([0]), np.array([LENGTH_US]), np.array([1]), none)
    found = agreement([compare(whole, whole, GRID)])
    assert found.kappa.value is None
    assert found.f1[50].value == 100
    assert found.f1[50].low is None
