"""What a run proposes to a person who labels: stretches of one action, and where things change."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from analysis.within_segments import Rows, means, sparse
from core.scores import Scores
from core.types import SECOND, runs_of_equal

SHORTEST_US = SECOND // 2
"""Shorter stretches are no proposals."""

_WINDOW_S = 1.0  # of the distributions that are compared before and after a time
_LEAST_CHANGE = 0.25  # a quarter of the probability goes elsewhere

Times = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Stretch:
    """`[start_us, end_us)`, the class that is proposed there, and its mean probability."""

    start_us: int
    end_us: int
    label: int
    confidence: float


def stretches(
    predicted: NDArray[np.int64],
    scores: Scores,
    time_us: Times,
    end_us: int,
    *,
    shortest_us: int = SHORTEST_US,
    background: int = 0,
) -> list[Stretch]:
    """Return the maximal stretches of one action in a dense prediction, by time.

    A row stands for the time to the next one, the last for the time to the video's end. First,
    stretches of one action less than `shortest_us` apart become one, whatever lay between (the
    earlier one decides where two actions alternate); then those shorter than `shortest_us` are
    dropped. These are the two rules, in this order, by which speech activity is made of frame
    scores (Gelly and Gauvain 2015, "Minimum word error training of RNN-based voice activity
    detection"; `min_duration_off` and `min_duration_on` of pyannote.audio).

    Args:
        predicted: The class of every row. Shape: [rows].
        scores: What the run says of all classes.
        time_us: The rows' grid times, ascending. Shape: [rows].
        end_us: Where the video ends.
        shortest_us: What is shorter is noise.
        background: The class that is never proposed.
    """
    inside = int(np.searchsorted(time_us, end_us))
    edges = np.append(time_us[:inside], end_us)
    found = [
        (first, last, label)
        for first, last, label in _joined(predicted[:inside], edges, shortest_us, background)
        if edges[last] - edges[first] >= shortest_us
    ]
    said = predicted[:inside].copy()
    for first, last, label in found:
        said[first:last] = label
    sure = np.append(0, np.cumsum(scores.rows(np.arange(inside)).confidence(said), dtype=float))
    return [
        Stretch(
            int(edges[first]), int(edges[last]), label,
            float(sure[last] - sure[first]) / (last - first),
        )
        for first, last, label in found
    ]  # fmt: skip


def _joined(
    predicted: NDArray[np.int64], edges: Times, shortest_us: int, background: int
) -> list[tuple[int, int, int]]:
    """Return runs of actions, those of one action with a short gap between as one."""
    runs = runs_of_equal(predicted)
    found = []
    at = 0
    while at < len(runs):
        first, last, label = runs[at]
        at += 1
        if label == background:
            continue
        ahead = at
        while ahead < len(runs) and edges[runs[ahead][0]] - edges[last] < shortest_us:
            if runs[ahead][2] == label:
                last, at = runs[ahead][1], ahead + 1
            ahead += 1
        found.append((first, last, label))
    return found


def boundaries(predicted: NDArray[np.int64], scores: Scores, time_us: Times, rate: float) -> Times:
    """Return the times where an edge of an action may lie, ascending, each once.

    These are the times at which the answer changes, and those at which the distribution over the
    classes changes most: where the total variation distance between its means over the second
    before and the second behind is at least a quarter and the highest within a second.
    """
    window = max(1, round(rate * _WINDOW_S))
    answers = np.flatnonzero(np.diff(predicted)) + 1
    return time_us[np.union1d(answers, _peaks(change(scores, window), window))]


def change(scores: Scores, window: int) -> NDArray[np.float64]:
    """Return how much the distribution over the classes changes at each row. Shape: [rows].

    It is the total variation distance, ½ Σ_c |p_c − q_c|, between the mean distributions of the
    `window` rows before a row and of the `window` rows from it on, as many as there are; 0 at the
    first row. Of a large label set the classes that were not kept count as one.
    """
    at = np.arange(len(scores.log_p))
    past = Rows((at - window).clip(min=0), at)
    coming = Rows(at, (at + window).clip(max=len(at)))
    table, columns = _over_classes(scores)
    found = np.zeros(len(at))
    pairs = zip(means(past, table, columns), means(coming, table, columns), strict=True)
    for (block, before), (_, behind) in pairs:
        found[block] = np.abs(before - behind).sum(axis=1) / 2
    found[:1] = 0
    return found


def _over_classes(scores: Scores) -> tuple[Any, int]:
    """Return the probabilities as a table over the classes and all others, and its columns."""
    p = scores.probability
    if scores.listed is None:
        return p, p.shape[1]
    others = int(scores.listed.max(initial=0)) + 1
    rest = (1 - p.sum(axis=1, keepdims=True)).clip(min=0)
    classes = np.pad(scores.listed, ((0, 0), (0, 1)), constant_values=others)
    return sparse(np.hstack([p, rest]), classes, others + 1), others + 1


def _peaks(change: NDArray[np.float64], window: int) -> NDArray[np.int64]:
    """Return the rows of at least `_LEAST_CHANGE` that no row within `window` exceeds."""
    around = np.pad(change, window, constant_values=-np.inf)
    highest = sliding_window_view(around, 2 * window + 1).max(axis=1)
    return np.flatnonzero((change >= _LEAST_CHANGE) & (change == highest))
