"""Annotation files in and out: a format is one module, and one line in the table.

LAYOUT                  what such a file looks like, in words
SUFFIXES                of its files, the usual one first
recognises(head)        whether a file that begins with these bytes is of this format
read(path)              the file as `Reading`: what it says, and which rows say nothing usable
write(videos, target)   the file, or the folder of files, that says it; not in read-only formats
LOSSES                  what `write` cannot say, shown before an export

A bad row is a `Fault` and never stops the others; a file that cannot be read at all is
`InvalidFile`. Which of the library's videos a row means is decided in `core.formats.matching`.
"""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from core.errors import InvalidData, InvalidFile
from core.formats.marks import Losses, Mark, MarkedVideo, ignored_of, segments_of
from core.formats.source import HEAD_BYTES, content, quoted
from core.formats.writing import new_target
from core.registry import check_name, resolve
from core.types import Segment, Span

# The first that recognises a file reads it: the particular before the general.
FORMATS = {
    "gmdcsa24": "core.formats.gmdcsa24:read",
    "coin": "core.formats.coin:read",
    "activitynet": "core.formats.activitynet:read",
    "activitynet_results": "core.formats.activitynet_results:read",
    "epic_kitchens": "core.formats.epic_kitchens:read",
    "crosstask": "core.formats.crosstask:read",
    "thumos": "core.formats.thumos:read",
    "goalstep": "core.formats.goalstep:read",
    "vidat": "core.formats.vidat:read",
    "fifty_salads": "core.formats.fifty_salads:read",
    "label_studio": "core.formats.label_studio:read",
    "cvat": "core.formats.cvat:read",
    "via": "core.formats.via:read",
    "elan": "core.formats.elan:read",
    "webvtt": "core.formats.webvtt:read",
    "boris": "core.formats.boris:read",
    "table": "core.formats.table:read",
    "ms_tcn": "core.formats.ms_tcn:read",
}


@dataclass(frozen=True, slots=True)
class Row:
    """What one row of a file says about one video.

    `exact` means that `video` is a resolved path and no other file can be meant; else it is the
    text of the file, a path or a name. A row of background alone has no marks: it says that the
    video was looked at. `unit` says whether the marks' times are microseconds or numbers of frames
    (0-based, the end exclusive), which become times when the video is known; `rate` is the frame
    rate that the file names for them. `goal` is what the whole video is about, if the file says it.
    """

    file: Path
    line: int
    video: Path | str
    exact: bool
    marks: tuple[Mark, ...] = ()
    unit: Literal["us", "frames"] = "us"
    rate: float | None = None
    goal: str = ""

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The intervals, as training sees them."""
        return segments_of(self.marks)

    @property
    def ignored(self) -> tuple[Span, ...]:
        """The spans that carry no target."""
        return ignored_of(self.marks)


@dataclass(frozen=True, slots=True)
class Fault:
    """A row that was not taken: where, the rule, the value that broke it, the next step."""

    file: Path
    line: int
    rule: str
    value: str
    next_step: str

    @property
    def sentence(self) -> str:
        """The fault as a person reads it."""
        where = f"line {self.line} of {quoted(self.file.name)}"
        value = f"{self.value} in {where}" if self.value else where
        return f"{self.rule}: {value}. {self.next_step}".strip()


@dataclass(frozen=True, slots=True)
class Reading:
    """A file's usable rows and its faults, both in the order of its lines."""

    rows: tuple[Row, ...]
    faults: tuple[Fault, ...]


def fault_of(file: Path, line: int, error: InvalidData) -> Fault:
    """Return the fault that `error` makes of a line."""
    return Fault(file, line, error.rule, error.value, error.next_step)


def format_of(path: Path) -> str | None:
    """Return the name of the format that a file is in; None where none recognises it."""
    head = content(path)[:HEAD_BYTES]
    return next((name for name in FORMATS if _member(name, "recognises")(head)), None)


def recognise(path: Path) -> str:
    """Return the name of the format that a file is in.

    Raises:
        InvalidFile: No format recognises it; the message names those that are supported.
    """
    name = format_of(path)
    if name is not None:
        return name
    layouts = "; ".join(f"'{name}', {_member(name, 'LAYOUT')}" for name in FORMATS)
    raise InvalidFile(
        "An annotation file must be in a supported format", path, next_step=f"Supported: {layouts}."
    )


def read(path: Path, name: str | None = None) -> Reading:
    """Read an annotation file in the format `name`, or in the one that recognises it."""
    reader: Callable[[Path], Reading] = _member(name or recognise(path), "read")
    return reader(path)


def suffixes() -> frozenset[str]:
    """Return the suffixes that files of any format have."""
    return frozenset(suffix for name in FORMATS for suffix in _member(name, "SUFFIXES"))


def suffix(name: str) -> str:
    """Return the usual suffix of a format's files."""
    return _member(name, "SUFFIXES")[0]


def writable() -> tuple[str, ...]:
    """Return the names of the formats that can be written."""
    return tuple(name for name in FORMATS if hasattr(_module(name), "write"))


def losses(name: str) -> Losses:
    """Return what a format cannot say."""
    return _member(name, "LOSSES")


def write(name: str, videos: Sequence[MarkedVideo], target: Path) -> None:
    """Write annotations in a format.

    Args:
        name: The format.
        videos: What is said, video by video.
        target: The file, or for a format of several files the folder; it must not exist.

    It appears whole or not at all.

    Raises:
        InvalidFile: The target is there already, or cannot be written.
        InvalidData: Something that the format cannot say and must not drop silently.
    """
    with new_target(target) as beside:
        _member(name, "write")(videos, beside)


def _module(name: str) -> Any:
    return importlib.import_module(FORMATS[name].partition(":")[0])


def _member(name: str, attribute: str) -> Any:
    """Return what a format's module holds under one of these names."""
    check_name("annotation format", FORMATS, name)
    module = FORMATS[name].partition(":")[0]
    return resolve("annotation format", {name: f"{module}:{attribute}"}, name)
