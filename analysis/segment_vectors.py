"""A vector for a segment: the mean of a run's embeddings in it."""

import numpy as np
from numpy.typing import NDArray

from analysis.within_segments import Rows, Times, means, rows_of_spans


def rows_of_nearest_spans(span_us: Times, start_us: Times, end_us: Times) -> Rows:
    """Return the row that answers about each segment, where it was moved since the nearest one.

    Nearest is the clip whose middle is nearest, of equals the first. Shape: `span_us` [rows, 2].
    """
    exact = rows_of_spans(span_us, start_us, end_us)
    first, middles = exact.first.copy(), span_us.sum(axis=1)
    for at in np.flatnonzero(~exact.some).tolist():
        first[at] = np.abs(middles - (start_us[at] + end_us[at])).argmin()
    return Rows(first, first + 1)


def mean_vectors(embedding: NDArray[np.floating], rows: Rows) -> NDArray[np.float32]:
    """Return the mean embedding of each segment's rows. Shape: [rows, H] → [segments, H]."""
    table = embedding.astype(np.float32)
    parts = [mean for _, mean in means(rows, table, table.shape[1])]
    return np.concatenate([np.empty((0, table.shape[1]), np.float32), *parts])
