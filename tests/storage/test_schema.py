import shutil
import sqlite3
import uuid
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from core.errors import Conflict, InvalidFile, MissingArtifact, StudioError
from storage import annotations, operations, projects, schema
from storage.annotated_video import open_annotations
from storage.base import Base
from storage.database import Database
from storage.operations import Operation
from tests.storage.samples import SCHEMAS, Sample, edit, fill, load

PARENT_WITH_CHILDREN = """
import sqlalchemy as sa
from alembic import op
revision = "0001"
down_revision = None
def upgrade():
    op.create_table("parent", sa.Column("id", sa.Integer, primary_key=True))
    op.create_table(
        "child",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("parent_id", sa.Integer, sa.ForeignKey("parent.id", ondelete="CASCADE")),
    )
    op.execute("INSERT INTO parent VALUES (1)")
    op.execute("INSERT INTO child VALUES (1, 1), (2, 1)")
"""
NEXT = """
import sqlalchemy as sa
from alembic import op
revision = "{new}"
down_revision = "{old}"
REMOVES = {removes}
def upgrade():
    {body}
"""
REBUILD_PARENT = """with op.batch_alter_table("{table}", recreate="always") as batch:
        batch.add_column(sa.Column("extra", sa.Text))"""


def query(path: Path, statement: str) -> list[tuple]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement).fetchall()


def counts(path: Path) -> dict[str, int]:
    tables = query(path, "SELECT name FROM sqlite_master WHERE type = 'table'")
    return {name: query(path, f'SELECT count(*) FROM "{name}"')[0][0] for (name,) in tables}


def with_next(tmp_path: Path, body: str, *, removes: tuple[str, ...] = ()) -> Path:
    """A copy of our migrations with one more, as the next release would have it."""
    scripts = tmp_path / "next"
    shutil.copytree(schema.SCRIPTS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    head = schema.ScriptDirectory(str(scripts)).get_current_head()
    text = NEXT.format(new="next", old=head, body=body, removes=removes)
    (scripts / "versions" / "next.py").write_text(text)
    return scripts


def test_an_empty_folder_becomes_a_database_of_the_present_schema(tmp_path: Path) -> None:
    with Database(tmp_path / "gad.sqlite") as database:
        assert database.migrate() is None
        database.check()
        assert projects.list_projects(database) == ()


def test_migrations_make_the_tables_that_the_models_describe(empty_file: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{empty_file}", poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_migrations_make_the_checks_that_the_models_describe(empty_file: Path) -> None:
    def checks(engine: sa.Engine) -> dict[str, set[tuple[str | None, str]]]:
        inspector = sa.inspect(engine)
        return {
            name: {
                (each["name"], each["sqltext"]) for each in inspector.get_check_constraints(name)
            }
            for name in Base.metadata.tables
        }

    fresh = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)
    Base.metadata.create_all(fresh)
    migrated = sa.create_engine(f"sqlite:///{empty_file}", poolclass=sa.pool.NullPool)
    assert checks(migrated) == checks(fresh)
    assert checks(fresh)["segment"]
    fresh.dispose()


def test_migrating_twice_changes_nothing_and_makes_no_backup(database: Database) -> None:
    assert database.migrate() is None
    assert not (database.path.parent / "backups").exists()


@pytest.mark.fault
@pytest.mark.parametrize("script", sorted(SCHEMAS.glob("*.sql")), ids=lambda path: path.stem)
def test_a_populated_database_of_each_schema_comes_up_to_date(script: Path, tmp_path: Path) -> None:
    path = tmp_path / "gad.sqlite"
    load(script, path)
    before = counts(path)
    assert all(before.values())
    with Database(path) as database:
        database.migrate()
        database.check()
        after = counts(path)
        assert all(after[name] >= before[name] for name in before)
        assert projects.find_project(database, "kitchen").name == "kitchen"
        assert annotations.list_segments(database, 1, deleted=True)[0].note.startswith("größer")


@pytest.mark.parametrize("script", sorted(SCHEMAS.glob("*.sql")), ids=lambda path: path.stem)
def test_a_released_schema_is_never_edited(script: Path, tmp_path: Path) -> None:
    load(script, tmp_path / "released.sqlite")
    engine = schema._engine(tmp_path / "made.sqlite", begin="BEGIN IMMEDIATE")
    with engine.begin() as connection:
        command.upgrade(schema.alembic_config(connection), script.stem)
    made, released = (
        {
            (name, frozenset(line.strip(" ,\t") for line in (sql or "").splitlines()))
            for name, sql in query(tmp_path / file, "SELECT name, sql FROM sqlite_master")
        }  # a table that was rebuilt has its constraints in any order
        for file in ("made.sqlite", "released.sqlite")
    )
    assert made == released


def test_the_dump_of_the_present_schema_fills_every_table() -> None:
    head = schema.ScriptDirectory(str(schema.SCRIPTS)).get_current_head()
    text = (SCHEMAS / f"{head}.sql").read_text(encoding="utf-8")
    assert all(f'INSERT INTO "{name}"' in text for name in Base.metadata.tables)


def test_segments_of_the_first_schema_keep_everything_and_have_no_parent(tmp_path: Path) -> None:
    path = tmp_path / "gad.sqlite"
    load(SCHEMAS / "0001.sql", path)
    columns = [name for _, name, *_ in query(path, "PRAGMA table_info(segment)")]
    rows = query(path, f"SELECT {', '.join(columns)} FROM segment ORDER BY id")
    schema.migrate(path)
    assert query(path, f"SELECT {', '.join(columns)} FROM segment ORDER BY id") == rows
    assert query(path, "SELECT DISTINCT parent_id FROM segment") == [(None,)]


@pytest.mark.parametrize("script", ["0001.sql", "0002.sql"])
def test_changes_of_an_earlier_schema_keep_everything_and_are_no_operations(
    script: str, tmp_path: Path
) -> None:
    path = tmp_path / "gad.sqlite"
    load(SCHEMAS / script, path)
    rows = query(path, "SELECT sequence, video_id, action, detail, at_us FROM change")
    with Database(path) as database:
        database.migrate()
        columns = "sequence, video_id, action, detail, at_us"
        assert query(path, f"SELECT {columns} FROM change") == rows
        assert query(path, "SELECT DISTINCT operation, undoes, redoes FROM change") == [(None,) * 3]
        found = open_annotations(database, 1)
        assert (found.undo, found.redo) == ((), ())
        made = Operation(id=str(uuid.uuid4()), name="create", edits=[edit(1)])
        operations.perform(database, 1, made)
        assert [each.id for each in open_annotations(database, 1).undo] == [made.id]


def test_the_trap_is_real_rebuilding_a_parent_with_foreign_keys_on_deletes_children(
    tmp_path: Path,
) -> None:
    """The control for the next test: without our recipe the children are gone."""
    with closing(sqlite3.connect(tmp_path / "trap.sqlite", isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys=ON")
        connection.executescript("""
            CREATE TABLE parent (id INTEGER PRIMARY KEY);
            CREATE TABLE child (id INTEGER PRIMARY KEY,
                                parent_id INTEGER REFERENCES parent (id) ON DELETE CASCADE);
            INSERT INTO parent VALUES (1);
            INSERT INTO child VALUES (1, 1), (2, 1);
            CREATE TABLE new (id INTEGER PRIMARY KEY);
            INSERT INTO new SELECT * FROM parent;
            DROP TABLE parent;
            ALTER TABLE new RENAME TO parent;
        """)
        assert connection.execute("SELECT count(*) FROM child").fetchone() == (0,)


def test_rebuilding_a_parent_table_keeps_children_that_cascade(tmp_path: Path) -> None:
    scripts, path = tmp_path / "scripts", tmp_path / "gad.sqlite"
    (scripts / "versions").mkdir(parents=True)
    shutil.copy(schema.SCRIPTS / "env.py", scripts)
    (scripts / "versions" / "a.py").write_text(PARENT_WITH_CHILDREN)
    schema.migrate(path, scripts=scripts)
    body = REBUILD_PARENT.format(table="parent")
    text = NEXT.format(new="0002", old="0001", body=body, removes=())
    (scripts / "versions" / "b.py").write_text(text)
    backup = schema.migrate(path, scripts=scripts)
    assert query(path, "SELECT count(*), count(parent_id) FROM child") == [(2, 2)]
    assert query(path, "SELECT extra FROM parent") == [(None,)]
    assert backup is not None
    assert query(backup, "SELECT version_num FROM alembic_version") == [("0001",)]


@pytest.mark.fault
def test_rebuilding_our_most_referenced_table_keeps_every_row(
    database: Database, tmp_path: Path
) -> None:
    fill(database)
    before = counts(database.path)
    scripts = with_next(tmp_path, REBUILD_PARENT.format(table="video"))
    backup = schema.migrate(database.path, scripts=scripts)
    assert counts(database.path) == before
    assert backup is not None
    assert counts(backup) == before


def test_a_migration_that_loses_rows_is_undone(
    database: Database, sample: Sample, tmp_path: Path
) -> None:
    scripts = with_next(tmp_path, 'op.execute("DELETE FROM label WHERE id = 1")')
    with pytest.raises(StudioError, match=r"as it was.*lost rows of label.*A copy from before"):
        schema.migrate(database.path, scripts=scripts)
    assert counts(database.path)["label"] == 3
    database.check()


def test_a_migration_may_lose_the_rows_that_it_declares(
    database: Database, sample: Sample, tmp_path: Path
) -> None:
    body = 'op.execute("DELETE FROM label WHERE id = 1")'
    schema.migrate(database.path, scripts=with_next(tmp_path, body, removes=("label",)))
    assert counts(database.path)["label"] == 2


def test_a_migration_that_orphans_rows_is_undone(
    database: Database, sample: Sample, tmp_path: Path
) -> None:
    scripts = with_next(tmp_path, 'op.execute("UPDATE label SET label_set_id = 99")')
    with pytest.raises(StudioError, match="as it was"):
        schema.migrate(database.path, scripts=scripts)
    assert query(database.path, "SELECT DISTINCT label_set_id FROM label") == [(1,)]


@pytest.mark.fault
def test_a_migration_that_fails_halfway_leaves_no_trace(database: Database, tmp_path: Path) -> None:
    body = 'op.create_table("half", sa.Column("id", sa.Integer))\n    raise ValueError("no")'
    before = counts(database.path)
    with pytest.raises(StudioError, match="as it was"):
        schema.migrate(database.path, scripts=with_next(tmp_path, body))
    assert counts(database.path) == before


@pytest.mark.fault
def test_a_database_of_a_newer_schema_is_refused_and_left_alone(
    database: Database, sample: Sample, tmp_path: Path
) -> None:
    scripts = with_next(tmp_path, REBUILD_PARENT.format(table="video"))
    schema.migrate(database.path, scripts=scripts)
    before = database.path.read_bytes()
    with pytest.raises(InvalidFile, match="schema next, which is newer than this program's"):
        database.migrate()
    with pytest.raises(InvalidFile, match="Install the newest version"):
        database.check()
    assert database.path.read_bytes() == before


def test_a_reader_asks_for_a_start_before_it_reads_an_older_schema(tmp_path: Path) -> None:
    path = tmp_path / "gad.sqlite"
    with pytest.raises(MissingArtifact, match="Start the studio once"):
        Database(path).check()
    path.touch()
    with pytest.raises(InvalidFile, match="older schema"):
        Database(path).check()


@pytest.mark.fault
@pytest.mark.parametrize("fault", ["half", "header", "text"])
def test_a_damaged_file_is_named_and_left_alone(database: Database, fault: str) -> None:
    fill(database)
    database.close()
    path = database.path
    content = path.read_bytes()
    damaged = {
        "half": content[: len(content) // 2],
        "header": b"\x00" * 100 + content[100:],
        "text": b"<html>this is no database at all</html>" * 200,
    }[fault]
    path.write_bytes(damaged)
    with pytest.raises(InvalidFile, match=r"damaged.*Nothing was changed.*holds no whole backup"):
        database.migrate()
    assert path.read_bytes() == damaged


def test_the_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "gad.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE recipes (id INTEGER)")
    with pytest.raises(InvalidFile, match="not a database of GAD Studio"):
        Database(path).migrate()
    assert counts(path) == {"recipes": 0}


def test_a_backup_of_a_database_in_use_is_one_whole_file(
    database: Database, sample: Sample
) -> None:
    annotations.save_segments(database, sample.videos[0], [edit(sample.labels["add salt"])])
    backup = schema.back_up(database.path, reason="test")
    assert [each.name for each in backup.parent.iterdir()] == [backup.name]
    assert query(backup, "PRAGMA integrity_check") == [("ok",)]
    assert counts(backup)["segment"] == 1


def test_a_busy_database_is_not_called_damaged(database: Database, monkeypatch) -> None:
    with closing(sqlite3.connect(database.path, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode=DELETE")
        other.execute("BEGIN EXCLUSIVE")
        monkeypatch.setattr(schema, "_PRAGMAS", ("busy_timeout=10",))
        with pytest.raises(Conflict, match="Another program holds the database"):
            database.migrate()
