"""From frames to labels in words: the decoders of the generative classifier.

| name     | what it does                                                    | scores           |
|----------|-----------------------------------------------------------------|------------------|
| `exact`  | every label through the trie, in one or a few passes            | every label      |
| `beam`   | the likeliest paths of the trie, four at a time                 | the labels found |
| `trie`   | the likeliest path of the trie, token after token               | the label found  |
| `greedy` | writes freely, then the nearest label by edit distance (paper)  | a label, if hit  |
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from core.registry import resolve

if TYPE_CHECKING:
    from core.classifiers.base import Classifier
    from core.decoding.trie import LabelTrie
    from core.decoding.written import Written
    from core.frame_cache import Moments

    Decoder = Callable[[Classifier, Moments, LabelTrie], Written]

Scoring = Literal["sum", "mean", "prior"]
"""By what a generative classifier decides: see `core/decoding/answering.py`."""

DECODERS = {
    "exact": "core.decoding.exact:exact",
    "greedy": "core.decoding.greedy:greedy",
    "trie": "core.decoding.beam:trie",
    "beam": "core.decoding.beam:beam",
}


def decoder(name: str) -> "Decoder":
    """Return a decoder by name."""
    return resolve("decoder", DECODERS, name)
