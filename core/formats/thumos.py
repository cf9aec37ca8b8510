"""THUMOS'14: one text file for each class and subset, `<Class>_val.txt` or `<Class>_test.txt`.

A row is `video start end` in seconds, with one or two spaces; the class is the name of the file.
`Ambiguous_*.txt` holds spans that are left out of training and figures.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from core.errors import InvalidData, InvalidFile
from core.formats import Reading, Row
from core.formats.lines import first_line, read_lines
from core.formats.marks import Losses, Mark, MarkedVideo
from core.formats.source import quoted
from core.formats.values import label_of, labelled, time_us
from core.formats.writing import ids_of, write_folder

LAYOUT = "text files <Class>_val.txt and <Class>_test.txt of rows 'video start end' in seconds"

SUFFIXES = (".txt",)

LOSSES = Losses(
    tracks=True,
    hierarchy=True,
    points=True,
    confidence=True,
    notes=True,
    grid_us=100_000,
    sentence="Lengths, goals and videos without actions are not kept; train and val are one "
    "subset, val, and so are videos without a split.",
)

_AMBIGUOUS = "Ambiguous"

_FILE = re.compile(r"(.+)_(?:val|test)", re.DOTALL)
_ROW = re.compile(r"(\S+) {1,2}([0-9.]+) ([0-9.]+)")
_NAME_BYTES = 240
"""What file systems take, less the subset and the suffix."""


def recognises(head: bytes) -> bool:
    """Return whether the first line is a name and two numbers."""
    return bool(_ROW.fullmatch(first_line(head)))


def read(path: Path) -> Reading:
    """Read one file, whose name says the class."""
    named = _FILE.fullmatch(path.stem)
    if named is None:
        raise InvalidFile(
            "A THUMOS'14 file has the name of its class and subset, such as Diving_val.txt",
            path,
            next_step="Give it its published name.",
        )
    try:
        label = label_of(named[1])
    except InvalidData as error:
        raise InvalidFile(error.rule, path, next_step=error.next_step) from error

    def parse(line: int, text: str) -> Row:
        cells = _ROW.fullmatch(text)
        if cells is None:
            raise InvalidData(
                "A row is written 'video start end'", quoted(text), "Write two times in seconds."
            )
        start_us, end_us = time_us(cells[2], name="start"), time_us(cells[3], name="end")
        return Row(path, line, cells[1], False, labelled(start_us, end_us, label))

    return read_lines(path, parse)


def write(videos: Sequence[MarkedVideo], target: Path) -> None:
    """Write a folder with a file for each class and subset that occurs."""
    files: dict[str, list[str]] = defaultdict(list)
    for name, video in sorted(zip(ids_of(videos), videos, strict=True), key=lambda pair: pair[0]):
        if name.split() != [name]:
            raise InvalidData(
                "A video in THUMOS'14 files must have a name without spaces",
                quoted(name),
                "Rename the video, or choose another format.",
            )
        subset = "test" if video.split == "test" else "val"
        for mark in sorted(video.marks, key=lambda mark: (mark.start_us, mark.end_us)):
            if mark.kind != "point":
                files[_file_name(mark, subset)].append(_line(name, mark))
    write_folder(target, {name: "".join(lines) for name, lines in files.items()})


def _file_name(mark: Mark, subset: str) -> str:
    label = _AMBIGUOUS if mark.kind == "ignore" else mark.label
    if "/" in label or "\\" in label or len(label.encode()) > _NAME_BYTES:
        raise InvalidData(
            "A label in THUMOS'14 is the name of a file: short, without slashes",
            quoted(label),
            "Rename the label, or choose another format.",
        )
    return f"{label}_{subset}.txt"


def _line(name: str, mark: Mark) -> str:
    start, end = (_tenths(time_us) for time_us in (mark.start_us, mark.end_us))
    if end <= start:
        raise InvalidData(
            "A segment in THUMOS'14 must not vanish when it is rounded to 0.1 s",
            f"{quoted(mark.label)} in {quoted(name)} at {mark.start_us / 1e6:.3f} s",
            "Make it longer, or choose another format.",
        )
    return f"{name}  {start // 10}.{start % 10} {end // 10}.{end % 10}\n"


def _tenths(time_us: int) -> int:
    return (time_us + LOSSES.grid_us // 2) // LOSSES.grid_us
