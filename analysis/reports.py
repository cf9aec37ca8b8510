"""What an evaluation hands back: counts for every video, and the figures that follow from them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.segments import F1, percent

Counts = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """One class over all frames or clips: how often it is true, predicted, and both."""

    name: str
    true: int
    predicted: int
    correct: int

    @property
    def recall(self) -> float | None:
        """Share of the true ones that were found, in percent."""
        return percent(self.correct, self.true)

    @property
    def precision(self) -> float | None:
        """Share of the predicted ones that are right, in percent."""
        return percent(self.correct, self.predicted)


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """A figure before its division: 100 · mean over columns of Σ part / Σ whole, sums over videos.

    Every figure of a report has this form (F1: part = 2 TP, whole = 2 TP + FP + FN), so one
    resampling of videos serves them all. Shapes: `part` and `whole` float64 [videos, columns].
    """

    part: Counts
    whole: Counts

    def percent(self, weights: Counts) -> Counts:
        """Return the figure with each video counted `weights` times; NaN where it is undefined.

        Shape: [resamples, videos] → [resamples].
        """
        part, whole = weights @ self.part, weights @ self.whole
        defined = whole > 0
        shares = np.divide(100.0 * part, whole, out=np.zeros_like(part), where=defined)
        columns = defined.sum(axis=1)
        undefined = np.full(len(weights), np.nan)
        return np.divide(shares.sum(axis=1), columns, out=undefined, where=columns > 0)

    @property
    def value(self) -> float | None:
        """The figure over all videos, in percent; None where it is undefined."""
        figure = float(self.percent(np.ones((1, len(self.part))))[0])
        return None if np.isnan(figure) else figure


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Report:
    """What was measured, video by video, in the order of `videos`.

    `counted` int64 [videos] is the number of frames, or clips, that entered.
    """

    videos: tuple[str, ...]
    counted: NDArray[np.int64]
    tallies: Mapping[str, Tally]
    per_class: tuple[ClassFigures, ...]

    @property
    def metrics(self) -> dict[str, float | None]:
        """Every figure in percent, None where it is undefined."""
        return {key: tally.value for key, tally in self.tallies.items()}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FrameReport(Report):
    """A dense run: the counts behind every F1, and how many frames were left out."""

    f1: Mapping[str, F1]
    ignored: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClipReport(Report):
    """A run on clips."""
