"""What people do to segments: edits, checked and applied as a whole or not at all."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import ChangedElsewhere, Conflict, InvalidData, UnknownName
from core.types import SECOND
from storage import tables
from storage.base import now_us
from storage.database import batches
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

ROW = (
    "id", "start_us", "end_us", "label_id", "version", "track", "kind", "source", "confidence",
    "note", "parent_id", "deleted",
)  # fmt: skip
"""What a segment says, in the order in which it is sent."""

Row = dict[str, Any]
"""A segment as it is sent and as the log tells it: the fields of `ROW`."""


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
class Applied:
    """What edits did: the rows of all, and what the log shall tell of each that was changed."""

    rows: tuple[tables.Segment, ...]
    told: list[dict[str, Row | None]]
    unchanged: list[Row]


def apply_edits(session: Session, video: tables.Video, edits: Iterable[SegmentEdit]) -> Applied:
    """Write edits into the transaction of `session`.

    Raises:
        ChangedElsewhere: a segment was changed since the client saw it.
        InvalidData: an edit breaks a rule.
    """
    wanted = [_checked(edit) for edit in edits]
    rows = _rows(session, wanted)
    names = {edit.label_id for edit in wanted} | {row.label_id for row in rows.values()}
    labels = labels_of(session, video.project_id, names)
    for edit in wanted:
        check_label(edit.kind, edit.label_id, labels)
        _refuse_unknown(edit, rows.get(edit.id), video)
    _refuse_stale(wanted, rows)
    touched: list[tuple[tables.Segment, Row | None]] = []
    for edit in wanted:
        row = rows.get(edit.id)
        if row is not None and _says(row, edit):
            continue  # a repeated save, or two people of one mind
        before = None if row is None else _told(row, labels)
        if row is None:
            row = rows[edit.id] = tables.Segment(id=edit.id, video_id=video.id)
            session.add(row)
        _refuse_archived(row, edit, labels)
        _set(row, edit)
        touched.append((row, before))
    session.flush()  # gives each changed row its new version
    _check_parents(session, video.id, [row for row, _ in touched])
    changed = {row.id for row, _ in touched}
    return Applied(
        tuple(rows[edit.id] for edit in wanted),
        [{"before": before, "after": _told(row, labels)} for row, before in touched],
        [told_row(rows[edit.id]) for edit in wanted if edit.id not in changed],
    )


def content_of(row: tables.Segment) -> dict[str, Any]:
    """Return what an edit can say of a row."""
    return {field: getattr(row, field) for field in _CONTENT}


def told_row(row: tables.Segment) -> Row:
    """Return a row in the form in which it is sent."""
    gone = row.deleted_us is not None
    return {"id": row.id, **content_of(row), "version": row.version, "deleted": gone}


def identity(text: str, what: str = "a segment") -> str:
    """Return a UUID in its one stored form."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise InvalidData(
            f"The id of {what} must be a UUID", f"'{text}'", "Reload the page."
        ) from None


_CONTENT = (
    "start_us", "end_us", "label_id", "track", "kind", "source", "confidence", "note",
    "parent_id",
)  # fmt: skip


def _checked(edit: SegmentEdit) -> SegmentEdit:
    """Return the edit in its stored form, or raise."""
    check_span(edit.start_us, edit.end_us, edit.kind)
    check_confidence(edit.confidence)
    return replace(
        edit,
        id=identity(edit.id),
        track=clean_track(edit.track),
        note=clean_note(edit.note),
        parent_id=None if edit.parent_id is None else identity(edit.parent_id),
    )


def _rows(session: Session, edits: Sequence[SegmentEdit]) -> dict[str, tables.Segment]:
    """Return the rows that the edits are about, those that are there, by id."""
    ids = {edit.id for edit in edits}
    if len(ids) < len(edits):
        raise InvalidData("A segment is edited once at a time", next_step="Reload the page.")
    table = tables.Segment
    return {
        row.id: row
        for some in batches(sorted(ids))
        for row in session.scalars(sa.select(table).where(table.id.in_(some)))
    }


def _refuse_unknown(edit: SegmentEdit, row: tables.Segment | None, video: tables.Video) -> None:
    if row is None and edit.version is not None:
        raise UnknownName("Unknown segment", edit.id, "Reload the page.")
    if row is not None and row.video_id != video.id:
        raise Conflict(
            "A segment stays in its video", edit.id, "Reload the page and make it again."
        )


def _refuse_stale(edits: Iterable[SegmentEdit], rows: Mapping[str, tables.Segment]) -> None:
    pairs = [(edit, rows[edit.id]) for edit in edits if edit.id in rows]
    stale = [row for edit, row in pairs if edit.version != row.version and not _says(row, edit)]
    if stale:
        raise ChangedElsewhere(
            "The segment was changed elsewhere in the meantime",
            f"{stale[0].start_us / SECOND:.2f} s to {stale[0].end_us / SECOND:.2f} s",
            "Reload it, or keep yours as a copy.",
            current=[told_row(row) for row in stale],
        )


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


def _check_parents(session: Session, video_id: int, rows: Sequence[tables.Segment]) -> None:
    """Raise unless what the rows are a part of are segments of their video, without a circle."""
    table = tables.Segment
    known: dict[str, str | None] = {row.id: row.parent_id for row in rows}
    asked: set[str] = set()
    while above := {parent for parent in known.values() if parent} - asked:
        asked |= above
        for some in batches(above):
            statement = sa.select(table.id, table.parent_id)
            found = session.execute(statement.where(table.video_id == video_id, table.id.in_(some)))
            known.update(found.all())
    check_parents(known, [row.id for row in rows])


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


def _told(row: tables.Segment, labels: Mapping[int, tables.Label]) -> Row:
    """Return a row as the log tells it, with the name of its label."""
    label = labels.get(row.label_id) if row.label_id is not None else None
    return {**told_row(row), "label": label.name if label else None}
