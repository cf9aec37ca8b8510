"""The three classifiers: what a readout asks, which losses teach it, how classes are scored.

| name           | asked in training            | at inference    | losses   | scores    |
|----------------|------------------------------|-----------------|----------|-----------|
| generative     | `[TEXT]` → label → EOS       | `[TEXT]` → trie | gen      | a decoder |
| discriminative | `[CLS]`                      | `[CLS]`         | cls      | one head  |
| gad            | `[CLS]` → `[TEXT]` → context | `[CLS]`         | cls, gen | one head  |
"""

from typing import TYPE_CHECKING, Literal

from core.registry import resolve

if TYPE_CHECKING:
    from core.classifiers.base import Classifier

CLASSIFIERS = {
    "generative": "core.classifiers.generative:GenerativeClassifier",
    "discriminative": "core.classifiers.discriminative:DiscriminativeClassifier",
    "gad": "core.classifiers.generation_assisted:GenerationAssistedClassifier",
}

Strategy = Literal["discriminative_first", "parallel", "generation_first"]
"""How GAD's text and `[CLS]` hang together: see `generation_assisted.py`."""

MARKS = {"generative": "G", "discriminative": "D", "gad": "GAD"}
"""The one mark of each classifier on every page."""


def classifier_class(name: str) -> "type[Classifier]":
    """Return a classifier's class by name."""
    return resolve("classifier", CLASSIFIERS, name)
