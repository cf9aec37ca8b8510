import sqlite3
import threading
from contextlib import closing, suppress

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, OperationalError

from core.errors import Conflict, StudioError, UnknownName
from storage import annotations, projects, tables
from storage.database import Database, fetch
from tests.storage.processes import lines, start
from tests.storage.samples import Sample, edit

SAVE_FOREVER = """
import sys, uuid
from pathlib import Path
from storage import annotations
from storage.annotations import SegmentEdit
from storage.database import Database

with Database(Path(sys.argv[1]), *sys.argv[2:]) as database:
    while True:
        segment = SegmentEdit(id=str(uuid.uuid4()), start_us=0, end_us=1, label_id=1)
        annotations.save_segments(database, 1, [segment])
        print(segment.id)
"""


def names(database: Database) -> list[str]:
    return [project.name for project in projects.list_projects(database)]


def test_connections_are_durable_and_check_foreign_keys(database: Database) -> None:
    with database.write() as session:
        pragmas = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        values = [session.scalar(sa.text(f"PRAGMA {pragma}")) for pragma in pragmas]
        assert values == ["wal", 2, 1, 5000]
    with pytest.raises(IntegrityError), database.write() as session:
        session.add(tables.LabelSet(project_id=99, name="of no project"))


def test_a_block_that_raises_leaves_nothing_behind(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.write():
        projects.create_project(database, "kitchen")
        raise ZeroDivisionError
    assert names(database) == []


def test_an_inner_block_that_fails_is_undone_alone(database: Database) -> None:
    with database.write():
        projects.create_project(database, "kitchen")
        with suppress(ZeroDivisionError), database.write():
            projects.create_project(database, "sports")
            raise ZeroDivisionError
    assert names(database) == ["kitchen"]


def test_a_reader_inside_a_transaction_sees_what_was_written(database: Database) -> None:
    with database.write():
        projects.create_project(database, "kitchen")
        assert names(database) == ["kitchen"]


def test_a_reader_elsewhere_sees_a_transaction_only_when_it_is_durable(database: Database) -> None:
    seen = []
    with database.write():
        projects.create_project(database, "kitchen")
        reader = threading.Thread(target=lambda: seen.extend(names(database)))
        reader.start()
        reader.join()
    assert seen == []
    assert names(database) == ["kitchen"]


def test_a_view_shows_one_moment(database: Database) -> None:
    count = sa.select(sa.func.count()).select_from(tables.Project)
    with database.read() as session:
        assert session.scalar(count) == 0
        writer = threading.Thread(target=projects.create_project, args=(database, "kitchen"))
        writer.start()
        writer.join()
        assert session.scalar(count) == 0


def test_who_reads_cannot_write(database: Database) -> None:
    with (
        pytest.raises(StudioError, match="cannot be opened for writing"),
        database.read() as session,
    ):
        session.add(tables.Project(name="kitchen", settings={}))
        session.flush()


def test_threads_that_read_and_then_write_lose_no_update(database: Database) -> None:
    project = projects.create_project(database, "kitchen").id

    def count_up() -> None:
        for _ in range(10):
            with database.write() as session:
                row = fetch(session, tables.Project, project)
                row.settings = {"n": row.settings.get("n", 0) + 1}

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert projects.find_project(database, project).settings == {"n": 40}


@pytest.mark.fault
def test_a_killed_process_loses_no_acknowledged_segment(database: Database, sample: Sample) -> None:
    database.close()
    for _ in range(2):
        process = start(SAVE_FOREVER, database.path)
        acknowledged = lines(process, 25)
        process.kill()
        assert process.stdout is not None
        # What was printed before the kill counts too; a line that was cut off does not.
        acknowledged += [line.strip() for line in process.stdout if line.endswith("\n")]
        process.communicate()
        database.migrate()
        kept = {segment.id for segment in annotations.list_segments(database, 1)}
        assert set(acknowledged) <= kept
        with database.read() as session:
            assert session.scalar(sa.text("PRAGMA integrity_check")) == "ok"
        logged = database.path.with_name("changes.jsonl").read_text()
        assert all(identity in logged for identity in kept)


@pytest.mark.fault
def test_a_full_disk_is_named_and_what_was_saved_before_is_kept(
    database: Database, sample: Sample
) -> None:
    video, label = sample.videos[0], sample.labels["add salt"]
    annotations.save_segments(database, video, [edit(label)])
    with database.write() as session:
        pages = session.scalar(sa.text("PRAGMA page_count"))
        session.execute(sa.text(f"PRAGMA max_page_count={pages + 1}"))
    with pytest.raises(StudioError, match=r"disk is full.*not saved"):
        annotations.save_segments(database, video, [edit(label, note="x" * 9000)])
    with database.write() as session:
        session.execute(sa.text("PRAGMA max_page_count=1000000"))
    annotations.save_segments(database, video, [edit(label, note="x" * 9000)])
    assert len(annotations.list_segments(database, video)) == 2


@pytest.mark.fault
def test_a_database_that_another_program_holds_is_busy_and_nothing_is_lost(
    database: Database,
) -> None:
    with database.write() as session:  # the pool keeps this connection
        session.execute(sa.text("PRAGMA busy_timeout=10"))
    with closing(sqlite3.connect(database.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Conflict, match="Another program holds the database"):
            projects.create_project(database, "kitchen")
        other.execute("ROLLBACK")
    projects.create_project(database, "kitchen")
    assert names(database) == ["kitchen"]


def test_a_fault_that_nobody_can_act_on_stays_what_it_is(database: Database) -> None:
    with pytest.raises(OperationalError, match="no such table"), database.read() as session:
        session.execute(sa.text("SELECT * FROM nonsense"))


def test_a_row_that_is_not_there_is_named(database: Database) -> None:
    with pytest.raises(UnknownName, match="Unknown label set: 7"), database.read() as session:
        fetch(session, tables.LabelSet, 7)


def test_numbers_that_json_cannot_say_become_null(database: Database) -> None:
    settings = {"low": float("nan"), "high": [float("inf"), 1.0]}
    projects.create_project(database, "kitchen", settings=settings)
    assert projects.find_project(database, "kitchen").settings == {"low": None, "high": [None, 1.0]}
