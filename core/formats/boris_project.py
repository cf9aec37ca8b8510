"""What a BORIS project says: observations, their media files one after the other, their events.

The `line` of a row is the number of its first event, counted through the file from 1; an
observation without events counts as one.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal

from core.errors import InvalidData, InvalidFile
from core.formats import Fault, Reading, Row, fault_of
from core.formats.json_files import parsed, seconds_us, shown, text_in
from core.formats.marks import Mark
from core.formats.said import named_video, note_of, point, said, track_of
from core.formats.source import quoted
from core.types import SECOND

_CELLS = 5
"""Time, subject, code, modifier and comment; newer files go on with the frame."""

Kind = Literal["point", "state"]


@dataclass(frozen=True, slots=True)
class _Event:
    """One row of an observation; without a time where it was wrong, which is a fault by itself."""

    line: int
    time_us: int | None
    subject: str
    code: str
    modifier: str
    comment: str


@dataclass(frozen=True, slots=True)
class _Reel:
    """The media files of an observation and when each begins in it."""

    videos: tuple[str, ...]
    starts: tuple[int, ...]

    def place(self, start_us: int, end_us: int) -> tuple[str, int]:
        """Return the video in which a time lies and when that begins."""
        at = bisect_right(self.starts, start_us) - 1
        if at + 1 < len(self.starts) and end_us > self.starts[at + 1]:
            raise InvalidData(
                "A segment must lie in one of the files that follow one another",
                f"{start_us / SECOND:.3f} s to {end_us / SECOND:.3f} s",
                "Split it where the next file begins.",
            )
        return self.videos[at], self.starts[at]


def read_project(path: Path) -> Reading:
    """Read the events of every observation."""
    found = parsed(path)
    observations = found.get("observations")
    if not isinstance(observations, dict):
        raise InvalidFile(
            "A BORIS project must have observations", path, next_step="Save it with BORIS again."
        )
    kinds = _kinds(found.get("behaviors_conf"))
    rows: list[Row] = []
    faults: list[Fault] = []
    line = 1
    for name, observation in observations.items():
        try:
            reel, events = _reel(observation, name, path), _list(observation, "events")
        except InvalidData as error:
            faults.append(fault_of(path, line, error))
            events = observation.get("events") if isinstance(observation, dict) else None
        else:
            if not events:
                rows += [Row(path, line, video, False) for video in reel.videos]
            good, bad = _Observation(path, reel, kinds).read(events, line)
            rows += good
            faults += bad
        line += max(1, len(events) if isinstance(events, list) else 0)
    return Reading(
        tuple(sorted(rows, key=lambda row: row.line)),
        tuple(sorted(faults, key=lambda fault: fault.line)),
    )


def _kinds(behaviors: object) -> Mapping[str, Kind]:
    """Return which codes are points and which are states."""
    known = behaviors.values() if isinstance(behaviors, dict) else ()
    return {
        str(one.get("code")): "point" if str(one.get("type")).startswith("Point") else "state"
        for one in known
        if isinstance(one, dict)
    }


def _list(value: Mapping[str, Any], name: str) -> list[Any]:
    found = value.get(name)
    if not isinstance(found, list):
        raise InvalidData(f"'{name}' must be a list", shown(found), "Save the project again.")
    return found


def _reel(observation: object, name: str, path: Path) -> _Reel:
    """Return the media of the first player; those of others show the same at the same time."""
    if not isinstance(observation, dict) or observation.get("type") != "MEDIA":
        raise InvalidData(
            "An observation must be of media files", quoted(name), "Leave live ones out."
        )
    players, info = observation.get("file"), observation.get("media_info")
    players = players if isinstance(players, dict) else {}
    info = info if isinstance(info, dict) else {}
    player = next((key for key in sorted(players) if players[key]), None)
    if player is None:
        raise InvalidData("An observation must have a file", quoted(name), "Choose it in BORIS.")
    offsets = info.get("offset")
    offset = offsets.get(player) if isinstance(offsets, dict) else None
    for shift in (observation.get("time offset"), offset):
        if shift is not None and shift != 0:
            raise InvalidData(
                "Times must count from the beginning of the video",
                f"{quoted(name)} has an offset of {shown(shift)} s",
                "Set it to 0 in BORIS.",
            )
    media = [text_in(one, "file name") for one in _list(players, player)]
    lengths = info.get("length")
    lengths = lengths if isinstance(lengths, dict) else {}
    times = [seconds_us(lengths.get(one), f"the length of {quoted(one)},") for one in media[:-1]]
    starts = tuple(accumulate(times, initial=0))
    return _Reel(tuple(named_video(one, path) for one in media), starts)


@dataclass(frozen=True, slots=True)
class _Observation:
    path: Path
    reel: _Reel
    kinds: Mapping[str, Kind]

    def read(self, events: Sequence[object], line: int) -> tuple[list[Row], list[Fault]]:
        """Return what the events say, the first of which has the number `line`."""
        rows: list[Row] = []
        faults: list[Fault] = []
        states: dict[tuple[str, str, str], list[_Event]] = defaultdict(list)
        for number, row in enumerate(events, start=line):
            try:
                event, kind = self._event(row, number)
                if kind == "state":
                    states[event.subject, event.code, event.modifier].append(event)
                event = self._timed(event, row)
                if kind == "state":
                    states[event.subject, event.code, event.modifier][-1] = event
                else:
                    rows.append(self._row(event, event))
            except InvalidData as error:
                faults.append(fault_of(self.path, number, error))
        for found in states.values():
            try:
                pairs = _pairs(found)
            except InvalidData as error:
                faults.append(fault_of(self.path, found[-1].line, error))
                continue
            for start, stop in pairs:
                try:
                    rows.append(self._row(start, stop))
                except InvalidData as error:
                    faults.append(fault_of(self.path, start.line, error))
        return rows, faults

    def _event(self, row: object, line: int) -> tuple[_Event, Kind]:
        if not isinstance(row, list) or len(row) < _CELLS:
            raise InvalidData(
                "An event is written [time, subject, code, modifier, comment]",
                shown(row),
                "Save the project with BORIS again.",
            )
        names = ("subject", "code", "modifier", "comment")
        texts = [text_in(cell, name) for cell, name in zip(row[1:], names, strict=False)]
        if texts[1] not in self.kinds:
            raise InvalidData(
                "An event must be of a behavior of the project",
                quoted(texts[1]),
                "Add it to the ethogram.",
            )
        return _Event(line, None, *texts), self.kinds[texts[1]]

    def _timed(self, event: _Event, row: Any) -> _Event:
        time = seconds_us(row[0], "time")
        return _Event(event.line, time, event.subject, event.code, event.modifier, event.comment)

    def _row(self, start: _Event, stop: _Event) -> Row:
        """Return a state, or a point where both are one or at one time."""
        start_us, end_us = start.time_us or 0, stop.time_us or 0
        video, zero = self.reel.place(start_us, end_us)
        comments = [start.comment] if start is stop else [start.comment, stop.comment]
        track, note = track_of(start.subject), note_of(" ".join(filter(None, comments)))
        if start_us == end_us:
            marks: tuple[Mark, ...] = point(start_us - zero, start.code, track=track, note=note)
        else:
            marks = said(start_us - zero, end_us - zero, start.code, track=track, note=note)
        return Row(self.path, start.line, video, False, marks)


def _pairs(events: Sequence[_Event]) -> list[tuple[_Event, _Event]]:
    """Return starts and stops; where one is missing, nobody knows which belong together."""
    if len(events) % 2 or any(event.time_us is None for event in events):
        last = events[-1]
        raise InvalidData(
            "A state must have a start and a stop",
            f"{quoted(last.code)} of {quoted(last.subject or 'no focal subject')} has "
            f"{len(events)} events, one of them alone or without a time",
            "Add what is missing in BORIS.",
        )
    ordered = sorted(events, key=lambda event: event.time_us or 0)
    return list(zip(ordered[::2], ordered[1::2], strict=True))
