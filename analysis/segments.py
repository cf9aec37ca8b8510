"""One video at a time: frames, segments, points and the order of actions, counted or scored.

Counts add up with `+`; "micro over videos" is the sum. Frames whose truth is `IGNORED` are removed
from both sequences first. A figure without a denominator is None, never NaN, because results are
written as JSON. Every formula stands in docs/metrics.md.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.types import runs_of_equal

IGNORED = -100
"""Truth of a frame that carries no target and is left out of every figure."""

Anchor = Literal["start", "mid"]

Indices = NDArray[np.integer]
"""Class index of every frame, or of every clip, of one video."""


def percent(part: float, whole: float) -> float | None:
    """Return 100 · part / whole, None where there is no whole."""
    return 100.0 * part / whole if whole else None


@dataclass(frozen=True, slots=True)
class F1:
    """Hits, false alarms and misses; counts of several videos are added with `+`."""

    tp: int = 0
    fp: int = 0
    fn: int = 0

    def __add__(self, other: "F1") -> "F1":
        return F1(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn)

    @property
    def f1(self) -> float | None:
        """2 TP / (2 TP + FP + FN) in percent; None where nothing is there and nothing was said."""
        return percent(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def precision(self) -> float | None:
        """TP / (TP + FP) in percent."""
        return percent(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float | None:
        """TP / (TP + FN) in percent."""
        return percent(self.tp, self.tp + self.fn)


def segments_of(labels: Indices, background: int = 0) -> NDArray[np.int64]:
    """Return the maximal runs of one action as rows (start, end, class), end exclusive.

    Shape: [frames] → [segments, 3].
    """
    runs = np.array(runs_of_equal(labels), dtype=np.int64).reshape(-1, 3)
    return runs[runs[:, 2] != background]


def without_ignored(truth: Indices, prediction: Indices) -> tuple[Indices, Indices]:
    """Return both sequences without the frames whose truth is `IGNORED`."""
    kept = truth != IGNORED
    return truth[kept], prediction[kept]


def frame_accuracy(truth: Indices, prediction: Indices) -> float | None:
    """Return the share of frames, background included, that are right, in percent."""
    truth, prediction = without_ignored(truth, prediction)
    return percent(int((truth == prediction).sum()), len(truth))


def segment_f1(
    truth: Indices, prediction: Indices, *, threshold: float = 0.1, background: int = 0
) -> F1:
    """Count segments of one video as hit or missed by their overlap.

    Predicted segments come in time order; each picks the true segment of its class with the highest
    IoU, of equals the earliest, and is a hit if IoU ≥ threshold and nobody hit that one before.
    """
    truth, prediction = without_ignored(truth, prediction)
    true_run, predicted_run = _run_of_frame(truth), _run_of_frame(prediction)
    both = (truth == prediction) & (truth != background)
    # Two runs overlap by the frames they share, so the pairs of runs seen at some frame are enough.
    pairs, shared = np.unique((predicted_run * len(truth) + true_run)[both], return_counts=True)
    guess, target = np.divmod(pairs, max(len(truth), 1))
    union = np.bincount(predicted_run)[guess] + np.bincount(true_run)[target] - shared
    iou = shared / union
    order = np.lexsort((target, -iou, guess))
    best = order[np.unique(guess[order], return_index=True)[1]]
    # Of all predictions that chose one true segment the first is the hit: hits = distinct choices.
    hits = len(np.unique(target[best][iou[best] >= threshold]))
    said, there = len(segments_of(prediction, background)), len(segments_of(truth, background))
    return F1(hits, said - hits, there - hits)


def _run_of_frame(labels: Indices) -> NDArray[np.int64]:
    """Return the index of the run of equal values that each frame belongs to."""
    starts = np.ones(len(labels), dtype=np.int64)
    starts[1:] = labels[1:] != labels[:-1]
    return np.cumsum(starts) - 1


def point_f1(
    truth: Indices,
    prediction: Indices,
    *,
    tolerance: float,
    anchor: Anchor = "start",
    background: int = 0,
) -> F1:
    """Count the starts, or midpoints, of one video's segments as hit or missed.

    Each predicted point takes the nearest true point of *any* class, of two equally near the
    earlier. It is a hit if that lies within `tolerance` frames, is of its class and not yet hit.
    """
    truth, prediction = without_ignored(truth, prediction)
    there, said = segments_of(truth, background), segments_of(prediction, background)
    if len(there) == 0 or len(said) == 0:
        return F1(0, len(said), len(there))
    points, guesses = _points(there, anchor), _points(said, anchor)
    after = np.searchsorted(points, guesses).clip(max=len(points) - 1)
    before = (after - 1).clip(min=0)
    earlier = np.abs(guesses - points[before]) <= np.abs(guesses - points[after])
    nearest = np.where(earlier, before, after)
    right = there[nearest, 2] == said[:, 2]
    right &= np.abs(guesses - points[nearest]) <= tolerance
    hits = len(np.unique(nearest[right]))
    return F1(hits, len(said) - hits, len(there) - hits)


def _points(segments: NDArray[np.int64], anchor: Anchor) -> NDArray[np.float64]:
    if anchor == "start":
        return segments[:, 0].astype(np.float64)
    return (segments[:, 0] + segments[:, 1]) / 2


def edit_score(truth: Indices, prediction: Indices, *, background: int = 0) -> float:
    """Return 100 · (1 − d / max(m, n)) for the two sequences of actions of one video.

    d is the Levenshtein distance, m and n are the numbers of segments; two empty sequences agree.
    """
    truth, prediction = without_ignored(truth, prediction)
    there, said = segments_of(truth, background)[:, 2], segments_of(prediction, background)[:, 2]
    longest = max(len(there), len(said))
    return 100.0 * (1.0 - _levenshtein(there, said) / longest) if longest else 100.0


def _levenshtein(one: Indices, other: Indices) -> int:
    steps = np.arange(len(other) + 1)
    row = steps
    for count, item in enumerate(one, start=1):
        moved = np.concatenate([[count], np.minimum(row[1:] + 1, row[:-1] + (other != item))])
        # An insertion costs one per step to the right, a running minimum once that is taken off.
        row = np.minimum.accumulate(moved - steps) + steps
    return int(row[-1])
