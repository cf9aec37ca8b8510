"""BORIS, for behaviour: a project in JSON, or the table of its aggregated events.

Subjects are tracks and comments notes. A state is a pair of rows, a start and a stop, of the same
subject, code and modifiers; one that stops when it starts is a point, and so is a point event. The
modifiers themselves are not read. Where segments of one class and track overlap, or a class has
points and segments, the writer keeps the pairs apart by a modifier.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core.formats import Reading
from core.formats.boris_project import read_project
from core.formats.boris_table import read_table, recognises_table
from core.formats.frames import clock_of
from core.formats.json_files import begins
from core.formats.marks import Losses, Mark, MarkedVideo, kept
from core.formats.said import spoken
from core.formats.source import content
from core.formats.writing import json_text, write_text
from core.types import SECOND

LAYOUT = "a BORIS project, .boris, or its table of aggregated events"

SUFFIXES = (".boris", ".tsv")

LOSSES = Losses(hierarchy=True, confidence=True, sentence="Goals and splits are not kept.")

_TELLING = ('"behaviors_conf"', '"subjects_conf"', '"project_format_version"')


def recognises(head: bytes) -> bool:
    """Return whether the file begins as a project, or as a table of aggregated events."""
    text = begins(head)
    return any(name in text for name in _TELLING) if text else recognises_table(head)


def read(path: Path) -> Reading:
    """Read the events of a project, or of a table."""
    return read_project(path) if begins(content(path)[:1024]) else read_table(path)


def write(videos: Sequence[MarkedVideo], target: Path) -> None:
    """Write a project with an observation for each video."""
    marks = [kept(video.marks, LOSSES) for video in videos]
    states = {spoken(m) for found in marks for m in found if m.kind != "point"}
    codes = {spoken(m): None for found in marks for m in found}
    subjects = sorted({m.track for found in marks for m in found} - {""})
    observations: dict[str, Any] = {}
    most: dict[str, int] = {}
    for video, found in zip(videos, marks, strict=True):
        name, number = video.name, 1
        while name in observations:
            number += 1
            name = f"{video.name} {number}"
        observations[name] = _observation(video, _events(video, found, states, most))
    project = {
        "time_format": "hh:mm:ss",
        "project_name": "GAD Studio",
        "project_date": _now(),
        "project_description": "",
        "project_format_version": "7.0",
        "behaviors_conf": {
            str(index): _behavior(code, code in states, most.get(code, 0))
            for index, code in enumerate(codes)
        },
        "subjects_conf": {
            str(index): {"key": "", "name": name, "description": ""}
            for index, name in enumerate(subjects)
        },
        "behavioral_categories": [],
        "independent_variables": {},
        "coding_map": {},
        "converters": {},
        "observations": observations,
    }
    write_text(target, json_text(project))


def _now() -> str:
    return datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="seconds")


def _behavior(code: str, state: bool, lanes: int) -> Mapping[str, Any]:
    values = [str(lane) for lane in range(2, lanes + 1)]
    modifiers = {"0": {"name": "overlap", "type": 0, "values": values}} if values else {}
    return {
        "type": "State event" if state else "Point event",
        "key": "",
        "code": code,
        "description": "",
        "category": "",
        "modifiers": modifiers,
        "excluded": "",
        "coding map": "",
    }


def _observation(video: MarkedVideo, events: Sequence[Sequence[Any]]) -> Mapping[str, Any]:
    rate = {"fps": {video.name: video.fps}} if video.fps else {}
    return {
        "file": {"1": [video.name]},
        "type": "MEDIA",
        "date": _now(),
        "description": "",
        "time offset": 0.0,
        "independent_variables": {},
        "close_behaviors_between_videos": False,
        "media_info": {"length": {video.name: video.duration_us / SECOND}, **rate},
        "events": events,
    }


def _events(
    video: MarkedVideo, marks: Sequence[Mark], states: set[str], most: dict[str, int]
) -> list[list[Any]]:
    """Return the rows of a video in the order of time; `most` counts the lanes that a code needs.

    Pairs of one subject and code that overlap lie on different lanes, which are modifiers.
    """
    known = video.frame_times_us is not None or video.fps is not None
    clock = clock_of(video) if known else None
    lanes: dict[tuple[str, str], list[int]] = defaultdict(list)
    rows: dict[tuple[str, str, int], list[tuple[int, str]]] = defaultdict(list)
    for mark in marks:
        code = spoken(mark)
        if code not in states:
            rows[mark.track, code, 0].append((mark.start_us, mark.note))
            continue
        ends = lanes[mark.track, code]
        lane = next((i for i, end in enumerate(ends) if end <= mark.start_us), len(ends))
        ends[lane:] = [mark.end_us, *ends[lane + 1 :]]
        most[code] = max(most.get(code, 0), len(ends))
        rows[mark.track, code, lane] += [(mark.start_us, mark.note), (mark.end_us, "")]
    events = [
        [
            time_us / SECOND,
            subject,
            code,
            str(lane + 1) if lane else "",
            note,
            clock.frame(time_us) if clock else "NA",
        ]
        for (subject, code, lane), found in rows.items()
        for time_us, note in found
    ]
    return sorted(events, key=lambda event: event[0])
