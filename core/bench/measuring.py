"""How benchmarks measure: ways of doing the same work, timed in turns, compared pair by pair.

Machines are shared and noisy, so each repeat runs every way once and gives one ratio; the figure is
the median of these ratios, its spread their smallest and largest.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Settings:
    """How long to measure. `quick` makes the work small: it shows that a benchmark runs."""

    repeats: int = 5
    quick: bool = False
    say: Callable[[str], object] = lambda _: None


@dataclass(frozen=True, slots=True)
class Way:
    """One way of doing the work; `work` is how much of it a call does (frames, clips, answers)."""

    name: str
    work: float
    call: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Timed:
    """A way and the seconds that each repeat took."""

    name: str
    work: float
    seconds: tuple[float, ...]

    @property
    def rate(self) -> float:
        """Work a second, the median."""
        return self.work / median(self.seconds)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a report: how much faster `ours` is than `baseline`.

    `aim` is the ratio to reach, `bound` the fastest that the hardware's measured rates allow for
    ours, in work a second, `note` what limits it.
    """

    figure: str
    unit: str
    ours: Timed
    baseline: Timed
    aim: float | None = None
    bound: float | None = None
    note: str = ""

    @property
    def ratios(self) -> tuple[float, ...]:
        """The ratio of rates in each repeat."""
        pairs = zip(self.ours.seconds, self.baseline.seconds, strict=True)
        return tuple(self.ours.work / a / (self.baseline.work / b) for a, b in pairs)

    def as_json(self) -> dict[str, Any]:
        """Return the row with its figures."""
        ratios = self.ratios
        return {
            "figure": self.figure,
            "unit": self.unit,
            "ratio": median(ratios),
            "low": min(ratios),
            "high": max(ratios),
            "aim": self.aim,
            "ours": {**asdict(self.ours), "rate": self.ours.rate},
            "baseline": {**asdict(self.baseline), "rate": self.baseline.rate},
            "bound": self.bound,
            "share_of_bound": self.ours.rate / self.bound if self.bound else None,
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class Curve:
    """How a cost grows: `unit` against `against`, for each way the points (x, y)."""

    against: str
    unit: str
    ways: dict[str, list[tuple[float, float]]]


@dataclass(slots=True)
class Report:
    """What a benchmark found: ratios, single figures `(what, value, unit)`, and curves."""

    name: str
    rows: list[Row] = field(default_factory=list)
    figures: list[tuple[str, float, str]] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the report with all its figures."""
        return {
            "name": self.name,
            "rows": [row.as_json() for row in self.rows],
            "figures": [
                {"what": what, "value": value, "unit": unit} for what, value, unit in self.figures
            ],
            "curves": [asdict(curve) for curve in self.curves],
        }


def time_in_turns(ways: Sequence[Way], settings: Settings) -> list[Timed]:
    """Run every way once unmeasured, then all of them in turn, `repeats` times."""
    seconds: list[list[float]] = [[] for _ in ways]
    for way in ways:
        way.call()
    for _ in range(1 if settings.quick else settings.repeats):
        for way, found in zip(ways, seconds, strict=True):
            started = time.perf_counter()
            way.call()
            found.append(time.perf_counter() - started)
    return [Timed(w.name, w.work, tuple(s)) for w, s in zip(ways, seconds, strict=True)]
