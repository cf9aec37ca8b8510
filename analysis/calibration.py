"""Whether probabilities can be believed: reliability curve, ECE, Brier score, log-likelihood.

Probabilities are those over the label set: where a row of `log_p` sums to less than 1 (the rest is
"not a label"), it is normalised first. Formulas and sources: docs/metrics.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.metrics import check_indices, check_lengths
from analysis.segments import IGNORED, Indices
from core.errors import InvalidData
from core.scores import Scores

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What calibration needs of each frame, or clip: a few numbers instead of a distribution.

    Shapes: all [rows]. `confidence` is the probability of the likeliest class, `right` whether it
    is the true one, `brier` Σ_c (p_c − y_c)², `nll` −ln p of the true class, in nats. `unscored`
    counts the rows without a distribution, which are left out.
    """

    confidence: Values
    right: NDArray[np.bool_]
    brier: Values
    nll: Values
    unscored: int


@dataclass(frozen=True, slots=True)
class Bin:
    """The rows whose confidence lies in (low, high]: how many, how sure, how often right.

    All in percent but `rows`. The first bin holds its lower end too.
    """

    low: float
    high: float
    rows: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """The reliability curve in both kinds of bins (those without rows left out), and the scores.

    `brier` lies between 0 and 2, `nll` is in nats; both are None where no row has a distribution.
    """

    rows: int
    unscored: int
    equal_width: tuple[Bin, ...]
    equal_mass: tuple[Bin, ...]
    brier: float | None
    nll: float | None

    @property
    def ece(self) -> float | None:
        """Expected calibration error over bins of equal width, in percent."""
        return _expected_error(self.equal_width)

    @property
    def ece_equal_mass(self) -> float | None:
        """Expected calibration error over bins of equally many rows, in percent."""
        return _expected_error(self.equal_mass)


def calibration(log_p: NDArray[np.floating], truth: Indices, bins: int = 15) -> Calibration:
    """Return how far probabilities can be believed.

    Args:
        log_p: Log-probability of each class, −inf (or NaN) where there is none. Shape: [rows, C].
        truth: Class index of each row; `IGNORED` is left out. Shape: [rows].
        bins: Number of bins, empty ones included.
    """
    return calibration_of([judged(Scores(log_p), truth, log_p.shape[1])], bins)


def judged(scores: Scores, truth: Indices, classes: int) -> Judged:
    """Reduce the distributions of some rows to what calibration needs.

    A row that does not score every class is no distribution: a decoder that scores its answer
    alone, or the best few, would seem surer than it is once that is normalised. Of a large label
    set the classes that were not kept share the mass of the rest evenly: the confidence is exact,
    Brier score and likelihood are where the true class was kept.

    Args:
        scores: What the rows say of the classes.
        truth: Class index of each row; `IGNORED` is left out. Shape: [rows].
        classes: How many classes there are.
    """
    truth = np.asarray(truth)
    check_lengths("the run", len(truth), len(scores.log_p))
    counted = np.flatnonzero(truth != IGNORED)
    check_indices("the truth", truth[counted], classes)
    # As `Scores.matrix` lays them out, but without laying them out.
    left = classes - scores.log_p.shape[1]
    evenly = np.zeros(len(truth)) if scores.rest is None else scores.rest - np.log(left)
    evenly = evenly.astype(np.float32).astype(np.float64)
    scored = np.isfinite(scores.log_p[counted]).all(axis=1) & np.isfinite(evenly[counted])
    rows = counted[scored]
    log_p, truth, evenly = scores.log_p[rows].astype(np.float64), truth[rows], evenly[rows]
    listed = np.arange(classes)[None] if scores.listed is None else scores.listed[rows]
    top = log_p.max(axis=1, initial=-np.inf)
    best = np.where(log_p == top[:, None], listed, classes).min(axis=1, initial=classes)
    its = listed == truth[:, None]
    own = np.where(its.any(axis=1), np.where(its, log_p, 0.0).sum(axis=1), evenly) - top
    shares, rest = np.exp(log_p - top[:, None]), np.exp(evenly - top) if left else 0.0
    whole = shares.sum(axis=1) + left * rest
    squares = (np.square(shares).sum(axis=1) + left * np.square(rest)) / np.square(whole)
    return Judged(
        confidence=1 / whole,
        right=best == truth,
        brier=squares - 2 * np.exp(own) / whole + 1,  # Σ (p − y)², y being 1 once and else 0
        nll=np.log(whole) - own,
        unscored=int((~scored).sum()),
    )


def calibration_of(videos: Sequence[Judged], bins: int = 15) -> Calibration:
    """Return the calibration over all rows of some videos."""
    if bins < 1:
        raise InvalidData("A reliability curve needs at least one bin", bins, "Ask for 10 or 15.")
    none = Judged(np.empty(0), np.empty(0, bool), np.empty(0), np.empty(0), 0)
    confidence, right, brier, nll = (
        np.concatenate([getattr(part, name) for part in (none, *videos)])
        for name in ("confidence", "right", "brier", "nll")
    )
    width = np.linspace(0.0, 1.0, bins + 1)
    mass = np.quantile(confidence, width) if len(confidence) else width
    return Calibration(
        rows=len(confidence),
        unscored=sum(part.unscored for part in videos),
        equal_width=_curve(confidence, right, width),
        equal_mass=_curve(confidence, right, mass),
        brier=_mean(brier),
        nll=_mean(nll),
    )


def _curve(confidence: Values, right: NDArray[np.bool_], edges: Values) -> tuple[Bin, ...]:
    """Cut by confidence. Equal ones share a bin, so the order of rows does not matter."""
    at = np.searchsorted(edges[1:-1], confidence, side="left")
    found = []
    for index in np.unique(at):
        inside = at == index
        found.append(
            Bin(
                low=100.0 * float(edges[index]),
                high=100.0 * float(edges[index + 1]),
                rows=int(inside.sum()),
                confidence=100.0 * float(confidence[inside].mean()),
                accuracy=100.0 * float(right[inside].mean()),
            )
        )
    return tuple(found)


def _expected_error(curve: tuple[Bin, ...]) -> float | None:
    rows = sum(each.rows for each in curve)
    off = sum(each.rows * abs(each.accuracy - each.confidence) for each in curve)
    return off / rows if rows else None


def _mean(values: Values) -> float | None:
    return float(values.mean()) if len(values) else None
