"""A small file in tiktoken's form, and its tokens as the plain algorithm finds them."""

import base64
import re
from itertools import pairwise
from pathlib import Path

from transformers.convert_slow_tokenizer import bytes_to_unicode

from tests.core.conftest import tiny_tokenizer

Ranks = dict[bytes, int]


def small_ranks() -> Ranks:
    """Return the words of the tests' tokenizer by rank: all bytes, then what merging made."""
    tokenizer = tiny_tokenizer()
    byte = {shown: value for value, shown in bytes_to_unicode().items()}
    vocabulary = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    words = [word for word, _ in vocabulary if word not in tokenizer.all_special_tokens]
    return {bytes(byte[shown] for shown in word): rank for rank, word in enumerate(words)}


def write_ranks(path: Path, ranks: Ranks) -> Path:
    lines = (f"{base64.b64encode(token).decode()} {rank}\n" for token, rank in ranks.items())
    path.write_text("".join(lines))
    return path


def slow_tokens(text: str, ranks: Ranks) -> tuple[int, ...]:
    """Join, word by word, the neighbours whose union has the lowest rank, until none has one.

    `text` is of small Latin letters; a word may begin with one other character.
    """
    found: list[int] = []
    for word in re.findall(r"[^a-z]?[a-z]+", f" {text}"):
        parts = [bytes([value]) for value in word.encode()]
        while joins := [
            (ranks[a + b], i) for i, (a, b) in enumerate(pairwise(parts)) if a + b in ranks
        ]:
            _, at = min(joins)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        found += [ranks[part] for part in parts]
    return tuple(found)
