"""What the faults of a database file mean to a person."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm.exc import StaleDataError

from core.errors import Conflict, InvalidFile, StudioError, Unavailable
from storage import server
from storage.backup import FOLDER, newest_whole

_DAMAGED = "The database file is damaged"
_LATEST = "`gad restore latest` puts back the newest whole backup."


@contextmanager
def explained(place: Path | str) -> Iterator[None]:
    """Turn the faults that a person can act on into their sentences; others stay as they are.

    Args:
        place: The file, or the name of the database on its server.
    """
    try:
        yield
    except StaleDataError as error:
        raise Conflict(
            "This was changed elsewhere in the meantime", next_step="Reload it and try again."
        ) from error
    except DBAPIError as error:
        if isinstance(place, Path):
            explanation = _explanation(error, place)
        else:
            explanation = server.explanation(error, place)
        if explanation is None:
            raise
        raise explanation from error


def damaged(path: Path) -> InvalidFile:
    """Return the error for a file that is no database, or no longer a whole one, at the start."""
    return InvalidFile(_DAMAGED, path, None, f"Nothing was changed. {way_back(path)}")


def way_back(path: Path) -> str:
    """Say which backup of a database is the newest that is whole, and how to put it back."""
    newest = newest_whole(path)
    if newest is None:
        return f"'{path.parent / FOLDER}' holds no whole backup; `gad restore FILE` takes another."
    made_at = newest.made_at.astimezone().strftime("%Y-%m-%d %H:%M")
    command = f"gad restore {newest.path.name} --data-dir '{path.parent}'"
    return f"The newest whole backup is of {made_at}; put it back with `{command}`."


def _explanation(error: DBAPIError, path: Path) -> StudioError | None:
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF  # the upper bits say where exactly
    match code:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return Conflict(
                "Another program holds the database", f"'{path}'", "Nothing was saved; try again."
            )
        case sqlite3.SQLITE_FULL | sqlite3.SQLITE_IOERR:
            return Unavailable(
                "The disk is full or cannot be written, so this was not saved",
                f"'{path}'",
                "Free some space, then try again; what was saved before is kept.",
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return Unavailable(
                "The database cannot be opened for writing",
                f"'{path}'",
                "Give yourself write access to it, or choose another --data-dir.",
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            # Here is no time to read the backups.
            return Unavailable(_DAMAGED, f"'{path}'", f"End the studio. {_LATEST}")
    return None
