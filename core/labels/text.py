"""The codec `text`: a class is written as its name, in the decoder's own sub-words."""

from collections.abc import Sequence

from core.errors import InvalidData
from core.labels import Tokenizer


class TextCodec:
    """Writes a label with a space in front, so that a word has the same tokens everywhere."""

    def __init__(self, classes: tuple[str, ...], tokenizer: Tokenizer) -> None:
        self.classes, self._tokenizer = classes, tokenizer
        self._tokens = [self.write(name) for name in classes]
        self._index = {tokens: i for i, tokens in enumerate(self._tokens)}
        if len(self._index) != len(classes):
            same = [
                n for n, t in zip(classes, self._tokens, strict=True) if self._tokens.count(t) > 1
            ]
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
        return self._tokenizer.decode(list(tokens), skip_special_tokens=True).strip()

    def write(self, text: str) -> tuple[int, ...]:
        """Return the tokens of any text."""
        return tuple(self._tokenizer.encode(f" {text}", add_special_tokens=False))
