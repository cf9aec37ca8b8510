"""The database: one writer, many readers."""

import itertools
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Session

from core.errors import UnknownName
from storage import schema, server_schema
from storage.changes import CHANGED, ChangeLog
from storage.engines import sqlite_engine
from storage.faults import explained
from storage.server import QueueLock, checked_url, name_of, server_engine

_Row = TypeVar("_Row", bound=DeclarativeBase)
_Item = TypeVar("_Item")


class Database:
    """A database, opened for one writer and many readers.

    Nothing is opened before the first use. Whoever writes holds the lock of the data directory and
    calls `migrate` first; whoever only reads calls `check`.
    """

    def __init__(self, path: Path, server: str | None = None) -> None:
        """Name the file, or with `server` the URL of a database that takes its place."""
        self.path = path
        self.server = server
        if server is None:
            self._place: Path | str = path
            self._queue = None
            self._writer, self._reader = (sqlite_engine(path, write=w) for w in (True, False))
        else:
            url = checked_url(server)
            self._place = name_of(url)
            self._queue = QueueLock(url)
            self._writer, self._reader = (server_engine(url, write=w) for w in (True, False))
        self._one_writer = threading.RLock()
        self._inside = threading.local()
        self._log = ChangeLog(path.with_name("changes.jsonl"))

    def migrate(self) -> Path | None:
        """Bring the schema up to date; return the backup that was made before, if any."""
        with self._one_writer, explained(self._place):
            backup = None
            if isinstance(self._place, Path):
                backup = schema.migrate(self._place)
            else:
                server_schema.migrate(self._writer, self._place)
            self._publish()
        return backup

    def check(self) -> None:
        """Raise unless the database is there and has the schema of this program."""
        with explained(self._place):
            if isinstance(self._place, Path):
                schema.check(self._place)
            else:
                server_schema.check(self._reader, self._place)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a transaction that is durable when the block ends, and undone when it raises.

        Inside another one of the same thread it becomes a part of that: undone alone when it
        raises, durable when the outer one ends.
        """
        with self._one_writer, explained(self._place):
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
        with explained(self._place), Session(self._reader) as session:
            yield session

    def runs_queue(self) -> bool:
        """Say whether this program is the one that runs the jobs of the database.

        A file has one program; of those that share a server, one does, and the next when it ends.
        """
        return self._queue is None or self._queue.is_mine()

    def close(self) -> None:
        """Close all connections."""
        if self._queue is not None:
            self._queue.close()
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
