"""What every decoder returns, and how a text becomes a label."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist


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

    def without_scores(self) -> "Written":
        """Return the same without `log_p`, which has no columns then."""
        return replace(self, log_p=np.empty((len(self.texts), 0), np.float32))


class Names:
    """Labels to look texts up in: the one of least edit distance, among several the first by name.

    Args:
        classes: Their names.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self._order = np.array(sorted(range(len(classes)), key=classes.__getitem__))
        self._names = [classes[i] for i in self._order]
        self._index = {name: i for i, name in enumerate(classes)}
        self._longest = max(map(len, classes))

    def nearest(self, texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the class nearest to each text, and its edit distance. Shapes: [rows]."""
        found = {text: (index, 0) for text in texts if (index := self._index.get(text)) is not None}
        others = [text for text in dict.fromkeys(texts) if text not in found]
        if others:
            # A byte holds every distance between short texts, and so they are compared in SIMD.
            longest = max(self._longest, *map(len, others))
            dtype = np.uint8 if longest < 255 else np.int32
            distance = cdist(others, self._names, scorer=Levenshtein.distance, dtype=dtype)
            first = distance.argmin(axis=1)
            index, least = self._order[first].tolist(), distance.min(axis=1).tolist()
            found |= dict(zip(others, zip(index, least, strict=True), strict=True))
        both = np.array([found[text] for text in texts], np.int64).reshape(-1, 2)
        return both[:, 0], both[:, 1]

    def ranked(self, text: str, count: int) -> tuple[tuple[str, int], ...]:
        """Return the labels nearest to a text with their edit distances, in the order of the rule.

        The first is what `nearest` finds.
        """
        distance = [Levenshtein.distance(text, name) for name in self._names]
        first = np.argsort(distance, kind="stable")[:count].tolist()
        return tuple((self._names[i], distance[i]) for i in first)
