"""Backbones: a frozen vision tower, a trainable connector, a causal decoder with its tokenizer.

A backbone is given as a name of `BACKBONES`, or as the path of a folder: one with `backbone.json`,
whose "kind" is a name of `KINDS` ("composed" where it says none), or a plain Hugging Face folder of
an image-text-to-text model. This module is free of torch.
"""

from typing import TYPE_CHECKING, Any

from core.backbones.entries import BACKBONES
from core.backbones.places import Place, find, is_folder
from core.registry import check_name, resolve

if TYPE_CHECKING:
    from core.backbones.base import Backbone, BackboneCard, VisionTower

__all__ = [
    "BACKBONES", "KINDS", "Place", "backbone_card", "check_backbone", "default_rate", "find",
    "is_folder", "load_backbone", "load_tower",
]  # fmt: skip

KINDS = {
    "composed": "core.backbones.composed:Composed",
    "vision_language": "core.backbones.vision_language:VisionLanguage",
    "features": "core.backbones.precomputed:Precomputed",
}
"""A kind is made from a `Place` and offers `card`, `backbone()` and `tower()`."""

DEFAULT_RATE = 2.0
"""Frames a second where a backbone does not say its own."""


def check_backbone(name: str) -> None:
    """Raise `UnknownName` unless the table holds `name` or it is a folder's path."""
    if not is_folder(name):
        check_name("backbone", BACKBONES, name)


def default_rate(name: str) -> float:
    """Return a backbone's frames a second; what is not there yet has the usual one.

    Raises:
        UnknownName: Neither a name of the table nor a path.
        MissingArtifact: The path is no backbone.
    """
    check_backbone(name)
    if not is_folder(name) and BACKBONES[name].hub:
        return DEFAULT_RATE
    return float(find(name).settings.get("card", {}).get("rate", DEFAULT_RATE))


def _source(name: str) -> Any:
    check_backbone(name)
    place = find(name)
    return resolve("kind of backbone", KINDS, place.kind)(place)


def backbone_card(name: str) -> "BackboneCard":
    """Return what is known of a backbone without loading its weights.

    Raises:
        MissingArtifact: It is not on this machine; the message says how to get it.
        InvalidFile: It is no backbone, or of a sort that cannot be used; the message says why.
    """
    return _source(name).card


def load_backbone(name: str) -> "Backbone":
    """Load connector, decoder and tokenizer; the tower stays on disk."""
    return _source(name).backbone()


def load_tower(name: str) -> "VisionTower":
    """Load the frozen vision tower alone, for computing features."""
    return _source(name).tower()
