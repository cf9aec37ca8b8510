"""How widely the mistakes of a class are spread: misclassification diversity, in nats.

A generative classifier that confuses labels of shared words takes a class for many others; the
entropy of its wrong answers says for how many. The paper prints values and no formula; which one
this is, and what is left open: docs/metrics.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr  # −x ln x, 0 at 0

from analysis.confusion import Confusion, Side, check_same_classes
from analysis.significance import DEFAULT, Bootstrap


@dataclass(frozen=True, slots=True)
class ClassDiversity:
    """A class, how often it was mistaken, and the entropy of for what, in nats."""

    name: str
    mistakes: int
    entropy: float


@dataclass(frozen=True, slots=True)
class Diversity:
    """The classes with at least one mistake, in the order of their indices."""

    per_class: tuple[ClassDiversity, ...]

    @property
    def score(self) -> float | None:
        """Unweighted mean entropy over those classes, in nats; None where there is no mistake."""
        if not self.per_class:
            return None
        return sum(one.entropy for one in self.per_class) / len(self.per_class)

    @property
    def mistakes(self) -> int:
        """Number of mistakes that it rests on."""
        return sum(one.mistakes for one in self.per_class)


@dataclass(frozen=True, slots=True)
class Matched:
    """A run's score at the number of mistakes that all compared runs have, in nats.

    `mean`, `low` and `high` are of the resampled scores, None where no class has a mistake in every
    run; `classes` and `mistakes` say on how many they rest.
    """

    mean: float | None
    low: float | None
    high: float | None
    level: float
    classes: int
    mistakes: int


def diversity(table: Confusion, side: Side = "true", *, without: int | None = None) -> Diversity:
    """Return the entropy of the wrong answers of each class.

    Args:
        table: What was answered for what; no answer is not a wrong class and does not count.
        side: "true": what a class is taken for. "predicted": what is taken for a class.
        without: Index of the background, where mistakes from and to it do not count.
    """
    found = _mistakes(table, side, without)
    return Diversity(
        tuple(
            ClassDiversity(table.classes[index], int(count.sum()), _entropy(count / count.sum()))
            for index, count in found.items()
        )
    )


def size_matched(
    tables: Sequence[Confusion],
    side: Side = "true",
    *,
    without: int | None = None,
    how: Bootstrap = DEFAULT,
) -> tuple[Matched, ...]:
    """Return for every run its diversity at equal numbers of mistakes, so that runs compare.

    The entropy of few draws is too low, so the run with fewer mistakes would seem less diverse. In
    every class that all runs mistake, as many mistakes as the best of them makes there are drawn
    from each run, with replacement, `how.resamples` times.
    """
    check_same_classes(*tables)
    found = [_mistakes(table, side, without) for table in tables]
    shared = sorted(set[int]().union(*found).intersection(*found)) if found else []
    sizes = {index: min(int(run[index].sum()) for run in found) for index in shared}
    return tuple(_matched(run, sizes, how) for run in found)


def _matched(run: dict[int, NDArray[np.int64]], sizes: dict[int, int], how: Bootstrap) -> Matched:
    if not sizes:
        return Matched(None, None, None, how.level, 0, 0)
    random = np.random.default_rng(how.seed)
    scores = np.zeros(how.resamples)
    for index, size in sizes.items():
        count = run[index]
        drawn = random.multinomial(size, count / count.sum(), how.resamples)
        scores += entr(drawn / size).sum(axis=1) / len(sizes)
    tail = 50.0 * (1.0 - how.level)
    low, high = np.percentile(scores, [tail, 100.0 - tail])
    return Matched(
        float(scores.mean()), float(low), float(high), how.level, len(sizes), sum(sizes.values())
    )


def _mistakes(table: Confusion, side: Side, without: int | None) -> dict[int, NDArray[np.int64]]:
    """Return, for each class with a mistake, how often it was mistaken for each other one."""
    row, column, count = table.mistakes
    kept = (column < len(table.classes)) & (row != without) & (column != without)
    of = (row if side == "true" else column)[kept]
    order = np.argsort(of, kind="stable")
    index, start = np.unique(of[order], return_index=True)
    parts = np.split(count[kept][order], start[1:]) if len(index) else []
    return dict(zip(index.tolist(), parts, strict=True))


def _entropy(share: NDArray[np.float64]) -> float:
    return float(entr(share).sum())
