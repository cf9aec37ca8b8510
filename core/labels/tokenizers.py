"""Tokenizers on their own, for measuring labels: from a folder, the local cache, or a rank file.

Nothing is downloaded, no code that comes with a tokenizer is run, and nothing is unpickled.
"""

import base64
import binascii
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from core.errors import InvalidData, InvalidFile, MissingArtifact
from core.formats.source import quoted
from core.labels.base import Tokenizer, Vocabulary


def load_tokenizer(where: str) -> Tokenizer:
    """Return a tokenizer.

    Args:
        where: A folder that `AutoTokenizer` can load, the id of a model in the local Hugging Face
            cache, or a file in tiktoken's form, which is split into words as Llama 3 does.

    Raises:
        MissingArtifact: It is none of these.
        InvalidFile: A line of the file breaks a rule.
    """
    path = Path(where)
    try:
        if path.is_file():
            return _from_ranks(path)
        from huggingface_hub import snapshot_download
        from transformers import AutoTokenizer  # takes seconds to import

        # By its id, a cached tokenizer without the model's config.json would not be found.
        folder = where if path.is_dir() else snapshot_download(where, local_files_only=True)
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except InvalidFile:
        raise
    except Exception as error:  # what a library raises on other people's files has no closed list
        raise MissingArtifact(
            "A tokenizer must be a folder that transformers can load without code of its own, the "
            "id of a model in the local cache, or a file in tiktoken's form",
            quoted(where),
            "Check the path, or download a model's tokenizer once: "
            "`hf download ID --include 'tokenizer*'`.",
        ) from error


def spell_all(tokenizer: Tokenizer, texts: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """Return the tokens of each text, written as the codec `text` does: after a space.

    Raises:
        InvalidData: The tokenizer has no tokens for a text.
    """
    vocabulary = Vocabulary(tokenizer, len(tokenizer))
    found: dict[str, tuple[int, ...]] = {}
    for text in texts:
        try:
            found[text] = vocabulary.spell(text)
        except Exception as error:  # as above: some have no token for what they do not know
            raise InvalidData(
                "A tokenizer must have tokens for every label", quoted(text),
                "Use another tokenizer, or rename the label.",
            ) from error  # fmt: skip
    return found


def _from_ranks(path: Path) -> Tokenizer:
    ranks = _read_ranks(path)
    from transformers import PreTrainedTokenizerFast  # takes a second to import
    from transformers.convert_slow_tokenizer import TikTokenConverter

    class Converter(TikTokenConverter):
        """The library's converter, whose own reader needs the package tiktoken."""

        @staticmethod
        def load_tiktoken_bpe(tiktoken_url: str) -> dict[bytes, int]:
            return ranks

    made: Any = PreTrainedTokenizerFast(tokenizer_object=Converter(str(path)).converted())
    return made


def _read_ranks(path: Path) -> dict[bytes, int]:
    """Return the rank of each token; a line is a token in base64, a space, its rank."""
    ranks: dict[bytes, int] = {}
    taken: set[int] = set()
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                code, digits = line.split()
                token, rank = base64.b64decode(code, validate=True), int(digits)
            except (ValueError, binascii.Error) as error:
                raise _broken("is a token in base64, a space and its rank", path, number) from error
            if not token or not 0 <= rank < 2**31:
                raise _broken(
                    "has at least one byte, and a rank from 0 to 2147483647", path, number
                )
            if token in ranks or rank in taken:
                raise _broken("has a token and a rank that no other line has", path, number)
            ranks[token] = rank
            taken.add(rank)
    if missing := [value for value in range(256) if bytes([value]) not in ranks]:
        raise InvalidFile(
            f"A tiktoken file has a token for every byte, but none for byte {missing[0]}", path,
            next_step="Download it again.",
        )  # fmt: skip
    return ranks


def _broken(rule: str, path: Path, line: int) -> InvalidFile:
    return InvalidFile(
        f"A line of a tiktoken file {rule}", path, line,
        "Give a tiktoken file, or the folder that holds a tokenizer.json.",
    )  # fmt: skip
