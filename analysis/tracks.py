"""How far two people agree on videos: kappa of the frames, F1 of the segments.

Frames lie on a fixed grid, and background is a class. Segments are compared by their times: two are
the same action if they have one label and IoU = shared time / joint time is high enough.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.agreement import kappa
from analysis.reports import Tally
from analysis.segments import F1, IGNORED, Indices
from analysis.significance import DEFAULT, Bootstrap, Interval, bootstrap, interval

RATE = 10
"""Frames a second on which two tracks are compared."""

THRESHOLDS = (10, 25, 50)
"""IoU in percent, as for segment F1 of predictions."""

Times = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """The actions of one person in one video, in any order; they may overlap.

    Shapes: `start_us`, `end_us` and `label` int64 [segments], labels from 1 on; `ignored` int64
    [spans, 2] are not to be judged.
    """

    start_us: Times
    end_us: Times
    label: NDArray[np.int64]
    ignored: Times

    def __len__(self) -> int:
        return len(self.label)


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """Two tracks of one video: the labels of the frames that count, and F1 by IoU in percent.

    Shape: `said` [2, frames]. `segments` are the numbers of actions on the tracks.
    """

    said: Indices
    f1: Mapping[int, F1]
    segments: tuple[int, int]

    @property
    def frames(self) -> int:
        """How many frames count."""
        return self.said.shape[1]


@dataclass(frozen=True, slots=True)
class TrackAgreement:
    """Two tracks of some videos: kappa from −1 to 1, F1 in percent by IoU in percent."""

    kappa: Interval
    f1: Mapping[int, Interval]


def compare(first: Track, second: Track, grid_us: Times) -> Compared:
    """Compare two tracks of one video; frames that either marks as ignored do not count."""
    said = np.stack([frames(first, grid_us), frames(second, grid_us)])
    counted = (said != IGNORED).all(axis=0)
    f1 = segment_agreement(first, second, THRESHOLDS)
    return Compared(said[:, counted], f1, (len(first), len(second)))


def agreement(videos: Sequence[Compared], how: Bootstrap = DEFAULT) -> TrackAgreement:
    """Return the agreement over the frames and segments of all videos, with intervals over them.

    Kappa is None where both tracks are one class throughout.
    """
    said = [each.said for each in videos]
    alike = [[float((one == other).sum())] for one, other in said]
    same = Tally(np.array(alike), np.array([[float(each.frames)] for each in videos]))
    return TrackAgreement(
        bootstrap(kappa(said, same), len(videos), how),
        {p: interval(_tally([each.f1[p] for each in videos]), how) for p in THRESHOLDS},
    )


def _tally(counts: Sequence[F1]) -> Tally:
    hits = np.array([[2.0 * each.tp] for each in counts])
    return Tally(hits, hits + [[each.fp + each.fn] for each in counts])


def frames(track: Track, grid_us: Times) -> Indices:
    """Return the label of every frame, 0 where there is none and `IGNORED` where so marked. [T].

    Where several segments hold a frame, the one that started last wins, then the shorter, then the
    lower label, as in training.
    """
    found = np.zeros(len(grid_us), np.int64)
    order = np.lexsort((-track.label, -track.end_us, track.start_us))
    first = np.searchsorted(grid_us, track.start_us[order])
    last = np.searchsorted(grid_us, track.end_us[order])
    for a, b, label in zip(first, last, track.label[order], strict=True):  # later ones overwrite
        found[a:b] = label
    for a, b in np.searchsorted(grid_us, track.ignored):
        found[a:b] = IGNORED
    return found


def segment_agreement(first: Track, second: Track, thresholds: Sequence[int]) -> dict[int, F1]:
    """Count how many segments of two tracks are the same, the second taken for the prediction.

    Hits are the most pairs that can be formed of one segment of each track, none used twice, of one
    label and with IoU ≥ `threshold` / 100 (a maximum bipartite matching). So the order of the
    tracks does not matter, and segments of a track may overlap.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    one, other, shared, joint = _overlapping(first, second)
    found = {}
    for percent in thresholds:
        same = 100 * shared >= percent * joint
        pairs = (np.ones(same.sum(), np.int8), (one[same], other[same]))
        graph = csr_array(pairs, shape=(len(first), len(second)))
        hits = int((maximum_bipartite_matching(graph) >= 0).sum()) if same.any() else 0
        found[percent] = F1(hits, len(second) - hits, len(first) - hits)
    return found


def _overlapping(first: Track, second: Track) -> tuple[Indices, Indices, Times, Times]:
    """Return all pairs of one label that overlap: indices into the tracks, shared and joint time.

    Every label has a stretch of its own on one long axis of time, so one search serves them all.
    """
    length = int(max(first.end_us.max(initial=0), second.end_us.max(initial=0))) + 1
    order = np.lexsort((second.start_us, second.label))
    starts, ends = (second.label * length + time for time in (second.start_us, second.end_us))
    begins = first.label * length + first.start_us
    # Those that begin before mine ends, without the leading ones that have all ended by then.
    low = np.searchsorted(np.maximum.accumulate(ends[order]), begins, side="right")
    high = np.searchsorted(starts[order], first.label * length + first.end_us)
    counts = (high - low).clip(min=0)
    one = np.repeat(np.arange(len(first)), counts)
    other = order[np.arange(len(one)) + np.repeat(low - np.cumsum(counts) + counts, counts)]
    end = np.minimum(first.end_us[one], second.end_us[other])
    shared = end - np.maximum(first.start_us[one], second.start_us[other])
    lengths = (first.end_us - first.start_us)[one] + (second.end_us - second.start_us)[other]
    real = shared > 0
    return one[real], other[real], shared[real], (lengths - shared)[real]
