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
from scipy.stats import rankdata

from analysis.confusion import Confusion
from analysis.reports import Counts
from analysis.significance import DEFAULT, Bootstrap, Interval, bootstrap

Values = NDArray[np.float64]

MOST_RESAMPLED = 300
"""Classes up to which pairs get an interval: it ranks every pair some hundred times."""


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
class Asked:
    """Counts of one run by video, for N classes. Shapes: `right` and `rows` [videos, N].

    `mixed` sparse [videos, N · N] counts true a answered b at a · N + b.
    """

    rows: Counts
    right: Counts
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
    at, cell, value = [], [], []
    for video, table in enumerate(tables):
        true, said, count = table.cells
        known = place[true] >= 0
        np.add.at(rows[video], place[true[known]], count[known])
        right[video] = table.counts.diagonal()[chosen]
        wrong = known & (place[said] >= 0) & (true != said)
        at.append(np.full(int(wrong.sum()), video))
        cell.append(place[true[wrong]] * size + place[said[wrong]])
        value.append(count[wrong].astype(np.float64))
    places = (np.concatenate(at), np.concatenate(cell))
    mixed = csr_array((np.concatenate(value), places), shape=(len(tables), size * size))
    return Asked(rows, right, mixed)


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
    """Return how mixed the pairs of classes are, in percent; NaN without rows. Shape: [pairs].

    Pairs are a < b in the order of `np.triu_indices`; `weights` count videos several times.
    """
    weights = np.ones(len(run.rows)) if weights is None else weights
    size = run.rows.shape[1]
    table = np.asarray(weights @ run.mixed).reshape(size, size)
    rows, (first, second) = weights @ run.rows, np.triu_indices(size, 1)
    both = rows[first] + rows[second]
    wrong = table[first, second] + table[second, first]
    return np.divide(100.0 * wrong, both, out=np.full(len(both), np.nan), where=both > 0)


def of_pairs(run: Asked, alike: Likeness, how: Bootstrap = DEFAULT) -> dict[str, Interval]:
    """Return Spearman's correlation of how mixed all pairs are with each thing that may predict it.

    `frequency` is the product of how often both classes occur.
    """
    size = run.rows.shape[1]
    upper = np.triu_indices(size, 1)
    fixed = {key: getattr(alike, key)[upper] for key in ("prefix", "tokens", "spelling")}

    def frequency(weights: Values) -> Values:
        rows = weights @ run.rows
        return rows[upper[0]] * rows[upper[1]]

    def figures(weights: Values) -> dict[str, float]:
        mixed = mixed_shares(run, weights)
        some = ~np.isnan(mixed)
        known = {**fixed, "frequency": frequency(weights)}
        return {key: spearman(mixed[some], value[some]) for key, value in known.items()}

    found: dict[bytes, dict[str, float]] = {}

    def figure(key: str, weights: Counts) -> Counts:
        # All correlations of a draw are made at once and asked for one after another.
        for each in weights:
            if each.tobytes() not in found:
                found[each.tobytes()] = figures(each)
        return np.array([found[each.tobytes()][key] for each in weights])

    videos = len(run.rows) if size <= MOST_RESAMPLED else 0
    whole = np.ones((1, len(run.rows)))
    if not videos:
        values = figures(whole[0])
        return {
            key: Interval(None if np.isnan(v) else v, None, None, how.level, len(run.rows))
            for key, v in values.items()
        }
    return {
        key: bootstrap(lambda w, key=key: figure(key, w), videos, how)
        for key in (*fixed, "frequency")
    }


def spearman(one: Values, other: Values) -> float:
    """Return Spearman's rank correlation; NaN where one of them does not vary."""
    if len(one) < 3 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    return float(np.corrcoef(rankdata(one), rankdata(other))[0, 1])


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
