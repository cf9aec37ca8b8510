"""The values that every part of the program shares: plain, frozen, free of torch and of a database.

Video time is integer microseconds from the first shown frame; segments are half-open. Sample `k` of
a video at `rate` samples a second stands at grid time `k * 1_000_000 // rate`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.errors import InvalidData, UnknownName
from core.scores import Scores

SECOND = 1_000_000
"""Microseconds in a second."""

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")

Span = tuple[int, int]
"""Start and end in microseconds, half-open."""


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """One action in a video: `[start_us, end_us)` and the name of its class."""

    start_us: int
    end_us: int
    label: str

    def __post_init__(self) -> None:
        if self.start_us < 0:
            raise InvalidData("A segment must not start before the video", f"{self.start_us} µs")
        if self.end_us <= self.start_us:
            raise InvalidData(
                "A segment must end after it starts",
                f"'{self.label}', {self.start_us / SECOND:.2f} s to {self.end_us / SECOND:.2f} s",
                "Correct the times.",
            )


@dataclass(frozen=True, slots=True)
class LabelSet:
    """The closed list of action names, in the order of their class indices; no background.

    `goals` are what whole videos are about, for tasks that ask it.
    """

    classes: tuple[str, ...]
    goals: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = (*self.classes, *self.goals)
        if len(set(names)) != len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise InvalidData(
                "Names of classes and goals must differ", ", ".join(twice), "Rename one of them."
            )

    def index(self, name: str) -> int:
        """Return the class index of `name`."""
        try:
            return self.classes.index(name)
        except ValueError:
            raise UnknownName(
                "Unknown class", f"'{name}'", f"The label set holds {', '.join(self.classes)}."
            ) from None


@dataclass(frozen=True, slots=True)
class LabelledVideo:
    """A video as training, prediction and evaluation see it.

    `ignored` spans carry no target and are left out of every figure.
    """

    name: str
    path: Path
    content_hash: str
    duration_us: int
    segments: tuple[Segment, ...] = ()
    ignored: tuple[Span, ...] = ()
    split: Split | None = None
    goal: str = ""


@dataclass(frozen=True, slots=True)
class FrameFeatures:
    """The frozen tower's tokens of one video at one rate.

    Shapes: `features` float16 [T, k, d]; `time_us` int64 [T], the grid; `pts_us` int64 [T], the
    time of the frame that was shown there.
    """

    features: NDArray[np.float16]
    time_us: NDArray[np.int64]
    pts_us: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.time_us)


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a run says about one video, a row for every question asked (a frame, or a clip).

    Shapes: `log_p` float32 [rows, C], as the model gives it (rows may sum to less than 1; -inf
    where a decoder has no score); of large label sets the likeliest classes, with `listed` and
    `rest` as in `core.scores.Scores`; `predicted` int64 [rows], the class it decides for; `time_us`
    int64 [rows]; `embedding` float16 [rows, H]; for clip tasks `span_us` int64 [rows, 2] and `kind`
    int64 [rows], which of the task's questions it answers.
    Generative runs add what was written (`texts`), the log-probability of each of its tokens
    (`token_log_p` float32 [rows, L], NaN-padded) and its edit distance to the nearest label.
    `passes`, `tokens` and `ms` are what one answer costs by itself: decoder calls, tokens, time.
    """

    log_p: NDArray[np.float32]
    predicted: NDArray[np.int64]
    time_us: NDArray[np.int64]
    embedding: NDArray[np.float16]
    decoder: str
    passes: float
    tokens: float
    ms: float
    span_us: NDArray[np.int64] | None = None
    kind: NDArray[np.int64] | None = None
    texts: tuple[str, ...] = ()
    token_log_p: NDArray[np.float32] | None = None
    distance: NDArray[np.int64] | None = None
    listed: NDArray[np.int32] | None = None
    rest: NDArray[np.float32] | None = None

    @property
    def scores(self) -> Scores:
        """What it says of the classes."""
        return Scores(self.log_p, self.listed, self.rest)

    @property
    def confidence(self) -> NDArray[np.float32]:
        """The probability of the class decided for, over the label set. Shape: [rows]."""
        return self.scores.confidence(self.predicted)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a long piece of work has come; `values` are figures worth a curve."""

    done: int
    total: int
    message: str = ""
    values: dict[str, float] = field(default_factory=dict)


Report = Callable[[Progress], bool | None]
"""A progress callback. Returning True asks the work to stop; what is finished is kept."""


def nobody_listens(_: Progress) -> None:
    """Report to nobody: the default."""


def grid_us(duration_us: int, rate: float) -> NDArray[np.int64]:
    """Return the sample times of a video: `k * 1_000_000 // rate` below its duration."""
    count = int(np.ceil(duration_us * rate / SECOND))
    times = (np.arange(count + 1) * SECOND // rate).astype(np.int64)
    return times[times < max(duration_us, 1)]


def runs_of_equal(values: Sequence[int] | NDArray[np.integer]) -> list[tuple[int, int, int]]:
    """Return maximal runs of equal values as (start, end, value), half-open indices."""
    array = np.asarray(values)
    if array.size == 0:
        return []
    cuts = np.flatnonzero(np.diff(array)) + 1
    edges = [0, *cuts.tolist(), len(array)]
    return [(a, b, int(array[a])) for a, b in pairwise(edges)]
