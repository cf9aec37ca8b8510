"""What a run says within given segments: mean probabilities, and the commonest answer.

Segments are given by the rows of the prediction that lie in them, `[first, last)`; none where both
are equal. Tables over thousands of classes stay sparse, and blocks of segments are laid out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.scores import Scores

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_CELLS = 1 << 22  # means laid out at a time

Times = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The rows of a prediction that lie in each segment, `[first, last)`. Shapes: [segments]."""

    first: NDArray[np.int64]
    last: NDArray[np.int64]

    @property
    def some(self) -> NDArray[np.bool_]:
        """Which segments have any."""
        return self.last > self.first

    def of(self, chosen: NDArray[np.bool_]) -> "Rows":
        """Return those of some of the segments."""
        return Rows(self.first[chosen], self.last[chosen])


def rows_within(time_us: Times, start_us: Times, end_us: Times) -> Rows:
    """Return the rows whose grid time lies in each segment.

    A segment between two grid times has the row that stands for its start, as in training.
    """
    first, last = np.searchsorted(time_us, start_us), np.searchsorted(time_us, end_us)
    between = last <= first
    first = np.where(between, first - 1, first).clip(min=0)
    return Rows(first, np.where(between, first + 1, last).clip(max=len(time_us)))


def rows_of_spans(span_us: Times, start_us: Times, end_us: Times) -> Rows:
    """Return the row that answers about exactly each segment, none where it was moved since.

    Shape: `span_us` [rows, 2].
    """
    known = {(a, b): row for row, (a, b) in enumerate(span_us.tolist())}
    asked = zip(start_us.tolist(), end_us.tolist(), strict=True)
    found = np.array([known.get(span, -1) for span in asked], np.int64)
    return Rows(found.clip(min=0), found + 1)


@dataclass(frozen=True, slots=True, eq=False)
class Opinion:
    """What a run holds of labelled segments. Shapes: all [segments].

    `confidence` is the mean probability of a segment's own label over its rows; `suggestion` the
    likeliest of all labels by the same mean, `suggestion_confidence` that mean.
    """

    own: NDArray[np.int64]
    confidence: NDArray[np.float64]
    suggestion: NDArray[np.int64]
    suggestion_confidence: NDArray[np.float64]


def opinion(own: NDArray[np.int64], rows: Rows, scores: Scores, labels: range) -> Opinion:
    """Say what a run holds of segments.

    Of a large label set, a class that was not kept in a row counts as 0 there.

    Args:
        own: The class of each segment's label. Shape: [segments].
        rows: The rows in each segment, one at least.
        scores: What the run says of the classes.
        labels: The classes that are labels: all but the background.
    """
    p = scores.probability
    table = p if scores.listed is None else sparse(p, scores.listed, labels.stop)
    parts = []
    for block, mean in means(rows, table, labels.stop):
        mine = np.arange(len(mean))
        best = mean[:, labels.start :].argmax(axis=1) + labels.start
        sure, surest = mean[mine, own[block]], mean[mine, best]
        parts.append(Opinion(own[block], sure.astype(float), best, surest.astype(float)))
    return joined([Opinion(own[:0], np.empty(0), own[:0], np.empty(0)), *parts])


def joined(parts: Sequence[Opinion]) -> Opinion:
    """Lay opinions of several videos behind one another."""
    fields = ("own", "confidence", "suggestion", "suggestion_confidence")
    return Opinion(*(np.concatenate([getattr(part, name) for part in parts]) for name in fields))


def majority(predicted: NDArray[np.int64], rows: Rows, classes: int) -> NDArray[np.int64]:
    """Return the class that most rows of each segment say, of equals the first. [segments]."""
    counts = rows.last - rows.first
    of = np.repeat(np.arange(len(counts)), counts)
    places = np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts)
    said = predicted[np.repeat(rows.first, counts) + places]
    cells, often = np.unique(of * classes + said, return_counts=True)
    order = np.lexsort((cells, -often, cells // classes))
    segments, best = np.unique(cells[order] // classes, return_index=True)
    found = np.zeros(len(counts), np.int64)
    found[segments] = cells[order][best] % classes
    return found


def sparse(values: NDArray[np.float32], classes: NDArray[np.integer], count: int) -> "csr_array":
    """Return values at some classes a row as a sparse table over all. Shape: [rows, count]."""
    from scipy.sparse import csr_array

    starts = np.arange(len(values) + 1) * values.shape[1]
    return csr_array((values.ravel(), classes.ravel(), starts), shape=(len(values), count))


def means(rows: Rows, table: Any, classes: int) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Yield the means of a table [rows, classes] over the rows of some segments at a time."""
    from scipy.sparse import csr_array

    size = max(1, _CELLS // classes)
    for start in range(0, len(rows.first), size):
        block = slice(start, start + size)
        first, counts = rows.first[block], (rows.last - rows.first)[block]
        ends = np.append(0, np.cumsum(counts))
        places = np.arange(ends[-1]) + np.repeat(first - ends[:-1], counts)
        shares = np.repeat(1 / counts.clip(min=1), counts).astype(np.float32)
        within = csr_array((shares, places, ends), shape=(len(counts), table.shape[0]))
        mean: Any = within @ table
        yield block, mean if isinstance(mean, np.ndarray) else mean.toarray()
