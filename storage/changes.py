"""What people did to labels, splits and segments: rows in the database, and a second copy as text.

The second copy, `changes.jsonl`, is written after the commit. A crash in between, a full disk or a
deleted file leave it behind; the next writing appends whatever it lacks.
"""

import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from storage import tables

log = logging.getLogger(__name__)

CHANGED = "changed"
"""The key in `Session.info` that says: the log lacks something when this is committed."""

_BLOCK = 65_536
_TURN = ("operation", "undoes", "redoes")


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that a person did."""

    sequence: int
    video_id: int | None
    action: str
    detail: dict[str, Any]
    at_us: int


class Line(NamedTuple):
    """What a line of the log says first; a file that is none of ours has the number -1."""

    sequence: int
    at_us: int


@dataclass(frozen=True, slots=True)
class Turn:
    """The id of an operation of the Annotate page, and which other one it undid or redid."""

    operation: str
    undoes: str | None = None
    redoes: str | None = None


def record(
    session: Session,
    action: str,
    detail: dict[str, Any],
    *,
    project_id: int,
    video_id: int | None,
    turn: Turn | None = None,
) -> tables.Change:
    """Add a change to the transaction of `session`."""
    row = tables.Change(project_id=project_id, video_id=video_id, action=action, detail=detail)
    if turn is not None:
        row.operation, row.undoes, row.redoes = turn.operation, turn.undoes, turn.redoes
    session.add(row)
    session.info[CHANGED] = True
    return row


def history(session: Session, video_id: int, limit: int) -> tuple[Change, ...]:
    """Return the latest changes of a video, newest first."""
    columns = [getattr(tables.Change, name) for name in Change.__dataclass_fields__]
    statement = (
        sa.select(*columns)
        .where(tables.Change.video_id == video_id)
        .order_by(tables.Change.sequence.desc())
        .limit(limit)
    )
    return tuple(Change(*row) for row in session.execute(statement))


class ChangeLog:
    """The file `changes.jsonl`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last = 0
        self._size = -1  # not looked at yet

    def catch_up(self, session: Session) -> None:
        """Append the changes that the file lacks, durably.

        A failure is logged and not raised: the changes themselves are already in the database, and
        telling a person that nothing was saved would be wrong.
        """
        try:
            if self._size < 0 or self._size != _size(self._path):
                self._look(session)
            self._append(session)
        except (OSError, SQLAlchemyError) as error:
            self._size = -1
            log.error(
                "'%s' could not be written and will be completed later: %s", self._path, error
            )

    def _look(self, session: Session) -> None:
        """Find the last whole line; set a file aside that tells of another database's changes."""
        line = last_line(self._path)
        if line is not None:
            statement = sa.select(tables.Change.at_us)
            known = session.scalar(statement.where(tables.Change.sequence == line.sequence))
            if known != line.at_us:
                aside = _free_name(self._path, line)
                self._path.rename(aside)
                log.warning("'%s' tells of changes that a restored database lacks", aside)
                line = None
        self._last = line.sequence if line else 0

    def _append(self, session: Session) -> None:
        change, project, video = tables.Change, tables.Project, tables.Video
        statement = (
            sa.select(change, project.name, video.name, video.content_hash)
            .join(project, project.id == change.project_id)
            .outerjoin(video, video.id == change.video_id)
            .where(change.sequence > self._last)
            .order_by(change.sequence)
            .execution_options(yield_per=100)
        )
        with self._path.open("ab") as stream:
            for row, project_name, video_name, content_hash in session.execute(statement):
                entry = {
                    "sequence": row.sequence,
                    "at_us": row.at_us,
                    "project": project_name,
                    "video": video_name,
                    "content_hash": content_hash,
                    "action": row.action,
                    **{name: getattr(row, name) for name in _TURN if getattr(row, name)},
                    **row.detail,
                }
                stream.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
                self._last = row.sequence
            stream.flush()
            os.fsync(stream.fileno())
            self._size = stream.tell()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else -1


def last_line(path: Path) -> Line | None:
    """Cut off a half-written line at the end and return what the last whole one says."""
    if not path.exists():
        return None
    with path.open("rb+") as stream:
        end = stream.seek(0, os.SEEK_END)
        tail = b""
        # Two line ends enclose the last whole line; an import's line may be megabytes long.
        while tail.count(b"\n") < 2 and len(tail) < end:
            start = max(0, end - len(tail) - _BLOCK - len(tail))
            stream.seek(start)
            tail = stream.read(end - start)
        whole, newline, half = tail.rpartition(b"\n")
        if half:
            stream.truncate(end - len(half))
    if not newline:
        return None
    try:
        entry = json.loads(whole.rpartition(b"\n")[2])
        return Line(int(entry["sequence"]), int(entry["at_us"]))
    except (ValueError, KeyError, TypeError):
        return Line(-1, -1)  # not ours: no change has this number, so the file is set aside


def _free_name(path: Path, line: Line) -> Path:
    stem = f"{path.stem}-until-{line.sequence}-{line.at_us}"
    candidate = path.with_name(f"{stem}{path.suffix}")
    number = 2
    while candidate.exists():
        candidate = path.with_name(f"{stem}-{number}{path.suffix}")
        number += 1
    return candidate
