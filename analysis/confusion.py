"""Which class is taken for which: a sparse table of counts, and what follows from it.

A label set may hold thousands of classes (EPIC-KITCHENS-100 has 3,806 actions: dense, the table
takes 116 MB), and most pairs of them never occur, so only the pairs that do are kept. Formulas:
docs/metrics.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from analysis.metrics import check_indices, check_lengths
from analysis.segments import IGNORED, Indices
from core.errors import InvalidData

NO_ANSWER = -1
"""Prediction of a frame, or clip, for which a run named no class."""

Side = Literal["true", "predicted"]
"""Whose total counts: that of the true class (a row), or that of the answer (a column)."""

Words = Mapping[str, tuple[str, str]]
"""Class name to its verb and noun, either of which may have several words."""

Pairs = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
"""Row, column and count of some cells."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A class, what it was taken for, how often, and in how many percent of its frames or clips."""

    true: str
    predicted: str
    count: int
    share: float


@dataclass(frozen=True, slots=True, eq=False)
class Confusion:
    """How often each class (row) was answered with each class (column).

    `counts` is sparse int64 [C, C + 1] without stored zeros; the last column counts no answer.
    """

    classes: tuple[str, ...]
    counts: csr_array

    @property
    def total(self) -> int:
        """Number of frames, or clips."""
        return int(self.counts.sum())

    def normalised(self, by: Side = "true") -> csr_array:
        """Return each row, or by "predicted" each column, in percent; without counts it is empty.

        Shape: sparse float64 [C, C + 1].
        """
        row, column, count = self.cells
        at, axis = (row, 1) if by == "true" else (column, 0)
        share = 100.0 * count / self.counts.sum(axis=axis)[at]
        return _table(row, column, share, len(self.classes))

    @property
    def cells(self) -> Pairs:
        """The cells that are not 0, by row and column."""
        table = self.counts.tocoo()
        row, column, count = (np.asarray(a, np.int64) for a in (table.row, table.col, table.data))
        return row, column, count

    @property
    def mistakes(self) -> Pairs:
        """The cells beside the diagonal, no answer included."""
        row, column, count = self.cells
        wrong = row != column
        return row[wrong], column[wrong], count[wrong]

    def top_pairs(self, limit: int = 20) -> tuple[Mistake, ...]:
        """Return the most frequent mistakes; equally frequent ones by class index."""
        row, column, count = self.mistakes
        whole = self.counts.sum(axis=1)
        answers = (*self.classes, "no answer")
        return tuple(
            Mistake(
                self.classes[row[i]], answers[column[i]], int(count[i]),
                100.0 * float(count[i]) / float(whole[row[i]]),
            )
            for i in np.lexsort((column, row, -count))[:limit]
        )  # fmt: skip

    def grouped(self, group: Mapping[str, str]) -> "Confusion":
        """Return the confusion of groups of classes, in the order in which classes name them."""
        if lost := [name for name in self.classes if name not in group]:
            raise InvalidData(
                "Every class needs a group", ", ".join(f"'{name}'" for name in lost[:5]),
                "Name a group for each class; a class may be its own group.",
            )  # fmt: skip
        of_class = [group[name] for name in self.classes]
        names = tuple(dict.fromkeys(of_class))
        index = {name: i for i, name in enumerate(names)}
        to = np.array([*(index[name] for name in of_class), len(names)], np.int64)
        row, column, count = self.cells
        return Confusion(names, _table(to[row], to[column], count, len(names)))


def confusion(truth: Indices, predicted: Indices, classes: Sequence[str]) -> Confusion:
    """Count what was answered for what.

    Args:
        truth: Class index of every frame, or clip; `IGNORED` is left out. Shape: [rows].
        predicted: What was answered there, `NO_ANSWER` where nothing. Shape: [rows].
        classes: Names in the order of their indices.
    """
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    check_lengths("the run", len(truth), len(predicted))
    kept = truth != IGNORED
    row, answer = truth[kept].astype(np.int64), predicted[kept].astype(np.int64)
    check_indices("the truth", row, len(classes))
    check_indices("the prediction", answer[answer != NO_ANSWER], len(classes))
    column = np.where(answer == NO_ANSWER, len(classes), answer)
    ones = np.ones(len(row), np.int64)
    return Confusion(tuple(classes), _table(row, column, ones, len(classes)))


def difference(first: Confusion, second: Confusion, by: Side | None = None) -> csr_array:
    """Return first − second: counts, or percentage points of each row or column.

    Shape: sparse int64 or float64 [C, C + 1], without stored zeros.

    Raises:
        InvalidData: They are of other classes.
    """
    check_same_classes(first, second)
    one, other = (c.counts if by is None else c.normalised(by) for c in (first, second))
    found = csr_array(one - other)
    found.eliminate_zeros()
    return found


def check_same_classes(*several: Confusion) -> None:
    """Refuse confusions of different classes."""
    for other in several[1:]:
        if other.classes != several[0].classes:
            differing = sorted(set(several[0].classes) ^ set(other.classes))
            raise InvalidData(
                "Confusions are compared on the same classes in the same order",
                ", ".join(f"'{name}'" for name in differing[:5]) or "the order differs",
                "Compare runs that were trained on one label set.",
            )


def by_verb(table: Confusion, words: Words | None = None) -> Confusion:
    """Return the confusion of verbs; see `verb_and_noun`."""
    return table.grouped({name: verb_and_noun(name, words)[0] for name in table.classes})


def by_noun(table: Confusion, words: Words | None = None) -> Confusion:
    """Return the confusion of nouns; see `verb_and_noun`."""
    return table.grouped({name: verb_and_noun(name, words)[1] for name in table.classes})


def verb_and_noun(name: str, words: Words | None = None) -> tuple[str, str]:
    """Return a class's verb and noun as its label set says, else the first word and the rest.

    Only a label set can know that the verb of "pick up cup" has two words: with ("pick up", "") the
    noun is what follows, "cup". A name of one word, such as "background", is its own noun.
    """
    verb, noun = (words or {}).get(name, ("", ""))
    verb = verb or name.partition(" ")[0]
    return verb, noun or name.removeprefix(verb).strip() or name


def _table(
    row: NDArray[np.int64], column: NDArray[np.int64], value: NDArray, classes: int
) -> csr_array:
    """Return a sparse table [classes, classes + 1]; values of the same cell are added."""
    return csr_array(coo_array((value, (row, column)), shape=(classes, classes + 1)))
