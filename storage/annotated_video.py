"""What the Annotate page reads of a video: its segments, its labels, what can be undone."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from storage import tables
from storage.database import Database, batches, fetch
from storage.operations import DoneOperation, plain, stacks
from storage.segment_edits import ROW, Row, identity

LABEL = ("id", "name", "verb", "noun", "colour", "hotkey", "position", "archived")
"""The fields of a label in the order in which it is sent."""


@dataclass(frozen=True, slots=True)
class AnnotatedVideo:
    """The annotations of a video at one moment.

    `segments` are those that are not deleted, by their start, each the values of `ROW`; `gone` the
    deleted ones that an operation of the stacks speaks of.
    """

    revision: int
    labels: tuple[dict[str, Any], ...]
    segments: tuple[tuple[Any, ...], ...]
    undo: tuple[DoneOperation, ...]
    redo: tuple[DoneOperation, ...]
    gone: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class SegmentChange:
    """One line of a segment's history; `before` is None where it was made."""

    sequence: int
    at_us: int
    name: str
    before: Row | None
    after: Row


def open_annotations(database: Database, video_id: int) -> AnnotatedVideo:
    """Return the annotations of a video."""
    table = tables.Segment
    with database.read() as session:
        video = fetch(session, tables.Video, video_id)
        live = _rows(session, table.video_id == video_id, table.deleted_us.is_(None))
        undo, redo = stacks(session, video_id)
        return AnnotatedVideo(
            video.revision,
            tuple(_labels(session, video.project_id)),
            tuple((*row, False) for row in live),
            tuple(undo),
            tuple(redo),
            tuple(_gone(session, (*undo, *redo))),
        )


def segment_history(
    database: Database, video_id: int, segment_id: str, *, limit: int = 50
) -> tuple[SegmentChange, ...]:
    """Return what was done to a segment, newest first."""
    segment_id = identity(segment_id)
    table = tables.Change
    statement = (
        sa.select(table.sequence, table.at_us, table.action, table.detail)
        .where(table.video_id == video_id)
        .where(sa.cast(table.detail, sa.Text).contains(segment_id, autoescape=True))
        .order_by(table.sequence.desc())
        .execution_options(yield_per=10)
    )
    found: list[SegmentChange] = []
    with database.read() as session:
        fetch(session, tables.Video, video_id)
        with session.execute(statement) as log:
            for sequence, at_us, action, detail in log:
                said = _said(detail.get("segments", ()), segment_id)
                if said is not None:
                    name = detail.get("name", action)
                    found.append(SegmentChange(sequence, at_us, name, *said))
                if len(found) > limit:
                    break
    return tuple(_completed(found))[:limit]


def _said(segments: Iterable[Row], segment_id: str) -> tuple[Row | None, Row] | None:
    """Return what one change says of a segment: what it was and became."""
    for each in segments:
        if "after" in each and each["after"]["id"] == segment_id:
            return each["before"] and plain(each["before"]), plain(each["after"])
        if each.get("id") == segment_id:  # an import tells what it made, and undone only the ids
            return None, plain(each) if "start_us" in each else {}
    return None


def _completed(found: Sequence[SegmentChange]) -> Iterator[SegmentChange]:
    """Yield changes, those that tell an id only with what the one before them left behind."""
    for each, older in zip_longest(found, found[1:]):
        if each.after:
            yield each
        elif older is not None:
            version = older.after["version"] + 1
            after = {**older.after, "version": version, "deleted": True}
            yield replace(each, before=older.after, after=after)


def _rows(session: Session, *wanted: sa.ColumnElement[bool]) -> Iterable[Sequence[Any]]:
    """Return the fields of `ROW` as they are stored, but for the last, by their start.

    Below the ORM and without its enumerations, which would take longer than the database.
    """
    table = tables.Segment
    *fields, _ = ROW
    columns = (getattr(table, name) for name in fields)
    texts = (sa.type_coerce(c, sa.Text) if isinstance(c.type, sa.Enum) else c for c in columns)
    statement = sa.select(*texts).where(*wanted).order_by(table.start_us, table.end_us, table.id)
    return session.connection().execute(statement)


def _labels(session: Session, project_id: int) -> Iterator[dict[str, Any]]:
    table, label_set = tables.Label, tables.LabelSet
    statement = (
        sa.select(*(getattr(table, name) for name in LABEL))
        .join(label_set, label_set.id == table.label_set_id)
        .where(label_set.project_id == project_id)
        .order_by(table.label_set_id, table.position, table.id)
    )
    for row in session.execute(statement):
        yield dict(zip(LABEL, row, strict=True))


def _gone(session: Session, operations: Iterable[DoneOperation]) -> Iterator[Row]:
    table = tables.Segment
    spoken_of = {each["after"]["id"] for done in operations for each in done.segments}  # pyright: ignore[reportOptionalSubscript]
    for some in batches(sorted(spoken_of)):
        for row in _rows(session, table.id.in_(some), table.deleted_us.is_not(None)):
            yield dict(zip(ROW, (*row, True), strict=True))
