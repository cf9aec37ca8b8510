"""Annotation files into a project: a preview of three lists, then all rows or none.

A folder of features goes the same way; `app.services.feature_imports` knows it.
"""

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.services import Studio
from app.services.feature_imports import (
    commit_features,
    describe_features,
    layout_of,
    plan_features,
)
from app.services.import_preview import (
    AS_IT_IS,
    TABLES,
    Choices,
    Preview,
    describe,
    preview_import,
)
from app.services.library import add_labels
from core.errors import InvalidData, InvalidFile
from core.formats import Row
from core.formats.columns import UNITS, glance
from core.formats.source import quoted
from storage import imports, library
from storage.imports import Import, ImportBatch, NewSegment
from storage.library_table import video_rows
from storage.states import SegmentKind


def preview(
    studio: Studio, project: int, files: Sequence[Path], choices: Choices = AS_IT_IS
) -> dict[str, Any]:
    """Say what an import would do, as a page shows it; nothing is written.

    For a table whose columns are not recognised it is `columns`, a look at them, and `why`.
    """
    if layout_of(files):
        return describe_features(plan_features(studio, project, files[0]))
    try:
        found = preview_import(studio, project, files, choices)
    except InvalidFile as error:
        shown = None if choices.mapping else columns(files)
        if shown is None:
            raise
        return {"columns": shown, "why": error.sentence}
    return describe(found, studio, project)


def columns(files: Sequence[Path], *, header: bool | None = None) -> dict[str, Any] | None:
    """Return the first rows of the first table of some files, with guesses what its columns are.

    None: the first file is no table.
    """
    path = next((f for each in files if (f := each.expanduser().resolve()).is_file()), None)
    if path is None or path.suffix.lower() not in TABLES:
        return None
    seen = glance(path, header=header)
    if seen is None:
        return None
    return {
        "file": path.name,
        "names": list(seen.names),
        "rows": [list(row) for row in seen.rows],
        "guess": dict(seen.guess),
        "unit": seen.unit,
        "units": dict(UNITS),
        "header": seen.header,
    }


def made(studio: Studio, project: int) -> list[dict[str, Any]]:
    """Return the imports of a project, newest first."""
    return [_shown(each) for each in imports.list_imports(studio.database, project)]


def undo(studio: Studio, import_id: int) -> dict[str, int]:
    """Remove what an import brought, but for what somebody edited since."""
    done = imports.undo_import(studio.database, import_id)
    return {"removed": done.removed, "kept": done.kept}


def _shown(done: Import) -> dict[str, Any]:
    names = ("id", "source", "format", "segments", "created_us", "undone_us")
    return {name: getattr(done, name) for name in names}


def commit_import(
    studio: Studio,
    project: int,
    files: Sequence[Path],
    choices: Choices = AS_IT_IS,
    *,
    token: str,
    skip_faulty: bool = False,
) -> dict[str, Any]:
    """Import annotation files: all or nothing, unless the person chose to skip faulty rows.

    A video without a goal takes the one that a file says.

    Raises:
        InvalidData: Rows are faulty and are not to be skipped, or nothing would be imported.
    """
    if layout_of(files):
        return commit_features(studio, project, files[0], token=token, skip_faulty=skip_faulty)
    preview = preview_import(studio, project, files, choices)
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
        ids = add_labels(studio, project, sorted(preview.labels))
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
    goals = video_rows(studio.database, project, ("id", "goal"))
    without = {video for video, goal in goals if not goal}
    return {video: row.goal for video, row in preview.taken if row.goal and video in without}
