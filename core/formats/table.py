"""A table with the columns video, start, end and label: one row for every action.

Separated by comma, semicolon or tab. Times are seconds or HH:MM:SS.mmm; where commas do not
separate the cells, a decimal comma is understood.
"""

from pathlib import Path

from core.errors import InvalidData
from core.formats import Reading, Row
from core.formats.sheet import ROW_LIMIT, Cells, Roles, count_roles, read_sheet
from core.formats.values import label_of, labelled, time_us

LAYOUT = "a CSV or TSV with the columns video, start, end and label"

DELIMITERS = ",;\t"

# Compared in lower case, with brackets and underscores as spaces: `Start (s)` is `start s`. Columns
# in milliseconds or frames are no synonyms: their times would come out a thousand times too long.
ROLES: Roles = {
    "video": ("video", "video name", "video id", "video file", "filename", "file name", "file",
              "path"),
    "start": ("start", "start s", "start sec", "start seconds", "start time", "start timestamp",
              "begin"),
    "end": ("end", "end s", "end sec", "end seconds", "end time", "end timestamp", "stop",
            "stop s", "stop sec", "stop seconds", "stop time", "stop timestamp"),
    "label": ("label", "class", "class name", "action", "activity", "category"),
}  # fmt: skip

_TELLING = 3
"""Columns that make a table worth trying; `read` then says which ones are missing."""


def recognises(head: bytes) -> bool:
    """Return whether the first line names at least three of the four columns."""
    return count_roles(head, ROLES, DELIMITERS) >= _TELLING


def read(path: Path, *, row_limit: int = ROW_LIMIT) -> Reading:
    """Read a table; a row that breaks a rule becomes a fault."""

    def parse(line: int, cells: Cells, delimiter: str) -> Row:
        video = cells["video"].strip()
        if not video:
            raise InvalidData("A row must name its video", "an empty cell", "Write its file name.")
        comma = delimiter != ","
        start = time_us(cells["start"], name="start", decimal_comma=comma)
        end = time_us(cells["end"], name="end", decimal_comma=comma)
        segments, ignored = labelled(start, end, label_of(cells["label"]))
        return Row(path, line, video, False, segments, ignored)

    return read_sheet(path, ROLES, parse, delimiters=DELIMITERS, row_limit=row_limit)
