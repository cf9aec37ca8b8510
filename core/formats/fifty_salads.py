"""50 Salads as it was published: activities between ticks of the clock of a depth camera.

A line of `01-1-activityAnnotation.txt` is "start end activity". `timestamps-01-1.txt` has the tick
of every frame of `rgb-01-1.avi`, in order and each followed by the name of a picture: an activity
has the frames whose tick is not before its start and before its end. Three granularities stand on
three tracks: `high`, `mid`, and `low`, which tells preparation, core and completion apart. `mid` is
made of `low`: its phases that touch are one.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import InvalidData, InvalidFile
from core.formats import Fault, Reading, Row, fault_of
from core.formats.marks import Mark
from core.formats.source import HEAD_BYTES, content, quoted, text_of
from core.formats.values import label_of

LAYOUT = "an activityAnnotation.txt of 50 Salads, with the folder 'timestamps' of the data set"
SUFFIXES = (".txt",)

HIGH, MID, LOW = "high", "mid", "low"

_LINE = re.compile(r"([0-9]{1,18})[ \t]+([0-9]{1,18})[ \t]+(\S+)")
_TICK = re.compile(r"([0-9]{1,18})(?:[ \t].*)?")
_PHASE = re.compile(r"_(?:prep|core|post)$")
_KNOWN = re.compile(r"\S+_(?:prep|core|post)|cut_and_mix_ingredients|prepare_dressing|serve_salad")


@dataclass(frozen=True, slots=True)
class _Activity:
    """One line: its ticks and what it says."""

    line: int
    start: int
    end: int
    name: str


def recognises(head: bytes) -> bool:
    """Return whether lines are two ticks and an activity of this data set."""
    lines = head.decode(errors="replace").splitlines()
    if len(head) == HEAD_BYTES:
        lines = lines[:-1]  # may be half a line
    found = [_LINE.fullmatch(line.strip()) for line in lines if line.strip()]
    return bool(found) and all(one and _KNOWN.fullmatch(one[3]) for one in found)


def read(path: Path) -> Reading:
    """Read the activities of one video; a row is a line of the file.

    Raises:
        InvalidFile: The timestamps are not there: ticks alone are no times.
    """
    trial = path.stem.removesuffix("-activityAnnotation")
    lines = text_of(content(path), path).splitlines()
    ticks = _ticks(path, trial)
    faults: list[Fault] = []
    activities: list[_Activity] = []
    marks: dict[int, list[Mark]] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            activity = _activity(number, line.strip())
            track = LOW if _PHASE.search(activity.name) else HIGH
            marks[number] = [_mark(activity, ticks, track)]
        except InvalidData as error:
            faults.append(fault_of(path, number, error))
        else:
            activities.append(activity)
    for activity in _without_phases(activities):
        marks[activity.line].append(_mark(activity, ticks, MID))
    rows = tuple(
        Row(path, number, f"rgb-{trial}", False, tuple(found), unit="frames")
        for number, found in marks.items()
    )
    return Reading(rows, tuple(faults))


def _ticks(path: Path, trial: str) -> Sequence[int]:
    """Return the tick of every frame."""
    name = f"timestamps-{trial}.txt"
    beside = path.parent
    places = (beside / name, beside / "timestamps" / name, beside.parent / "timestamps" / name)
    place = next((one for one in places if one.is_file()), None)
    if place is None:
        raise InvalidFile(
            "The times of 50 Salads are ticks of its depth camera, which mean nothing without "
            f"{quoted(name)}, and that is not there",
            path,
            next_step="Put the folder 'timestamps' of the data set beside the file or its folder.",
        )
    ticks: list[int] = []
    for number, line in enumerate(text_of(content(place), place).splitlines(), start=1):
        found = _TICK.fullmatch(line.strip())
        if not found or (ticks and int(found[1]) <= ticks[-1]):
            raise InvalidFile(
                "A line of timestamps must begin with a tick, each later than the one before",
                place,
                number,
                "Take the file from the data set again.",
            )
        ticks.append(int(found[1]))
    return ticks


def _activity(number: int, line: str) -> _Activity:
    found = _LINE.fullmatch(line)
    if not found:
        raise InvalidData(
            "A line is written as 'start end activity', both in ticks", quoted(line), "Correct it."
        )
    return _Activity(number, int(found[1]), int(found[2]), found[3])


def _mark(activity: _Activity, ticks: Sequence[int], track: str) -> Mark:
    """Return an activity in numbers of frames."""
    value = f"{quoted(activity.name)}, {activity.start} to {activity.end}"
    if not ticks or activity.start < ticks[0] or activity.end > ticks[-1]:
        raise InvalidData(
            "An activity must lie within the timestamps of its video", value, "Correct the ticks."
        )
    start, end = bisect_left(ticks, activity.start), bisect_left(ticks, activity.end)
    if end <= start:
        raise InvalidData("An activity must have a frame at least", value, "Correct the ticks.")
    label = label_of(activity.name.replace("_", " "))
    return Mark(start_us=start, end_us=end, label=label, track=track)


def _without_phases(activities: Iterable[_Activity]) -> Sequence[_Activity]:
    """Return what the phases are of; phases of one activity that touch are one."""
    found: list[_Activity] = []
    for one in sorted(activities, key=lambda activity: activity.start):
        name = _PHASE.sub("", one.name)
        last = found[-1] if found else None
        if name == one.name:
            continue
        if last and last.name == name and last.end == one.start:
            found[-1] = _Activity(last.line, last.start, one.end, name)
        else:
            found.append(_Activity(one.line, one.start, one.end, name))
    return found
