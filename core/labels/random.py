"""The codec `random`: each sub-word of a name becomes another, everywhere the same.

The overlap of labels stays as it is, what the words meant to the decoder is gone.
"""

import numpy as np

from core.labels.base import LabelCodec, Vocabulary


class RandomCodec(LabelCodec):
    """Writes names through one random permutation of the vocabulary's ordinary tokens."""

    def __init__(self, classes: tuple[str, ...], vocabulary: Vocabulary) -> None:
        words = vocabulary.ordinary
        drawn = np.random.default_rng(vocabulary.seed).permutation(words)
        self._codes = dict(zip(words.tolist(), drawn.tolist(), strict=True))
        tokens = [self._hide(vocabulary.spell(name)) for name in classes]
        super().__init__(classes, vocabulary, tokens, {c: w for w, c in self._codes.items()})

    def _hide(self, words: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(self._codes.get(word, word) for word in words)

    def write(self, text: str) -> tuple[int, ...]:
        """Return the tokens of any text, through the same permutation."""
        return self._hide(self.vocabulary.spell(text))
