"""Copies of the database that can be put back."""

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from core.errors import Conflict, InvalidFile, MissingArtifact, StudioError
from storage.artifacts import writing

FOLDER = "backups"

BEFORE_MIGRATION = "before-migration"
"""How the reason of a copy begins that was made before the schema changed."""

BEFORE_RESTORE = "before-restore"
"""The reason of a database that was set aside; it may be damaged."""

_STAMP = "%Y%m%dT%H%M%S%fZ"
_NAME = re.compile(r".+-(?P<stamp>\d{8}T\d{12}Z)-(?P<reason>[\w-]+)\.sqlite")

# Small steps with pauses between them: a save waits for the disk no longer than a step takes.
_PAGES = 256
_PAUSE_S = 0.005


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy in `backups/`: when it was made, and why."""

    path: Path
    made_at: datetime
    reason: str

    @property
    def size_bytes(self) -> int:
        """How much it takes on the disk."""
        return self.path.stat().st_size if self.path.exists() else 0


def list_backups(database: Path) -> tuple[Backup, ...]:
    """Return the copies of a database, newest first."""
    found = []
    for path in (database.parent / FOLDER).glob("*.sqlite"):
        if told := _NAME.fullmatch(path.name):
            made_at = datetime.strptime(told["stamp"], _STAMP).replace(tzinfo=UTC)
            found.append(Backup(path, made_at, told["reason"]))
    return tuple(sorted(found, key=lambda backup: (backup.made_at, backup.reason), reverse=True))


def newest_whole(database: Path) -> Backup | None:
    """Return the newest copy that passes its check; None where there is none."""
    for backup in list_backups(database):
        if backup.reason != BEFORE_RESTORE and _is_whole(backup.path):
            return backup
    return None


def dated(database: Path, reason: str) -> Path:
    """Return a name in `backups/` that says when and why."""
    stamp = datetime.now(UTC).strftime(_STAMP)
    return database.parent / FOLDER / f"{database.stem}-{stamp}-{reason}.sqlite"


def back_up(database: Path, *, reason: str, to: Path | None = None) -> Path:
    """Copy the database while it may be in use, and return the copy once it was checked.

    Args:
        database: The file to copy.
        reason: Why, in the name of the copy.
        to: Where to; a dated name in `backups/` beside the database by default.

    Raises:
        MissingArtifact: There is no database.
        Conflict: `to` is there already.
        InvalidFile: The copy is not whole, so the database may not be either.
        StudioError: The copy could not be written.
    """
    if not database.is_file():
        raise MissingArtifact(
            "There is no database to back up", f"'{database}'", "Name its folder with --data-dir."
        )
    target = to or dated(database, reason)
    if target.exists():
        raise Conflict("A backup replaces no file", f"'{target}'", "Choose another name.")
    try:
        with writing(target) as temporary:
            copy_database(database, temporary)
            check_copy(temporary, of=database)
    except (OSError, sqlite3.Error) as error:
        raise StudioError(
            "The backup could not be written",
            f"'{target}' ({error})",
            "Free some space or correct the access; the database itself is as it was.",
        ) from error
    return target


def copy_database(database: Path, target: Path) -> None:
    """Write one moment of a database, with what lies in its `-wal`, as one file."""
    with reading(database) as source, closing(sqlite3.connect(target)) as copy:
        # A view of one moment: without it every save in between would begin the copy anew.
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master")
        source.backup(copy, pages=_PAGES, progress=lambda *_: time.sleep(_PAUSE_S))
        # The copy inherits the journal mode; a backup shall be one file that needs no companion.
        copy.execute("PRAGMA journal_mode=DELETE")


def check_copy(path: Path, *, of: Path | None = None) -> str:
    """Return the schema of a copy, or raise `InvalidFile` unless it is a whole database of ours."""
    said, schema = "it has no schema", None
    with reading(path) as connection:
        try:
            (said,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            schema = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        except sqlite3.DatabaseError as error:
            said = str(error)
    if said == "ok" and schema is not None:
        return schema[0]
    if of is None:
        next_step = "Take another one; `gad backup --list` names them."
    else:
        next_step = "The database itself may be damaged; `gad backup --list` names its copies."
    raise InvalidFile(f"A backup must be a whole database ({said})", of or path, None, next_step)


@contextmanager
def reading(path: Path, *, patience_s: float = 5.0) -> Iterator[sqlite3.Connection]:
    """Open a database that shall stay exactly as it is.

    Any other connection folds the `-wal` into the file when it is the last one to close.
    """
    connection = sqlite3.connect(_uri(path), patience_s, uri=True, isolation_level=None)
    with closing(connection):
        yield connection


def _uri(path: Path) -> str:
    return f"file:{quote(str(path.absolute()))}?mode=ro"


def _is_whole(path: Path) -> bool:
    try:
        check_copy(path)
    except (InvalidFile, sqlite3.Error):
        return False
    return True
