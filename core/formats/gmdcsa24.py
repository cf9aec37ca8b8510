"""GMDCSA24, clips of daily living and falls: one row for every video, its actions in one cell.

`Subject_1/ADL.csv` describes `Subject_1/ADL/*.mp4`. The column `Classes` is written
`Sitting[0 to 3; 4.2 to 6.5]; Falling (SW)[3 to 4]`: several intervals in one bracket and overlaps
are meant, half a row is not: a row with any fault is not taken.
"""

import os
import re
from pathlib import Path

from core.errors import InvalidData
from core.formats import Reading, Row
from core.formats.sheet import Cells, Roles, count_roles, read_sheet
from core.formats.source import quoted
from core.formats.values import label_of, labelled, time_us
from core.types import Segment, Span

LAYOUT = "a CSV with the columns File Name and Classes beside a folder of its name"

ROLES: Roles = {"file name": ("file name",), "classes": ("classes",)}

_CLASS = re.compile(r"([^\[\];:]+)\[([^\[\]]*)\]\s*(?:;|$)")
_INTERVAL = re.compile(r"\s*(\S+)\s+to\s+(\S+)\s*")
_WRITTEN = "Write 'Name[start to end]', several separated by ';'."


def recognises(head: bytes) -> bool:
    """Return whether the first line has both columns."""
    return count_roles(head, ROLES, ",") == len(ROLES)


def read(path: Path) -> Reading:
    """Read one CSV; its videos lie in the folder beside it that has its name."""
    folder = path.parent / path.stem

    def parse(line: int, cells: Cells, _: str) -> Row:
        name = cells["file name"].strip()
        if name in ("", ".", "..") or "/" in name or "\\" in name:
            raise InvalidData(
                f"A row must name a file in the folder '{path.stem}'",
                quoted(name),
                "Write the file's name without folders.",
            )
        segments, ignored = _classes(cells["classes"])
        return Row(path, line, Path(os.path.realpath(folder / name)), True, segments, ignored)

    return read_sheet(path, ROLES, parse)


def _classes(text: str) -> tuple[tuple[Segment, ...], tuple[Span, ...]]:
    """Return the segments and ignored spans of a `Classes` cell, in the order of time."""
    segments: list[Segment] = []
    ignored: list[Span] = []
    rest = text.strip()
    if not rest:
        raise InvalidData("A row must name its classes", "an empty cell", _WRITTEN)
    while rest:
        found = _CLASS.match(rest)
        if found is None:
            raise InvalidData("A class is written as 'Name[start to end];'", quoted(rest), _WRITTEN)
        label = label_of(found[1])
        if label.count("(") != label.count(")"):
            raise InvalidData("Brackets must be closed", quoted(label), "Close the bracket.")
        for interval in found[2].split(";"):
            more, spans = _interval(interval, label)
            segments += more
            ignored += spans
        rest = rest[found.end() :].strip()
    return tuple(sorted(segments)), tuple(sorted(ignored))


def _interval(text: str, label: str) -> tuple[tuple[Segment, ...], tuple[Span, ...]]:
    times = _INTERVAL.fullmatch(text)
    if times is None:
        raise InvalidData(
            "An interval is written as 'start to end'",
            f"{quoted(text)} of {quoted(label)}",
            "Write 'to' between two times.",
        )
    start, end = (time_us(one, name=f"{quoted(label)} at") for one in times.groups())
    return labelled(start, end, label)
