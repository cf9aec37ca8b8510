"""The schema of a database file: which one it has, and bringing it to ours without losing a row.

To write the next migration, open a migrated database and call `alembic.command.revision` with
`alembic_config(...)`, `autogenerate=True` and the next number as `rev_id`; then read what it wrote.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event

from core.errors import InvalidFile, MissingArtifact, StudioError
from storage.backup import BEFORE_MIGRATION, back_up, reading
from storage.faults import damaged, explained

SCRIPTS = Path(__file__).parent / "migrations"

# The patience comes first, since the others may already have to wait.
_PRAGMAS = ("busy_timeout=5000", "foreign_keys=OFF", "synchronous=FULL")


def alembic_config(connection: sa.Connection | None, scripts: Path = SCRIPTS) -> Config:
    """Return what Alembic's commands want to be told; `env.py` uses the connection."""
    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def migrate(path: Path, *, scripts: Path = SCRIPTS, copied: bool = False) -> Path | None:
    """Bring the database to the newest schema; return the backup that was made before, if any.

    Args:
        path: The database.
        scripts: The migrations.
        copied: Whether it is a copy itself and needs no other one.

    Raises:
        InvalidFile: the file is damaged or of a newer schema.
        StudioError: a migration failed; the file is as it was.
    """
    versions = ScriptDirectory.from_config(alembic_config(None, scripts))
    current = _current(path, versions, thorough=True)
    if current == versions.get_current_head():
        return None
    backup = None
    if current and not copied:
        backup = back_up(path, reason=f"{BEFORE_MIGRATION}-from-{current}")
    try:
        with explained(path):
            _upgrade(path, scripts, intended_removals(versions, current))
    except StudioError:
        raise
    except Exception as error:
        kept = f" A copy from before is '{backup}'." if backup else ""
        raise StudioError(
            "The database could not be brought to the present schema and is as it was",
            f"'{path}' ({error})",
            f"Please report this with the log; use the former version meanwhile.{kept}",
        ) from error
    return backup


def check(path: Path) -> None:
    """Raise unless the file exists and has exactly our schema."""
    if not path.exists():
        raise MissingArtifact(
            "There is no database yet", f"'{path}'", "Start the studio once to create it."
        )
    versions = ScriptDirectory.from_config(alembic_config(None))
    if _current(path, versions, thorough=False) != versions.get_current_head():
        raise InvalidFile(
            "The database has an older schema than this program",
            path,
            next_step="Start the studio once; it backs the file up and brings it up to date.",
        )


def _current(path: Path, versions: ScriptDirectory, *, thorough: bool) -> str | None:
    """Return the schema that the file has; None for a file that is still to be made.

    A `thorough` look reads the whole file, which a start may and a small command may not take.
    """
    if not path.exists() or path.stat().st_size == 0:
        return None
    if thorough:
        _refuse_damaged(path)
    engine = _engine(path, begin="BEGIN")
    try:
        with explained(path), engine.connect() as connection:
            revision = MigrationContext.configure(connection).get_current_revision()
            foreign = revision is None and sa.inspect(connection).get_table_names()
    finally:
        engine.dispose()
    if foreign:
        raise InvalidFile(
            "This file is not a database of GAD Studio",
            path,
            next_step="Choose another --data-dir.",
        )
    if revision is not None:
        check_known(path, revision, versions)
    return revision


def _refuse_damaged(path: Path) -> None:
    """Raise if a file is no whole database, and leave it as it is for whoever can rescue more."""
    try:
        with reading(path, patience_s=0.1) as connection:
            (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError:
        return  # it is held, or cannot be read; whoever opens it next explains that
    except sqlite3.DatabaseError as error:
        said = str(error)
    if said != "ok":
        raise damaged(path)


def check_known(path: Path, revision: str, versions: ScriptDirectory | None = None) -> None:
    """Raise unless the schema of a file is one that this program knows."""
    versions = versions or ScriptDirectory.from_config(alembic_config(None))
    if revision not in {script.revision for script in versions.walk_revisions()}:
        raise InvalidFile(
            f"The database has schema {revision}, which is newer than this program's "
            f"({versions.get_current_head()})",
            path,
            next_step="Install the newest version of GAD Studio, or choose another --data-dir.",
        )


def _upgrade(path: Path, scripts: Path, removed: frozenset[str]) -> None:
    engine = _engine(path, begin="BEGIN IMMEDIATE")
    try:
        with engine.begin() as connection:
            upgrade(connection, scripts, removed)
            orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
            if orphans:  # raising rolls everything back
                tables = ", ".join(sorted({str(row[0]) for row in orphans}))
                raise AssertionError(f"a migration lost rows that {tables} refers to")
    finally:
        engine.dispose()


def upgrade(connection: sa.Connection, scripts: Path, removed: frozenset[str]) -> None:
    """Run the migrations in the transaction of a connection; raise if a table lost rows.

    Those of the tables `removed` may.
    """
    before = _row_counts(connection)
    command.upgrade(alembic_config(connection, scripts), "head")
    after = _row_counts(connection)
    lost = [t for t in before if after.get(t, 0) < before[t] and t not in removed]
    if lost:
        raise AssertionError(f"a migration lost rows of {', '.join(lost)}")


def _engine(path: Path, *, begin: str) -> sa.Engine:
    """Return an engine for migrations only: foreign keys off, one transaction for everything.

    Rebuilding a parent table with foreign keys on deletes its children where they cascade, and
    `PRAGMA foreign_keys` does nothing inside a transaction; so it is set before any BEGIN.
    """
    engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.pool.NullPool)

    @event.listens_for(engine, "connect")
    def _connect(dbapi: sqlite3.Connection, _: object) -> None:
        dbapi.isolation_level = None
        with closing(dbapi.cursor()) as cursor:
            for pragma in _PRAGMAS:
                cursor.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _row_counts(connection: sa.Connection) -> dict[str, int]:
    names = sa.inspect(connection).get_table_names()
    return {
        name: connection.execute(
            sa.select(sa.func.count()).select_from(sa.table(name))
        ).scalar_one()
        for name in names
        if name != "alembic_version"
    }


def intended_removals(versions: ScriptDirectory, current: str | None) -> frozenset[str]:
    """Return the tables that the migrations to come say they remove rows from (`REMOVES`)."""

    def declared() -> Iterator[str]:
        for script in versions.iterate_revisions("head", current or "base"):
            yield from getattr(script.module, "REMOVES", ())

    return frozenset(declared())
