"""COIN, one JSON object: the steps of every video in seconds, and the task each is about.

Written is a folder as the official GAD loader reads it: `coin.json`, and `labels.json` in which it
looks up classes. It takes the videos with train or test in their `subset`; a step's class is its
label in lower case, a task's is `class` with a space before each capital, in lower case. The line
of a row is the number of its annotation.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.errors import InvalidData, InvalidFile
from core.formats import Reading
from core.formats.activitynet import database_of, listed, marks_of, written
from core.formats.json_files import begins, parsed, read_lists, text_in
from core.formats.marks import INTERVALS, MarkedVideo
from core.formats.values import LABEL_LIMIT, line_of
from core.formats.writing import SUBSETS, ids_of, intervals, json_text, write_folder
from core.types import SECOND

LAYOUT = "a JSON file with 'database' and in each video an 'annotation' (singular) with steps"

SUFFIXES = (".json",)

LOSSES = replace(
    INTERVALS,
    sentence="A folder with coin.json and labels.json, in which names that differ only in capitals "
    "are one class; goals have no capitals; videos without a split are written as training, those "
    "of val as validation, which the official loader passes over.",
)

_ANNOTATION = re.compile(r'"annotation"\s*:\s*\[')

# What the official loader makes of these steps and of these letters in a task, before it looks them
# up: `labels.json` must hold the outcome.
_STEPS = {
    "process (crop, fold) paper": "crop and fold paper",
    "try to press gun head, spray residual old grease": (
        "try to press gun head to spray residual old grease"
    ),
}
_LETTERS = {
    " t v": " tv", " c d": " cd", "s i m": "sim", "n b a": "nba", "s s d": "ssd", "r j45": "rj45"
}  # fmt: skip


def recognises(head: bytes) -> bool:
    """Return whether the file begins as an object with a list `annotation` in it."""
    return bool(_ANNOTATION.search(begins(head)))


def read(path: Path) -> Reading:
    """Read the steps of every video; its goal is its `class` in words."""
    database = database_of(parsed(path), path)
    goals = {name.strip(): _goal(video, path) for name, video in database.items()}
    steps = [(name, listed(video, "annotation")) for name, video in database.items()]
    found = read_lists(path, steps, marks_of)
    rows = tuple(replace(row, goal=goals[str(row.video)]) for row in found.rows)
    return replace(found, rows=rows)


def _goal(video: object, path: Path) -> str:
    try:
        name = text_in(video.get("class", ""), "class") if isinstance(video, dict) else ""
        return line_of(_task_as_read(name), "A class", LABEL_LIMIT)
    except InvalidData as error:
        rule = f"{error.rule}: {error.value}"
        raise InvalidFile(rule, path, next_step=error.next_step) from error


def write(videos: Sequence[MarkedVideo], target: Path) -> None:
    """Write a folder with `coin.json` and `labels.json`."""
    steps = _classes([mark.label for video in videos for mark in intervals(video)])
    tasks = sorted({_task_as_read(_class_of(video.goal)) for video in videos})
    names = ids_of(videos, flat=True)
    database = {
        name: _entry(video, steps, tasks) for name, video in zip(names, videos, strict=True)
    }
    write_folder(
        target,
        {
            "coin.json": json_text({"database": database}),
            "labels.json": json_text({"class_name": list(steps), "task_name": tasks}),
        },
    )


def _classes(labels: Sequence[str]) -> dict[str, int]:
    """Return the class of every step in the loader's spelling."""
    names = sorted({_step_as_read(label) for label in labels})
    return {name: index for index, name in enumerate(names)}


def _step_as_read(label: str) -> str:
    return _STEPS.get(label, label).lower()


def _class_of(goal: str) -> str:
    """Return a goal as CamelCase; a word that has no capital keeps the space before it."""
    words = [(word, word[:1].upper() + word[1:].lower()) for word in goal.lower().split()]
    return "".join(
        capital if capital[:1].isupper() and _task_as_read(capital) == word else f" {word}"
        for word, capital in words
    ).strip()


def _task_as_read(task: str) -> str:
    """Return the name under which the official loader looks up a task."""
    spaced = "".join(f" {c.lower()}" if c.isupper() else c for c in task)
    for apart, together in _LETTERS.items():
        spaced = spaced.replace(apart, together)
    return spaced.strip().lower()


def _entry(video: MarkedVideo, steps: Mapping[str, int], tasks: Sequence[str]) -> dict[str, Any]:
    """Return a video; the ids of its task and of its steps are their places in `labels.json`."""
    task = _class_of(video.goal)
    marks = intervals(video)
    end_us = max((mark.end_us for mark in marks), default=video.duration_us)
    return {
        "duration": video.duration_us / SECOND,
        "class": task,
        "video_url": "",
        "start": (marks[0].start_us if marks else 0) / SECOND,
        "end": end_us / SECOND,
        "subset": SUBSETS[video.split],
        "recipe_type": tasks.index(_task_as_read(task)),
        "annotation": [
            {
                "id": str(steps[_step_as_read(mark.label)]),
                "segment": written(mark),
                "label": mark.label,
            }
            for mark in marks
        ],
    }
