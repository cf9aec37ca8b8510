"""Segments: saved as they are made, never overwritten unseen, never lost."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from storage import changes, tables
from storage.changes import Change
from storage.database import Database, fetch
from storage.segment_edits import SegmentEdit, apply_edits, content_of, told_row
from storage.states import SegmentKind, SegmentSource


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
        ChangedElsewhere: a segment was changed since the client saw it; nothing is saved.
        InvalidData: an edit breaks a rule; nothing is saved.
    """
    with database.write() as session:
        video = fetch(session, tables.Video, video_id)
        applied = apply_edits(session, video, edits)
        if applied.told:
            video.revision += 1
            changes.record(
                session,
                "save segments",
                {"segments": applied.told},
                project_id=video.project_id,
                video_id=video_id,
            )
        return SavedEdits(video.revision, tuple(_value(row) for row in applied.rows))


def delete_segments(database: Database, video_id: int, versions: Mapping[str, int]) -> SavedEdits:
    """Remove segments, each by its id and the version that the client had seen."""
    with database.write() as session:
        rows = [fetch(session, tables.Segment, segment_id) for segment_id in versions]
        edits = [
            SegmentEdit(**content_of(row), id=row.id, version=versions[row.id], deleted=True)
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


def _value(row: tables.Segment) -> StoredSegment:
    return StoredSegment(video_id=row.video_id, **told_row(row))
