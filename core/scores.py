"""Log-probabilities over the classes, in no more room than a large label set may take.

Up to `WHOLE` classes each keeps its score. Beyond, an answer keeps those of the `KEPT` likeliest,
the class that was decided for always among them, and the mass of all others together: 3,806 classes
at 100,000 frames are 52 MB in place of 1.5 GB.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WHOLE = 512
"""Classes up to which every one keeps its score."""

KEPT = 64
"""Classes of which the scores are kept beyond."""


@dataclass(frozen=True, slots=True)
class Scores:
    """What answers say of the classes, a row an answer.

    `log_p` float32 [rows, N] as the model gives it, -inf where there is no score. All N classes in
    order where `listed` is None; else `listed` int32 [rows, N] are their numbers, the likeliest
    first, and `rest` float32 [rows] is the log of the probability of all others together.
    """

    log_p: NDArray[np.float32]
    listed: NDArray[np.int32] | None = None
    rest: NDArray[np.float32] | None = None

    @classmethod
    def of(cls, log_p: NDArray[np.float32], predicted: NDArray[np.int64]) -> "Scores":
        """Keep what has room of the scores of all classes, [rows, C], and of those decided for."""
        if log_p.shape[1] <= WHOLE:
            return cls(log_p)
        listed = np.argpartition(-log_p, KEPT - 1, axis=1)[:, :KEPT]
        listed = np.take_along_axis(listed, _descending(_at(log_p, listed)), axis=1)
        absent = (listed != predicted[:, None]).all(axis=1)
        listed[absent, -1] = predicted[absent]
        others = log_p.copy()
        np.put_along_axis(others, listed, -np.inf, axis=1)
        return cls(_at(log_p, listed), listed.astype(np.int32), _log_sum(others))

    @classmethod
    def joined(cls, parts: Sequence["Scores"]) -> "Scores":
        """Lay parts behind one another."""
        listed = [part.listed for part in parts if part.listed is not None]
        rest = [part.rest for part in parts if part.rest is not None]
        return cls(
            np.concatenate([part.log_p for part in parts]),
            np.concatenate(listed) if listed else None,
            np.concatenate(rest) if rest else None,
        )

    def rows(self, index: NDArray[np.int64] | slice) -> "Scores":
        """Return some of the rows."""
        listed, rest = self.listed, self.rest
        return Scores(
            self.log_p[index],
            None if listed is None else listed[index],
            None if rest is None else rest[index],
        )

    def confidence(self, classes: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the probability of one class a row, normalised over the label set. Shape: [rows].

        It is 0 where a class has no score, or none that was kept.
        """
        if self.listed is None:
            return _at(self.probability, classes[:, None])[:, 0]
        return (self.probability * (self.listed == classes[:, None])).sum(axis=1)

    def top(self, count: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the likeliest classes, at most `KEPT`, and their probabilities. [rows, count]."""
        p = self.probability
        order = _descending(p)[:, :count]
        classes = order if self.listed is None else np.take_along_axis(self.listed, order, axis=1)
        return classes.astype(np.int64), _at(p, order)

    def matrix(self, classes: int) -> NDArray[np.float32]:
        """Return log-probabilities of all classes, [rows, C]: only for a few rows at a time.

        Where not all were kept, the others share the mass of the rest evenly.
        """
        if self.listed is None or self.rest is None:
            return self.log_p
        evenly = self.rest - np.log(classes - self.listed.shape[1])
        whole = np.repeat(evenly[:, None], classes, axis=1).astype(np.float32)
        np.put_along_axis(whole, self.listed.astype(np.int64), self.log_p, axis=1)
        return whole

    @property
    def probability(self) -> NDArray[np.float32]:
        """Probabilities normalised over the label set, 0 without a score. Shape: [rows, N]."""
        total = _log_sum(self.log_p)
        if self.rest is not None:
            total = np.logaddexp(total, self.rest)
        return np.exp(self.log_p - np.where(np.isfinite(total), total, 0)[:, None])


def _at(values: NDArray[np.float32], index: NDArray[np.int64]) -> NDArray[np.float32]:
    return np.take_along_axis(values, index, axis=1)


def _descending(values: NDArray[np.float32]) -> NDArray[np.int64]:
    return np.argsort(-values, axis=1, kind="stable")


def _log_sum(log_p: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the log of every row's summed probability, -inf without a score. Shape: [rows]."""
    top = log_p.max(axis=1)
    top = np.where(np.isfinite(top), top, 0)
    total = np.exp(log_p - top[:, None]).sum(axis=1)
    with np.errstate(divide="ignore"):
        return (np.log(total) + top).astype(np.float32)
