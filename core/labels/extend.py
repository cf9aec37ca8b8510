"""The codec `extend`: a class is one new token.

Scored over the new output rows alone it is the discriminative classifier: the rows are the head.
Over the whole vocabulary it is not, since every other word competes.
"""

from collections.abc import Sequence

from core.labels.base import LabelCodec, Vocabulary


class ExtendCodec(LabelCodec):
    """Appends a token and an output row a class to the vocabulary."""

    def __init__(self, classes: tuple[str, ...], vocabulary: Vocabulary) -> None:
        self.added = len(classes)
        tokens = [(vocabulary.size + i,) for i in range(len(classes))]
        super().__init__(classes, vocabulary, tokens)

    def text(self, tokens: Sequence[int]) -> str:
        """Return the names that new tokens stand for, other tokens as their words."""
        first = self.vocabulary.size
        words = [
            self.classes[t - first] if t >= first else self.vocabulary.read([t]) for t in tokens
        ]
        return " ".join(words)
