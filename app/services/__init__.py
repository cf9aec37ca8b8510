"""What a page, a route or a shell command may ask for.

`open_studio` is the one place where data directory, lock and database come together; everything
else receives a `Studio`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import StudioError
from storage.data_directory import DataDirectory
from storage.database import Database
from storage.restore import check_complete


@dataclass(frozen=True, slots=True)
class Studio:
    """An open data directory. Only the process that holds its lock may write.

    `troubles` is what went wrong in the background and what a page shall show, by what it is about.
    """

    directory: DataDirectory
    database: Database
    troubles: dict[str, StudioError] = field(default_factory=dict, compare=False)


@contextmanager
def open_studio(data_dir: Path | None = None) -> Iterator[Studio]:
    """Hold a data directory as its one writer; the database is brought up to date first.

    Raises:
        Conflict: Another process holds it; the message names its address.
        InvalidFile: The database is damaged or lacks changes; the message names its newest backup.
    """
    directory = DataDirectory.find(data_dir)
    with directory.hold():
        database = Database(directory.database)
        try:
            check_complete(directory.database)
            database.migrate()
            yield Studio(directory, database)
        finally:
            database.close()


@contextmanager
def read_studio(data_dir: Path | None = None) -> Iterator[Studio]:
    """Open a data directory for reading, whoever holds its lock."""
    directory = DataDirectory.find(data_dir)
    database = Database(directory.database)
    try:
        database.check()
        yield Studio(directory, database)
    finally:
        database.close()
