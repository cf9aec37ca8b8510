"""Lean questions about many segments: only what is asked for is read."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import NamedTuple

import sqlalchemy as sa

from storage import tables
from storage.database import Database
from storage.states import SegmentKind

_Number = sa.SQLColumnExpression[int]


class LabelledSpan(NamedTuple):
    """A live segment with a label and a duration."""

    id: str
    start_us: int
    end_us: int
    label_id: int
    version: int


def labelled_spans(
    database: Database, video_id: int, *, without: Collection[str] = ()
) -> list[LabelledSpan]:
    """Return the actions of a video by their start; neither points nor ignored spans.

    Segments on the tracks `without` do not count.
    """
    table = tables.Segment
    statement = (
        sa.select(*(getattr(table, name) for name in LabelledSpan._fields))
        .where(
            table.video_id == video_id,
            table.deleted_us.is_(None),
            table.kind == SegmentKind.INTERVAL,
            table.track.not_in(without),
        )
        .order_by(table.start_us, table.end_us, table.id)
    )
    with database.read() as session:
        return [LabelledSpan(*row) for row in session.execute(statement)]


def known_ids(database: Database, video_id: int) -> frozenset[str]:
    """Return the ids of all segments that a video has or had."""
    table = tables.Segment
    with database.read() as session:
        return frozenset(session.scalars(sa.select(table.id).where(table.video_id == video_id)))


def covered_us(
    database: Database, project_id: int, *, without: Collection[str] = ()
) -> dict[int, int]:
    """Return how much of each video lies in a segment, by video id; overlaps count once.

    Ignored spans count, since somebody has looked there; points cover nothing, and segments on the
    tracks `without` do not count.
    """
    segment, video = tables.Segment, tables.Video
    end = _least(segment.end_us, sa.func.coalesce(video.usable_us, video.duration_us))
    reached = sa.func.max(end).over(
        partition_by=segment.video_id,
        order_by=segment.start_us,  # among equal starts every order covers the same
        rows=(None, -1),
    )
    gained = end - _greatest(segment.start_us, sa.func.coalesce(reached, 0))
    rows = (
        sa.select(segment.video_id, _greatest(gained, sa.literal(0)).label("gained"))
        .join(video, video.id == segment.video_id)
        .where(
            video.project_id == project_id,
            segment.deleted_us.is_(None),
            segment.kind != SegmentKind.POINT,
            segment.track.not_in(without),
        )
        .subquery()
    )
    total = sa.cast(sa.func.sum(rows.c.gained), sa.BigInteger)
    statement = sa.select(rows.c.video_id, total).group_by(rows.c.video_id)
    with database.read() as session:
        return {video_id: total or 0 for video_id, total in session.execute(statement)}


def _least(one: _Number, two: _Number) -> sa.ColumnElement[int]:
    return sa.case((one < two, one), else_=two)


def _greatest(one: _Number, two: _Number) -> sa.ColumnElement[int]:
    return sa.case((one > two, one), else_=two)


def tracks(database: Database, project_id: int) -> tuple[str, ...]:
    """Return the names of the tracks that hold segments, the main one ('') first."""
    segment, video = tables.Segment, tables.Video
    statement = (
        sa.select(segment.track)
        .distinct()
        .join(video, video.id == segment.video_id)
        .where(video.project_id == project_id, segment.deleted_us.is_(None))
        .order_by(segment.track)
    )
    with database.read() as session:
        return tuple(session.scalars(statement))


class TrackSpan(NamedTuple):
    """What two tracks are compared by: an action, or with no label a span to be ignored."""

    start_us: int
    end_us: int
    label_id: int | None


def spans_of_tracks(
    database: Database, project_id: int, names: Iterable[str]
) -> dict[tuple[int, str], list[TrackSpan]]:
    """Return the spans of some tracks of a project by video id and track; points have none."""
    segment, video = tables.Segment, tables.Video
    ignored = segment.kind == SegmentKind.IGNORE
    statement = (
        sa.select(
            segment.video_id, segment.track, segment.start_us, segment.end_us,
            sa.case((ignored, None), else_=segment.label_id),
        )
        .join(video, video.id == segment.video_id)
        .where(
            video.project_id == project_id,
            video.archived.is_(False),
            segment.deleted_us.is_(None),
            segment.kind != SegmentKind.POINT,
            segment.track.in_(set(names)),
        )
    )  # fmt: skip
    found: dict[tuple[int, str], list[TrackSpan]] = defaultdict(list)
    with database.read() as session:
        for video_id, track, *span in session.execute(statement):
            found[video_id, track].append(TrackSpan(*span))
    return found
