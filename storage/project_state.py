"""How a project stands, in a few numbers: what a page asks every second instead of everything."""

from dataclasses import dataclass

import sqlalchemy as sa

from storage import tables
from storage.artifacts import digest
from storage.database import Database
from storage.states import Health


@dataclass(frozen=True, slots=True)
class ProjectState:
    """The number of videos, of those nobody looked at yet, and a token of all that a list shows.

    The token differs where videos, splits, labels, segments or predictions differ. It may differ
    where nothing of this project did, since people's changes are counted over all projects.
    """

    revision: str
    videos: int
    waiting: int


def project_state(database: Database, project_id: int) -> ProjectState:
    """Return the state of a project, without reading a segment."""
    video, change, prediction = tables.Video, tables.Change, tables.Prediction
    by_health = sa.select(
        video.health,
        sa.func.count(),
        sa.func.max(video.id),
        sa.func.sum(video.revision),
    ).where(video.project_id == project_id, video.archived.is_(False))
    with database.read() as session:
        rows = session.execute(by_health.group_by(video.health).order_by(video.health)).all()
        last = session.scalar(sa.select(sa.func.max(change.sequence)))
        predictions = session.scalar(sa.select(sa.func.count()).select_from(prediction))
    counts = {health: count for health, count, *_ in rows}
    told = [[str(value) for value in row] for row in rows]
    return ProjectState(
        revision=digest({"videos": told, "last": last, "predictions": predictions})[:16],
        videos=sum(counts.values()),
        waiting=counts.get(Health.PENDING, 0),
    )


def predicted_videos(database: Database, project_id: int) -> frozenset[int]:
    """Return the videos of a project that a run has predicted."""
    prediction, run = tables.Prediction, tables.Run
    statement = (
        sa.select(prediction.video_id)
        .join(run, run.id == prediction.run_id)
        .where(run.project_id == project_id)
        .distinct()
    )
    with database.read() as session:
        return frozenset(session.scalars(statement))
