"""What disks, clocks and other programs do to a database: nothing acknowledged is lost."""

import os
import random
import shutil
import tempfile
import time
from pathlib import Path

import pytest

from storage import annotations, jobs
from storage.annotated_video import open_annotations
from storage.data_directory import DataDirectory
from storage.database import Database
from storage.jobs import NewJob
from storage.restore import check_complete
from tests.storage.doing import do, names, undo
from tests.storage.processes import end, lines, start
from tests.storage.samples import Sample, edit
from tests.storage.test_database import SAVE_FOREVER
from tests.storage.test_schema import query

pytestmark = pytest.mark.fault

SAVE_UNTIL_FULL = """
import resource, signal, sys
from pathlib import Path
from core.errors import StudioError
from storage import annotations
from storage.database import Database
from tests.storage.samples import edit

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with Database(Path(sys.argv[1])) as database:
    limit = Path(sys.argv[1] + "-wal").stat().st_size + 100_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        while True:
            segment = edit(1, note="x" * 9000)
            annotations.save_segments(database, 1, [segment])
            print(segment.id)
    except StudioError as error:
        print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    annotations.save_segments(database, 1, [segment])
    print(segment.id)
"""

HOLD = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("held")
time.sleep(float(sys.argv[2]))
"""

OPEN_WITHOUT_RIGHTS = """
import os, sys
from pathlib import Path
from app.services import open_studio
from core.errors import StudioError

if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)  # root may write everywhere
for folder in sys.argv[1:]:
    try:
        with open_studio(Path(folder)):
            print("opened")
    except StudioError as error:
        print(error)
"""


def whole(path: Path) -> bool:
    return query(path, "PRAGMA integrity_check") == [("ok",)]


def test_a_power_cut_at_any_byte_leaves_the_saves_up_to_some_moment(
    database: Database, sample: Sample, tmp_path: Path
) -> None:
    dice = random.Random(4)
    saved = []
    for moment in range(25):
        segment = edit(1, note="x" * dice.randrange(3000))
        annotations.save_segments(database, 1, [segment])
        saved.append(segment.id)
        cut = tmp_path / str(moment) / "gad.sqlite"
        cut.parent.mkdir()
        for name in ("gad.sqlite", "gad.sqlite-wal", "gad.sqlite-shm"):
            shutil.copy(database.path.with_name(name), cut.with_name(name))
        wal = cut.with_name("gad.sqlite-wal")
        os.truncate(wal, dice.randint(0, wal.stat().st_size))
        kept = [segment for (segment,) in query(cut, "SELECT id FROM segment ORDER BY rowid")]
        assert whole(cut)
        assert kept == saved[: len(kept)]
        told = query(cut, "SELECT count(*) FROM change WHERE action = 'save segments'")
        assert told == [(len(kept),)]


def test_a_copy_of_the_files_at_any_moment_of_a_writing_process_holds_what_was_acknowledged(
    database: Database, sample: Sample, tmp_path: Path
) -> None:
    database.close()
    process = start(SAVE_FOREVER, database.path)
    dice, acknowledged = random.Random(5), []
    for moment in range(8):
        acknowledged += lines(process, dice.randint(1, 9))
        cut = tmp_path / str(moment) / "gad.sqlite"
        cut.parent.mkdir()
        # First the file, which only changes when the other is carried over: then both are taken.
        shutil.copy(database.path, cut)
        shutil.copy(database.path.with_name("gad.sqlite-wal"), cut.with_name("gad.sqlite-wal"))
        assert set(acknowledged) <= {each for (each,) in query(cut, "SELECT id FROM segment")}
    process.kill()
    process.communicate()


def test_a_file_that_may_not_grow_is_a_full_disk_and_later_saves_go_on(
    database: Database, sample: Sample
) -> None:
    annotations.save_segments(database, 1, [edit(1)])
    *acknowledged, said, after = end(start(SAVE_UNTIL_FULL, database.path)).splitlines()
    assert "The disk is full or cannot be written, so this was not saved" in said
    kept = {segment.id for segment in annotations.list_segments(database, 1)}
    assert {*acknowledged, after} < kept
    assert len(kept) == len(acknowledged) + 2
    assert whole(database.path)


def test_what_cannot_be_written_is_named_at_the_start(empty_file: Path) -> None:
    with tempfile.TemporaryDirectory() as name:  # in a place that other users can reach
        folder, file = Path(name, "folder"), Path(name, "file", "gad.sqlite")
        folder.mkdir()
        DataDirectory(file.parent).prepare()
        shutil.copy(empty_file, file)
        for each in (Path(name), *Path(name).rglob("*/")):
            each.chmod(0o777)
        folder.chmod(0o555)
        file.chmod(0o444)
        of_folder, of_file = end(start(OPEN_WITHOUT_RIGHTS, folder, file.parent)).splitlines()
    assert f"The data directory cannot be written: '{folder}'" in of_folder
    assert f"The database file cannot be written: '{file}'" in of_file
    assert "--data-dir" in of_folder
    assert "--data-dir" in of_file


def test_a_save_waits_while_another_program_holds_the_database(
    database: Database, sample: Sample
) -> None:
    process = start(HOLD, database.path, 1.0)
    assert lines(process, 1) == ["held"]
    assert process.poll() is None
    annotations.save_segments(database, 1, [edit(1)])
    end(process)
    assert len(annotations.list_segments(database, 1)) == 1


def test_a_clock_that_is_set_back_changes_no_order(
    database: Database, sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time_ns()
    for number, hours in enumerate((0, -26, 1, -9000)):
        monkeypatch.setattr(time, "time_ns", lambda hours=hours: now + hours * 3600 * 10**9)
        do(database, 1, edit(1, number, number + 1), name=str(number))
        jobs.enqueue(database, NewJob(sample.project, "train", "cpu", {"number": number}))
    assert names(open_annotations(database, 1).undo) == ["0", "1", "2", "3"]
    undo(database, 1)
    assert names(open_annotations(database, 1).undo) == ["0", "1", "2"]
    assert names(open_annotations(database, 1).redo) == ["3"]
    told = [each.detail["name"] for each in annotations.history(database, 1)]
    assert told == ["undo", "3", "2", "1", "0"]
    claimed = jobs.claim(database, "cpu")
    assert claimed is not None
    assert claimed.spec == {"number": 0}
    check_complete(database.path)
