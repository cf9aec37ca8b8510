"""The nearest of some points to others, by the cosine of their vectors.

Similarities are laid out some points at a time; of equally near ones the first counts. Two places
use it: what a segment looks like to a run, and where a point is placed that came after its map.
"""

import numpy as np
from numpy.typing import NDArray

_BLOCK = 512

Vectors = NDArray[np.floating]


def nearest(
    points: Vectors, among: Vectors, k: int, *, without_itself: bool = False
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return which of `among` are nearest to each point, the nearest first, and their cosines.

    Args:
        points: Vectors of unit length. Shape: [points, H].
        among: Vectors of unit length. Shape: [others, H].
        k: How many; fewer where there are not so many.
        without_itself: `among` are the points themselves, and none is its own neighbour.

    Returns:
        Numbers and cosines. Shapes: [points, k] each.
    """
    k = max(0, min(k, len(among) - without_itself))
    found = np.zeros((len(points), k), np.int64)
    cosines = np.zeros((len(points), k))
    for start in range(0, len(points) if k else 0, _BLOCK):
        block = slice(start, start + _BLOCK)
        similar = points[block] @ among.T
        row = np.arange(len(similar))
        if without_itself:
            similar[row, start + row] = -np.inf
        least = np.partition(similar, -k, axis=1)[:, -k, None]
        for at, (of_row, enough) in enumerate(zip(similar, similar >= least, strict=True)):
            there = np.flatnonzero(enough)
            chosen = there[np.argsort(-of_row[there], kind="stable")][:k]
            found[start + at], cosines[start + at] = chosen, of_row[chosen]
    return found, cosines
