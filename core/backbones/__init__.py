"""Backbones: a frozen vision tower, a trainable connector, a causal decoder with its tokenizer.

A name of this table, or the path of a folder in the layout of `core/backbones/composed.py`.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import MissingArtifact
from core.registry import check_name, resolve

if TYPE_CHECKING:
    from core.backbones.base import Backbone, BackboneCard, VisionTower

BACKBONES = {"nano": "core.backbones.composed:Composed"}


def is_folder(name: str) -> bool:
    """Say whether a backbone is given as the path of a folder."""
    return "/" in name or "\\" in name


def check_backbone(name: str) -> None:
    """Raise `UnknownName` unless the table holds `name` or it is a folder's path."""
    if not is_folder(name):
        check_name("backbone", BACKBONES, name)


def settings_file(name: str) -> Path:
    """Return where a backbone describes itself; the embedded ones lie beside this file."""
    embedded = Path(__file__).parent / name
    return (embedded if name in BACKBONES else Path(name)) / "backbone.json"


def default_rate(name: str) -> float:
    """Return a backbone's frames a second, without importing torch.

    Raises:
        MissingArtifact: There is no such backbone.
    """
    path = settings_file(name)
    if not path.is_file():
        raise MissingArtifact(
            "A backbone folder holds backbone.json, tower/, decoder/, connector.safetensors",
            f"'{name}' has no backbone.json",
            "Give the path of such a folder, or 'nano'.",
        )
    return float(json.loads(path.read_text())["card"]["rate"])


def _source(name: str) -> Any:
    table = {name: BACKBONES["nano"]} if is_folder(name) else BACKBONES
    return resolve("backbone", table, name)(name)


def backbone_card(name: str) -> "BackboneCard":
    """Return what is known of a backbone without loading its weights."""
    return _source(name).card


def load_backbone(name: str) -> "Backbone":
    """Load connector, decoder and tokenizer; the tower stays on disk."""
    return _source(name).backbone()


def load_tower(name: str) -> "VisionTower":
    """Load the frozen vision tower alone, for computing features."""
    return _source(name).tower()
