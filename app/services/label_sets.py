"""The label set of a project as a person edits it: names, words, colours, hotkeys, the order."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from app.services import Studio, library
from core.errors import InvalidData
from storage import labels

_COLOUR = re.compile(r"#[0-9a-f]{6}")
_WORDS = ("verb", "noun", "colour", "hotkey")
_SHOWN = ("id", "name", *_WORDS, "position", "archived", "segments")


def listed(studio: Studio, project: int) -> dict[str, Any]:
    """Return the label set of a project and its labels, archived ones too, with their use."""
    known = labels.list_label_sets(studio.database, project)
    if not known:
        return {"label_set": None, "labels": []}
    found = labels.list_labels(studio.database, known[0].id, archived=True)
    rows = [{name: getattr(label, name) for name in _SHOWN} for label in found]
    return {"label_set": known[0].id, "labels": rows}


def add(studio: Studio, project: int, name: str) -> int:
    """Add a label, or bring an archived one back; verb and noun are guessed from its name."""
    (number,) = library.add_labels(studio, project, [" ".join(name.split())]).values()
    return number


def change(studio: Studio, label: int, values: Mapping[str, Any]) -> None:
    """Set some of a label's name, verb, noun, colour, hotkey and whether it is archived.

    Raises:
        Conflict: Another label has this name.
        InvalidData: A colour that is none; nothing is changed.
    """
    words = {name: values[name] for name in _WORDS if name in values}
    if words.get("colour"):
        words["colour"] = _colour(words["colour"])
    with studio.database.write():
        if "name" in values:
            labels.rename_label(studio.database, label, values["name"])
        if words:
            labels.describe_label(studio.database, label, words)
        if "archived" in values:
            labels.archive_label(studio.database, label, archived=values["archived"])


def order(studio: Studio, project: int, ids: Sequence[int]) -> None:
    """Put all labels of a project, archived ones too, into this order."""
    known = labels.find_label_set(studio.database, project)
    labels.order_labels(studio.database, known.id, ids)


def _colour(text: str) -> str:
    colour = text.strip().lower()
    if not _COLOUR.fullmatch(colour):
        raise InvalidData(
            "A colour is written as #rrggbb", f"'{text}'", "Choose one, or none to derive it."
        )
    return colour
