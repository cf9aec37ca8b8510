"""Which video of the library a row means, and whether its times fit that video.

A name must never reach the wrong video: where several could be meant the row is a fault that lists
them. Numbers of frames become times here, where the video is known. Published lengths are often
rounded up, so an end up to a second late is cut to the end.
"""

import os
import unicodedata
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Generic, TypeVar

from core.errors import InvalidData
from core.feature_files import is_feature_file
from core.formats import Fault, Row, fault_of
from core.formats.frames import FrameClock, FrameTimes, clock_for
from core.formats.source import quoted
from core.types import SECOND

Id = TypeVar("Id", bound=Hashable)

LATE_US = SECOND
"""How far a segment may run past the end of its video."""

_NAMED = 5
"""Candidates that a message spells out."""


@dataclass(frozen=True, slots=True)
class Matched(Generic[Id]):
    """Rows by video, rows whose video is not in the library, and rows that could not be taken.

    `clipped` counts the segments and ignored spans that were cut to the end of their video.
    """

    taken: Mapping[Id, tuple[Row, ...]]
    missing: tuple[Row, ...]
    faults: tuple[Fault, ...]
    clipped: int = 0


def match(
    rows: Iterable[Row],
    videos: Mapping[Id, Path],
    *,
    durations_us: Mapping[Id, int] | None = None,
    frames: Mapping[Id, FrameTimes] | None = None,
    frame_rate: float | None = None,
) -> Matched[Id]:
    """Give each row to its video.

    Args:
        rows: What the readers returned, of any number of files.
        videos: Every video of the library and its path.
        durations_us: Lengths of the videos, where known; times are checked against them.
        frames: When the frames of the videos start, or their frame rate, where known.
        frame_rate: Frames a second of labels that were made at another rate than the video's; a
            person's choice, before what a file names.
    """
    names = _Names.of(videos)
    known, own = durations_us or {}, frames or {}
    taken: dict[Id, list[Row]] = {}
    missing: list[Row] = []
    faults: list[Fault] = []
    clipped = 0
    candidates: dict[tuple[Path, Path | str, bool], tuple[Id, ...]] = {}
    for row in rows:
        key = row.file.parent, row.video, row.exact
        if key not in candidates:
            candidates[key] = names.meant_by(row)
        found = candidates[key]
        if not found:
            missing.append(row)
            continue
        try:
            video = _only(row, found, videos)
            timed = row
            if row.unit == "frames":
                rate = frame_rate if frame_rate is not None else row.rate
                timed = _timed(row, clock_for(rate, own.get(video), known.get(video)))
            fitted, cut = _fitted(timed, known[video]) if video in known else (timed, 0)
        except InvalidData as error:
            faults.append(fault_of(row.file, row.line, error))
            continue
        taken.setdefault(video, []).append(fitted)
        clipped += cut
    by_video = {video: tuple(found) for video, found in taken.items()}
    return Matched(by_video, tuple(missing), tuple(faults), clipped)


@dataclass(frozen=True, slots=True)
class _Names(Generic[Id]):
    """The library by resolved path, and by the last part of the path with and without suffix.

    An array of features stands for the video of its name, whatever suffix that has.
    """

    paths: dict[Path, list[Id]] = field(default_factory=dict)
    names: dict[str, list[tuple[Id, tuple[str, ...]]]] = field(default_factory=dict)
    stems: dict[str, list[tuple[Id, tuple[str, ...]]]] = field(default_factory=dict)
    arrays: dict[str, list[tuple[Id, tuple[str, ...]]]] = field(default_factory=dict)

    @classmethod
    def of(cls, videos: Mapping[Id, Path]) -> "_Names[Id]":
        index = cls()
        for video, path in videos.items():
            parts = _parts(str(path))
            index.paths.setdefault(_resolved(path), []).append(video)
            index.names.setdefault(parts[-1], []).append((video, parts))
            stem = (*parts[:-1], PurePosixPath(parts[-1]).stem)
            index.stems.setdefault(stem[-1], []).append((video, stem))
            if is_feature_file(path):
                index.arrays.setdefault(stem[-1], []).append((video, stem))
        return index

    def meant_by(self, row: Row) -> tuple[Id, ...]:
        """Return every video that a row can mean: by its path, else by the end of its path."""
        here = _resolved(row.file.parent / row.video)
        if here in self.paths or row.exact or _is_absolute(str(row.video)):
            return tuple(self.paths.get(here, ()))
        wanted = _parts(str(row.video))
        if not wanted:
            return ()
        bare = (*wanted[:-1], PurePosixPath(wanted[-1]).stem)
        for known, end in ((self.names, wanted), (self.stems, wanted), (self.arrays, bare)):
            found = [video for video, parts in known.get(end[-1], ()) if parts[-len(end) :] == end]
            if found:
                return tuple(found)
        return ()


def _parts(path: str) -> tuple[str, ...]:
    """Return the parts of a path of any system, composed characters in one spelling."""
    return tuple(
        part
        for part in unicodedata.normalize("NFC", path).replace("\\", "/").split("/")
        if part not in ("", ".")
    )


def _is_absolute(path: str) -> bool:
    """Return whether a path, written on any system, starts at a root."""
    return path.startswith(("/", "\\")) or PureWindowsPath(path).is_absolute()


def _resolved(path: Path) -> Path:
    # Unlike Path.resolve, realpath does not fail on a loop of links.
    return Path(os.path.realpath(path))


def _only(row: Row, found: tuple[Id, ...], videos: Mapping[Id, Path]) -> Id:
    if len(found) == 1:
        return found[0]
    shown = ", ".join(quoted(str(videos[video]), 200) for video in found[:_NAMED])
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    raise InvalidData(
        "A row must mean exactly one video",
        f"{quoted(str(row.video))} can be {shown}{more}",
        "Write more of the path.",
    )


def _timed(row: Row, clock: FrameClock | None) -> Row:
    """Return a row of frame numbers in microseconds."""
    if clock is None:
        raise InvalidData(
            "Numbers of frames need a frame rate",
            f"that of {quoted(str(row.video))} is not known",
            "Let the studio look at the video first, or choose the frame rate of the labels.",
        )
    marks = tuple(
        replace(mark, start_us=clock.time_us(mark.start_us), end_us=clock.time_us(mark.end_us))
        for mark in row.marks
    )
    return replace(row, marks=marks, unit="us", rate=None)


def _fitted(row: Row, duration_us: int) -> tuple[Row, int]:
    """Return the row within its video, and how many of its marks were cut at the end."""
    for mark in row.marks:
        behind = mark.start_us >= duration_us and mark.kind != "point"
        if behind or mark.end_us > duration_us + LATE_US:
            raise InvalidData(
                f"A segment must lie within its video of {duration_us / SECOND:.2f} s",
                f"{quoted(mark.label or 'ambiguous')} from {mark.start_us / SECOND:.2f} s "
                f"to {mark.end_us / SECOND:.2f} s",
                "Check the times and that this is the right video.",
            )
    late = sum(mark.end_us > duration_us for mark in row.marks)
    if not late:
        return row, 0
    marks = tuple(
        replace(m, start_us=min(m.start_us, duration_us), end_us=min(m.end_us, duration_us))
        for m in row.marks
    )
    return replace(row, marks=marks), late
