"""What every label codec has: classes, their tokens, and the vocabulary they are drawn from."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from core.errors import InvalidData


class Tokenizer(Protocol):
    """The part of a Hugging Face tokenizer that a codec uses."""

    @property
    def added_tokens_decoder(self) -> dict[int, Any]:
        """Return the special and added tokens by id."""
        ...

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]:
        """Return the token ids of a text."""
        ...

    def decode(self, token_ids: Sequence[int], *, skip_special_tokens: bool) -> str:
        """Return the text of token ids."""
        ...

    def __len__(self) -> int:
        """Return the number of tokens, added ones included."""
        ...


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A decoder's words.

    `size` is the number of rows of its output matrix, V, which may be padded beyond the tokenizer;
    `seed` decides what codecs draw at random.
    """

    tokenizer: Tokenizer
    size: int
    seed: int = 0

    @property
    def ordinary(self) -> NDArray[np.int64]:
        """The tokens that stand for text."""
        special = self.tokenizer.added_tokens_decoder
        return np.array([i for i in range(len(self.tokenizer)) if i not in special], np.int64)

    def spell(self, text: str) -> tuple[int, ...]:
        """Return a text's tokens; the space in front gives a word the same tokens everywhere."""
        return tuple(self.tokenizer.encode(f" {text}", add_special_tokens=False))

    def read(self, tokens: Sequence[int]) -> str:
        """Return what a person reads."""
        return self.tokenizer.decode(list(tokens), skip_special_tokens=True).strip()


class LabelCodec:
    """Classes to token sequences and back. A sequence does not hold EOS.

    Args:
        classes: Names in the order of their indices.
        vocabulary: Where tokens come from.
        tokens: The tokens of each class.
        words: The sub-word that a drawn token stands for; a token not in it stands for itself.
    """

    added: int = 0
    """Tokens that the codec adds to the vocabulary; their ids follow its size."""

    def __init__(
        self,
        classes: tuple[str, ...],
        vocabulary: Vocabulary,
        tokens: list[tuple[int, ...]],
        words: Mapping[int, int] | None = None,
    ) -> None:
        self.classes, self.vocabulary, self._tokens = classes, vocabulary, tokens
        self._words, self._own = words or {}, dict(zip(classes, tokens, strict=True))
        self._index = {written: i for i, written in enumerate(tokens)}
        if len(self._index) != len(classes):
            times = Counter(tokens)
            same = [n for n, t in zip(classes, tokens, strict=True) if times[t] > 1]
            raise InvalidData(
                "Every label must have its own tokens", f"{', '.join(same)} are written alike",
                "Rename all but one of them.",
            )  # fmt: skip
        if () in self._index:
            raise InvalidData("A label must have at least one token", "an empty name", "Rename it.")

    def encode(self, index: int) -> tuple[int, ...]:
        """Return the tokens of a class."""
        return self._tokens[index]

    def decode(self, tokens: Sequence[int]) -> int | None:
        """Return the class that these tokens write, None if they write none."""
        return self._index.get(tuple(tokens))

    def text(self, tokens: Sequence[int]) -> str:
        """Return what a person reads when these tokens are written."""
        return self.vocabulary.read([self._words.get(token, token) for token in tokens])

    def write(self, text: str) -> tuple[int, ...]:
        """Return the tokens of any text, as a context uses it; a label's are its own."""
        return self._own.get(text) or self.vocabulary.spell(text)
