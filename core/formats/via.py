"""VIA 3, the VGG annotator: a project in JSON, or the CSV of its temporal segments.

A segment is a metadata entry with two times in `z`, in seconds, and nothing in `xy`; every value
that it has is a label, and the attribute the track that the label stands on. The attribute of a
project that has one says nothing about tracks, unless it was written as one here. The CSV names its
attributes alone, so each is a track, and a value that was selected from a list is its number there.

The `line` of a row is the number of the entry, counted from 1; in the CSV it is the line.
"""

import csv
import json
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from core.errors import InvalidData, InvalidFile
from core.formats import Fault, Reading, Row, fault_of
from core.formats.json_files import begins, parsed, seconds_us, shown, text_in
from core.formats.marks import Losses, Mark, MarkedVideo, kept
from core.formats.said import named_video, said, spoken, track_of
from core.formats.source import content, encoding_of, text_of
from core.formats.values import time_us
from core.formats.writing import json_text, write_text
from core.types import SECOND

LAYOUT = "a VIA 3 project in JSON, or VIA's CSV of temporal segments"

SUFFIXES = (".json", ".csv")

LOSSES = Losses(
    hierarchy=True, points=True, confidence=True, notes=True, grid_us=1000,
    sentence="Goals and splits are not kept.",
)  # fmt: skip

_UNNAMED = "Activity"
"""The attribute that stands for the track without a name."""

_TRACK = "track"
"""The description of an attribute that is a track with a name."""

_SELECT, _CHECKBOX = 4, 2
_COLUMNS = ("metadata_id", "file_list", "temporal_segment_start", "temporal_segment_end",
            "metadata")  # fmt: skip


def recognises(head: bytes) -> bool:
    """Return whether the file begins as a project, or names the columns of the CSV."""
    if text := begins(head):
        return '"data_format_version"' in text or ('"vid_list"' in text and '"project"' in text)
    return ",".join(_COLUMNS) in head.decode(encoding_of(head), errors="replace").replace(" ", "")


def read(path: Path) -> Reading:
    """Read the temporal segments of a project, or of a CSV."""
    if begins(content(path)[:1024]):
        return _project(path)
    return _table(path)


def _project(path: Path) -> Reading:
    found = parsed(path)
    parts: dict[str, Mapping[str, Any]] = {}
    for name in ("metadata", "view", "file", "attribute"):
        part = found.get(name)
        if not isinstance(part, dict):
            raise InvalidFile(
                f"A VIA 3 project must have '{name}', an object", path, next_step="Save it again."
            )
        parts[name] = part
    tracks = _tracks(parts["attribute"])
    silent = dict.fromkeys(parts["view"])
    rows: list[Row] = []
    faults: list[Fault] = []
    entries = [*parts["metadata"].values()]
    for line, entry in enumerate(entries, start=1):
        try:
            view = str(_object(entry, "An entry").get("vid"))
            silent.pop(view, None)
            video = _video(view, parts, path)
            marks = _marks(entry, parts["attribute"], tracks)
            rows.append(Row(path, line, video, False, marks))
        except InvalidData as error:
            faults.append(fault_of(path, line, error))
    for line, view in enumerate(silent, start=len(entries) + 1):
        try:
            rows.append(Row(path, line, _video(view, parts, path), False))
        except InvalidData as error:
            faults.append(fault_of(path, line, error))
    return Reading(tuple(rows), tuple(faults))


def _tracks(attributes: Mapping[str, Any]) -> dict[str, str]:
    """Return the track of every attribute."""
    known = {key: one for key, one in attributes.items() if isinstance(one, dict)}
    plain = [key for key, one in known.items() if one.get("desc") != _TRACK]
    return {
        key: "" if plain == [key] else str(attribute.get("aname", ""))
        for key, attribute in known.items()
    }


def _object(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InvalidData(f"{what} must be an object", shown(value), "Save the project again.")
    return value


def _video(view: str, parts: Mapping[str, Mapping[str, Any]], path: Path) -> str:
    found = parts["view"].get(view)
    files = found.get("fid_list") if isinstance(found, dict) else None
    if not isinstance(files, list) or len(files) != 1:
        raise InvalidData(
            "A segment must be of one file", f"view {shown(view)}", "Use a view for each video."
        )
    file = _object(parts["file"].get(str(files[0])), "A file")
    return named_video(text_in(file.get("fname"), "file name"), path)


def _marks(
    entry: Mapping[str, Any], attributes: Mapping[str, Any], tracks: Mapping[str, str]
) -> tuple[Mark, ...]:
    times = entry.get("z")
    if entry.get("xy") != [] or not isinstance(times, list) or len(times) != 2:
        raise InvalidData(
            "A segment must have two times in 'z' and nothing in 'xy'",
            f"z {shown(times)}, xy {shown(entry.get('xy'))}",
            "Leave it out: regions and single frames are no segments.",
        )
    start, end = seconds_us(times[0], "start"), seconds_us(times[1], "end")
    values = _object(entry.get("av"), "'av'")
    labels = [
        (track_of(tracks.get(key, "")), label)
        for key, value in values.items()
        for label in _labels(attributes.get(key), text_in(value, "value"))
    ]
    return _labelled(start, end, labels)


def _labels(attribute: object, value: str) -> list[str]:
    """Return what a value says; an attribute with options names one of them, or several."""
    attribute = _object(attribute, "An attribute")
    options = attribute.get("options")
    if not isinstance(options, dict):
        options = {}
    chosen = value.split(",") if attribute.get("type") == _CHECKBOX and options else [value]
    if attribute.get("type") == _SELECT and value and value not in options:
        raise InvalidData("A value must be one of the options", shown(value), "Select it again.")
    return [text_in(options.get(one, one), "option") for one in chosen if one.strip()]


def _labelled(start: int, end: int, labels: Sequence[tuple[str, str]]) -> tuple[Mark, ...]:
    if not labels:
        raise InvalidData("A segment must have a label", "there is none", "Give it one.")
    found = [said(start, end, label, track=track) for track, label in labels]
    return tuple(mark for marks in found for mark in marks)


def _table(path: Path) -> Reading:
    rows: list[Row] = []
    faults: list[Fault] = []
    for line, text in enumerate(text_of(content(path), path).split("\n"), start=1):
        if not text.strip() or text.startswith(("#", _COLUMNS[0])):
            continue
        try:
            rows.append(_table_row(path, line, text.rstrip("\r")))
        except InvalidData as error:
            faults.append(fault_of(path, line, error))
    return Reading(tuple(rows), tuple(faults))


def _table_row(path: Path, line: int, text: str) -> Row:
    try:
        (cells,) = csv.reader([text], strict=True)
        _, files, start, end, values = cells
        files, values = json.loads(files), json.loads(values)
    except (csv.Error, ValueError, RecursionError) as error:
        raise InvalidData(
            f"A row must have the cells {', '.join(_COLUMNS)}",
            shown(text),
            "Export the temporal segments again.",
        ) from error
    if not isinstance(files, list) or len(files) != 1:
        raise InvalidData("A segment must be of one file", shown(files), "Use one view per video.")
    labels = [
        (track_of(name), text_in(value, "value"))
        for name, value in _object(values, "The metadata").items()
        if value != ""
    ]
    video = named_video(text_in(files[0], "file name"), path)
    marks = _labelled(time_us(start, name="start"), time_us(end, name="end"), labels)
    return Row(path, line, video, False, marks)


def write(videos: Sequence[MarkedVideo], target: Path) -> None:
    """Write a project; its videos are found again when they are loaded into VIA by their names."""
    marks = [kept(video.marks, LOSSES) for video in videos]
    tracks = sorted({mark.track for found in marks for mark in found} | {""})
    attributes = {track: str(number) for number, track in enumerate(tracks, start=1)}
    entries = count(1)
    views = [str(number) for number in range(1, len(videos) + 1)]
    project = {
        "project": {
            "pid": "__VIA_PROJECT_ID__",
            "pname": "GAD Studio",
            "data_format_version": "3.1.1",
            "vid_list": views,
        },
        "config": {},
        "attribute": {key: _attribute(track) for track, key in attributes.items()},
        "file": {
            view: {"fid": view, "fname": video.name, "type": 4, "loc": 1, "src": ""}
            for view, video in zip(views, videos, strict=True)
        },
        "view": {view: {"fid_list": [view]} for view in views},
        "metadata": {
            f"{view}_{next(entries)}": {
                "vid": view,
                "flg": 0,
                "z": [mark.start_us / SECOND, mark.end_us / SECOND],
                "xy": [],
                "av": {attributes[mark.track]: spoken(mark)},
            }
            for view, found in zip(views, marks, strict=True)
            for mark in found
        },
    }
    write_text(target, json_text(project))


def _attribute(track: str) -> Mapping[str, Any]:
    return {
        "aname": track or _UNNAMED,
        "anchor_id": "FILE1_Z2_XY0",
        "type": 1,
        "desc": _TRACK if track else "",
        "options": {},
        "default_option_id": "",
    }
