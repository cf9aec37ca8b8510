"""A decoder's tokenizer read without transformers: the server only asks how labels are spelled."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.errors import MissingArtifact

NAME = "tokenizer.json"


class FileTokenizer:
    """The part of a Hugging Face tokenizer that a codec uses, from its `tokenizer.json` alone.

    Raises:
        MissingArtifact: The folder has no such file that can be read.
    """

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer

        path = folder / NAME
        try:
            self._tokenizer: Any = Tokenizer.from_file(str(path))
        except Exception as error:  # what the library raises on a file is a bare Exception
            raise MissingArtifact(
                "Labels are checked with the tokenizer.json of a decoder", f"'{path}'",
                "Use 'gad overlap' with this tokenizer, or save it once with transformers.",
            ) from error  # fmt: skip

    @property
    def added_tokens_decoder(self) -> dict[int, Any]:
        """Return the special and added tokens by id."""
        return self._tokenizer.get_added_tokens_decoder()

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]:
        """Return the token ids of a text."""
        return self._tokenizer.encode(text, add_special_tokens=add_special_tokens).ids

    def decode(self, token_ids: Sequence[int], *, skip_special_tokens: bool) -> str:
        """Return the text of token ids."""
        return self._tokenizer.decode(list(token_ids), skip_special_tokens=skip_special_tokens)

    def __len__(self) -> int:
        return self._tokenizer.get_vocab_size(with_added_tokens=True)
