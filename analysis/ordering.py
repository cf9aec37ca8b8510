"""The order of classes in which those that are mistaken for each other stand side by side."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analysis.confusion import Confusion, check_same_classes

_EXACT = 300
"""Classes up to which neighbours are put in the best order that the tree allows."""


def order_by_confusion(tables: Sequence[Confusion]) -> list[int]:
    """Return class indices so that classes which runs mix stand together.

    The likeness of two classes is the mean over both directions and all runs of the share of the
    one that was answered with the other; classes are joined by average linkage of 1 − likeness.
    Classes without a mistake follow in their own order.
    """
    check_same_classes(*tables)
    size = len(tables[0].classes)
    mixed, likeness = _likeness(tables, size)
    if len(mixed) > 2:
        from scipy.cluster.hierarchy import leaves_list, linkage  # few calls need them

        tree = linkage(1.0 - likeness, "average", optimal_ordering=len(mixed) <= _EXACT)
        mixed = mixed[leaves_list(tree)]
    chosen = mixed.tolist()
    return [*chosen, *sorted(set(range(size)).difference(chosen))]


def _likeness(
    tables: Sequence[Confusion], size: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the classes with a mistake, and the likeness of each pair of them, 0 to 1.

    Shapes: [n], and [n (n − 1) / 2] in the order of `scipy.spatial.distance.pdist`.
    """
    wrong = []
    for table in tables:
        row, column, count = table.mistakes
        share = count / table.counts.sum(axis=1)[row]
        named = column < size
        wrong.append((row[named], column[named], share[named]))
    row, column, share = (np.concatenate(part) for part in zip(*wrong, strict=True))
    mixed, places = np.unique(np.stack([row, column]), return_inverse=True)
    first, second = np.sort(places.reshape(2, -1), axis=0)
    pair = first * len(mixed) - first * (first + 1) // 2 + second - first - 1
    pairs = len(mixed) * (len(mixed) - 1) // 2
    return mixed, np.bincount(pair, share, pairs) / (2.0 * len(tables))
