"""Putting a backup in the place of the database: all of it or nothing, and nothing is thrown away.

Who calls holds the data directory. At every moment the database is the old one or the new one; the
old one stays under a dated name in `backups/`, with its `-wal` where that could not be folded in.
"""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile

from core.errors import Conflict, InvalidFile, MissingArtifact, StudioError
from storage import schema
from storage.artifacts import sync_folder, writing
from storage.backup import (
    BEFORE_RESTORE,
    FOLDER,
    check_copy,
    copy_database,
    dated,
    newest_whole,
    reading,
)
from storage.changes import Line, last_line
from storage.database import Database
from storage.faults import way_back

LOG = "changes.jsonl"


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back, and where the former database lies, if there was one.

    `lacking` is how many changes were made after the backup. The file `log` tells them.
    """

    backup: Path
    kept: Path | None
    lacking: int
    log: Path | None


def check_complete(database: Path) -> None:
    """Raise where the log tells of a later change than the database knows: it lost something.

    A `-wal` that was deleted leaves a whole database behind that only is older.

    Raises:
        InvalidFile: The last change that was told is not in the database.
    """
    line = last_line(database.with_name(LOG))
    if line is None or line.sequence < 0:
        return
    try:
        lacks = not _knows(database, line)
    except sqlite3.OperationalError:  # no file, or one without tables
        lacks = True
    except sqlite3.DatabaseError:
        return  # damaged; whoever reads all of it has the words for that
    if lacks:
        raise InvalidFile(
            f"The database lacks saved changes: '{LOG}' tells of number {line.sequence}. "
            "Its '-wal' file is gone, or another file took its place",
            database,
            None,
            f"{way_back(database)} To go on with it as it is, move '{LOG}' elsewhere.",
        )


def _knows(database: Path, line: Line) -> bool:
    with reading(database) as connection:
        asked = "SELECT at_us FROM change WHERE sequence = ?"
        return connection.execute(asked, [line.sequence]).fetchone() == (line.at_us,)


def find_backup(database: Path, wanted: Path | None = None) -> Path:
    """Return a copy that can be put back: a file, a name in `backups/`, by default the newest.

    Raises:
        MissingArtifact: There is none.
        InvalidFile: It is damaged, or of a newer schema.
        Conflict: It is the database itself.
    """
    if wanted is None:
        newest = newest_whole(database)
        if newest is None:
            raise MissingArtifact(
                "There is no whole backup", f"'{database.parent / FOLDER}'", "Name another file."
            )
        found = newest.path
    else:
        found = next((p for p in (wanted, database.parent / FOLDER / wanted) if p.is_file()), None)
    if found is None:
        raise MissingArtifact(
            "A backup must be a file", f"'{wanted}' is none", "`gad backup --list` names them."
        )
    if database.exists() and found.samefile(database):
        raise Conflict("A database is not its own backup", f"'{found}'", "Name another file.")
    schema.check_known(found, check_copy(found))
    return found


def restore(database: Path, backup: Path) -> Restored:
    """Put a backup, as `find_backup` returned it, in the place of the database.

    Raises:
        Conflict: Another program has the database open.
        StudioError: A file could not be written; the database is as it was.
    """
    log = database.with_name(LOG)
    new = database.with_name(f".{database.stem}-restored.sqlite")
    try:
        with writing(new) as temporary:
            copy_database(backup, temporary)
            schema.migrate(temporary, copied=True)
            lacking = _lacking(log, temporary)
        _fold(database)
        with _kept_aside(database) as kept:
            new.replace(database)
    except (OSError, sqlite3.Error) as error:
        raise StudioError(
            "The backup could not be put back, and the database is as it was",
            f"'{backup}' ({error})",
            "Free some space or correct the access, then try again.",
        ) from error
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)
    with suppress(OSError):  # after a power cut it is one of the two, and both are whole
        sync_folder(database.parent)
    logs = set(database.parent.glob(f"{log.stem}-until-*"))
    with Database(database) as restored:
        restored.migrate()  # sets a log aside that tells of more
    aside = set(database.parent.glob(f"{log.stem}-until-*")) - logs
    return Restored(backup, kept, lacking, next(iter(aside), None))


def _fold(database: Path) -> None:
    """Bring what lies in the `-wal` into the file, so that the database is one file.

    Not where it is damaged, or where a `-wal` of another database lies beside it: then both are
    kept as they are.
    """
    line = last_line(database.with_name(LOG))
    try:
        with reading(database) as connection:
            whole = connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
        if not whole or line is None or not _knows(database, line):
            return
    except sqlite3.Error:
        return
    try:
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.OperationalError as error:
        raise Conflict(
            "Another program holds the database", f"'{database}' ({error})", "End it first."
        ) from error


@contextmanager
def _kept_aside(database: Path) -> Iterator[Path | None]:
    """Give a database and its `-wal` a second name, and take the `-wal` away while the block runs.

    The new file must not meet the old `-wal`. If the block raises, the `-wal` comes back.
    """
    wal, shared = (database.with_name(f"{database.name}-{end}") for end in ("wal", "shm"))
    aside = dated(database, BEFORE_RESTORE)
    aside.parent.mkdir(parents=True, exist_ok=True)
    names = {database: aside, wal: aside.with_name(f"{aside.name}-wal")}
    there = {path: name for path, name in names.items() if path.exists()}
    for path, name in there.items():
        _link(path, name)
    sync_folder(aside.parent)
    try:
        wal.unlink(missing_ok=True)
        shared.unlink(missing_ok=True)  # only an index of the other
        yield aside if database in there else None
    except BaseException:
        if wal in there and not wal.exists():
            _link(there[wal], wal)
        raise


def _link(path: Path, name: Path) -> None:
    try:
        os.link(path, name)
    except OSError:  # a file system without a second name for a file
        with writing(name) as temporary:
            copyfile(path, temporary)


def _lacking(log: Path, database: Path) -> int:
    """Return how many changes a log tells of that a database does not have."""
    with reading(database) as connection:
        known = set(connection.execute("SELECT sequence, at_us FROM change"))
    told = 0
    if log.is_file():
        with log.open("rb") as lines:
            for line in lines:
                with suppress(ValueError, KeyError, TypeError):
                    entry = json.loads(line)
                    told += (entry["sequence"], entry["at_us"]) not in known
    return told
