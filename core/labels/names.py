"""Class names as they are published, and as a label is written.

A published list holds more than actions, and joins words as file names do. The figures of label
overlap (and those of the paper) are measured on plain text:

| published               | written                 | because                                      |
|-------------------------|-------------------------|----------------------------------------------|
| `BackGround`, `sil`     | left out                | no action, see `core.formats.values`         |
| `Ambiguous`             | left out                | carries no target                            |
| `CleanAndJerk`          | `clean and jerk`        | a capital after a small letter begins a word |
| `pick-up_jug:measuring` | `pick-up jug:measuring` | `_` is a space; `-` and `:` are text         |
"""

import json
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

from core.errors import InvalidData, InvalidFile
from core.formats.source import quoted
from core.formats.values import AMBIGUOUS, BACKGROUND, label_of


def is_action(name: str) -> bool:
    """Return whether a published name is an action: neither background nor ambiguous."""
    return label_of(name).casefold() not in BACKGROUND | AMBIGUOUS


def label_text(name: str) -> str:
    """Return the text that stands for a published name: words of small letters, single spaces.

    A capital after a small letter begins a word, an underscore is a space; every other character
    is part of the text, as `:` and `-` are in the verbs and nouns of EPIC-KITCHENS.

    Raises:
        InvalidData: The name is empty, too long, or holds control characters.
    """
    name = label_of(name)
    apart = (
        f" {letter}" if before.islower() and letter.isupper() else letter
        for before, letter in pairwise(f" {name}")
    )
    return label_of("".join(apart).replace("_", " ").lower())


def label_texts(names: Iterable[str]) -> tuple[str, ...]:
    """Return the texts of all actions among published names, in their order.

    Raises:
        InvalidData: There is no action, or two of them are written alike.
    """
    published: dict[str, str] = {}
    for name in filter(is_action, names):
        text = label_text(name)
        if text in published:
            raise InvalidData(
                "Every label must have its own name",
                f"{quoted(published[text])} and {quoted(name)} are both written {quoted(text)}",
                "Rename or remove one of them.",
            )
        published[text] = name
    if not published:
        raise InvalidData(
            "A label set must hold at least one action",
            "no name that is not background",
            "Add the names of the actions.",
        )
    return tuple(published)


def read_names(path: Path) -> list[str]:
    """Return the names in a JSON file: a list, or an object with the list `classes`.

    Raises:
        InvalidFile: The file cannot be read, is not JSON, or has another form.
    """
    try:
        if not path.is_file():  # a pipe or a device would never end
            raise InvalidFile(
                "A label file must be a file that exists", path, next_step="Check its path."
            )
        found: Any = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise InvalidFile(
            f"A label file must be readable ({error.strerror})", path, next_step="Check its path."
        ) from error
    except (ValueError, RecursionError) as error:  # RecursionError: lists in lists without end
        raise InvalidFile(
            "A label file must be JSON in UTF-8", path, getattr(error, "lineno", None),
            'Write a list such as ["add sugar", "stir tea"].',
        ) from error  # fmt: skip
    names = found.get("classes") if isinstance(found, dict) else found
    if not isinstance(names, list):
        raise InvalidFile(
            "A label file holds a list of names, or an object with the list 'classes'", path,
            next_step='Write a list such as ["add sugar", "stir tea"].',
        )  # fmt: skip
    for number, name in enumerate(names, 1):
        if not isinstance(name, str):
            raise InvalidFile(
                f"A name must be text, but name {number} is {quoted(json.dumps(name))}", path,
                next_step="Write it in double quotes.",
            )  # fmt: skip
    return names
