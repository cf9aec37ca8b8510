"""Whether runs go wrong where labels look alike: rank correlations over classes and over pairs.

A pair of labels is as *mixed* as the share of the rows of both that were answered with the other:
(n(a, b) + n(b, a)) / (n(a) + n(b)). It is laid beside what could predict it: the tokens that both
labels share, and two baselines, how frequent they are and how alike their names are spelled.
Intervals draw whole videos, as everywhere. Formulas: docs/metrics.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from analysis.confusion import Confusion
from analysis.reports import Counts
from analysis.significance import DEFAULT, Bootstrap, Interval, bootstrap

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Likeness:
    """How alike pairs of labels are, 0 to 100. Shapes: all float64 [N, N], symmetric.

    `prefix` is the part of both labels' tokens in their common beginning, `tokens` the part in
    common at any place, `spelling` 100 · (1 − edit distance / longer name).
    """

    prefix: Values
    tokens: Values
    spelling: Values


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """A symmetric figure of pairs that takes few values, by their order.

    Shapes: `codes` [N, N] the number of each pair's value, `counts` how many pairs have each.
    """

    codes: NDArray[np.integer]
    counts: Values

    @classmethod
    def of(cls, figure: Values) -> "Ranked":
        """Number the values of a figure of pairs; its diagonal does not count."""
        values = np.sort(np.unique(figure, sorted=False))
        codes = np.searchsorted(values, figure).astype(np.uint16 if len(values) < 1 << 16 else int)
        ranked = cls(codes, np.zeros(len(values)))
        return cls(codes, ranked._within(np.arange(len(figure))))

    def without(self, absent: NDArray[np.int64]) -> Values:
        """Return how many pairs have each value, less those of two absent classes."""
        return self.counts - self._within(absent) if len(absent) else self.counts

    def _within(self, classes: NDArray[np.int64]) -> Values:
        size = len(self.counts)
        whole = np.bincount(self.codes[np.ix_(classes, classes)].ravel(), minlength=size)
        alone = np.bincount(self.codes[classes, classes], minlength=size)
        return (whole - alone) / 2.0


def ranked(alike: Likeness) -> dict[str, Ranked]:
    """Return the figures of a likeness by their order: made once, used for every run and draw."""
    return {name: Ranked.of(getattr(alike, name)) for name in ("prefix", "tokens", "spelling")}


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """Counts of one run by video, for N classes. Shapes: `right` and `rows` [videos, N].

    `first` < `second` [n] are the pairs of classes that were ever mixed, by both; `mixed` sparse
    [videos, n] counts how often one of them was answered with the other.
    """

    rows: Counts
    right: Counts
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    mixed: csr_array


def likeness(names: Sequence[str], tokens: Sequence[Sequence[int]]) -> Likeness:
    """Return how alike labels are, as their tokens and as their names."""
    from rapidfuzz.distance import Levenshtein
    from rapidfuzz.process import cdist

    length = np.array([len(label) for label in tokens], np.float64)
    padded = np.full((len(tokens), int(length.max(initial=0))), -1, np.int64)
    for row, label in zip(padded, tokens, strict=True):
        row[: len(label)] = label
    both = np.maximum(length[:, None] + length[None, :], 1.0)
    same = np.ones((len(tokens), len(tokens)), bool)
    prefix = np.zeros(same.shape)
    for column in padded.T:
        same &= (column[:, None] == column[None, :]) & (column >= 0)[:, None]
        prefix += same
    spelling = cdist(names, names, scorer=Levenshtein.normalized_similarity, dtype=np.float32)
    return Likeness(200.0 * prefix / both, 200.0 * _common(tokens) / both, 100.0 * spelling)


def asked(tables: Sequence[Confusion], chosen: NDArray[np.int64]) -> Asked:
    """Gather the confusions of single videos for some of the classes."""
    size = len(chosen)
    place = np.full(len(tables[0].classes) + 1, -1, np.int64)
    place[chosen] = np.arange(size)
    rows, right = np.zeros((len(tables), size)), np.zeros((len(tables), size))
    at, pair, value = [], [], []
    for video, table in enumerate(tables):
        true, said, count = table.cells
        known = place[true] >= 0
        np.add.at(rows[video], place[true[known]], count[known])
        right[video] = table.counts.diagonal()[chosen]
        wrong = known & (place[said] >= 0) & (true != said)
        both = np.sort(np.stack([place[true[wrong]], place[said[wrong]]]), axis=0)
        at.append(np.full(both.shape[1], video))
        pair.append(both[0] * size + both[1])
        value.append(count[wrong].astype(np.float64))
    pairs, column = np.unique(np.concatenate(pair), return_inverse=True)
    places = (np.concatenate(at), column)
    mixed = csr_array((np.concatenate(value), places), shape=(len(tables), len(pairs)))
    return Asked(rows, right, pairs // size, pairs % size, mixed)


def of_recall(
    run: Asked, features: Mapping[str, Values], how: Bootstrap = DEFAULT
) -> dict[str, Interval]:
    """Return Spearman's correlation of the recall of classes with each feature of them."""

    def correlation(feature: Values) -> Interval:
        def figure(weights: Counts) -> Counts:
            return np.array([_one(w @ run.right, w @ run.rows) for w in weights])

        def _one(right: Values, rows: Values) -> float:
            some = rows > 0
            return spearman(right[some] / rows[some], feature[some])

        return bootstrap(figure, len(run.rows), how)

    return {name: correlation(feature) for name, feature in features.items()}


def mixed_shares(run: Asked, weights: Values | None = None) -> Values:
    """Return how mixed the pairs of `run.first` and `run.second` are, in percent. Shape: [n].

    All other pairs are mixed by 0; `weights` count videos several times.
    """
    weights = np.ones(len(run.rows)) if weights is None else weights
    rows = weights @ run.rows
    both, wrong = rows[run.first] + rows[run.second], np.asarray(weights @ run.mixed)
    return np.divide(100.0 * wrong, both, out=np.zeros(len(both)), where=both > 0)


def of_pairs(
    run: Asked, known: Mapping[str, Ranked], how: Bootstrap = DEFAULT
) -> dict[str, Interval]:
    """Return Spearman's correlation of how mixed all pairs are with each thing that may predict it.

    `frequency` is the product of how often both classes occur. Pairs of which neither occurs in a
    draw do not count in it. Most pairs are never mixed, so only the others are ranked one by one.
    """
    found: dict[bytes, dict[str, float]] = {}

    def figure(key: str, weights: Counts) -> Counts:
        # All correlations of a draw are made at once and asked for one after another.
        for each in weights:
            if each.tobytes() not in found:
                found[each.tobytes()] = _correlations(run, known, each)
        return np.array([found[each.tobytes()][key] for each in weights])

    return {
        key: bootstrap(lambda w, key=key: figure(key, w), len(run.rows), how)
        for key in (*known, "frequency")
    }


def _correlations(run: Asked, known: Mapping[str, Ranked], weights: Values) -> dict[str, float]:
    rows, shares = weights @ run.rows, mixed_shares(run, weights)
    some = shares > 0
    first, second, mixed = run.first[some], run.second[some], ranks(shares[some])
    absent = np.flatnonzero(rows == 0)
    found = {}
    for key, ranked in known.items():
        codes, counts = ranked.codes[first, second], ranked.without(absent)
        found[key] = _with_ranks(mixed, codes, counts)
    levels, of_class = np.unique(rows, return_inverse=True)
    values, codes = np.unique(np.multiply.outer(levels, levels), return_inverse=True)
    codes, classes = codes.reshape(len(levels), -1), np.bincount(of_class)
    together = np.multiply.outer(classes, classes) - np.diag(classes)
    counts = np.bincount(codes.ravel(), together.ravel(), len(values)) / 2
    if len(absent):  # their product is 0, the least
        counts[0] -= len(absent) * (len(absent) - 1) / 2
    found["frequency"] = _with_ranks(mixed, codes[of_class[first], of_class[second]], counts)
    return found


def _with_ranks(mixed: Values, codes: NDArray[np.integer], counts: Values) -> float:
    """Return Spearman's correlation of a figure that is 0 for most pairs with one of few values.

    Args:
        mixed: The ranks among themselves of the pairs that are not 0. Shape: [n].
        codes: Which value each of them has. Shape: [n].
        counts: How many of all pairs have each value, by rising value.
    """
    pairs = counts.sum()
    middle, zeros = (pairs + 1) / 2, pairs - len(mixed)
    lowest = (zeros + 1) / 2 - middle
    ours, theirs = mixed + zeros - middle, np.cumsum(counts) - (counts - 1) / 2 - middle
    spread = (zeros * lowest**2 + ours @ ours) * (counts @ theirs**2)
    if pairs < 3 or spread == 0:
        return float("nan")
    return float((ours - lowest) @ theirs[codes] / np.sqrt(spread))


def ranks(values: Values) -> Values:
    """Return ranks from 1 on; equal values share their mean."""
    _, at, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[at]


def spearman(one: Values, other: Values) -> float:
    """Return Spearman's rank correlation; NaN where one of them does not vary."""
    if len(one) < 3 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    return float(np.corrcoef(ranks(one), ranks(other))[0, 1])


def _common(tokens: Sequence[Sequence[int]]) -> Values:
    """Return how many tokens two labels have in common, each as often as both have it."""
    known = {token: at for at, token in enumerate(sorted({t for label in tokens for t in label}))}
    row = [at for at, label in enumerate(tokens) for _ in label]
    column = [known[token] for label in tokens for token in label]
    times = csr_array((np.ones(len(row)), (row, column)), shape=(len(tokens), len(known)))
    found = np.zeros((len(tokens), len(tokens)))
    for least in range(1, int(times.max()) + 1 if len(row) else 1):
        enough = np.where(times.data >= least, 1.0, 0.0)
        there = csr_array((enough, times.indices, times.indptr), shape=times.shape)
        found += (there @ there.T).toarray()
    return found
