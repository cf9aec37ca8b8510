"""Segments: saved as they are made, never overwritten unseen, never lost."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import Conflict, InvalidData, UnknownName
from core.types import SECOND
from storage import changes, tables
from storage.base import now_us
from storage.changes import Change
from storage.database import Database, fetch
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


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentEdit:
    """What a client wants a segment to be.

    `id` is a UUID that the client made. `version` is the one that it had seen, None for a segment
    that it has just made. `deleted` removes the segment; an edit without it brings it back.
    `parent_id` is the segment of the same video that it is a part of.
    """

    id: str
    start_us: int
    end_us: int
    label_id: int | None
    version: int | None = None
    track: str = ""
    kind: SegmentKind = SegmentKind.INTERVAL
    source: SegmentSource = SegmentSource.HUMAN
    confidence: float | None = None
    note: str = ""
    parent_id: str | None = None
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class StoredSegment:
    """A segment as it stands in the database."""

    id: str
    video_id: int
    start_us: int
    end_us: int
    label_id: int | None
    version: int
    track: str
    kind: SegmentKind
    source: SegmentSource
    confidence: float | None
    note: str
    parent_id: str | None
    deleted: bool


@dataclass(frozen=True, slots=True)
class SavedEdits:
    """The answer to a save: what now stands, and the video's new revision."""

    revision: int
    segments: tuple[StoredSegment, ...]


def save_segments(database: Database, video_id: int, edits: Sequence[SegmentEdit]) -> SavedEdits:
    """Save the edits of one action of a person (a split, a merge, a drag) as a whole.

    When this returns, the edits survive a power cut. A save that is repeated because its answer got
    lost changes nothing and is answered like the first one.

    Raises:
        Conflict: a segment was changed elsewhere since the client saw it; nothing is saved.
        InvalidData: an edit breaks a rule; nothing is saved.
    """
    with database.write() as session:
        video = fetch(session, tables.Video, video_id)
        labels = labels_of(session, video.project_id)
        wanted = [_checked(edit, labels) for edit in edits]
        touched = []
        for edit in wanted:
            row = _row_to_change(session, video, edit)
            if row is not None:
                before = _told(row, labels) if row.version else None
                _refuse_archived(row, edit, labels)
                _set(row, edit)
                touched.append((row, before))
        session.flush()  # gives each changed row its new version
        _check_parents(session, video_id, [row for row, _ in touched])
        if touched:
            video.revision += 1
            told = [{"before": before, "after": _told(row, labels)} for row, before in touched]
            changes.record(
                session,
                "save segments",
                {"segments": told},
                project_id=video.project_id,
                video_id=video_id,
            )
        rows = [fetch(session, tables.Segment, edit.id) for edit in wanted]
        return SavedEdits(video.revision, tuple(_value(row) for row in rows))


def delete_segments(database: Database, video_id: int, versions: Mapping[str, int]) -> SavedEdits:
    """Remove segments, each by its id and the version that the client had seen."""
    with database.write() as session:
        rows = [fetch(session, tables.Segment, segment_id) for segment_id in versions]
        edits = [
            SegmentEdit(
                **{name: getattr(row, name) for name in _CONTENT},
                id=row.id,
                version=versions[row.id],
                deleted=True,
            )
            for row in rows
        ]
        return save_segments(database, video_id, edits)


def list_segments(
    database: Database, video_id: int, *, deleted: bool = False
) -> tuple[StoredSegment, ...]:
    """Return the segments of a video by their start; deleted ones on request."""
    table = tables.Segment
    statement = _select_segments().where(table.video_id == video_id)
    if not deleted:
        statement = statement.where(table.deleted_us.is_(None))
    with database.read() as session:
        return tuple(StoredSegment(*row) for row in session.execute(statement))


def segments_of_project(database: Database, project_id: int) -> dict[int, list[StoredSegment]]:
    """Return the live segments of every video of a project by their start, by video id."""
    table, video = tables.Segment, tables.Video
    statement = (
        _select_segments()
        .join(video, video.id == table.video_id)
        .where(video.project_id == project_id, table.deleted_us.is_(None))
    )
    found: dict[int, list[StoredSegment]] = defaultdict(list)
    with database.read() as session:
        for row in session.execute(statement):
            segment = StoredSegment(*row)
            found[segment.video_id].append(segment)
    return found


def history(database: Database, video_id: int, *, limit: int = 100) -> tuple[Change, ...]:
    """Return the latest changes of a video's segments, newest first."""
    with database.read() as session:
        return changes.history(session, video_id, limit)


def _select_segments() -> sa.Select:
    """Select the fields of `StoredSegment` in their order, by time."""
    table = tables.Segment
    *fields, _ = StoredSegment.__dataclass_fields__
    columns = [getattr(table, name) for name in fields]
    statement = sa.select(*columns, table.deleted_us.is_not(None))
    return statement.order_by(table.start_us, table.end_us, table.id)


def _checked(edit: SegmentEdit, labels: Mapping[int, tables.Label]) -> SegmentEdit:
    """Return the edit in its stored form, or raise."""
    identity = _identity(edit.id)
    check_span(edit.start_us, edit.end_us, edit.kind)
    check_label(edit.kind, edit.label_id, labels)
    check_confidence(edit.confidence)
    return SegmentEdit(
        id=identity,
        start_us=edit.start_us,
        end_us=edit.end_us,
        label_id=edit.label_id,
        version=edit.version,
        track=clean_track(edit.track),
        kind=edit.kind,
        source=edit.source,
        confidence=edit.confidence,
        note=clean_note(edit.note),
        parent_id=None if edit.parent_id is None else _identity(edit.parent_id),
        deleted=edit.deleted,
    )


def _identity(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise InvalidData(
            "The id of a segment must be a UUID", f"'{text}'", "Reload the page."
        ) from None


def _check_parents(session: Session, video_id: int, rows: Sequence[tables.Segment]) -> None:
    """Raise unless what the rows are a part of are segments of their video, without a circle."""
    if all(row.parent_id is None for row in rows):
        return
    table = tables.Segment
    known = session.execute(sa.select(table.id, table.parent_id).where(table.video_id == video_id))
    check_parents({row.id: row.parent_id for row in known}, [row.id for row in rows])


def _row_to_change(
    session: Session, video: tables.Video, edit: SegmentEdit
) -> tables.Segment | None:
    """Return the row that the edit is about, a new one if need be; None where all is said."""
    row = session.get(tables.Segment, edit.id)
    if row is None:
        if edit.version is not None:
            raise UnknownName("Unknown segment", edit.id, "Reload the page.")
        row = tables.Segment(id=edit.id, video_id=video.id)
        session.add(row)
        return row
    if row.video_id != video.id:
        raise Conflict(
            "A segment stays in its video", edit.id, "Reload the page and make it again."
        )
    if _says(row, edit):
        return None  # a repeated save, or two people of one mind
    if edit.version != row.version:
        raise Conflict(
            "The segment was changed elsewhere in the meantime",
            f"{row.start_us / SECOND:.2f} s to {row.end_us / SECOND:.2f} s",
            "Reload it, or keep yours as a copy.",
        )
    return row


def _refuse_archived(
    row: tables.Segment, edit: SegmentEdit, labels: Mapping[int, tables.Label]
) -> None:
    if edit.label_id is not None and edit.label_id != row.label_id:
        label = labels[edit.label_id]
        if label.archived:
            raise InvalidData(
                "An archived label takes no new segments",
                f"'{label.name}'",
                "Bring the label back in the Library, or choose another.",
            )


_CONTENT = (
    "start_us", "end_us", "label_id", "track", "kind", "source", "confidence", "note",
    "parent_id",
)  # fmt: skip


def _says(row: tables.Segment, edit: SegmentEdit) -> bool:
    gone = row.deleted_us is not None
    same = all(getattr(row, field) == getattr(edit, field) for field in _CONTENT)
    return edit.deleted == gone and (same or gone)


def _set(row: tables.Segment, edit: SegmentEdit) -> None:
    for field in _CONTENT:
        setattr(row, field, getattr(edit, field))
    if not edit.deleted:
        row.deleted_us = None
    elif row.deleted_us is None:
        row.deleted_us = now_us()


def _values(row: tables.Segment) -> dict[str, Any]:
    content = {field: getattr(row, field) for field in _CONTENT}
    return {
        "id": row.id,
        **content,
        "version": row.version,
        "deleted": row.deleted_us is not None,
    }


def _value(row: tables.Segment) -> StoredSegment:
    return StoredSegment(video_id=row.video_id, **_values(row))


def _told(row: tables.Segment, labels: Mapping[int, tables.Label]) -> dict[str, Any]:
    """Return a row as the log tells it, with the name of its label."""
    label = labels.get(row.label_id) if row.label_id is not None else None
    return {**_values(row), "label": label.name if label else None}
