"""Annotation files into a project: a preview of three lists, then all rows or none.

A folder of features goes the same way; `app.services.feature_imports` knows it.
"""

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.services import Studio
from app.services.feature_imports import (
    commit_features,
    describe_features,
    layout_of,
    plan_features,
)
from app.services.frame_times import frame_times
from app.services.library import add_labels
from core.errors import InvalidData
from core.formats import Fault, Row, format_of, read, recognise, suffixes
from core.formats.frames import check_rate
from core.formats.marks import Mark
from core.formats.matching import Matched, match
from core.formats.source import quoted
from storage import imports, library
from storage.imports import ImportBatch, NewSegment
from storage.states import SegmentKind

_NAMED = 5
"""Files that a note spells out."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do: rows by video, rows without a video here, faulty rows.

    `passed_over` are files of a folder that no format recognises. `frames` says how numbers of
    frames became times; empty where there were none.
    """

    source: str
    format: str
    matched: Matched[int]
    faults: tuple[Fault, ...]
    passed_over: tuple[Path, ...] = ()
    frames: str = ""

    @property
    def taken(self) -> list[tuple[int, Row]]:
        """Every row that would be taken, with its video."""
        return [(video, row) for video, rows in self.matched.taken.items() for row in rows]


def preview(
    studio: Studio, project: int, files: Sequence[Path], *, frame_rate: float | None = None
) -> dict[str, Any]:
    """Say what an import would do, as a page shows it; nothing is written."""
    if layout_of(files):
        return describe_features(plan_features(studio, project, files[0]))
    return describe(preview_import(studio, project, files, frame_rate=frame_rate), studio)


def preview_import(
    studio: Studio, project: int, files: Sequence[Path], *, frame_rate: float | None = None
) -> Preview:
    """Read annotation files and match them to the project's videos; nothing is written.

    Args:
        studio: Where the project is.
        project: Whose videos are meant.
        files: Annotation files, and folders with such files among others.
        frame_rate: Frames a second of labels by frame that were made at another rate than the
            video's own.
    """
    if not files:
        raise InvalidData("An import needs at least one annotation file", "none was named")
    if frame_rate is not None:
        check_rate(frame_rate)
    found, passed_over = _annotation_files(files)
    readings = [read(path, name) for path, name in found.items()]
    rows = [row for reading in readings for row in reading.rows]
    known = library.list_videos(studio.database, project)
    matched = match(
        rows,
        {video.id: Path(video.path) for video in known},
        durations_us={v.id: v.duration_us for v in known if v.duration_us is not None},
        frames={v.id: times for v in known if (times := frame_times(v)) is not None},
        frame_rate=frame_rate,
    )
    faults = (*(f for reading in readings for f in reading.faults), *matched.faults)
    source = ", ".join(str(path) for path in files)
    formats = "+".join(dict.fromkeys(found.values()))
    frames = _about_frames(rows, frame_rate)
    return Preview(source, formats, matched, faults, tuple(passed_over), frames)


def _about_frames(rows: Sequence[Row], frame_rate: float | None) -> str:
    if all(row.unit == "us" for row in rows):
        return ""
    if frame_rate is not None:
        return f"Labels by frame are taken at {frame_rate:g} frames a second."
    return "Labels by frame are taken at the rate that the file names, else at that of the video."


def _annotation_files(files: Sequence[Path]) -> tuple[dict[Path, str], list[Path]]:
    """Return the files to read with their formats, and the files of folders that are of none.

    A file that was named must be of a format. A folder may hold other things with it.
    """
    found: dict[Path, str] = {}
    passed_over: list[Path] = []
    for path in files:
        path = path.expanduser().resolve()
        if path.is_dir():
            inside = _named_like_annotations(path)
            of_format = {each: name for each in inside if (name := format_of(each)) is not None}
            found |= of_format
            passed_over += [each for each in inside if each not in of_format]
        elif path.is_file():
            found[path] = recognise(path)
        else:
            raise InvalidData(
                "An annotation file must be there", f"'{path}' is not", "Correct the path."
            )
    if not found:
        raise InvalidData(
            "A folder to import must hold files of a supported format",
            f"it holds none, only {len(passed_over)} others" if passed_over else "it holds none",
            "Name a file to see why it is not taken.",
        )
    return found, passed_over


def _named_like_annotations(folder: Path) -> list[Path]:
    known = suffixes()
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in known and p.is_file())


def describe(preview: Preview, studio: Studio) -> dict[str, Any]:
    """Return a preview as a page shows it: the three lists."""
    names = {
        video: library.video_by_id(studio.database, video).name for video in preview.matched.taken
    }
    return {
        "format": preview.format,
        "taken": [
            {
                "video": names[video],
                "file": row.file.name,
                "line": row.line,
                "segments": [[s.start_us, s.end_us, s.label] for s in row.segments],
            }
            for video, row in preview.taken
        ],
        "missing": [
            {"video": str(row.video), "file": row.file.name, "line": row.line}
            for row in preview.matched.missing
        ],
        "faults": [
            {"file": f.file.name, "line": f.line, "sentence": f.sentence} for f in preview.faults
        ],
        "classes": sorted(_labels(preview)),
        "segments": sum(len(row.segments) for _, row in preview.taken),
        "points": sum(mark.kind == "point" for mark in _marks(preview)),
        "ignored": sum(mark.kind == "ignore" for mark in _marks(preview)),
        "tracks": _tracks(preview),
        "clipped": preview.matched.clipped,
        "notes": _notes(preview),
    }


def _marks(preview: Preview) -> Iterator[Mark]:
    return (mark for _, row in preview.taken for mark in row.marks)


def _labels(preview: Preview) -> set[str]:
    return {mark.label for mark in _marks(preview) if mark.label}


def _tracks(preview: Preview) -> dict[str, int]:
    """Return how many marks each named track has."""
    found = Counter(mark.track for mark in _marks(preview) if mark.track)
    return dict(sorted(found.items()))


def _notes(preview: Preview) -> list[str]:
    """Return what else a person should know before importing."""
    kinds = Counter(mark.kind for mark in _marks(preview))
    parts = sum(bool(mark.parent) for mark in _marks(preview))
    tracks = ", ".join(f"'{name}' ({count})" for name, count in _tracks(preview).items())
    passed = [path.name for path in preview.passed_over]
    shown = ", ".join(passed[:_NAMED]) + (" …" if len(passed) > _NAMED else "")
    said = {
        f"Point events: {kinds['point']}.": kinds["point"],
        f"Ignored spans: {kinds['ignore']}.": kinds["ignore"],
        f"Parts of other segments: {parts}.": parts,
        f"Tracks: {tracks}.": tracks,
        preview.frames: preview.frames,
        f"Files of no known format, passed over: {shown}.": passed,
    }
    return [note for note, there in said.items() if there]


def commit_import(
    studio: Studio,
    project: int,
    files: Sequence[Path],
    *,
    token: str,
    skip_faulty: bool = False,
    frame_rate: float | None = None,
) -> dict[str, Any]:
    """Import annotation files: all or nothing, unless the person chose to skip faulty rows.

    A video without a goal takes the one that a file says.

    Raises:
        InvalidData: Rows are faulty and are not to be skipped, or nothing would be imported.
    """
    if layout_of(files):
        return commit_features(studio, project, files[0], token=token, skip_faulty=skip_faulty)
    preview = preview_import(studio, project, files, frame_rate=frame_rate)
    if preview.faults and not skip_faulty:
        first = preview.faults[0]
        raise InvalidData(
            "Every row must be right, or nothing is imported",
            f"{len(preview.faults)} faulty rows, the first: {first.sentence}",
            "Correct them, or import with 'skip faulty rows'.",
        )
    if not preview.taken:
        raise InvalidData(
            "An import needs rows whose videos are in the project",
            f"none of {len(preview.matched.missing)} rows has its video here",
            "Add the folder with the videos first.",
        )
    with studio.database.write():
        ids = add_labels(studio, project, sorted(_labels(preview)))
        batch = ImportBatch(
            token=token,
            source=preview.source,
            format=preview.format,
            segments=_segments(preview.taken, ids),
        )
        done = imports.import_segments(studio.database, project, batch)
        library.set_goals(studio.database, project, _new_goals(studio, project, preview))
    return {
        "import": done.id,
        "rows": len(preview.taken),
        "videos": len(preview.matched.taken),
        "segments": done.segments,
        "skipped": len(preview.faults),
        "missing": len(preview.matched.missing),
        "clipped": preview.matched.clipped,
    }


def _segments(taken: Sequence[tuple[int, Row]], labels: Mapping[str, int]) -> list[NewSegment]:
    """Return rows as segments; keys of marks hold within a video and a file.

    A part whose whole was not taken, because its row was faulty, is a segment of its own.
    """
    keys: dict[tuple[int, Path, str], str] = {}
    for video, row in taken:
        for mark in row.marks:
            if (video, row.file, mark.key) in keys:
                raise InvalidData(
                    "Annotations of a file must have ids of their own",
                    f"{quoted(mark.key)} in {quoted(row.file.name)} is there twice",
                    "Give one of them another id.",
                )
            if mark.key:
                keys[video, row.file, mark.key] = str(uuid.uuid4())
    return [
        NewSegment(
            video,
            mark.start_us,
            mark.end_us,
            labels[mark.label] if mark.label else None,
            SegmentKind(mark.kind),
            mark.track,
            mark.confidence,
            mark.note,
            keys.get((video, row.file, mark.parent)) if mark.parent else None,
            keys[video, row.file, mark.key] if mark.key else str(uuid.uuid4()),
        )
        for video, row in taken
        for mark in row.marks
    ]


def _new_goals(studio: Studio, project: int, preview: Preview) -> dict[int, str]:
    without = {v.id for v in library.list_videos(studio.database, project) if not v.goal}
    return {video: row.goal for video, row in preview.taken if row.goal and video in without}
