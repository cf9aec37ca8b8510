"""What every decoder returns, and how a text becomes a label."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist

from core.labels.base import LabelCodec


@dataclass(frozen=True, slots=True)
class Written:
    """What a decoder found for some moments.

    `log_p` [rows, C]: the labels' log-probabilities, -inf where the decoder has none. `texts` is
    what was written freely, `token_log_p` [rows, L] its tokens' log-probabilities (NaN-padded,
    EOS included), `distance` [rows] the edit distance to the nearest label, `nearest` [rows] its
    class.
    """

    log_p: NDArray[np.float32]
    texts: tuple[str, ...]
    token_log_p: NDArray[np.float32]
    distance: NDArray[np.int64]
    nearest: NDArray[np.int64]

    def rows(self, index: NDArray[np.int64]) -> "Written":
        """Return some of the rows."""
        return Written(
            self.log_p[index],
            tuple(self.texts[i] for i in index),
            self.token_log_p[index],
            self.distance[index],
            self.nearest[index],
        )


def nearest(
    codec: LabelCodec,
    ids: Sequence[Sequence[int]],
    token_log_p: NDArray[np.float32],
    log_p: NDArray[np.float32],
    classes: Sequence[str],
) -> Written:
    """Map what was written to `classes`; ties go to the alphabetically first label."""
    texts = tuple(codec.text(i) for i in ids)
    order = sorted(range(len(classes)), key=lambda i: classes[i])
    names = [classes[i] for i in order]
    distance = cdist(list(texts), names, scorer=Levenshtein.distance, dtype=np.int32)
    first = distance.argmin(axis=1)
    nearest = np.array(order)[first]
    return Written(log_p, texts, token_log_p, distance.min(axis=1).astype(np.int64), nearest)
