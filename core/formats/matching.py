"""Which video of the library a row means, and whether its times fit that video.

A name must never reach the wrong video: where several could be meant the row is a fault that lists
them. Published lengths are often rounded up, so an end up to a second late is cut to the end.
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
) -> Matched[Id]:
    """Give each row to its video.

    Args:
        rows: What the readers returned, of any number of files.
        videos: Every video of the library and its path.
        durations_us: Lengths of the videos, where known; times are checked against them.
    """
    names = _Names.of(videos)
    known = durations_us or {}
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
            fitted, cut = _fitted(row, known[video]) if video in known else (row, 0)
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


def _fitted(row: Row, duration_us: int) -> tuple[Row, int]:
    """Return the row within its video, and how many of its intervals were cut at the end."""
    named = [(one.start_us, one.end_us, one.label) for one in row.segments]
    named += [(start_us, end_us, "ambiguous") for start_us, end_us in row.ignored]
    for start_us, end_us, label in named:
        if start_us >= duration_us or end_us > duration_us + LATE_US:
            raise InvalidData(
                f"A segment must lie within its video of {duration_us / SECOND:.2f} s",
                f"{quoted(label)} from {start_us / SECOND:.2f} s to {end_us / SECOND:.2f} s",
                "Check the times and that this is the right video.",
            )
    late = sum(end_us > duration_us for _, end_us, _ in named)
    if not late:
        return row, 0
    fitted = replace(
        row,
        segments=tuple(replace(s, end_us=min(s.end_us, duration_us)) for s in row.segments),
        ignored=tuple((start_us, min(end_us, duration_us)) for start_us, end_us in row.ignored),
    )
    return fitted, late
