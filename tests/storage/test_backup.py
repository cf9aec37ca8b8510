"""Copies of a database: whole, checked, of one moment, and never in the way of a save."""

import os
import threading
from pathlib import Path

import pytest

from core.errors import Conflict, InvalidFile, MissingArtifact, StudioError
from storage import annotations, backup
from storage.backup import back_up, check_copy, copy_database, list_backups, newest_whole
from storage.database import Database
from tests.storage.processes import end, start
from tests.storage.samples import Sample, edit, fill
from tests.storage.test_schema import counts, query

FULL = """
import resource, sys
from pathlib import Path
from core.errors import StudioError
from storage.backup import back_up
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    back_up(Path(sys.argv[1]), reason="daily")
except StudioError as error:
    print(error)
"""


def leftovers(database: Database) -> list[str]:
    return [path.name for path in (database.path.parent / "backups").iterdir()]


def test_a_backup_holds_every_row_also_those_of_the_wal(database: Database) -> None:
    fill(database)
    assert database.path.with_name("gad.sqlite-wal").stat().st_size
    made = back_up(database.path, reason="daily")
    assert counts(made) == counts(database.path)
    assert leftovers(database) == [made.name]
    assert check_copy(made) == query(database.path, "SELECT * FROM alembic_version")[0][0]


def test_saves_go_on_while_a_backup_is_made_of_one_moment(
    database: Database, sample: Sample, monkeypatch
) -> None:
    label, halfway, saved = sample.labels["add salt"], threading.Event(), threading.Event()
    monkeypatch.setattr(backup, "_PAGES", 2)
    monkeypatch.setattr(backup.time, "sleep", lambda _: (halfway.set(), saved.wait(20)))
    found: list[Path] = []
    copying = threading.Thread(target=lambda: found.append(back_up(database.path, reason="x")))
    copying.start()
    assert halfway.wait(20)
    annotations.save_segments(database, sample.videos[0], [edit(label)])
    saved.set()
    copying.join()
    assert counts(found[0])["segment"] == 0
    assert counts(database.path)["segment"] == 1


def test_a_copy_that_is_not_whole_does_not_count(
    database: Database, sample: Sample, monkeypatch
) -> None:
    def half(source: Path, target: Path) -> None:
        copy_database(source, target)
        os.truncate(target, target.stat().st_size // 2)

    monkeypatch.setattr(backup, "copy_database", half)
    with pytest.raises(InvalidFile, match=r"must be a whole database.*may be damaged"):
        back_up(database.path, reason="daily")
    assert leftovers(database) == []


@pytest.mark.fault
def test_a_full_disk_is_told_and_leaves_nothing_behind(database: Database, sample: Sample) -> None:
    database.close()
    said = end(start(FULL, database.path))
    assert "The backup could not be written" in said
    assert "Free some space" in said
    assert leftovers(database) == []
    assert back_up(database.path, reason="daily").exists()


@pytest.mark.parametrize("number", range(1, 4))
def test_a_call_that_fails_leaves_no_backup_or_a_whole_one(
    database: Database, sample: Sample, monkeypatch, number: int
) -> None:
    fail_at(monkeypatch, number)
    with pytest.raises(StudioError, match="could not be written"):
        back_up(database.path, reason="daily")
    monkeypatch.undo()
    assert all(check_copy(each.path) for each in list_backups(database.path))
    assert not any(name.endswith(".tmp") for name in leftovers(database))


def fail_at(monkeypatch, number: int) -> list[int]:
    """Let the n-th call fail that moves a file, names it or makes it durable."""
    calls = [0]

    def failing(call):
        def wrapped(*arguments, **options):
            calls[0] += 1
            if calls[0] == number:
                raise OSError(28, "No space left on device")
            return call(*arguments, **options)

        return wrapped

    for name in ("fsync", "replace", "link", "unlink"):
        monkeypatch.setattr(os, name, failing(getattr(os, name)))
    return calls


def test_the_newest_whole_backup_is_found_past_damaged_ones(
    database: Database, sample: Sample
) -> None:
    first = back_up(database.path, reason="start")
    second = back_up(database.path, reason="daily")
    aside = back_up(database.path, reason="before-restore")
    assert [each.path for each in list_backups(database.path)] == [aside, second, first]
    assert newest_whole(database.path).path == second  # pyright: ignore
    second.write_bytes(second.read_bytes()[: second.stat().st_size // 2])
    assert newest_whole(database.path).path == first  # pyright: ignore
    first.write_bytes(b"")
    assert newest_whole(database.path) is None


def test_a_backup_replaces_no_file_and_needs_a_database(database: Database, tmp_path: Path) -> None:
    there = tmp_path / "precious.txt"
    there.write_text("mine")
    with pytest.raises(Conflict, match="replaces no file"):
        back_up(database.path, reason="manual", to=there)
    assert there.read_text() == "mine"
    with pytest.raises(MissingArtifact, match="no database to back up"):
        back_up(tmp_path / "no.sqlite", reason="manual")
