"""The database: one writer, many readers."""

import itertools
import json
import math
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Session

from core.errors import UnknownName
from storage import schema
from storage.changes import CHANGED, ChangeLog
from storage.faults import explained

_Row = TypeVar("_Row", bound=DeclarativeBase)
_Item = TypeVar("_Item")

_PRAGMAS = (
    "busy_timeout=5000",  # first, since the next one may already have to wait
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "temp_store=MEMORY",
)


class Database:
    """A database file, opened for one writer and many readers.

    Nothing is opened before the first use. Whoever writes holds the lock of the data directory and
    calls `migrate` first; whoever only reads calls `check`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer = _engine(path, write=True)
        self._reader = _engine(path, write=False)
        self._one_writer = threading.RLock()
        self._inside = threading.local()
        self._log = ChangeLog(path.with_name("changes.jsonl"))

    def migrate(self) -> Path | None:
        """Bring the file to the newest schema; return the backup that was made before, if any."""
        with self._one_writer, explained(self.path):
            backup = schema.migrate(self.path)
            self._publish()
        return backup

    def check(self) -> None:
        """Raise unless the file is there and has the schema of this program."""
        schema.check(self.path)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a transaction that is durable when the block ends, and undone when it raises.

        Inside another one of the same thread it becomes a part of that: undone alone when it
        raises, durable when the outer one ends.
        """
        with self._one_writer, explained(self.path):
            outer = self._session_inside()
            if outer is not None:
                with outer.begin_nested():
                    yield outer
                return
            with Session(self._writer) as session, session.begin():
                self._inside.session = session
                try:
                    yield session
                finally:
                    self._inside.session = None
            if session.info.get(CHANGED):
                self._publish()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a view of one moment. Inside `write` of the same thread it sees what was written."""
        outer = self._session_inside()
        if outer is not None:
            yield outer
            return
        with explained(self.path), Session(self._reader) as session:
            yield session

    def close(self) -> None:
        """Close all connections."""
        self._writer.dispose()
        self._reader.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _session_inside(self) -> Session | None:
        return getattr(self._inside, "session", None)

    def _publish(self) -> None:
        with Session(self._reader) as session:
            self._log.catch_up(session)


def fetch(session: Session, table: type[_Row], key: int | str) -> _Row:
    """Return the row with this primary key, or say that there is none."""
    row = session.get(table, key)
    if row is None:
        kind = table.__tablename__.replace("_", " ")
        raise UnknownName(f"Unknown {kind}", key, "Reload the page; it may show an old state.")
    return row


def batches(items: Iterable[_Item], size: int = 1_000) -> Iterator[list[_Item]]:
    """Cut a long list of ids into pieces that fit into one statement."""
    rest = iter(items)
    while piece := list(itertools.islice(rest, size)):
        yield piece


def upsert(
    session: Session,
    table: type[DeclarativeBase],
    rows: Sequence[Mapping[str, Any]],
) -> None:
    """Insert rows; one whose primary key is there already replaces the values that it names."""
    if not rows:
        return
    dialect = session.get_bind().dialect.name
    statement = (postgresql if dialect == "postgresql" else sqlite).insert(table)
    keys = [column.name for column in sa.inspect(table).primary_key]
    changed = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    session.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), list(rows))


def _engine(path: Path, *, write: bool) -> sa.Engine:
    engine = sa.create_engine(f"sqlite:///{path}", json_serializer=_as_json)

    @event.listens_for(engine, "connect")
    def _connect(dbapi: sqlite3.Connection, _: object) -> None:
        dbapi.isolation_level = None  # we emit BEGIN ourselves
        with closing(dbapi.cursor()) as cursor:
            for pragma in (*_PRAGMAS, *(() if write else ("query_only=ON",))):
                cursor.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        # A plain BEGIN that reads and then writes would lose updates or fail as busy at once.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _as_json(value: Any) -> str:
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":"))
    except ValueError:
        return json.dumps(_finite(value), allow_nan=False, separators=(",", ":"))


def _finite(value: Any) -> Any:
    """Replace NaN and infinity by null, because JSON has no other word for them."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return value
