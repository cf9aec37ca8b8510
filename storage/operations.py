"""Operations: what a person does at once on the Annotate page, saved, undone and redone as one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import ChangedElsewhere, InvalidData
from storage import tables
from storage.changes import Turn, record
from storage.database import Database, batches, fetch
from storage.names import LONGEST_NAME, clean_text
from storage.proposals import ProposalAnswer, apply_answers
from storage.segment_edits import ROW, Row, SegmentEdit, apply_edits, identity

ACTION = "annotate"
"""The action of a change that is an operation."""

DEEPEST = 200
"""How many operations a stack tells at most."""

_WIDEST = 5_000
_SOME = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What a person did at once: `edits` of segments, `answers` to proposals, or both.

    `id` is a UUID that the client made. `undoes` or `redoes` names the operation that this one
    takes back or does again; its edits say how.
    """

    id: str
    name: str
    edits: Sequence[SegmentEdit] = ()
    answers: Sequence[ProposalAnswer] = ()
    undoes: str | None = None
    redoes: str | None = None


@dataclass(frozen=True, slots=True)
class SavedOperation:
    """The answer to an operation: the video's revision, the time of day, the edited segments."""

    revision: int
    saved_us: int
    segments: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class DoneOperation:
    """An operation as the log tells it: what its segments and answers were, and became."""

    id: str
    name: str
    segments: tuple[dict[str, Row | None], ...]
    answers: tuple[dict[str, Any], ...]


def perform(database: Database, video_id: int, operation: Operation) -> SavedOperation:
    """Save an operation as a whole.

    When this returns, it survives a power cut. An operation that is repeated because its answer
    got lost changes nothing and is answered like the first one, whatever happened since.

    Raises:
        ChangedElsewhere: a segment was changed since the client saw it, or the operation to be
            undone or redone already is; nothing is saved.
        InvalidData: an edit breaks a rule; nothing is saved.
    """
    turn = Turn(
        identity(operation.id, "an operation"),
        *(
            None if each is None else identity(each, "an operation")
            for each in (operation.undoes, operation.redoes)
        ),
    )
    with database.write() as session:
        video = fetch(session, tables.Video, video_id)
        done = _find(session, turn.operation)
        if done is None:
            _check_turn(session, video_id, turn)
            done = _perform(session, video, operation, turn)
        elif done.video_id != video_id:
            raise InvalidData("An operation is of one video", operation.id, "Reload the page.")
        detail = done.detail
        told = [*(each["after"] for each in detail["segments"]), *detail["unchanged"]]
        return SavedOperation(detail["revision"], done.at_us, tuple(plain(each) for each in told))


def stacks(session: Session, video_id: int) -> tuple[list[DoneOperation], list[DoneOperation]]:
    """Return what can be undone and what can be redone in a video, each newest last."""
    undo, redo = _order(session, video_id)
    return list(_told(session, undo))[::-1], list(_told(session, redo))[::-1]


def plain(row: Row) -> Row:
    """Return a segment as the log tells it without what only the log tells."""
    return {name: row.get(name, False if name == "deleted" else None) for name in ROW}


def _perform(
    session: Session, video: tables.Video, operation: Operation, turn: Turn
) -> tables.Change:
    applied = apply_edits(session, video, operation.edits)
    answers = apply_answers(session, video, operation.answers)
    if applied.told or answers:
        video.revision += 1
    detail = {
        "name": clean_text("The name of an operation", operation.name, longest=LONGEST_NAME),
        "revision": video.revision,
        "segments": applied.told,
        "unchanged": applied.unchanged,
        "answers": answers,
    }
    change = record(
        session, ACTION, detail, project_id=video.project_id, video_id=video.id, turn=turn
    )
    session.flush()
    return change


def _find(session: Session, operation: str) -> tables.Change | None:
    table = tables.Change
    return session.scalar(sa.select(table).where(table.operation == operation))


def _check_turn(session: Session, video_id: int, turn: Turn) -> None:
    """Raise unless what is to be undone is done, and what is to be redone is undone."""
    about = turn.undoes or turn.redoes
    if about is None:
        return
    if turn.undoes and turn.redoes:
        raise InvalidData("An operation undoes or redoes", about, "Reload the page.")
    found = _find(session, about)
    if found is None or found.video_id != video_id or found.undoes or found.redoes:
        raise InvalidData("Only an operation of this video is undone", about, "Reload the page.")
    table = tables.Change
    latest = session.execute(
        sa.select(table.undoes)
        .where(
            table.video_id == video_id,
            table.operation.is_not(None),
            table.sequence > found.sequence,
            sa.or_(table.undoes == about, table.redoes == about),
        )
        .order_by(table.sequence.desc())
        .limit(1)
    ).first()
    is_undone = latest is not None and latest.undoes is not None
    if is_undone != (turn.redoes is not None):
        raise ChangedElsewhere(
            f"This was {'undone' if is_undone else 'redone'} elsewhere in the meantime",
            f"'{found.detail['name']}'",
            "Reload the page.",
        )


def _order(session: Session, video_id: int) -> tuple[list[str], list[str]]:
    """Return the ids of what can be undone and redone, newest first.

    The log is read backwards: what is met first of an operation (done, undone, redone) holds.
    What was undone before the latest ordinary operation can no longer be redone.
    """
    table = tables.Change
    statement = (
        sa.select(table.operation, table.undoes, table.redoes)
        .where(table.video_id == video_id, table.operation.is_not(None))
        .order_by(table.sequence.desc())
        .execution_options(yield_per=500)
    )
    undo: list[str] = []
    redo: list[str] = []
    met: set[str] = set()
    nothing_since = True
    with session.execute(statement) as log:
        for operation, undoes, redoes in log:
            about = undoes or redoes or operation or ""
            if about not in met:
                met.add(about)
                if undoes is None:
                    undo.append(about)
                elif nothing_since and len(redo) < DEEPEST:
                    redo.append(about)
            nothing_since = nothing_since and bool(undoes or redoes)
            if len(undo) >= DEEPEST and not nothing_since:
                break
    return undo[:DEEPEST], redo


def _told(session: Session, ids: Sequence[str]) -> Iterator[DoneOperation]:
    """Yield operations in order, and stop before those that would make the answer too large."""
    table = tables.Change
    size = 0
    for some in batches(ids, _SOME):
        statement = sa.select(table.operation, table.detail).where(table.operation.in_(some))
        details = dict(session.execute(statement).all())
        for operation in some:
            detail = details[operation]
            size += len(detail["segments"]) + len(detail["answers"])
            if size > _WIDEST and operation != ids[0]:
                return
            yield DoneOperation(
                operation,
                detail["name"],
                tuple(
                    {side: each[side] and plain(each[side]) for side in ("before", "after")}
                    for each in detail["segments"]
                ),
                tuple(detail["answers"]),
            )
