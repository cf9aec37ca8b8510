"""BORIS's table of aggregated events: a row for every state and point.

Its times count from the beginning of an observation. Where several files followed one another the
table does not say how long they are, so only the rows of the first can be placed; the project can
be read instead.
"""

from pathlib import Path

from core.errors import InvalidData
from core.formats import Fault, Reading, Row, fault_of
from core.formats.said import named_video, note_of, point, said, track_of
from core.formats.sheet import Cells, Roles, count_roles, read_sheet
from core.formats.source import quoted
from core.formats.values import time_us

ROLES: Roles = {
    "observation id": ("observation id",),
    "media file": ("media file", "media file name"),
    "subject": ("subject",),
    "behavior": ("behavior",),
    "behavior type": ("behavior type",),
    "start (s)": ("start s",),
    "stop (s)": ("stop s",),
    "comment start": ("comment start",),
    "comment stop": ("comment stop",),
}

_DELIMITERS = "\t,;"
_TELLING = 6
"""Columns that make a table worth trying; `read` then says which ones are missing."""

_NO_SUBJECT = "No focal subject"


def recognises_table(head: bytes) -> bool:
    """Return whether the first line names most of the columns."""
    return count_roles(head, ROLES, _DELIMITERS) >= _TELLING


def read_table(path: Path) -> Reading:
    """Read a table; rows of a file that followed another are faults."""
    firsts: dict[str, tuple[int, str]] = {}
    places: dict[int, tuple[str, str]] = {}

    def parse(line: int, cells: Cells, _: str) -> Row:
        row, start_us = _row(path, line, cells)
        place = cells["observation id"], cells["media file"]
        places[line] = place
        firsts[place[0]] = min(firsts.get(place[0], (start_us, place[1])), (start_us, place[1]))
        return row

    reading = read_sheet(path, ROLES, parse, delimiters=_DELIMITERS)
    rows: list[Row] = []
    faults: list[Fault] = [*reading.faults]
    for row in reading.rows:
        observation, media = places[row.line]
        if media == firsts[observation][1]:
            rows.append(row)
            continue
        error = InvalidData(
            "Times must count from the beginning of the video, here other files come before",
            f"{quoted(media)} in {quoted(observation)}",
            "Import the project itself, the .boris file.",
        )
        faults.append(fault_of(path, row.line, error))
    return Reading(tuple(rows), tuple(sorted(faults, key=lambda fault: fault.line)))


def _row(path: Path, line: int, cells: Cells) -> tuple[Row, int]:
    start, stop = (time_us(cells[name], name=name) for name in ("start (s)", "stop (s)"))
    kind = cells["behavior type"].strip()
    if kind not in ("STATE", "POINT") or (kind == "POINT" and start != stop):
        raise InvalidData(
            "A behavior is a STATE, or a POINT that stops when it starts",
            quoted(kind),
            "Export the aggregated events again.",
        )
    subject = cells["subject"].strip()
    track = "" if subject == _NO_SUBJECT else track_of(subject)
    comments = [cells["comment start"], cells["comment stop"] if kind == "STATE" else ""]
    note, code = note_of(" ".join(filter(None, comments))), cells["behavior"]
    video = named_video(cells["media file"], path)
    if start == stop:
        return Row(path, line, video, False, point(start, code, track=track, note=note)), start
    return Row(path, line, video, False, said(start, stop, code, track=track, note=note)), start
