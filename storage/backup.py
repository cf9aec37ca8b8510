"""Copies of the database that can be put back."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from storage.artifacts import writing


def back_up(database: Path, *, reason: str) -> Path:
    """Copy the database into `backups/` beside it while it may be in use, and return the copy."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    target = database.parent / "backups" / f"{database.stem}-{stamp}-{reason}.sqlite"
    with writing(target) as temporary, _opened(database) as source, _opened(temporary) as copy:
        source.backup(copy)
        # The copy inherits the journal mode; a backup shall be one file that needs no companion.
        copy.execute("PRAGMA journal_mode=DELETE")
    return target


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path)) as connection:
        yield connection
