"""The moment that a run's labels are of, by the numbers of the change log."""

from dataclasses import dataclass

import sqlalchemy as sa

from storage import tables
from storage.database import Database


@dataclass(frozen=True, slots=True)
class LabelMoment:
    """The newest change of a project at some time: its number and when it was made.

    Both are 0 where nobody had changed anything.
    """

    sequence: int = 0
    at_us: int = 0


def newest(database: Database, project_id: int) -> LabelMoment:
    """Return the newest change of a project's labels, splits and segments."""
    change = tables.Change
    statement = (
        sa.select(change.sequence, change.at_us)
        .where(change.project_id == project_id)
        .order_by(change.sequence.desc())
        .limit(1)
    )
    with database.read() as session:
        row = session.execute(statement).first()
    return LabelMoment(*row) if row else LabelMoment()


def changes_since(database: Database, project_id: int, moment: LabelMoment) -> int:
    """Count what people did to a project after a moment."""
    change = tables.Change
    statement = (
        sa.select(sa.func.count())
        .select_from(change)
        .where(change.sequence > moment.sequence, change.project_id == project_id)
    )
    with database.read() as session:
        return session.scalar(statement) or 0
