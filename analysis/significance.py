"""How sure a figure is: bootstrap over videos, and McNemar's exact test on clips.

Frames of one video are not independent, videos are: so whole videos are drawn with replacement and
the counts of a report are summed again, nothing is measured twice. Formulas: docs/metrics.md.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.reports import Counts, Report, Tally
from core.errors import InvalidData

_BLOCK = 256
"""Resamples at a time: bounds the memory for thousands of videos or classes."""


Figure = Callable[[Counts], Counts]
"""A figure with each video counted several times: [resamples, videos] → [resamples], NaN where it
is undefined."""


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """How resamples are drawn: how many, with which seed, and the level of the interval."""

    resamples: int = 2_000
    seed: int = 0
    level: float = 0.95


DEFAULT = Bootstrap()


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure, or a difference of two, in its own unit (percent) with its percentile interval.

    `low` and `high` are None where no interval can be given: with fewer than two videos, or where
    the figure is undefined. `value` alone is None where the figure itself is undefined.
    """

    value: float | None
    low: float | None
    high: float | None
    level: float
    videos: int

    @property
    def excludes_zero(self) -> bool:
        """Whether a difference is told apart from none; without an interval it is not."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


@dataclass(frozen=True, slots=True)
class McNemar:
    """Clips that only one of two runs had right, and how likely such a split is by chance."""

    only_first: int
    only_second: int
    p: float


def interval(tally: Tally, how: Bootstrap = DEFAULT) -> Interval:
    """Return a figure with its interval over videos."""
    return bootstrap(tally.percent, len(tally.part), how)


def bootstrap(figure: Figure, videos: int, how: Bootstrap = DEFAULT) -> Interval:
    """Return any figure of counts that add up over videos, with its interval over videos."""
    (value,) = figure(np.ones((1, videos)))
    drawn = [figure(weights) for weights in _draws(videos, how)]
    return _interval(
        None if np.isnan(value) else float(value), drawn, videos=videos, level=how.level
    )


def difference(first: Tally, second: Tally, how: Bootstrap = DEFAULT) -> Interval:
    """Return first − second on the same videos, both resampled together.

    The videos of the two tallies must be the same in the same order; `compare` checks that.
    """
    drawn = [
        first.percent(weights) - second.percent(weights) for weights in _draws(len(first.part), how)
    ]
    one, other = first.value, second.value
    value = None if one is None or other is None else one - other
    return _interval(value, drawn, videos=len(first.part), level=how.level)


def intervals(report: Report, how: Bootstrap = DEFAULT) -> dict[str, Interval]:
    """Return every figure of a report with its interval."""
    return {key: interval(tally, how) for key, tally in report.tallies.items()}


def compare(first: Report, second: Report, how: Bootstrap = DEFAULT) -> dict[str, Interval]:
    """Return first − second for every figure that both reports have.

    Raises:
        InvalidData: The reports are not about the same frames, or clips, of the same videos.
    """
    if first.videos != second.videos:
        differing = sorted(set(first.videos) ^ set(second.videos))
        raise InvalidData(
            "Two runs are compared on the same videos",
            ", ".join(f"'{name}'" for name in differing[:5]) + " only in one of them",
            "Evaluate both runs on the same split.",
        )
    if not np.array_equal(first.counted, second.counted):
        at = int(np.flatnonzero(first.counted != second.counted)[0])
        raise InvalidData(
            "Two runs are compared on the same frames or clips",
            f"'{first.videos[at]}' has {first.counted[at]} and {second.counted[at]}",
            "Evaluate both runs with the same annotations and rate.",
        )
    return {
        key: difference(tally, second.tallies[key], how)
        for key, tally in first.tallies.items()
        if key in second.tallies
    }


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> McNemar:
    """Return McNemar's exact test of two runs on the same clips, two-sided.

    `first` and `second` say which clips each run has right. It takes clips as independent: use it
    on clips or whole videos, never on frames. Shape: [clips] each.
    """
    if first.shape != second.shape:
        raise InvalidData(
            "McNemar's test needs two runs on the same clips",
            f"{len(first)} and {len(second)} clips",
            "Evaluate both runs on the same split.",
        )
    from scipy.stats import binomtest  # takes most of a second to import, and only this needs it

    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    split = only_first + only_second
    p = float(binomtest(only_first, split, 0.5).pvalue) if split else 1.0
    return McNemar(only_first, only_second, p)


def _draws(videos: int, how: Bootstrap) -> Iterator[Counts]:
    """Yield how often each video was drawn. Shape: [up to 256, videos] each."""
    if videos < 2:  # every resample would be the one video again: no spread to show
        return
    random = np.random.default_rng(how.seed)
    for start in range(0, how.resamples, _BLOCK):
        rows = min(_BLOCK, how.resamples - start)
        drawn = random.integers(videos, size=(rows, videos)) + np.arange(rows)[:, None] * videos
        times = np.bincount(drawn.ravel(), minlength=rows * videos)
        yield times.reshape(rows, videos).astype(np.float64)


def _interval(
    value: float | None, drawn: list[NDArray[np.float64]], *, videos: int, level: float
) -> Interval:
    figures = np.concatenate(drawn) if drawn else np.empty(0)
    figures = figures[~np.isnan(figures)]  # a resample without any such video says nothing
    if value is None or figures.size == 0:
        return Interval(value, None, None, level, videos)
    tail = 50.0 * (1.0 - level)
    low, high = np.percentile(figures, [tail, 100.0 - tail])
    return Interval(value, float(low), float(high), level, videos)
