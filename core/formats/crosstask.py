"""CrossTask: `annotations/<task>_<video>.csv` of step number, start and end, without a header.

The steps of a task are named in `tasks_primary.txt` beside the folder of the file: blocks of five
lines (id, name, url, number of steps, steps separated by commas) with a blank line between.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.errors import InvalidData, InvalidFile
from core.formats import Reading, Row
from core.formats.lines import first_line, lines_of, read_lines
from core.formats.marks import INTERVALS, Mark, MarkedVideo
from core.formats.sheet import inert
from core.formats.source import quoted
from core.formats.values import LABEL_LIMIT, label_of, labelled, line_of, time_us
from core.formats.writing import ids_of, intervals, seconds, write_folder

LAYOUT = (
    "a CSV <task>_<video>.csv of step number, start, end, with tasks_primary.txt a folder above"
)

SUFFIXES = (".csv",)

LOSSES = replace(
    INTERVALS,
    sentence="Lengths, splits and videos without steps are not kept; videos without a goal share "
    "one task.",
)

TASKS = "tasks_primary.txt"

_NO_GOAL = "task without a name"
_NO_URL = "-"
"""Readers count lines, so that none of a task may be empty."""

_FILE = re.compile(r"([0-9]+)_(.+)", re.DOTALL)
_ROW = re.compile(r"([0-9]{1,9}),([0-9.]+),([0-9.]+)")
_BLOCK = 5


def recognises(head: bytes) -> bool:
    """Return whether the first line is a whole number and two times."""
    return bool(_ROW.fullmatch(first_line(head)))


def read(path: Path) -> Reading:
    """Read the steps of one video.

    Raises:
        InvalidFile: Its name has no task, or `tasks_primary.txt` is not there or lacks the task.
    """
    named = _FILE.fullmatch(path.stem)
    if named is None:
        raise InvalidFile(
            "A CrossTask file has the name of its task and video, such as 105222_tea.csv",
            path,
            next_step="Give it its published name.",
        )
    goal, steps = _task(path, named[1])

    def parse(line: int, text: str) -> Row:
        return Row(path, line, named[2], False, _marks(text, steps), goal=goal)

    return read_lines(path, parse)


def _marks(text: str, steps: Sequence[str]) -> tuple[Mark, ...]:
    cells = _ROW.fullmatch(text)
    if cells is None:
        raise InvalidData(
            "A row is written 'step,start,end'", quoted(text), "Write the step as its number."
        )
    number = int(cells[1])
    if not 1 <= number <= len(steps):
        raise InvalidData(
            f"The steps of this task go from 1 to {len(steps)}",
            quoted(cells[1]),
            f"Correct the number, or {TASKS}.",
        )
    start_us, end_us = time_us(cells[2], name="start"), time_us(cells[3], name="end")
    return labelled(start_us, end_us, label_of(steps[number - 1]))


def _task(path: Path, task: str) -> tuple[str, Sequence[str]]:
    """Return the name of a task, which is a goal, and those of its steps."""
    beside = path.absolute().parent.parent / TASKS
    if not beside.is_file():
        raise InvalidFile(
            f"The names of CrossTask's steps stand in {TASKS}, which must lie beside the folder of "
            "the annotations",
            path,
            next_step=f"Put {TASKS} into '{beside.parent}'.",
        )
    found = _tasks(beside)
    if task not in found:
        raise InvalidFile(
            f"{TASKS} must name the task {task}", beside, next_step="Add it, or rename the file."
        )
    goal, steps = found[task]
    try:
        return line_of(goal, "The name of a task", LABEL_LIMIT), steps
    except InvalidData as error:
        raise InvalidFile(
            f"{error.rule}: {error.value}", beside, next_step=error.next_step
        ) from error


def _tasks(path: Path) -> Mapping[str, tuple[str, Sequence[str]]]:
    """Return the name and the steps of every task by its id."""
    found: dict[str, tuple[str, Sequence[str]]] = {}
    block: list[str] = []
    for line, text in (*lines_of(path), (0, "")):
        if text:
            block.append(text)
        elif block:
            number, steps = block[3:4], block[-1].split(",")
            if len(block) != _BLOCK or number != [str(len(steps))] or block[0] in found:
                raise InvalidFile(
                    "A task is five lines: id, name, url, number of steps, steps between commas",
                    path,
                    line or None,
                    "Correct the lines before it.",
                )
            found[block[0]] = "" if block[1] == _NO_GOAL else block[1], steps
            block = []
    return found


def write(videos: Sequence[MarkedVideo], target: Path) -> None:
    """Write a folder with `annotations`, `tasks_primary.txt` and `videos.csv`.

    Every goal becomes a task; its steps are those that its videos show, in the order of names.
    """
    shown = [video for video in videos if intervals(video)]
    names = ids_of(shown, flat=True)
    goals = [" ".join(video.goal.split()) or _NO_GOAL for video in shown]
    steps: dict[str, set[str]] = {goal: set() for goal in sorted(set(goals))}
    for goal, video in zip(goals, shown, strict=True):
        steps[goal].update(mark.label for mark in intervals(video))
    tasks = {goal: _Task(n, goal, sorted(steps[goal])) for n, goal in enumerate(steps, start=1)}
    files = {TASKS: "\n".join(task.block for task in tasks.values())}
    files["videos.csv"] = "".join(
        f"{tasks[goal].number},{_inert(_plain(name, 'video'))},{_NO_URL}\n"
        for name, goal in zip(names, goals, strict=True)
    )
    for name, goal, video in zip(names, goals, shown, strict=True):
        files[f"annotations/{tasks[goal].number}_{name}.csv"] = tasks[goal].rows(video)
    write_folder(target, files)


@dataclass(frozen=True, slots=True)
class _Task:
    """A goal as it is written."""

    number: int
    goal: str
    steps: Sequence[str]

    @property
    def block(self) -> str:
        names = ",".join(_plain(label, "step") for label in self.steps)
        return f"{self.number}\n{self.goal}\n{_NO_URL}\n{len(self.steps)}\n{names}\n"

    def rows(self, video: MarkedVideo) -> str:
        number = {label: place for place, label in enumerate(self.steps, start=1)}
        return "".join(
            f"{number[mark.label]},{seconds(mark.start_us)},{seconds(mark.end_us)}\n"
            for mark in intervals(video)
        )


def _inert(name: str) -> str:
    """Return a name that no spreadsheet takes for a formula; one must not stand quoted here."""
    # Ids of YouTube may begin with "-"; nothing is computed from letters and digits.
    if inert(name) != name and not re.fullmatch(r"-[\w-]+", name):
        raise InvalidData(
            "A video in CrossTask must not look like a formula",
            quoted(name),
            "Rename it, or choose another format.",
        )
    return name


def _plain(name: str, what: str) -> str:
    if "," in name:
        raise InvalidData(
            f"A {what} in CrossTask must have a name without commas",
            quoted(name),
            "Rename it, or choose another format.",
        )
    return name
