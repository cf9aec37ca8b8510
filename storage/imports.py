"""Imports of annotation files: wholly in or not at all, and undone as a whole."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import Conflict, InvalidData
from storage import tables
from storage.base import now_us
from storage.changes import record
from storage.database import Database, batches, fetch
from storage.names import clean_text
from storage.segment_rules import (
    check_confidence,
    check_label,
    check_parents,
    check_span,
    clean_note,
    clean_track,
    labels_of,
)
from storage.states import SegmentKind, SegmentSource


@dataclass(frozen=True, slots=True)
class NewSegment:
    """A segment that a file or a script brings; `parent_id` is another one of the same batch."""

    video_id: int
    start_us: int
    end_us: int
    label_id: int | None
    kind: SegmentKind = SegmentKind.INTERVAL
    track: str = ""
    confidence: float | None = None
    note: str = ""
    parent_id: str | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportBatch:
    """What is to be imported. `token` is made by whoever asks; asking twice imports once."""

    token: str
    source: str
    format: str
    segments: Sequence[NewSegment]
    made_by: SegmentSource = SegmentSource.IMPORT


@dataclass(frozen=True, slots=True)
class Import:
    """An import that was made."""

    id: int
    project_id: int
    token: str
    source: str
    format: str
    segments: int
    created_us: int
    undone_us: int | None


@dataclass(frozen=True, slots=True)
class UndoneImport:
    """What an undo removed, and what it kept because somebody had edited it since."""

    removed: int
    kept: int


def import_segments(database: Database, project_id: int, batch: ImportBatch) -> Import:
    """Add all segments of a batch in one transaction.

    Raises:
        InvalidData: one of them breaks a rule; none is added.
    """
    with database.write() as session:
        fetch(session, tables.Project, project_id)
        table = tables.AnnotationImport
        row = session.scalar(sa.select(table).where(table.token == batch.token))
        if row is not None:
            return _value(row)
        row = table(
            project_id=project_id,
            token=batch.token,
            source=clean_text("The name of a file", batch.source),
            format=batch.format,
            segments=len(batch.segments),
        )
        session.add(row)
        session.flush()
        segments = _rows(session, row, batch)
        if segments:
            # Below the ORM, whose bookkeeping would take longer than the database.
            session.connection().execute(sa.insert(tables.Segment), segments)
        _tell(session, row, "import segments", segments)
        session.flush()
        return _value(row)


def list_imports(database: Database, project_id: int) -> tuple[Import, ...]:
    """Return the imports of a project, newest first."""
    table = tables.AnnotationImport
    statement = sa.select(table).where(table.project_id == project_id).order_by(table.id.desc())
    with database.read() as session:
        return tuple(_value(row) for row in session.scalars(statement))


def undo_import(database: Database, import_id: int) -> UndoneImport:
    """Remove the segments of an import that nobody has edited since; the others stay."""
    table = tables.Segment
    with database.write() as session:
        row = fetch(session, tables.AnnotationImport, import_id)
        if row.undone_us is not None:
            raise Conflict("This import was undone already", f"'{row.source}'")
        live = session.execute(
            sa.select(table.id, table.video_id, table.version).where(
                table.import_id == import_id, table.deleted_us.is_(None)
            )
        ).all()
        removed = [{"id": each.id, "video_id": each.video_id} for each in live if each.version == 1]
        row.undone_us = now_us()
        for ids in batches(each["id"] for each in removed):
            session.execute(
                sa.update(table)
                .where(table.id.in_(ids))
                .values(deleted_us=row.undone_us, version=table.version + 1),
                execution_options={"synchronize_session": False},
            )
        _tell(session, row, "undo import", removed)
        return UndoneImport(len(removed), len(live) - len(removed))


def _rows(
    session: Session, made: tables.AnnotationImport, batch: ImportBatch
) -> list[dict[str, Any]]:
    """Return the rows to insert, or raise for the first segment that breaks a rule."""
    labels = labels_of(session, made.project_id)
    video = tables.Video
    videos = set(session.scalars(sa.select(video.id).where(video.project_id == made.project_id)))
    now = now_us()
    rows = []
    for each in batch.segments:
        if each.video_id not in videos:
            raise InvalidData("A segment needs a video of this project", each.video_id)
        check_span(each.start_us, each.end_us, each.kind)
        check_label(each.kind, each.label_id, labels)
        if each.label_id is not None and labels[each.label_id].archived:
            name = labels[each.label_id].name
            raise InvalidData("An archived label takes no new segments", f"'{name}'")
        check_confidence(each.confidence)
        rows.append(
            {
                "id": each.id,
                "video_id": each.video_id,
                "label_id": each.label_id,
                "start_us": each.start_us,
                "end_us": each.end_us,
                "track": clean_track(each.track),
                "kind": each.kind,
                "source": batch.made_by,
                "confidence": each.confidence,
                "note": clean_note(each.note),
                "parent_id": each.parent_id,
                "import_id": made.id,
                "version": 1,
                "created_us": now,
                "updated_us": now,
            }
        )
    _check_parents(rows)
    return rows


def _check_parents(rows: Sequence[dict[str, Any]]) -> None:
    by_video: dict[int, dict[str, str | None]] = defaultdict(dict)
    for row in rows:
        by_video[row["video_id"]][row["id"]] = row["parent_id"]
    for parents in by_video.values():
        check_parents(parents, parents)


def _tell(
    session: Session,
    made: tables.AnnotationImport,
    action: str,
    segments: Iterable[dict[str, Any]],
) -> None:
    """Raise the revision of each video and write one line of the log for it."""
    names = {label_id: row.name for label_id, row in labels_of(session, made.project_id).items()}
    by_video: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for each in segments:
        told = {key: value for key, value in each.items() if key not in _NOT_TOLD}
        if each.get("label_id") is not None:
            told["label"] = names[each["label_id"]]
        by_video[each["video_id"]].append(told)
    video = tables.Video
    for ids in batches(by_video):
        session.execute(
            sa.update(video).where(video.id.in_(ids)).values(revision=video.revision + 1),
            execution_options={"synchronize_session": False},
        )
    for video_id, told in by_video.items():
        detail = {"import": made.id, "source": made.source, "segments": told}
        record(session, action, detail, project_id=made.project_id, video_id=video_id)


_NOT_TOLD = frozenset({"video_id", "import_id", "created_us", "updated_us"})


def _value(row: tables.AnnotationImport) -> Import:
    return Import(*(getattr(row, name) for name in Import.__dataclass_fields__))
