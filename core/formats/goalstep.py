"""Ego4D GoalStep, one JSON object: the goal of every video, its steps and their sub-steps.

A `step_category` is "Group: Step"; the class is the step with its first letter in lower case, as in
the published list of classes. A row is a step with its sub-steps, its line the number of the step.
The test file says which steps there are but not when, and is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from core.errors import InvalidData, InvalidFile
from core.formats import Reading
from core.formats.json_files import begins, parsed, read_lists, seconds_us, shown, text_in
from core.formats.marks import Losses, Mark, MarkedVideo
from core.formats.source import quoted
from core.formats.values import NOTE_LIMIT, label_of, labelled, line_of
from core.formats.writing import ids_of, intervals, json_text, write_text
from core.types import SECOND

LAYOUT = "a JSON file with 'videos', each with a 'video_uid', its goal and 'segments' of steps"
SUFFIXES = (".json",)
LOSSES = Losses(
    tracks=True,
    points=True,
    ignored=True,
    confidence=True,
    sentence="Two levels below the goal; line breaks in notes become spaces; a split is kept where "
    "all videos have the same.",
)

_GROUP = ": "


def recognises(head: bytes) -> bool:
    """Return whether the file begins as an object with videos that have goals or steps."""
    text = begins(head)
    return '"video_uid"' in text and ('"goal_category"' in text or '"step_segments"' in text)


def read(path: Path) -> Reading:
    """Read the steps of every video.

    Raises:
        InvalidFile: Not such a file, or one without times.
    """
    videos = parsed(path).get("videos")
    if not isinstance(videos, list):
        raise InvalidFile(
            "'videos' must be a list of videos", path, next_step="Choose another file or format."
        )
    if videos and not any(isinstance(video, dict) and "segments" in video for video in videos):
        raise InvalidFile(
            "A GoalStep file must say when its steps are, and this one has no times ('segments')",
            path,
            next_step="Choose the file of the training or validation split: "
            "the times of the test split are withheld.",
        )
    numbers = count(1)
    found = read_lists(
        path,
        [(_member(video, "video_uid"), _steps(video)) for video in videos],
        lambda step: _marks_of(step, str(next(numbers))),
    )
    goals = {_member(video, "video_uid").strip(): _member(video, "goal_category").strip()
             for video in videos}  # fmt: skip
    rows = tuple(replace(row, goal=goals.get(str(row.video), "")) for row in found.rows)
    return Reading(rows, found.faults)


def write(videos: Sequence[MarkedVideo], target: Path) -> None:
    """Write one file.

    Raises:
        InvalidData: A sub-step has sub-steps, or a name would be taken for one with its group.
    """
    entries = [_entry(name, video) for name, video in zip(ids_of(videos), videos, strict=True)]
    splits = {video.split for video in videos}
    split = next(iter(splits)) if len(splits) == 1 else None
    write_text(target, json_text({**({"split": split} if split else {}), "videos": entries}))


def _member(video: object, name: str) -> str:
    """Return a text of a video, empty where it has none."""
    value = video.get(name) if isinstance(video, dict) else None
    return value if isinstance(value, str) else ""


def _steps(video: object) -> object:
    return video.get("segments", "no segments") if isinstance(video, dict) else video


def _marks_of(step: Mapping[str, Any], key: str) -> tuple[Mark, ...]:
    """Return a step and its sub-steps, which refer to it by `key`."""
    marks = _mark(step)
    parts = step.get("segments", [])
    if not isinstance(parts, list):
        raise InvalidData("The sub-steps of a step must be a list", shown(parts), "Correct it.")
    if marks and parts:
        marks = (replace(marks[0], key=key),)
    parent = key if marks else ""
    for part in parts:
        if not isinstance(part, dict) or part.get("segments"):
            raise InvalidData(
                "A sub-step must be an object without steps of its own",
                shown(part),
                "Correct it, or make it a step.",
            )
        marks += tuple(replace(mark, parent=parent) for mark in _mark(part))
    return marks


def _mark(step: Mapping[str, Any]) -> tuple[Mark, ...]:
    start_us = seconds_us(step.get("start_time"), "start_time")
    end_us = seconds_us(step.get("end_time"), "end_time")
    group, colon, name = text_in(step.get("step_category"), "step_category").partition(_GROUP)
    label = label_of(name[:1].lower() + name[1:] if colon else group)
    note = line_of(text_in(step.get("step_description", ""), "step_description"), "A note",
                   NOTE_LIMIT)  # fmt: skip
    return tuple(replace(mark, note=note) for mark in labelled(start_us, end_us, label))


def _entry(name: str, video: MarkedVideo) -> dict[str, Any]:
    marks = intervals(video)
    keys = {mark.key for mark in marks if mark.key}
    steps = [mark for mark in marks if mark.parent not in keys]
    parts: dict[str, list[Mark]] = {step.key: [] for step in steps if step.key}
    for mark in marks:
        if mark.parent not in keys:
            continue
        if mark.parent not in parts:
            raise InvalidData(
                "GoalStep knows steps and sub-steps, and nothing below them",
                f"{quoted(mark.label)} in {quoted(video.name)}",
                "Make it a part of the step, or choose a format with more levels.",
            )
        parts[mark.parent].append(mark)
    return {
        "video_uid": name,
        "start_time": 0.0,
        "end_time": video.duration_us / SECOND,
        "goal_category": video.goal,
        "goal_description": video.goal,
        "goal_wikihow_url": "",
        "summary": [],
        "segments": [
            {**_written(step), "segments": [_written(part) for part in parts.pop(step.key, [])]}
            for step in steps
        ],
    }


def _written(mark: Mark) -> dict[str, Any]:
    """Return a mark as a file has it; whether it is essential or continued is not known."""
    if _GROUP in mark.label:
        raise InvalidData(
            "In GoalStep a colon and a space end the name of a group",
            quoted(mark.label),
            "Rename the label without them.",
        )
    return {
        "start_time": mark.start_us / SECOND,
        "end_time": mark.end_us / SECOND,
        "step_category": mark.label,
        "step_description": " ".join(mark.note.split()),
        "summary": [],
    }
