"""Where runs agree, where they fail together, and what the best of them could reach.

All figures are over the same frames or clips, with intervals over videos (`analysis.significance`).
Names and formulas are those of Kuncheva and Whitaker (2003); see docs/metrics.md.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from analysis.metrics import check_lengths, same_videos
from analysis.reports import Counts, Tally
from analysis.segments import IGNORED, Indices
from analysis.significance import DEFAULT, Bootstrap, Figure, Interval, bootstrap, interval
from core.errors import InvalidData

_Masks = Mapping[str, NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """Two runs. `same` and `double_fault` in percent, `q` and `kappa` from −1 to 1."""

    first: str
    second: str
    same: Interval
    double_fault: Interval
    q: Interval
    kappa: Interval


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """Several runs on the same videos.

    `counted` is the number of frames, or clips; `oracle` the percentage of them that at least one
    run has right; `only_right` by video, bool [runs, rows]: what this run alone has right.
    """

    runs: tuple[str, ...]
    videos: tuple[str, ...]
    counted: int
    pairs: tuple[PairAgreement, ...]
    oracle: Interval
    only_right: _Masks

    @property
    def only_right_counts(self) -> dict[str, int]:
        """How many frames, or clips, each run alone has right."""
        masks = self.only_right.values()
        return {run: sum(int(m[k].sum()) for m in masks) for k, run in enumerate(self.runs)}


def agreement(
    truth: Mapping[str, Indices],
    predicted: Mapping[str, Mapping[str, Indices]],
    how: Bootstrap = DEFAULT,
) -> Agreement:
    """Compare runs row by row.

    Args:
        truth: Video name to class index of each frame, or clip; `IGNORED` is left out.
        predicted: Run name to what it answered on the same videos, −1 where nothing.
        how: How videos are resampled.

    Raises:
        InvalidData: There is no run, or they are not of the same frames of the same videos.
    """
    if not predicted:
        raise InvalidData("Agreement needs at least one run", "none was given", "Choose some runs.")
    answers = _stacked(truth, predicted)
    kept = {name: np.asarray(truth[name]) != IGNORED for name in answers}
    right = {name: (rows == truth[name]) & kept[name] for name, rows in answers.items()}
    counted = _column(mask.sum() for mask in kept.values())
    oracle = Tally(_column(mask.any(axis=0).sum() for mask in right.values()), counted)
    said = {name: rows[:, kept[name]] for name, rows in answers.items()}
    hits = {name: rows[:, kept[name]] for name, rows in right.items()}
    return Agreement(
        runs=tuple(predicted),
        videos=tuple(answers),
        counted=int(counted.sum()),
        pairs=tuple(
            _pair(names, [rows[list(at)] for rows in said.values()],
                  [rows[list(at)] for rows in hits.values()], how)
            for at, names in zip(
                combinations(range(len(predicted)), 2), combinations(predicted, 2), strict=True
            )
        ),
        oracle=interval(oracle, how),
        only_right={name: rows & (rows.sum(axis=0) == 1) for name, rows in right.items()},
    )  # fmt: skip


def _stacked(
    truth: Mapping[str, Indices], predicted: Mapping[str, Mapping[str, Indices]]
) -> dict[str, Indices]:
    """Return the answers of all runs by video, in a fixed order. Shape: [runs, rows] each."""
    for said in predicted.values():
        for name in same_videos(truth, said):
            check_lengths(name, len(truth[name]), len(said[name]))
    return {name: np.stack([said[name] for said in predicted.values()]) for name in sorted(truth)}


def _pair(
    names: tuple[str, str], said: list[Indices], hits: list[NDArray[np.bool_]], how: Bootstrap
) -> PairAgreement:
    """Compare two runs. Shape: `said` and `hits` hold [2, rows] for every video."""
    counted = _column(rows.shape[1] for rows in said)
    same = Tally(_column((one == other).sum() for one, other in said), counted)
    fault = Tally(_column((~one & ~other).sum() for one, other in hits), counted)
    videos = len(said)
    return PairAgreement(
        *names,
        same=interval(same, how),
        double_fault=interval(fault, how),
        q=bootstrap(_q(hits), videos, how),
        kappa=bootstrap(kappa(said, same), videos, how),
    )


def _q(hits: list[NDArray[np.bool_]]) -> Figure:
    """Q = (n11 n00 − n10 n01) / (n11 n00 + n10 n01), of both, neither, one or the other right."""
    table = np.array(
        [[(a & b).sum(), (~a & ~b).sum(), (a & ~b).sum(), (~a & b).sum()] for a, b in hits],
        np.float64,
    ).reshape(-1, 4)

    def figure(weights: Counts) -> Counts:
        both, neither, first, second = (weights @ table).T
        return _ratio(both * neither - first * second, both * neither + first * second)

    return figure


def kappa(said: list[Indices], same: Tally) -> Figure:
    """Kappa = (p − e) / (1 − e), e = Σ_c p₁(c) p₂(c): agreement on classes beyond chance.

    Shapes: `said` holds [2, rows] for every video, `same` how many of them are the same.
    """
    # Counted over the classes that were answered; of a large label set most never are.
    answered = np.unique(np.concatenate([rows.ravel() for rows in said])) if said else np.empty(0)

    def histograms(run: int) -> Counts:
        places = [np.searchsorted(answered, rows[run]) for rows in said]
        rows = [np.bincount(at, minlength=len(answered)) for at in places]
        return np.array(rows, np.float64).reshape(len(said), len(answered))

    first, second = histograms(0), histograms(1)

    def figure(weights: Counts) -> Counts:
        agreed, rows = (weights @ same.part)[:, 0], (weights @ same.whole)[:, 0]
        chance = ((weights @ first) * (weights @ second)).sum(axis=1)
        return _ratio(agreed * rows - chance, rows * rows - chance)

    return figure


def _ratio(part: Counts, whole: Counts) -> Counts:
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole != 0)


def _column(counts: Iterable[int]) -> Counts:
    return np.array([*counts], np.float64).reshape(-1, 1)
