"""Every migration on a populated database of every released schema, failed and killed anywhere."""

import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.errors import StudioError
from storage import schema
from storage.backup import check_copy, list_backups
from storage.database import Database
from tests.storage.processes import end, start
from tests.storage.samples import SCHEMAS, dump, load
from tests.storage.test_schema import query

pytestmark = pytest.mark.fault

RELEASED = sorted(SCHEMAS.glob("*.sql"))
EARLIER = RELEASED[:-1]

KILLED = """
import os, signal, shutil, sys
from pathlib import Path
from storage import schema
from tests.storage.test_migration_faults import AtChange

folder = Path(sys.argv[1])
for number in range(1, 100):
    path = folder / str(number) / "gad.sqlite"
    path.parent.mkdir()
    shutil.copy(folder / "old.sqlite", path)
    child = os.fork()
    if not child:
        with AtChange(number, lambda: os.kill(os.getpid(), signal.SIGKILL)):
            schema.migrate(path)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    print(number, status, flush=True)
    if status == 0:
        break
"""


class AtChange:
    """Do something in place of the n-th statement that changes a database."""

    def __init__(self, number: int, what) -> None:
        self.left, self.what = number, what

    def __enter__(self) -> "AtChange":
        sa.event.listen(sa.Engine, "before_cursor_execute", self.look)
        return self

    def __exit__(self, *_: object) -> None:
        sa.event.remove(sa.Engine, "before_cursor_execute", self.look)

    def look(self, _connection, _cursor, statement: str, *_: object) -> None:
        word = statement.split(maxsplit=1)[0].upper()
        if word in ("CREATE", "ALTER", "DROP", "INSERT", "UPDATE", "DELETE"):
            self.left -= 1
            if self.left == 0:
                self.what()


def fail() -> None:
    raise OSError(28, "No space left on device")


def rows(path: Path, columns: dict[str, list[str]]) -> dict[str, list[tuple]]:
    """Return all rows of each table, of these columns only, in a fixed order."""
    found = {}
    for table, names in columns.items():
        listed = ", ".join(f'"{name}"' for name in names)
        found[table] = sorted(query(path, f'SELECT {listed} FROM "{table}"'), key=str)
    return found


def columns_of(path: Path) -> dict[str, list[str]]:
    names = query(path, "SELECT name FROM sqlite_master WHERE type = 'table'")
    return {
        name: [column for _, column, *_ in query(path, f'PRAGMA table_info("{name}")')]
        for (name,) in names
        if name != "alembic_version"
    }


@pytest.mark.parametrize("script", RELEASED, ids=lambda path: path.stem)
def test_every_value_of_every_table_is_the_same_after_all_migrations(
    script: Path, tmp_path: Path
) -> None:
    path = tmp_path / "gad.sqlite"
    load(script, path)
    columns = columns_of(path)
    before = rows(path, columns)
    assert all(before.values())
    with Database(path) as database:
        backup = database.migrate()
    assert rows(path, columns) == before
    assert query(path, "PRAGMA foreign_key_check") == []
    if script in EARLIER:
        assert backup is not None
        assert rows(backup, columns) == before


@pytest.mark.parametrize("script", EARLIER, ids=lambda path: path.stem)
def test_a_migration_that_fails_at_any_statement_leaves_the_old_schema_and_a_backup(
    script: Path, tmp_path: Path
) -> None:
    path = tmp_path / "gad.sqlite"
    load(script, path)
    before = dump(path)
    for number in range(1, 100):
        with AtChange(number, fail) as counting:
            try:
                schema.migrate(path)
            except StudioError as error:
                assert "as it was" in str(error)
        if counting.left > 0:
            break
        assert dump(path) == before
        assert check_copy(list_backups(path)[0].path) == script.stem
    assert number > 5
    assert check_copy(path) == RELEASED[-1].stem


def test_a_migration_that_is_killed_at_any_statement_leaves_the_old_schema_and_a_backup(
    tmp_path: Path,
) -> None:
    load(EARLIER[0], tmp_path / "old.sqlite")
    before = dump(tmp_path / "old.sqlite")
    told = [line.split() for line in end(start(KILLED, tmp_path)).splitlines()]
    *killed, last = [(tmp_path / number / "gad.sqlite", int(status)) for number, status in told]
    assert len(killed) > 5
    for path, status in killed:
        assert os.WTERMSIG(status) == signal.SIGKILL
        assert dump(path) == before  # what the killed process had written is rolled back
        assert check_copy(list_backups(path)[0].path) == EARLIER[0].stem
    schema.migrate(killed[-1][0])
    assert (last[1], check_copy(last[0])) == (0, check_copy(killed[-1][0]))
    with closing(sqlite3.connect(last[0])) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
