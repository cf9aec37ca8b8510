"""GMDCSA24, clips of daily living and falls: one row for every video, its actions in one cell.

`Subject_1/ADL.csv` describes `Subject_1/ADL/*.mp4`. The column `Classes` is written
`Sitting[0 to 3; 4.2 to 6.5]; Falling (SW)[3 to 4]`: several intervals in one bracket and overlaps
are meant, half a row is not: a row with any fault is not taken. Written is a CSV for each folder.
"""

import os
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from core.errors import InvalidData
from core.formats import Reading, Row
from core.formats.marks import Losses, Mark, MarkedVideo
from core.formats.sheet import Cells, Roles, count_roles, read_sheet, write_sheet
from core.formats.source import quoted
from core.formats.values import label_of, labelled, time_us
from core.formats.writing import seconds
from core.types import SECOND

LAYOUT = "a CSV with the columns File Name and Classes beside a folder of its name"
SUFFIXES = (".csv",)
LOSSES = Losses(
    tracks=True, hierarchy=True, points=True, confidence=True, notes=True,
    sentence="A CSV reaches its videos only from beside their folder; one without segments has no "
    "row.",
)  # fmt: skip

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
        video = Path(os.path.realpath(folder / name))
        return Row(path, line, video, True, _classes(cells["classes"]))

    return read_sheet(path, ROLES, parse)


def write(videos: Sequence[MarkedVideo], target: Path) -> None:
    """Write one CSV for each folder of videos, `target` standing for what they all lie in."""
    folders: dict[Path, list[MarkedVideo]] = defaultdict(list)
    for video in videos:
        folders[video.path.parent].append(video)
    root = Path(os.path.commonpath([folder.parent for folder in folders]))
    target.mkdir()
    for folder, inside in folders.items():
        written = [(video, _written(video)) for video in inside]
        rows = [
            (video.path.name, f"{video.duration_us / SECOND:g}", classes)
            for video, classes in written
            if classes
        ]
        if rows:
            path = target / folder.parent.relative_to(root) / f"{folder.name}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_sheet(path, [("File Name", "Length (seconds)", "Classes"), *rows])


def _written(video: MarkedVideo) -> str:
    """Return a `Classes` cell."""
    marks = sorted(video.marks, key=lambda m: (m.start_us, m.end_us, m.label))
    return "; ".join(
        f"{_name(mark)}[{_seconds(mark.start_us)} to {_seconds(mark.end_us)}]"
        for mark in marks
        if mark.kind != "point"
    )


def _name(mark: Mark) -> str:
    label = "Ambiguous" if mark.kind == "ignore" else mark.label
    if re.search(r"[\[\];:]", label) or label.count("(") != label.count(")"):
        raise InvalidData(
            "A class name of GMDCSA24 has closed brackets and none of [ ] ; :",
            quoted(label),
            "Rename the label, or choose another format.",
        )
    return label


def _seconds(time_us: int) -> str:
    return seconds(time_us).removesuffix(".0")


def _classes(text: str) -> tuple[Mark, ...]:
    """Return the marks of a `Classes` cell, in the order of time."""
    marks: list[Mark] = []
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
            marks += _interval(interval, label)
        rest = rest[found.end() :].strip()
    return tuple(sorted(marks, key=lambda m: (m.start_us, m.end_us, m.label)))


def _interval(text: str, label: str) -> tuple[Mark, ...]:
    times = _INTERVAL.fullmatch(text)
    if times is None:
        raise InvalidData(
            "An interval is written as 'start to end'",
            f"{quoted(text)} of {quoted(label)}",
            "Write 'to' between two times.",
        )
    start, end = (time_us(one, name=f"{quoted(label)} at") for one in times.groups())
    return labelled(start, end, label)
