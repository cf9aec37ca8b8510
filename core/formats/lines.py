"""Annotation files of plain lines without a header, whatever the ends of the lines."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from core.errors import InvalidData
from core.formats import Fault, Reading, Row, fault_of
from core.formats.source import content, encoding_of, text_of

_END = re.compile(r"\r\n?|\n")


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    """Return the lines of a file with their numbers from 1, without spaces around."""
    text = text_of(content(path), path)
    return ((number, line.strip()) for number, line in enumerate(_END.split(text), start=1))


def first_line(head: bytes) -> str:
    """Return the first line that is not blank, without spaces around."""
    text = head.decode(encoding_of(head), errors="replace").strip()
    return _END.split(text, maxsplit=1)[0].strip()


def read_lines(path: Path, parse: Callable[[int, str], Row]) -> Reading:
    """Read a file whose rows `parse` makes of (number, line); blank lines are passed over."""
    rows: list[Row] = []
    faults: list[Fault] = []
    for number, line in lines_of(path):
        if not line:
            continue
        try:
            rows.append(parse(number, line))
        except InvalidData as error:
            faults.append(fault_of(path, number, error))
    return Reading(tuple(rows), tuple(faults))
