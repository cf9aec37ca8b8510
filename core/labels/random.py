"""The codec `random`: each sub-word of a name becomes another, everywhere the same.

The overlap of labels stays as it is, what the words meant to the decoder is gone.
"""

from collections.abc import Sequence

import numpy as np

from core.labels.base import LabelCodec, Vocabulary


class RandomCodec(LabelCodec):
    """Writes names through one random permutation of the vocabulary's ordinary tokens."""

    def __init__(self, classes: tuple[str, ...], vocabulary: Vocabulary) -> None:
        words = vocabulary.ordinary
        drawn = np.random.default_rng(vocabulary.seed).permutation(words)
        self._code = dict(zip(words.tolist(), drawn.tolist(), strict=True))
        self._word = {code: word for word, code in self._code.items()}
        super().__init__(classes, vocabulary, [self._hide(vocabulary, name) for name in classes])

    def _hide(self, vocabulary: Vocabulary, text: str) -> tuple[int, ...]:
        return tuple(self._code.get(word, word) for word in vocabulary.spell(text))

    def text(self, tokens: Sequence[int]) -> str:
        """Return the words that the tokens stand for."""
        return self.vocabulary.read([self._word.get(token, token) for token in tokens])

    def write(self, text: str) -> tuple[int, ...]:
        """Return the tokens of any text, through the same permutation."""
        return self._hide(self.vocabulary, text)
