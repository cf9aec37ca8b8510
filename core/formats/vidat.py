"""Vidat, one JSON object for a video: the actions of a list, with their labels in `config`.

Vidat writes seconds, whatever frame rate it was set to. The object that something is done to goes
before the description into the note. A file without actions is a video that was looked at. The line
of a row is the number of its action.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from core.errors import InvalidData, InvalidFile
from core.formats import Reading
from core.formats.json_files import begins, parsed, read_lists, seconds_us, shown, text_in
from core.formats.marks import Mark
from core.formats.values import NOTE_LIMIT, label_of, labelled, line_of
from core.types import SECOND

LAYOUT = "a JSON file with 'annotation', its video and 'actionAnnotationList', and 'config'"
SUFFIXES = (".json",)

_LISTS = ('"keyframeList"', '"objectAnnotationListMap"', '"actionAnnotationList"')

_ROUNDED_US = SECOND
"""How far an action may run past the length in the file; beyond, its times are no seconds."""


def recognises(head: bytes) -> bool:
    """Return whether the file begins as an object with an annotation of Vidat."""
    text = begins(head)
    return '"annotation"' in text and any(name in text for name in _LISTS)


def read(path: Path) -> Reading:
    """Read the actions of one video.

    Raises:
        InvalidFile: Not such a file, or one that does not name its video.
    """
    found = parsed(path)
    try:
        annotation = _object(found, "annotation")
        video, config = _object(annotation, "video"), _object(found, "config")
        name = _name(text_in(video.get("src"), "src of the video"))
        length_us = seconds_us(video.get("duration"), "duration")
        actions = _names(config, "actionLabelData")
        objects = _names(config, "objectLabelData")
        if not isinstance(annotation.get("actionAnnotationList"), list):
            raise InvalidData(
                "'actionAnnotationList' must be a list",
                shown(annotation.get("actionAnnotationList")),
                "Save it again in Vidat.",
            )
    except InvalidData as error:
        rule = f"{error.rule}: {error.value}"
        raise InvalidFile(rule, path, next_step=error.next_step) from error

    def marks_of(action: Mapping[str, Any]) -> tuple[Mark, ...]:
        start_us = seconds_us(action.get("start"), "start")
        end_us = seconds_us(action.get("end"), "end")
        if end_us > length_us + _ROUNDED_US:
            raise InvalidData(
                f"An action must lie within its video of {length_us / SECOND:.2f} s",
                f"end {shown(action.get('end'))}",
                "Times are seconds; correct them in Vidat.",
            )
        label = label_of(_named(actions, action.get("action"), "action"))
        done_to = action.get("object") and _named(objects, action["object"], "object")
        note = ": ".join(filter(None, (done_to, _description(action))))
        note = line_of(note, "A note", NOTE_LIMIT)
        return tuple(replace(mark, note=note) for mark in labelled(start_us, end_us, label))

    return read_lists(path, [(name, annotation["actionAnnotationList"])], marks_of)


def _object(holder: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = holder.get(name)
    if not isinstance(found, dict):
        raise InvalidData(
            f"'{name}' must be an object", shown(found), "Save the file again in Vidat."
        )
    return found


def _name(source: str) -> str:
    """Return the name of the video from where a browser found it."""
    if source.startswith("blob:"):
        raise InvalidData(
            "A file of Vidat must name its video, and this one was opened from a computer",
            shown(source),
            "Write the name of the video's file as 'src' of 'video'.",
        )
    place = unquote(urlsplit(source).path) if "://" in source else source
    return PurePosixPath(place.replace("\\", "/")).name


def _names(config: Mapping[str, Any], table: str) -> Mapping[int, str]:
    """Return the names of labels by their id."""
    rows = config.get(table)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidData(
            f"'{table}' must be a list of labels", shown(rows), "Save the file again in Vidat."
        )
    return {
        row["id"]: text_in(row.get("name"), "name of a label")
        for row in rows
        if isinstance(row.get("id"), int)
    }


def _named(names: Mapping[int, str], number: object, what: str) -> str:
    if isinstance(number, bool) or not isinstance(number, int) or number not in names:
        raise InvalidData(
            f"An {what} must be one of the configuration", shown(number), "Choose it in Vidat."
        )
    return names[number]


def _description(action: Mapping[str, Any]) -> str:
    return text_in(action.get("description", ""), "description")
