"""Annotation files into a project: a preview of three lists, then all rows or none.

A folder of features goes the same way; `app.services.feature_imports` knows it.
"""

from collections.abc import Sequence
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
from app.services.library import add_labels
from core.errors import InvalidData
from core.formats import Fault, Reading, Row, read, recognise
from core.formats.matching import Matched, match
from storage import imports, library
from storage.imports import ImportBatch, NewSegment
from storage.states import SegmentKind


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do: rows by video, rows without a video here, faulty rows."""

    source: str
    format: str
    matched: Matched[int]
    faults: tuple[Fault, ...]

    @property
    def taken(self) -> list[tuple[int, Row]]:
        """Every row that would be taken, with its video."""
        return [(video, row) for video, rows in self.matched.taken.items() for row in rows]


def preview(studio: Studio, project: int, files: Sequence[Path]) -> dict[str, Any]:
    """Say what an import would do, as a page shows it; nothing is written."""
    if layout_of(files):
        return describe_features(plan_features(studio, project, files[0]))
    return describe(preview_import(studio, project, files), studio)


def preview_import(studio: Studio, project: int, files: Sequence[Path]) -> Preview:
    """Read annotation files and match them to the project's videos; nothing is written."""
    if not files:
        raise InvalidData("An import needs at least one annotation file", "none was named")
    readings = []
    formats = []
    for path in _annotation_files(files):
        name, reading = _read(path)
        formats.append(name)
        readings.append(reading)
    known = library.list_videos(studio.database, project)
    matched = match(
        [row for reading in readings for row in reading.rows],
        {video.id: Path(video.path) for video in known},
        durations_us={v.id: v.duration_us for v in known if v.duration_us is not None},
    )
    faults = (*(f for reading in readings for f in reading.faults), *matched.faults)
    source = ", ".join(str(path) for path in files)
    return Preview(source, "+".join(dict.fromkeys(formats)), matched, faults)


def _annotation_files(files: Sequence[Path]) -> list[Path]:
    """Return the files named, and the CSV and TSV files of folders named."""
    found: list[Path] = []
    for path in files:
        path = path.expanduser().resolve()
        if path.is_dir():
            found += sorted(p for p in path.rglob("*") if p.suffix.lower() in (".csv", ".tsv"))
        elif path.is_file():
            found.append(path)
        else:
            raise InvalidData(
                "An annotation file must be there", f"'{path}' is not", "Correct the path."
            )
    if not found:
        raise InvalidData("A folder to import must hold CSV or TSV files", "it holds none")
    return found


def _read(path: Path) -> tuple[str, Reading]:
    name = recognise(path)
    return name, read(path, name)


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
        "classes": sorted({s.label for _, row in preview.taken for s in row.segments}),
        "segments": sum(len(row.segments) for _, row in preview.taken),
        "clipped": preview.matched.clipped,
    }


def commit_import(
    studio: Studio, project: int, files: Sequence[Path], *, token: str, skip_faulty: bool = False
) -> dict[str, Any]:
    """Import annotation files: all or nothing, unless the person chose to skip faulty rows.

    Raises:
        InvalidData: Rows are faulty and are not to be skipped, or nothing would be imported.
    """
    if layout_of(files):
        return commit_features(studio, project, files[0], token=token, skip_faulty=skip_faulty)
    preview = preview_import(studio, project, files)
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
        ids = add_labels(studio, project, describe(preview, studio)["classes"])
        segments = [
            NewSegment(video, s.start_us, s.end_us, ids[s.label])
            for video, row in preview.taken
            for s in row.segments
        ] + [
            NewSegment(video, a, b, None, SegmentKind.IGNORE)
            for video, row in preview.taken
            for a, b in row.ignored
        ]
        batch = ImportBatch(
            token=token, source=preview.source, format=preview.format, segments=segments
        )
        done = imports.import_segments(studio.database, project, batch)
    return {
        "import": done.id,
        "rows": len(preview.taken),
        "videos": len(preview.matched.taken),
        "segments": done.segments,
        "skipped": len(preview.faults),
        "missing": len(preview.matched.missing),
        "clipped": preview.matched.clipped,
    }
