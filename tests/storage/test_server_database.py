"""A database on a PostgreSQL server: several programs at once, a server that goes, its schema."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from core.errors import Conflict, InvalidConfig, InvalidData, StudioError, Unavailable
from storage import annotations, jobs, projects, schema, server_schema
from storage.base import Base
from storage.database import Database
from storage.jobs import NewJob
from storage.server import checked_url
from tests.storage.doing import do
from tests.storage.postgres import Server
from tests.storage.processes import end, lines, start
from tests.storage.samples import Sample, edit, fill, make_sample
from tests.storage.test_database import SAVE_FOREVER
from tests.storage.test_schema import with_next

EDIT_THE_SAME = """
import sys
from dataclasses import replace
from pathlib import Path
from core.errors import ChangedElsewhere
from storage import annotations
from storage.annotated_video import open_annotations
from storage.database import Database
from tests.storage.doing import do, rows
from tests.storage.samples import edit

with Database(Path(sys.argv[1]), sys.argv[2]) as database:
    print("ready")
    sys.stdin.readline()
    saved = asked = 0
    step = int(sys.argv[3])  # of its own: two people of one mind do not conflict
    while saved < 15:
        (row,) = [r for r in rows(open_annotations(database, 1)).values()]
        wanted = edit(1, id=row["id"], version=row["version"])
        try:
            do(database, 1, replace(wanted, end_us=row["end_us"] + step))
            saved += 1
        except ChangedElsewhere:
            asked += 1
    print(saved, asked)
"""


@pytest.fixture
def database(server_url: str, tmp_path: Path):
    """A program that uses the server; its data directory is its own."""
    with Database(tmp_path / "one" / "gad.sqlite", server_url) as opened:
        opened.path.parent.mkdir()
        yield opened


@pytest.fixture
def other(server_url: str, tmp_path: Path):
    """Another program that uses the same server."""
    with Database(tmp_path / "two" / "gad.sqlite", server_url) as opened:
        opened.path.parent.mkdir()
        yield opened


def told(database: Database) -> list[dict]:
    log = database.path.with_name("changes.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in log.splitlines()]


def test_two_programs_that_edit_one_segment_lose_no_edit_and_keep_one_order(
    database: Database, other: Database, sample: Sample
) -> None:
    made = edit(1)
    do(database, 1, made)
    both = [
        start(EDIT_THE_SAME, each.path, each.server, step)
        for each, step in ((database, 1), (other, 1000))
    ]
    for process in both:
        assert lines(process, 1) == ["ready"]
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    saved = [int(end(process).split()[0]) for process in both]
    (row,) = annotations.list_segments(database, 1)
    assert saved == [15, 15]
    assert (row.version, row.end_us) == (31, made.end_us + 15 * 1 + 15 * 1000)
    for each in (database, other):  # whoever ended first has not heard of the last ones
        each.migrate()
        versions = [e["segments"][0]["after"]["version"] for e in told(each) if "operation" in e]
        assert versions == list(range(1, 32))
    assert told(database) == told(other)


def test_an_edit_of_what_another_program_changed_is_refused(
    database: Database, other: Database, sample: Sample
) -> None:
    made = edit(1)
    do(database, 1, made)
    do(other, 1, edit(2, id=made.id, version=1))
    with pytest.raises(Conflict, match="changed elsewhere"):
        do(database, 1, edit(1, 3, 4, id=made.id, version=1))
    assert annotations.list_segments(database, 1)[0].label_id == 2


def test_one_of_several_programs_runs_the_queue_and_the_next_when_it_ends(
    database: Database, other: Database
) -> None:
    assert [database.runs_queue(), other.runs_queue(), database.runs_queue()] == [True, False, True]
    database.close()
    assert other.runs_queue()
    assert not database.runs_queue()


def test_a_killed_program_loses_nothing_and_holds_nobody_up(
    database: Database, sample: Sample
) -> None:
    process = start(SAVE_FOREVER, database.path, database.server)
    acknowledged = lines(process, 15)
    process.kill()
    process.communicate()
    annotations.save_segments(database, 1, [edit(1)])
    assert set(acknowledged) <= {each.id for each in annotations.list_segments(database, 1)}


def test_a_server_that_goes_and_comes_back_is_named_and_nothing_is_lost(
    database: Database, sample: Sample, server: Server
) -> None:
    annotations.save_segments(database, 1, [edit(1)])
    assert database.runs_queue()
    server.stop()
    try:
        with pytest.raises(Unavailable, match=r"does not answer.*contract on"):
            annotations.save_segments(database, 1, [edit(1)])
        assert not database.runs_queue()
    finally:
        server.start()
    annotations.save_segments(database, 1, [edit(1)])
    assert len(annotations.list_segments(database, 1)) == 2
    assert database.runs_queue()


def test_who_waits_too_long_for_another_writer_is_told(database: Database, other: Database) -> None:
    with database.write() as session:
        projects.create_project(database, "kitchen")
        assert session.is_active
        with pytest.raises(Conflict, match="Another program holds"), other.write() as waiting:
            waiting.execute(sa.text("SELECT 1"))
    assert [each.name for each in projects.list_projects(other)] == ["kitchen"]


def test_what_a_server_cannot_store_is_refused_in_a_sentence(
    database: Database, sample: Sample
) -> None:
    with pytest.raises(InvalidData, match="cannot store this"):
        annotations.save_segments(database, 1, [edit(1, note="nul \0 byte")])
    with pytest.raises(InvalidData, match="cannot store this"):
        jobs.enqueue(database, NewJob(10**12, "train", "cpu"))
    assert annotations.list_segments(database, 1) == ()


def test_who_reads_cannot_write(database: Database) -> None:
    with (
        pytest.raises(Unavailable, match="cannot be opened for writing"),
        database.read() as session,
    ):
        session.execute(sa.text("INSERT INTO statistic VALUES ('a', 'b', '{}', 1)"))


def test_migrations_make_the_tables_that_the_models_describe(migrated: str) -> None:
    engine = sa.create_engine(checked_url(migrated), poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_every_table_takes_rows_and_two_programs_may_start_at_once(
    server: Server, tmp_path: Path
) -> None:
    url = server.create("started")
    program = (
        "import sys; from pathlib import Path; from storage.database import Database\n"
        "with Database(Path(sys.argv[1]), sys.argv[2]) as database: database.migrate()\n"
        "print('migrated')"
    )
    both = [start(program, tmp_path / f"{number}.sqlite", url) for number in (1, 2)]
    assert [end(process).strip() for process in both] == ["migrated", "migrated"]
    with Database(tmp_path / "gad.sqlite", url) as database:
        database.check()
        fill(database)
        with database.read() as session:
            for table in Base.metadata.sorted_tables:
                assert session.scalar(sa.select(sa.func.count()).select_from(table)), table.name


def test_a_migration_that_fails_or_loses_rows_leaves_the_server_as_it_was(
    server: Server, tmp_path: Path
) -> None:
    url = server.create("failed")
    with Database(tmp_path / "gad.sqlite", url) as database:
        database.migrate()
        make_sample(database)
        for body in ('op.execute("DELETE FROM label WHERE id = 1")', 'raise ValueError("no")'):
            scripts = with_next(tmp_path, body)
            with pytest.raises(StudioError, match="as it was"):
                server_schema.migrate(database._writer, "failed", scripts=scripts)
            shutil.rmtree(scripts)
        database.check()
        scripts = with_next(tmp_path, 'op.create_table("more", sa.Column("id", sa.Integer))')
        server_schema.migrate(database._writer, "failed", scripts=scripts)
        with pytest.raises(InvalidData, match="schema next, which is newer"):
            database.migrate()


def test_what_is_no_database_of_ours_is_refused(server: Server, tmp_path: Path) -> None:
    url = server.create("foreign_tables")
    server.run("CREATE TABLE recipes (id INTEGER)", on="foreign_tables")
    with (
        Database(tmp_path / "gad.sqlite", url) as database,
        pytest.raises(InvalidData, match="not a database of GAD Studio"),
    ):
        database.migrate()
    for wrong in ("mysql://gad:secret@host/name", "no url", "postgresql+asyncpg://host/name"):
        with pytest.raises(InvalidConfig, match="named as postgresql://") as caught:
            Database(tmp_path / "gad.sqlite", wrong)
        assert "secret" not in str(caught.value)


def test_without_the_driver_the_way_to_get_it_is_named(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from pathlib import Path; from storage.database import Database\n"
        "Database(Path('x'), 'postgresql://h/n')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "pip install 'gad-studio[postgres]'" in done.stderr


def test_the_first_schema_comes_up_to_date_with_its_rows(server: Server, tmp_path: Path) -> None:
    url = checked_url(server.create("older"))
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    with engine.begin() as connection:
        schema.command.upgrade(schema.alembic_config(connection), "0001")
        connection.exec_driver_sql("INSERT INTO project VALUES (1, 'kitchen', '{}', 1)")
    with Database(tmp_path / "gad.sqlite", str(server.url("older"))) as database:
        with pytest.raises(Conflict, match="older schema"):
            database.check()
        database.migrate()
        assert projects.find_project(database, "kitchen").id == 1
