"""Which video to label next: how unsure a run is of it, how much runs differ about it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.scores import Scores

Times = NDArray[np.int64]


def uncertainty(scores: Scores, choices: range) -> float | None:
    """Return the mean entropy of the rows, from 0 to 1; None where no row is a distribution.

    It is −Σ_c p_c ln p_c / ln C over the classes that the question chooses among, in nats over the
    greatest possible. Of a large label set the classes that were not kept share the mass of the
    rest evenly, −r ln (r / m) for m of them: the greatest entropy that it can have. Rows in which
    some class has no score are left out: a decoder that scores its answer alone would seem sure.
    """
    p = scores.probability.astype(np.float64)
    classes = np.arange(p.shape[1])[None] if scores.listed is None else scores.listed
    inside = (classes >= choices.start) & (classes < choices.stop)
    whole = (np.isfinite(scores.log_p) | ~inside).all(axis=1)
    p = np.where(inside, p, 0)[whole]
    if not len(p) or len(choices) < 2:
        return None
    entropy = -(p * np.log(np.where(p > 0, p, 1))).sum(axis=1)
    if scores.listed is not None:
        rest = (1 - p.sum(axis=1)).clip(min=0)
        others = max(1, len(choices) - p.shape[1])
        entropy -= rest * np.log(np.where(rest > 0, rest / others, 1))
    return float((entropy / np.log(len(choices))).mean().clip(0, 1))


def disagreement(times: Sequence[Times], said: Sequence[NDArray[np.int64]]) -> float | None:
    """Return the share of grid times at which runs do not all say the same; None without any.

    Runs of different rates are compared on the coarsest grid: at each of its times with what every
    run says there, which is its row at that time or the last one before.

    Args:
        times: The grid times of each run, ascending from 0.
        said: The classes that each run says there, numbered alike in all runs.
    """
    grid = min(times, key=len)
    if not len(grid):
        return None
    rows = [np.searchsorted(each, grid, side="right") - 1 for each in times]
    there = np.stack([classes[at] for classes, at in zip(said, rows, strict=True)])
    return float((there != there[0]).any(axis=0).mean())


def disagreement_of_clips(
    spans: Sequence[Times], said: Sequence[NDArray[np.int64]]
) -> float | None:
    """Return the share of the clips that all runs were asked about of which they differ.

    Shapes: spans [rows, 2] and classes [rows] of each run; None without a common clip.
    """
    answers = [
        dict(zip(map(tuple, each.tolist()), classes.tolist(), strict=True))
        for each, classes in zip(spans, said, strict=True)
    ]
    common = set(answers[0]).intersection(*answers[1:])
    if not common:
        return None
    return sum(len({each[span] for each in answers}) > 1 for span in common) / len(common)
