"""Label sets for benchmarks: a verb and a noun, of words that nano's tokenizer knows the parts of.

Nothing is read but the tokenizer, and the same names come out every time.
"""

from functools import cache
from typing import Any

import numpy as np


def verb_noun_names(tokenizer: Any, count: int) -> tuple[str, ...]:
    """Return `count` names drawn among all pairs of verbs and nouns of one or two tokens each.

    As many verbs and nouns are drawn from as EPIC-KITCHENS-100 has, 97 and 300; for small label
    sets 15 and 12. Half of the words have one token.
    """
    verbs, nouns = (97, 300) if count > 15 * 12 else (15, 12)
    words = _words(tokenizer, 1), _words(tokenizer, 2)
    first = [words[i % 2][i // 2] for i in range(verbs)]
    second = [words[i % 2][-1 - i // 2] for i in range(min(nouns, 2 * len(words[0])))]
    second += words[1][verbs : verbs + nouns - len(second)]
    pairs = np.random.default_rng(0).permutation(verbs * nouns)[:count]
    return tuple(f"{first[pair // nouns]} {second[pair % nouns]}" for pair in np.sort(pairs))


def names_of_length(tokenizer: Any, count: int, tokens: int) -> tuple[str, ...]:
    """Return `count` names of exactly `tokens` tokens, words of one token."""
    words = _words(tokenizer, 1)
    assert count <= len(words) ** tokens / 2, "there are too few words of one token"
    drawn = np.random.default_rng(0)
    names: dict[str, None] = {}
    while len(names) < count:
        name = " ".join(words[i] for i in drawn.integers(len(words), size=tokens))
        if len(_spelled(tokenizer, name)) == tokens:
            names[name] = None
    return tuple(names)


@cache
def _words(tokenizer: Any, tokens: int) -> list[str]:
    """Return the words of one token, or of two, in a fixed random order."""
    parts = [tokenizer.decode([i]) for i in range(len(tokenizer))]
    begin = [part[1:] for part in parts if part[0] == " " and part[1:].isalpha()]
    words = begin if tokens == 1 else [a + b for a in begin for b in parts if b.isalpha()]
    words = sorted(dict.fromkeys(words))
    np.random.default_rng(tokens).shuffle(words)
    return [word for word in words if len(_spelled(tokenizer, word)) == tokens]


def _spelled(tokenizer: Any, text: str) -> list[int]:
    return tokenizer.encode(f" {text}", add_special_tokens=False)
