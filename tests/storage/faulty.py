"""Bringing about what disks and processes do at the worst moment."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from storage.database import Database


@contextmanager
def disk_full(database: Database) -> Iterator[None]:
    """Let the database not grow while the block runs."""
    with database.write() as session:  # the pool keeps this connection
        pages = session.scalar(sa.text("PRAGMA page_count"))
        session.execute(sa.text(f"PRAGMA max_page_count={pages}"))
    try:
        yield
    finally:
        with database.write() as session:
            session.execute(sa.text("PRAGMA max_page_count=1000000"))
