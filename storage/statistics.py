"""Computed results under the hash of their inputs: what was computed once is not computed again."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from storage import tables
from storage.artifacts import digest
from storage.base import now_us
from storage.database import Database, upsert


def key_of(kind: str, inputs: Mapping[str, Any]) -> str:
    """Return the key of a result: the hash of what it is and of everything it was computed from."""
    return digest({"kind": kind, "inputs": dict(inputs)})


def get(database: Database, key: str) -> dict[str, Any] | None:
    """Return the result under `key`, or None where there is none."""
    with database.read() as session:
        return session.scalar(sa.select(tables.Statistic.value).where(tables.Statistic.key == key))


def put(database: Database, key: str, kind: str, value: dict[str, Any]) -> None:
    """Keep a result; a repeated one takes the place of the former."""
    with database.write() as session:
        row = {"key": key, "kind": kind, "value": value, "created_us": now_us()}
        upsert(session, tables.Statistic, [row])


def forget(database: Database, kind: str) -> int:
    """Drop all results of a kind, which can be computed again; return how many."""
    table = tables.Statistic
    with database.write() as session:
        keys = session.scalars(sa.delete(table).where(table.kind == kind).returning(table.key))
        return len(keys.all())
