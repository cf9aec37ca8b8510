"""A PostgreSQL server as the database: its address, how it is opened, what its faults mean.

One transaction writes at a time, of all programs that share the database, as in a file: a lock of
the server is asked for before the first statement. So what is read before it is written cannot
change meanwhile, and the numbers of the change log grow in the order in which they become visible.
"""

import os
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, OperationalError, SQLAlchemyError

from core.errors import Conflict, InvalidConfig, InvalidData, StudioError, Unavailable
from storage.engines import as_json

VARIABLE = "GAD_DATABASE"
"""The environment variable that names a server."""

WRITER = 0x6AD_0001
QUEUE = 0x6AD_0002
"""The server's locks of whoever writes, and of whoever runs the queue."""

_PATIENCE_S = 5
_OPTIONS = f"-c lock_timeout={_PATIENCE_S}s -c synchronous_commit=on -c timezone=UTC"


def checked_url(text: str) -> sa.URL:
    """Return the address of a server, `postgresql://user@host/name`.

    Raises:
        InvalidConfig: It is none, or the driver is not installed.
    """
    try:
        url = sa.make_url(text)
    except ArgumentError:
        url = None
    if url is None or url.drivername not in ("postgresql", "postgresql+psycopg"):
        raise InvalidConfig(
            "A database server is named as postgresql://USER@HOST/NAME",
            f"'{url.drivername}://…'" if url else "",
            f"Correct {VARIABLE}, or unset it to use the file in the data directory.",
        )
    if find_spec("psycopg") is None:
        raise InvalidConfig(
            "A PostgreSQL database needs the package psycopg",
            next_step="Install it with `pip install 'gad-studio[postgres]'`.",
        )
    return url.set(drivername="postgresql+psycopg")


def name_of(url: sa.URL) -> str:
    """Return what a person may see of an address: no password."""
    return f"{url.database} on {url.host or url.query.get('host', 'this machine')}"


def server_engine(url: sa.URL, *, write: bool) -> sa.Engine:
    """Return an engine for a server: for who writes, or for those who only read."""
    options: dict[str, Any] = (
        # Each statement sees what is there once the lock is held; nobody else changes it then.
        {"isolation_level": "READ COMMITTED"}
        if write
        else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    )
    engine = sa.create_engine(
        url,
        json_serializer=as_json,
        pool_pre_ping=True,
        use_native_hstore=False,  # we have none, and it would be looked for
        execution_options=options,
        connect_args={"connect_timeout": _PATIENCE_S, "options": _OPTIONS},
    )
    if write:
        event.listen(engine, "begin", lock)
    return engine


def from_environment() -> str | None:
    """Return the URL of the server that this process shall use; None for the file."""
    return os.environ.get(VARIABLE) or None


def lock(connection: sa.Connection) -> None:
    """Wait until nobody else writes; whoever has the lock lets go of it with its transaction."""
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER})")


class QueueLock:
    """Who runs the queue: of several programs on one server, the one that holds this lock.

    The server lets go of it when the connection ends, however it ends.
    """

    def __init__(self, url: sa.URL) -> None:
        self._engine = sa.create_engine(
            url,
            poolclass=sa.pool.NullPool,
            isolation_level="AUTOCOMMIT",
            use_native_hstore=False,
            connect_args={"connect_timeout": _PATIENCE_S},
        )
        self._connection: sa.Connection | None = None
        self._has = False

    def is_mine(self) -> bool:
        """Take the lock if it is free; return whether this program holds it now."""
        try:
            if self._connection is None:
                self._connection, self._has = self._engine.connect(), False
            ask = "true" if self._has else f"pg_try_advisory_lock({QUEUE})"
            self._has = bool(self._connection.exec_driver_sql(f"SELECT {ask}").scalar())
        except DBAPIError:
            self.close()
        return self._has

    def close(self) -> None:
        """Let go of it."""
        connection, self._connection, self._has = self._connection, None, False
        if connection is not None:
            with connection, suppress(SQLAlchemyError):  # where the server is gone, so is the lock
                connection.exec_driver_sql("SELECT pg_advisory_unlock_all()")


def explanation(error: DBAPIError, server: str) -> StudioError | None:
    """Return what a fault of a server means to a person; None where nobody can act on it."""
    state = getattr(error.orig, "sqlstate", None) or _state(error)
    match state[:2], state:
        case _, "55P03" | "40001" | "40P01":
            return Conflict(
                "Another program holds the database", server, "Nothing was saved; try again."
            )
        case ("08" | "57", _):
            return Unavailable(
                "The database server does not answer, so nothing was saved",
                f"{server} ({_said(error)})",
                "Wait until it is back, or start it, then try again.",
            )
        case "53", _:
            return Unavailable(
                "The database server has no space or no connection left, so this was not saved",
                f"{server} ({_said(error)})",
                "Free some, then try again; what was saved before is kept.",
            )
        case _, "25006" | "42501":
            return Unavailable(
                "The database cannot be opened for writing",
                f"{server} ({_said(error)})",
                "Give its user the right to write and to create tables.",
            )
        case "28" | "3D", _:
            return InvalidConfig(
                "The database server lets nobody in like this",
                f"{server} ({_said(error)})",
                f"Correct {VARIABLE}, or create the user and the database.",
            )
        case "22", _:
            return InvalidData("The database cannot store this", _said(error), "Change it.")
    return None


def _state(error: DBAPIError) -> str:
    """Return the state that a server would have told, had the driver not noticed before."""
    if isinstance(error, OperationalError) or error.connection_invalidated:
        return "08000"  # it was not reached
    return "22000" if isinstance(error, DataError) else ""


def _said(error: DBAPIError) -> str:
    return str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else ""
