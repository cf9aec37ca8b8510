"""What people said to the proposals of runs. An accepted one is a segment; a rejected one is here.

A proposal's id is made of the run and of what it proposes, so it is the same whenever it is asked
for.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import InvalidData
from storage import tables
from storage.database import Database, batches, fetch
from storage.segment_edits import identity


@dataclass(frozen=True, slots=True)
class ProposalAnswer:
    """Whether a person rejects a proposal of a run, or takes that back."""

    proposal: str
    run: int
    rejected: bool


def rejected(database: Database, video_id: int) -> frozenset[str]:
    """Return the ids of the proposals for a video that were rejected."""
    table = tables.ProposalAnswer
    statement = sa.select(table.id).where(table.video_id == video_id, table.rejected)
    with database.read() as session:
        return frozenset(session.scalars(statement))


def apply_answers(
    session: Session, video: tables.Video, answers: Iterable[ProposalAnswer]
) -> list[dict[str, Any]]:
    """Write answers into the transaction of `session`; return what the log shall tell of them."""
    wanted = {identity(each.proposal, "a proposal"): each for each in answers}
    for run in sorted({each.run for each in wanted.values()}):
        if fetch(session, tables.Run, run).project_id != video.project_id:
            raise InvalidData("A run proposes for videos of its project", f"run {run}")
    table = tables.ProposalAnswer
    rows = {
        row.id: row
        for some in batches(sorted(wanted))
        for row in session.scalars(sa.select(table).where(table.id.in_(some)))
    }
    told = []
    for proposal, answer in wanted.items():
        row = rows.get(proposal)
        before = row is not None and row.rejected
        if row is None:
            row = table(id=proposal, video_id=video.id, run_id=answer.run)
            session.add(row)
        elif (row.video_id, row.run_id) != (video.id, answer.run):
            raise InvalidData(
                "A proposal is of one run and one video", proposal, "Reload the proposals."
            )
        row.rejected = answer.rejected
        told.append(
            {
                "proposal": proposal,
                "run": answer.run,
                "before": before,
                "after": answer.rejected,
            }
        )
    return told
