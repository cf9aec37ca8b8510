"""The codec `desync`: a class has as many random tokens as its name, and no other class has them.

The overlap of labels is gone, their length stays.
"""

import numpy as np

from core.errors import InvalidData
from core.labels.base import LabelCodec, Vocabulary


class DesyncCodec(LabelCodec):
    """Draws tokens without replacement over all labels."""

    def __init__(self, classes: tuple[str, ...], vocabulary: Vocabulary) -> None:
        spelled = [vocabulary.spell(name) for name in classes]
        needed, words = sum(map(len, spelled)), vocabulary.ordinary
        if needed > len(words):
            raise InvalidData(
                "With 'desync' no two labels share a token, so all labels together must not have "
                "more than the vocabulary", f"{needed} tokens of {len(words)}",
                "Use 'extend', or a backbone with a larger vocabulary.",
            )  # fmt: skip
        drawn = iter(np.random.default_rng(vocabulary.seed).permutation(words).tolist())
        tokens = [tuple(next(drawn) for _ in name) for name in spelled]
        words_of = {
            code: word
            for written, name in zip(tokens, spelled, strict=True)
            for code, word in zip(written, name, strict=True)
        }
        super().__init__(classes, vocabulary, tokens, words_of)
