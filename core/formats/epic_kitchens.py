"""EPIC-KITCHENS-100: a CSV with a row for every segment, its verb, noun and narration.

The label is `verb noun` and the note the narration. Where the tables EPIC_100_verb_classes.csv and
EPIC_100_noun_classes.csv lie beside the file, verb and noun are the names of their classes
(`put-down` is of the class `put`), else the words of the row.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from core.errors import InvalidData, InvalidFile
from core.formats import Reading, Row
from core.formats.frames import FrameClock, clock_of
from core.formats.marks import INTERVALS, Mark, MarkedVideo
from core.formats.sheet import Cells, Roles, count_roles, read_sheet, write_sheet
from core.formats.source import quoted
from core.formats.values import NOTE_LIMIT, label_of, labelled, line_of, time_us
from core.formats.writing import ids_of, intervals
from core.types import SECOND

LAYOUT = "a CSV with the columns video_id, start_timestamp, stop_timestamp, verb and noun"

SUFFIXES = (".csv",)

LOSSES = replace(
    INTERVALS,
    notes=False,
    sentence="The first word of a label becomes the verb, the rest the noun; notes become "
    "narrations of one line. Ids of classes and times of narrations stay empty, and so do numbers "
    "of frames where the frame rate is unknown. Lengths, splits, goals and videos without segments "
    "are not kept.",
)

ROLES: Roles = {
    name: (name,) for name in ("video id", "start timestamp", "stop timestamp", "verb", "noun")
}
OPTIONAL: Roles = {name: (name,) for name in ("narration", "verb class", "noun class")}

COLUMNS = (
    "narration_id", "participant_id", "video_id", "narration_timestamp", "start_timestamp",
    "stop_timestamp", "start_frame", "stop_frame", "narration", "verb", "verb_class", "noun",
    "noun_class", "all_nouns", "all_noun_classes",
)  # fmt: skip

_NO_CLASS = ("", "-1")
_PARTICIPANT = re.compile(r"(P[0-9]+)_.+", re.DOTALL)

_TABLE: Roles = {"id": ("id",), "key": ("key",)}


def recognises(head: bytes) -> bool:
    """Return whether the first line has a video, two timestamps, a verb and a noun."""
    return count_roles(head, ROLES, ",") == len(ROLES)


def read(path: Path) -> Reading:
    """Read the segments of all videos."""
    verbs, nouns = (_classes(path, what) for what in ("verb", "noun"))

    def parse(line: int, cells: Cells, _: str) -> Row:
        video = cells["video id"].strip()
        if not video:
            raise InvalidData("A row must name its video", "an empty cell", "Write its id.")
        start_us = time_us(cells["start timestamp"], name="start")
        end_us = time_us(cells["stop timestamp"], name="stop")
        verb = _name(cells["verb"], cells["verb class"], verbs)
        noun = _name(cells["noun"], cells["noun class"], nouns)
        note = line_of(cells["narration"], "A narration", NOTE_LIMIT)
        marks = labelled(start_us, end_us, label_of(f"{verb} {noun}"))
        return Row(path, line, video, False, tuple(replace(mark, note=note) for mark in marks))

    return read_sheet(path, ROLES, parse, optional=OPTIONAL)


def _classes(path: Path, what: str) -> Mapping[str, str]:
    """Return the names of the classes of verbs or nouns by id; empty without their table."""
    table = path.parent / f"EPIC_100_{what}_classes.csv"
    found: dict[str, str] = {}

    def parse(line: int, cells: Cells, _: str) -> Row:
        found[cells["id"].strip()] = cells["key"].strip()
        return Row(table, line, "", False)

    if table.is_file() and read_sheet(table, _TABLE, parse).faults:
        raise InvalidFile(
            f"The table of {what} classes must have an id and a key in every row",
            table,
            next_step="Download it again, or move it away to take the words of the rows.",
        )
    return found


def _name(word: str, number: str, classes: Mapping[str, str]) -> str:
    """Return the name of a class; the word where there is no table or no number."""
    if not classes or number.strip() in _NO_CLASS:
        return word
    if number.strip() not in classes:
        raise InvalidData(
            "A class must stand in the table beside the file",
            f"{quoted(number)} of {quoted(word)}",
            "Correct the number or the table.",
        )
    return classes[number.strip()]


def write(videos: Sequence[MarkedVideo], target: Path) -> None:
    """Write one CSV of all segments, in the order of the videos and of time."""
    write_sheet(target, list(_rows(videos)))


def _rows(videos: Sequence[MarkedVideo]) -> Iterator[Sequence[str]]:
    yield COLUMNS
    for video_id, video in zip(ids_of(videos), videos, strict=True):
        known = video.frame_times_us is not None or video.fps is not None
        clock = clock_of(video) if known else None
        for number, mark in enumerate(intervals(video)):
            yield _row(f"{video_id}_{number}", video_id, mark, clock)


def _row(narration_id: str, video_id: str, mark: Mark, clock: FrameClock | None) -> Sequence[str]:
    verb, _, noun = mark.label.partition(" ")
    participant = _PARTICIPANT.fullmatch(video_id)
    times = (mark.start_us, mark.end_us)
    return (
        narration_id,
        participant[1] if participant else "",
        video_id,
        "",
        *map(_clock_time, times),
        *(str(clock.frame(time)) if clock else "" for time in times),
        " ".join(mark.note.split()),
        verb,
        "",
        noun,
        "",
        str([noun] if noun else []),
        "[]",
    )


def _clock_time(time_us: int) -> str:
    """Return `HH:MM:SS.ss`, with more digits where the time needs them."""
    whole, rest = divmod(time_us, SECOND)
    digits = f"{rest:06}".rstrip("0").ljust(2, "0")
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}.{digits}"
