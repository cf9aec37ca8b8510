"""What the library shows of many videos at once: values and counts, without an object for each."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from storage import tables
from storage.database import Database
from storage.library import EVERYTHING, VideoFilter, select_videos


@dataclass(frozen=True, slots=True)
class ProjectCounts:
    """How much a project holds: what is not archived, by split also where that is None."""

    videos: int
    segments: int
    labels: int
    splits: dict[str | None, int]


def video_rows(
    database: Database, project_id: int, fields: Sequence[str], wanted: VideoFilter = EVERYTHING
) -> list[tuple[Any, ...]]:
    """Return some fields of the wanted videos of a project, named as those of `Video`."""
    statement = select_videos(project_id, wanted, fields)
    with database.read() as session:
        return [tuple(row) for row in session.execute(_plain(statement))]


def _plain(statement: sa.Select[*tuple[Any, ...]]) -> sa.Select[*tuple[Any, ...]]:
    """Let words stay text: ten thousand rows need no enumerations to be shown."""
    columns = [
        sa.type_coerce(column, sa.Text).label(column.name)
        if isinstance(column.type, sa.Enum)
        else column
        for column in statement.selected_columns
    ]
    return statement.with_only_columns(*columns)


def named_segments(database: Database, video_id: int) -> list[tuple[str, int, int, str, str, str]]:
    """Return id, start, end, name of the label, kind and track of a video's segments, by start."""
    table, label = tables.Segment, tables.Label
    statement = (
        sa.select(
            table.id, table.start_us, table.end_us,
            sa.func.coalesce(label.name, ""), table.kind, table.track,
        )
        .outerjoin(label, label.id == table.label_id)
        .where(table.video_id == video_id, table.deleted_us.is_(None))
        .order_by(table.start_us, table.end_us, table.id)
    )  # fmt: skip
    with database.read() as session:
        return [tuple(row) for row in session.execute(_plain(statement))]


def count_videos(database: Database, project_id: int, wanted: VideoFilter = EVERYTHING) -> int:
    """Return how many videos are wanted, whatever window of them is."""
    every = select_videos(project_id, wanted, ("id",)).order_by(None).limit(None).offset(None)
    with database.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(every.subquery())) or 0


def count_projects(database: Database) -> dict[int, ProjectCounts]:
    """Return the counts of every project by its id."""
    video, segment = tables.Video, tables.Segment
    label, label_set = tables.Label, tables.LabelSet
    live = (
        sa.select(segment.video_id, sa.func.count().label("segments"))
        .where(segment.deleted_us.is_(None))
        .group_by(segment.video_id)
        .subquery()
    )
    by_split = (
        sa.select(
            video.project_id, video.split, sa.func.count(),
            sa.cast(sa.func.sum(sa.func.coalesce(live.c.segments, 0)), sa.BigInteger),
        )
        .outerjoin(live, live.c.video_id == video.id)
        .where(video.archived.is_(False))
        .group_by(video.project_id, video.split)
    )  # fmt: skip
    # The first label set of a project is the one that it works with.
    first = sa.select(sa.func.min(label_set.id)).group_by(label_set.project_id)
    by_project = (
        sa.select(label_set.project_id, sa.func.count())
        .join(label, label.label_set_id == label_set.id)
        .where(label_set.id.in_(first), label.archived.is_(False))
        .group_by(label_set.project_id)
    )
    with database.read() as session:
        labels = dict(session.execute(by_project).all())
        splits: dict[int, dict[str | None, int]] = defaultdict(dict)
        segments: dict[int, int] = defaultdict(int)
        for project, split, videos, held in session.execute(by_split):
            splits[project][split] = videos
            segments[project] += held
        return {
            project: ProjectCounts(
                sum(splits[project].values()),
                segments[project],
                labels.get(project, 0),
                splits[project],
            )
            for project in session.scalars(sa.select(tables.Project.id))
        }
