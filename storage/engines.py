"""How a database is opened: a SQLite file by its path."""

import json
import math
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from storage.file_systems import network_kind

_PRAGMAS = (
    "busy_timeout=5000",  # first, since the next one may already have to wait
    "foreign_keys=ON",
    "temp_store=MEMORY",
)
_LOCAL = ("journal_mode=WAL", "synchronous=FULL")
# A write-ahead log needs memory that all readers share, which no network gives.
_NETWORK = ("journal_mode=DELETE", "synchronous=EXTRA")


def sqlite_engine(path: Path, *, write: bool) -> sa.Engine:
    """Return an engine for a file: for the one writer, or for those who only read."""
    engine = sa.create_engine(f"sqlite:///{path}", json_serializer=as_json)
    pragmas = (*_PRAGMAS, *(_NETWORK if network_kind(path.parent) else _LOCAL))
    if not write:
        pragmas = (*pragmas, "query_only=ON")

    @event.listens_for(engine, "connect")
    def _connect(dbapi: sqlite3.Connection, _: object) -> None:
        dbapi.isolation_level = None  # we emit BEGIN ourselves
        with closing(dbapi.cursor()) as cursor:
            for pragma in pragmas:
                cursor.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        # A plain BEGIN that reads and then writes would lose updates or fail as busy at once.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def as_json(value: Any) -> str:
    """Write a JSON value; NaN and infinity, for which it has no word, become null."""
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":"))
    except ValueError:
        return json.dumps(_finite(value), allow_nan=False, separators=(",", ":"))


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return value
