"""What a page, a route or a shell command may ask for.

`open_studio` is the one place where data directory, lock and database come together; everything
else receives a `Studio`.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import StudioError
from storage.data_directory import DataDirectory
from storage.database import Database
from storage.file_systems import network_kind
from storage.restore import check_complete
from storage.server import from_environment

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Studio:
    """An open data directory. Only the process that holds its lock may write.

    `troubles` is what went wrong in the background and what a page shall show, by what it is about.
    """

    directory: DataDirectory
    database: Database
    troubles: dict[str, StudioError] = field(default_factory=dict, compare=False)


@contextmanager
def open_studio(data_dir: Path | None = None, *, on_server: bool = True) -> Iterator[Studio]:
    """Hold a data directory as its one writer; the database is brought up to date first.

    Args:
        data_dir: The directory; by default the user's own.
        on_server: Whether `GAD_DATABASE` counts. Without, the database is the file in any case.

    Raises:
        Conflict: Another process holds it; the message names its address.
        InvalidFile: The database is damaged or lacks changes; the message names its newest backup.
    """
    directory = DataDirectory.find(data_dir)
    with directory.hold():
        if kind := network_kind(directory.root):
            log.warning(
                "'%s' lies on a network file system (%s): saves are slower there, and only as safe "
                "as its locks. Choose a disk of this machine with --data-dir.",
                directory.root,
                kind,
            )
        database = Database(directory.database, from_environment() if on_server else None)
        try:
            if database.server is None:
                check_complete(directory.database)
            database.migrate()
            yield Studio(directory, database)
        finally:
            database.close()


@contextmanager
def read_studio(data_dir: Path | None = None) -> Iterator[Studio]:
    """Open a data directory for reading, whoever holds its lock."""
    directory = DataDirectory.find(data_dir)
    database = Database(directory.database, from_environment())
    try:
        database.check()
        yield Studio(directory, database)
    finally:
        database.close()
