"""What a database holds, in numbers: also of a damaged file, and without changing it."""

import json
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from core.errors import StudioError
from storage.backup import reading
from storage.database import Database

_COUNTS = {
    "projects": "SELECT count(*) FROM project",
    "label_sets": "SELECT count(*) FROM label_set",
    "labels": "SELECT count(*) FROM label",
    "segments": "SELECT count(*) FROM segment WHERE deleted_us IS NULL",
}
_GROUPS = {
    "videos": "SELECT health, count(*) FROM video GROUP BY health",
    "runs": "SELECT state, count(*) FROM run GROUP BY state",
    "jobs": "SELECT kind || ' ' || state, count(*) FROM job GROUP BY kind, state",
}
_FAILED = (
    "SELECT id, kind, state, ended_us, error FROM job WHERE error IS NOT NULL"
    " ORDER BY ended_us DESC"
)
Rows = Sequence[Sequence[Any]]


def check_up(database: Database, *, failures: int = 10) -> dict[str, Any]:
    """Return what can be found out about a database.

    Each part that cannot be read is a sentence in `faults` and is left out; nothing is raised.

    Returns:
        `schema`, of a file `integrity` ("ok", or what SQLite says) and sizes, the counts of rows
        (of videos, runs and jobs by state), `failed_jobs` and `faults`.
    """
    in_file, faults = database.server is None, []
    found: dict[str, Any] = {"on_server": not in_file, "faults": faults}
    queries = {"schema": "SELECT version_num FROM alembic_version", **_COUNTS}
    if in_file:
        found |= {"bytes": _size(database.path), "log_bytes": _size(_beside(database.path))}
        queries["integrity"] = "PRAGMA quick_check(1)"

    def read(name: str, query: str, finish: Callable[[Rows], Any]) -> None:
        ask = _of_file if in_file else _of_server
        try:
            found[name] = finish(ask(database, query))
        except (sqlite3.Error, SQLAlchemyError, StudioError, ValueError, TypeError) as error:
            faults.append(f"{name}: {str(error).partition(chr(10))[0]}")

    for name, query in queries.items():
        read(name, query, lambda rows: rows[0][0] if rows else None)
    for name, query in _GROUPS.items():
        read(name, query, lambda rows: {row[0]: row[1] for row in rows})
    read("failed_jobs", f"{_FAILED} LIMIT {failures}", lambda rows: [_failed(row) for row in rows])
    return found


def _of_file(database: Database, query: str) -> Rows:
    with reading(database.path) as connection:
        return connection.execute(query).fetchall()


def _of_server(database: Database, query: str) -> Rows:
    with database.read() as session:
        return session.execute(sa.text(query)).all()


def _failed(row: Sequence[Any]) -> dict[str, Any]:
    number, kind, state, ended_us, error = row
    said = json.loads(error) if isinstance(error, str) else error  # a server gives it read
    return {"job": number, "kind": kind, "state": state, "ended_us": ended_us, "error": said}


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")
