"""How well labels separate where embeddings really are, beside any picture of them.

Cosine similarity of the vectors as they are stored; formulas: docs/metrics.md, "The embedding map".
Videos are drawn with replacement for the intervals; what is measured of a point stays.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.projection import unit
from analysis.reports import Counts, Tally
from analysis.significance import DEFAULT, Bootstrap, Interval, bootstrap

K = 5
"""Neighbours that purity looks at."""

FOLDS = 5
"""Parts that a linear probe is cross-validated in."""

_BLOCK = 512  # points whose similarities to all others are laid out at a time

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Separation:
    """Figures of labelled vectors; silhouette from −1 to 1, the others in percent.

    `alone` counts points whose label no other video has: nothing could find it, so purity and probe
    leave them out.
    """

    silhouette: Interval
    purity: Interval
    probe: Interval
    points: int
    alone: int


def separation(
    vectors: NDArray[np.floating], labels: Ids, videos: Ids, how: Bootstrap = DEFAULT
) -> Separation:
    """Measure how well labels separate.

    Args:
        vectors: A row for each point. Shape: [points, H].
        labels: What each point is. Shape: [points].
        videos: From which video each point is, 0 to V − 1. Shape: [points].
        how: How videos are drawn for the intervals.
    """
    points = unit(vectors)
    shared = in_other_videos(labels, videos)
    silhouette = silhouettes(points, labels)
    defined = ~np.isnan(silhouette)
    return Separation(
        silhouette=_mean(silhouette, defined, videos, how, scale=1.0),
        purity=_mean(purities(points, labels, videos), shared, videos, how),
        probe=_mean(probed(vectors, labels, videos), shared, videos, how),
        points=len(labels),
        alone=int((~shared).sum()),
    )


def silhouettes(points: NDArray[np.float64], labels: Ids) -> NDArray[np.float64]:
    """Return Rousseeuw's silhouette of each point by cosine distance; NaN with fewer than 2 labels.

    The mean distance to a class is 1 less the similarity to the mean of its unit vectors, so no
    table of all pairs is needed. Shape: `points` of unit length [points, H].
    """
    known, own = np.unique(labels, return_inverse=True)
    if len(known) < 2:
        return np.full(len(labels), np.nan)
    counts = np.bincount(own)
    sums = np.zeros((len(known), points.shape[1]))
    np.add.at(sums, own, points)
    found = np.zeros(len(own))
    for start in range(0, len(own), _BLOCK):
        some, mine = points[start : start + _BLOCK], own[start : start + _BLOCK]
        row = np.arange(len(mine))
        similar = some @ sums.T
        within = (similar[row, mine] - (some**2).sum(axis=1)) / (counts[mine] - 1).clip(min=1)
        similar /= counts
        similar[row, mine] = -np.inf
        a, b = 1 - within, 1 - similar.max(axis=1)
        largest = np.maximum(a, b)
        shares = np.divide(b - a, largest, out=np.zeros(len(mine)), where=largest > 0)
        found[start : start + _BLOCK] = np.where(counts[mine] > 1, shares, 0.0)
    return found


def purities(
    points: NDArray[np.float64], labels: Ids, videos: Ids, k: int = K
) -> NDArray[np.float64]:
    """Return which share of a point's nearest neighbours in other videos has its label.

    Neighbours are the `k` most similar points, or as many as its label has in other videos, so that
    a rare label can be pure too. Frames of one video look alike whatever is done in them: its own
    points are no neighbours. NaN where no other video has the label.
    """
    found = np.full(len(labels), np.nan)
    kept = min(k, len(labels))
    for start in range(0, len(labels), _BLOCK):
        block = slice(start, start + _BLOCK)
        similar, same = points[block] @ points.T, labels[block, None] == labels
        other = videos[block, None] != videos
        similar[~other] = -np.inf
        near = np.argpartition(-similar, kept - 1, axis=1)[:, :kept]
        order = np.argsort(-np.take_along_axis(similar, near, axis=1), axis=1, kind="stable")
        near = np.take_along_axis(near, order, axis=1)
        number = (same & other).sum(axis=1).clip(max=k)
        hits = np.take_along_axis(same & other, near, axis=1) & (np.arange(kept) < number[:, None])
        found[block] = np.divide(
            hits.sum(axis=1), number, out=np.full(len(number), np.nan), where=number > 0
        )
    return found


def probed(
    vectors: NDArray[np.floating], labels: Ids, videos: Ids, folds: int = FOLDS
) -> NDArray[np.float64]:
    """Return which points a linear classifier has right that was trained on other videos.

    Logistic regression (L2, C = 1) on dimensions standardised by its training points; no video is
    in two folds. NaN with fewer than two videos or labels.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    right = np.full(len(labels), np.nan)
    folds = min(folds, len(np.unique(videos)))
    if folds < 2 or len(np.unique(labels)) < 2:
        return right
    wide = vectors.astype(np.float64)
    for train, test in GroupKFold(folds).split(wide, labels, videos):
        classes = np.unique(labels[train])
        if len(classes) < 2:
            right[test] = labels[test] == classes[0]
            continue
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=200))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # 200 steps are enough for a probe
            model.fit(wide[train], labels[train])
        right[test] = model.predict(wide[test]) == labels[test]
    return right


def in_other_videos(labels: Ids, videos: Ids) -> NDArray[np.bool_]:
    """Return which points have a label that another video has too. Shape: [points]."""
    pairs = np.unique(np.stack([labels, videos]), axis=1)
    known, spread = np.unique(pairs[0], return_counts=True)
    return spread[np.searchsorted(known, labels)] > 1


def _mean(
    values: NDArray[np.float64],
    counted: NDArray[np.bool_],
    videos: Ids,
    how: Bootstrap,
    scale: float = 100.0,
) -> Interval:
    """Return the mean over the points that count, with its interval over videos."""
    counted = counted & ~np.isnan(values)
    size = int(videos.max(initial=-1)) + 1
    part = np.bincount(videos[counted], values[counted], minlength=size)[:, None].astype(np.float64)
    whole = np.bincount(videos[counted], minlength=size)[:, None].astype(np.float64)
    tally = Tally(part, whole)

    def figure(weights: Counts) -> Counts:
        return tally.percent(weights) * scale / 100.0

    return bootstrap(figure, size, how)
