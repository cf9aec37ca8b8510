"""Which labels are probably wrong, by what a run that has not seen them says."""

import numpy as np
from numpy.typing import NDArray


def margins(own: NDArray[np.int64], confidence: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far below (or above) the usual each segment's own label is believed. [segments].

    Margin of segment x with label j = p(j | x) − t_j, where t_j is the mean of p(j | x) over all
    segments with label j: the self-confidence less the class's mean self-confidence, which is the
    threshold t_j of confident learning (Northcutt, Jiang and Chuang 2021, "Confident learning:
    estimating uncertainty in dataset labels", JAIR 70). So a class of which a run is
    never sure does not fill the top of the list. The probabilities must be out of sample: the run
    was not trained on these segments. The lowest margins are the likeliest errors. A class's only
    segment has the margin 0.

    Args:
        own: The class of each segment's label. Shape: [segments].
        confidence: The probability of that class in the segment. Shape: [segments].
    """
    counts = np.bincount(own)
    threshold = np.bincount(own, weights=confidence) / counts.clip(min=1)
    return confidence - threshold[own]
