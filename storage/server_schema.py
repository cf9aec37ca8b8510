"""The schema of a database on a server: made and changed by the same migrations as that of a file.

A server undoes every step of a migration that fails, so no copy is made before; whoever runs the
server backs it up with its own tools.
"""

from pathlib import Path

import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import OperationalError

from core.errors import Conflict, InvalidData, MissingArtifact, StudioError
from storage.schema import SCRIPTS, alembic_config, intended_removals, upgrade


def migrate(engine: sa.Engine, name: str, *, scripts: Path = SCRIPTS) -> None:
    """Bring the database to the newest schema; of two programs that start at once, one does.

    Raises:
        InvalidData: It has tables of another program, or a newer schema.
        StudioError: A migration failed; the database is as it was.
    """
    versions = ScriptDirectory.from_config(alembic_config(None, scripts))
    try:
        with engine.begin() as connection:
            current = _current(connection, name, versions)
            if current != versions.get_current_head():
                upgrade(connection, scripts, intended_removals(versions, current))
    except (StudioError, OperationalError):
        raise
    except Exception as error:
        raise StudioError(
            "The database could not be brought to the present schema and is as it was",
            f"{name} ({error})",
            "Please report this with the log; use the former version meanwhile.",
        ) from error


def check(engine: sa.Engine, name: str) -> None:
    """Raise unless the database has exactly our schema."""
    versions = ScriptDirectory.from_config(alembic_config(None))
    with engine.connect() as connection:
        current = _current(connection, name, versions)
    if current is None:
        raise MissingArtifact("There is no database yet", name, "Start the studio once to make it.")
    if current != versions.get_current_head():
        raise Conflict(
            "The database has an older schema than this program",
            name,
            "Back it up with pg_dump, then start the studio once; it brings it up to date.",
        )


def _current(connection: sa.Connection, name: str, versions: ScriptDirectory) -> str | None:
    """Return the schema that the database has; None for one that is still empty."""
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is None and sa.inspect(connection).get_table_names():
        raise InvalidData(
            "This is not a database of GAD Studio", name, "Name an empty one of its own."
        )
    if revision and revision not in {script.revision for script in versions.walk_revisions()}:
        raise InvalidData(
            f"The database has schema {revision}, which is newer than this program's "
            f"({versions.get_current_head()})",
            name,
            "Install the newest version of GAD Studio.",
        )
    return revision
