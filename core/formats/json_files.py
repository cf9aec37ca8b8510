"""Annotation files in JSON: exact numbers, a refusal instead of a guess, lists of annotations.

Numbers are read as decimals, so that a time is the one in the file and not its nearest float.
"""

import json
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from core.errors import InvalidData, InvalidFile
from core.formats import Fault, Reading, Row, fault_of
from core.formats.marks import Mark
from core.formats.source import content, encoding_of, quoted, text_of
from core.types import SECOND

_SECONDS_LIMIT = 10**9
"""31 years, as in `core.formats.values`; also keeps an exponent from filling the memory."""


def begins(head: bytes) -> str:
    """Return the beginning of a file as text if it can be a JSON object, else nothing."""
    text = head.decode(encoding_of(head), errors="replace").lstrip()
    return text if text.startswith("{") else ""


def parsed(path: Path) -> dict[str, Any]:
    """Return the object that a file holds.

    Raises:
        InvalidFile: Not UTF-8, not JSON, not an object, or one that holds a name twice.
    """
    value = parsed_value(path)
    if not isinstance(value, dict):
        raise InvalidFile(
            "An annotation file in JSON must be an object", path, next_step="Choose another file."
        )
    return value


def parsed_value(path: Path) -> Any:
    """Return what a file holds, as `parsed`, where it need not be an object."""
    text = text_of(content(path), path)

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in found if names.count(name) > 1)
            raise InvalidFile(
                f"A name may be used once in an object, {quoted(twice)} is there twice",
                path,
                next_step="Remove or rename one of them.",
            )
        return found

    try:
        return json.loads(text, parse_float=Decimal, object_pairs_hook=once)
    except json.JSONDecodeError as error:
        raise InvalidFile(
            f"A JSON file must be complete ({error.msg})",
            path,
            error.lineno,
            "Save or download it again.",
        ) from error
    except (InvalidOperation, RecursionError, ValueError) as error:
        raise InvalidFile(
            "A JSON file must hold numbers and depths of an ordinary size",
            path,
            next_step="Save or download it again.",
        ) from error


def seconds_us(value: object, name: str) -> int:
    """Return microseconds from a JSON number of seconds."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        rule = "A time must be a number of seconds"
    elif value < 0:
        rule = "A time must not be negative"
    elif value >= _SECONDS_LIMIT:
        rule = f"A time must be below {_SECONDS_LIMIT:,} s"
    else:
        return int((Decimal(value) * SECOND).to_integral_value(ROUND_HALF_EVEN))
    raise InvalidData(rule, f"{name} {shown(value)}", "Correct the time.")


def text_in(value: object, name: str) -> str:
    """Return a JSON value that must be text."""
    if not isinstance(value, str):
        raise InvalidData(f"The {name} must be text", shown(value), "Put quotes around it.")
    return value


def video_of(name: str) -> str:
    """Return the name of a video as a row names it."""
    bare = name.strip()
    if not bare or any(unicodedata.category(character) in ("Cc", "Cs") for character in bare):
        raise InvalidData("A row must name its video", quoted(name), "Write its file name.")
    return bare


def shown(value: object) -> str:
    """Return a JSON value as a message shows it."""
    return quoted(value if isinstance(value, str) else str(value)[:100])


def read_lists(
    path: Path,
    videos: Iterable[tuple[str, object]],
    marks_of: Callable[[Mapping[str, Any]], tuple[Mark, ...]],
) -> Reading:
    """Read annotations that stand in one list for each video.

    The `line` of a row is the number of its annotation, counted through the file from 1; a video
    whose list is empty was looked at, which is a row without marks and counts as one.

    Args:
        path: The file.
        videos: The name of each video and its list; anything else than a list is a fault.
        marks_of: What one annotation says.
    """
    rows: list[Row] = []
    faults: list[Fault] = []
    for line, (name, annotation) in enumerate(_annotations(videos), start=1):
        try:
            video = video_of(name)
            marks = () if annotation is _EMPTY else marks_of(_object(annotation))
        except InvalidData as error:
            faults.append(fault_of(path, line, error))
        else:
            rows.append(Row(path, line, video, False, marks))
    return Reading(tuple(rows), tuple(faults))


_EMPTY = object()
"""Stands for the annotations of a video that has none."""


def _annotations(videos: Iterable[tuple[str, object]]) -> Iterator[tuple[str, object]]:
    for name, annotations in videos:
        found = annotations if isinstance(annotations, list) else [annotations]
        for annotation in found or [_EMPTY]:
            yield name, annotation


def _object(annotation: object) -> Mapping[str, Any]:
    if not isinstance(annotation, dict):
        raise InvalidData(
            "A video needs a list of annotations, each an object",
            shown(annotation),
            "Write them in square and curly brackets.",
        )
    return annotation
