"""Annotation files in: a format is one module with three names, and one line in the table.

LAYOUT            what such a file looks like, in words
recognises(head)  whether a file that begins with these bytes is of this format
read(path)        the file as `Reading`: what it says, and which rows say nothing usable

A bad row is a `Fault` and never stops the others; a file that cannot be read at all is
`InvalidFile`. Which of the library's videos a row means is decided in `core.formats.matching`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import InvalidData, InvalidFile
from core.formats.source import HEAD_BYTES, content, quoted
from core.registry import check_name, resolve
from core.types import Segment, Span

# The first that recognises a file reads it: the particular before the general.
FORMATS = {
    "gmdcsa24": "core.formats.gmdcsa24:read",
    "table": "core.formats.table:read",
}


@dataclass(frozen=True, slots=True)
class Row:
    """What one row of a file says about one video.

    `exact` means that `video` is a resolved path and no other file can be meant; else it is the
    text of the file, a path or a name. A row of background alone has no segments: it says that the
    video was looked at.
    """

    file: Path
    line: int
    video: Path | str
    exact: bool
    segments: tuple[Segment, ...] = ()
    ignored: tuple[Span, ...] = ()


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


def recognise(path: Path) -> str:
    """Return the name of the format that a file is in.

    Raises:
        InvalidFile: No format recognises it; the message names those that are supported.
    """
    head = content(path)[:HEAD_BYTES]
    for name in FORMATS:
        if _member(name, "recognises")(head):
            return name
    layouts = "; ".join(f"'{name}', {_member(name, 'LAYOUT')}" for name in FORMATS)
    raise InvalidFile(
        "An annotation file must be in a supported format", path, next_step=f"Supported: {layouts}."
    )


def read(path: Path, name: str | None = None) -> Reading:
    """Read an annotation file in the format `name`, or in the one that recognises it."""
    reader: Callable[[Path], Reading] = _member(name or recognise(path), "read")
    return reader(path)


def _member(name: str, attribute: str) -> Any:
    """Return what a format's module holds under one of the three names."""
    check_name("annotation format", FORMATS, name)
    module = FORMATS[name].partition(":")[0]
    return resolve("annotation format", {name: f"{module}:{attribute}"}, name)
