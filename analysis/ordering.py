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
        from scipy.spatial.distance import squareform

        apart = 1.0 - likeness
        np.fill_diagonal(apart, 0.0)
        tree = linkage(
            squareform(apart, checks=False), "average", optimal_ordering=len(mixed) <= _EXACT
        )
        mixed = mixed[leaves_list(tree)]
    chosen = mixed.tolist()
    return [*chosen, *sorted(set(range(size)).difference(chosen))]


def _likeness(
    tables: Sequence[Confusion], size: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the classes with a mistake, and their likeness, 0 to 1. Shapes: [n], [n, n]."""
    rows, columns, shares = [], [], []
    for table in tables:
        found = table.normalised("true").tocoo()
        wrong = (found.row != found.col) & (found.col < size)
        rows.append(found.row[wrong])
        columns.append(found.col[wrong])
        shares.append(np.asarray(found.data, np.float64)[wrong] / 100.0)
    row, column, share = (np.concatenate(part) for part in (rows, columns, shares))
    mixed = np.unique(np.concatenate([row, column])).astype(np.int64)
    place = np.zeros(size, np.int64)
    place[mixed] = np.arange(len(mixed))
    table = np.zeros((len(mixed), len(mixed)))
    np.add.at(table, (place[row], place[column]), share)
    return mixed, (table + table.T) / (2.0 * len(tables))
