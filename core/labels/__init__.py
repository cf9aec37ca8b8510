"""Label codecs: how a class becomes the tokens that a decoder writes, and back.

Law: `decode(encode(c)) == c` for every class, and distinct classes have distinct tokens, also
where one label is the beginning of another.
"""

from collections.abc import Sequence
from typing import Protocol

CODECS = {"text": "core.labels.text:TextCodec"}


class Tokenizer(Protocol):
    """The part of a Hugging Face tokenizer that a codec uses."""

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]:
        """Return the token ids of a text."""
        ...

    def decode(self, token_ids: Sequence[int], *, skip_special_tokens: bool) -> str:
        """Return the text of token ids."""
        ...


class LabelCodec(Protocol):
    """Classes to token sequences and back. A sequence does not hold EOS."""

    classes: tuple[str, ...]

    def encode(self, index: int) -> tuple[int, ...]:
        """Return the tokens of a class."""
        ...

    def decode(self, tokens: Sequence[int]) -> int | None:
        """Return the class that these tokens write, None if they write none."""
        ...

    def text(self, tokens: Sequence[int]) -> str:
        """Return what a person reads when these tokens are written."""
        ...

    def write(self, text: str) -> tuple[int, ...]:
        """Return the tokens of any text, as a context uses it."""
        ...
