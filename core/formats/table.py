"""A table with the columns video, start, end and label: one row for every action.

Separated by comma, semicolon or tab. Times are seconds or HH:MM:SS.mmm; where commas do not
separate the cells, a decimal comma is understood. It may have columns track, kind (interval, point
or ignore), confidence and note; it is written with all of them, in microseconds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from core.errors import InvalidData
from core.formats import Reading, Row
from core.formats.marks import Losses, Mark, MarkedVideo
from core.formats.sheet import ROW_LIMIT, Cells, Roles, count_roles, read_sheet, write_sheet
from core.formats.source import quoted
from core.formats.values import (
    NOTE_LIMIT,
    TRACK_LIMIT,
    confidence_of,
    label_of,
    labelled,
    line_of,
    time_us,
)
from core.formats.writing import seconds

LAYOUT = "a CSV or TSV with the columns video, start, end and label"
SUFFIXES = (".csv", ".tsv")
LOSSES = Losses(hierarchy=True, sentence="Line breaks in notes become spaces.")

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

OPTIONAL: Roles = {name: (name,) for name in ("track", "kind", "confidence", "note")}

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
        return Row(path, line, video, False, marks_of(cells, start, end, decimal_comma=comma))

    return read_sheet(
        path, ROLES, parse, optional=OPTIONAL, delimiters=DELIMITERS, row_limit=row_limit
    )


def write(videos: Sequence[MarkedVideo], target: Path) -> None:
    """Write one table of all marks, in the order of the videos and of time."""
    write_sheet(target, _rows(videos))


def marks_of(cells: Cells, start: int, end: int, *, decimal_comma: bool) -> tuple[Mark, ...]:
    """Return what the cells `kind`, `label`, `track`, `confidence` and `note` say of a time."""
    kind = cells["kind"].strip().casefold() or "interval"
    if kind == "point":
        found = (Mark(start_us=start, end_us=end, label=label_of(cells["label"]), kind="point"),)
    elif kind == "ignore":
        label = label_of(cells["label"]) if cells["label"].strip() else ""
        found = (Mark(start_us=start, end_us=end, label=label, kind="ignore"),)
    elif kind == "interval":
        found = labelled(start, end, label_of(cells["label"]))
    else:
        raise InvalidData(
            "A kind is interval, point or ignore", quoted(cells["kind"]),
            "Correct it, or name the column otherwise.",
        )  # fmt: skip
    track = line_of(cells["track"], "A track", TRACK_LIMIT)
    note = line_of(cells["note"], "A note", NOTE_LIMIT)
    confidence = confidence_of(cells["confidence"], decimal_comma=decimal_comma)
    return tuple(replace(m, track=track, note=note, confidence=confidence) for m in found)


def _rows(videos: Sequence[MarkedVideo]) -> Iterator[Sequence[str]]:
    yield (*ROLES, *OPTIONAL)
    for video in videos:
        name = video.name
        if name != name.strip() or not name.isprintable():
            raise InvalidData(
                "A table names videos in one line, without spaces around",
                quoted(name),
                "Rename the file, or leave it out.",
            )
        for mark in sorted(video.marks, key=lambda m: (m.start_us, m.end_us, m.label, m.track)):
            confidence = "" if mark.confidence is None else f"{Decimal(repr(mark.confidence)):f}"
            note = " ".join(mark.note.split())
            yield (
                name, seconds(mark.start_us), seconds(mark.end_us), mark.label, mark.track,
                mark.kind, confidence, note,
            )  # fmt: skip
