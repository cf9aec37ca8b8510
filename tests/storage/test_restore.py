"""Restore drills: edits, a backup, more edits, damage; then the rows of the backup, none lost."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from core.errors import Conflict, InvalidFile, MissingArtifact, StudioError
from storage import annotations
from storage.backup import back_up, check_copy
from storage.database import Database
from storage.restore import check_complete, find_backup, restore
from tests.storage.samples import SCHEMAS, Sample, edit, load
from tests.storage.test_backup import fail_at
from tests.storage.test_schema import counts, query


def save(database: Database, sample: Sample, second: int) -> str:
    wanted = edit(sample.labels["add salt"], second, second + 1)
    return annotations.save_segments(database, sample.videos[0], [wanted]).segments[0].id


def segments(path: Path) -> set[str]:
    return {row[0] for row in query(path, "SELECT id FROM segment")}


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def header(path: Path) -> None:
    path.write_bytes(b"\0" * 100 + path.read_bytes()[100:])


def without_wal(path: Path) -> None:
    path.with_name(f"{path.name}-wal").unlink()


def gone(path: Path) -> None:
    path.unlink()


@pytest.fixture
def drill(database: Database, sample: Sample, tmp_path: Path) -> tuple[Path, Path, str, str]:
    """A database as a power cut leaves it, its backup, and an edit before and one after it."""
    before = save(database, sample, 1)
    made = back_up(database.path, reason="daily")
    later = save(database, sample, 5)
    after = tmp_path / "after"
    shutil.copytree(database.path.parent, after, ignore=shutil.ignore_patterns("*-shm"))
    return after / "gad.sqlite", after / "backups" / made.name, before, later


@pytest.mark.fault
@pytest.mark.parametrize("damage", [half, header, without_wal, gone])
def test_the_drill(drill: tuple[Path, Path, str, str], damage: Callable[[Path], None]) -> None:
    path, made, before, later = drill
    damage(path)
    content = path.read_bytes() if path.exists() else None
    with pytest.raises(InvalidFile, match=rf"gad restore {made.name} --data-dir"):
        check_complete(path)
        with Database(path) as damaged:
            damaged.migrate()
    assert (path.read_bytes() if path.exists() else None) == content
    done = restore(path, find_backup(path))
    assert segments(path) == {before}
    assert (done.backup, done.lacking) == (made, 1)
    assert done.log is not None
    told = [json.loads(line) for line in done.log.read_text().splitlines()]
    assert later in json.dumps(told[-1])
    check_complete(path)
    with Database(path) as restored:
        assert restored.migrate() is None
    assert query(path, "PRAGMA integrity_check") == [("ok",)]


def test_the_former_database_is_kept_with_what_its_wal_held(
    drill: tuple[Path, Path, str, str],
) -> None:
    path, made, before, later = drill
    done = restore(path, made)
    assert done.kept is not None
    assert segments(done.kept) == {before, later}
    assert segments(path) == {before}
    back = restore(path, find_backup(path, Path(done.kept.name)))
    assert segments(path) == {before, later}
    assert back.lacking == 0


@pytest.mark.fault
def test_a_damaged_former_database_keeps_its_wal_as_it_was(
    drill: tuple[Path, Path, str, str],
) -> None:
    path, made, *_ = drill
    half(path)
    content, wal = path.read_bytes(), path.with_name("gad.sqlite-wal").read_bytes()
    kept = restore(path, made).kept
    assert kept is not None
    assert kept.read_bytes() == content
    assert kept.with_name(f"{kept.name}-wal").read_bytes() == wal


@pytest.mark.fault
def test_a_foreign_wal_beside_the_database_does_not_reach_the_restored_one(
    drill: tuple[Path, Path, str, str], tmp_path: Path
) -> None:
    path, made, before, _ = drill
    with closing(sqlite3.connect(tmp_path / "other.sqlite", isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode=WAL")
        other.executescript("CREATE TABLE t (x); INSERT INTO t VALUES (randomblob(90000))")
        shutil.copy(tmp_path / "other.sqlite-wal", path.with_name("gad.sqlite-wal"))
    with pytest.raises(InvalidFile, match="another file took its place"):
        check_complete(path)
    content = path.read_bytes()
    kept = restore(path, made).kept
    assert segments(path) == {before}
    assert query(path, "PRAGMA integrity_check") == [("ok",)]
    assert kept is not None
    assert kept.read_bytes() == content


def test_a_backup_of_an_older_schema_comes_up_to_date(database: Database, tmp_path: Path) -> None:
    old = tmp_path / "old.sqlite"
    load(SCHEMAS / "0001.sql", old)
    restore(database.path, find_backup(database.path, old))
    database.check()
    assert counts(database.path)["segment"] == counts(old)["segment"]
    assert query(old, "SELECT * FROM alembic_version") == [("0001",)]


def test_a_backup_that_cannot_be_used_is_refused_and_nothing_changes(
    database: Database, sample: Sample, tmp_path: Path
) -> None:
    made = back_up(database.path, reason="daily")
    other, notes = tmp_path / "other.sqlite", tmp_path / "notes.txt"
    shutil.copy(made, other)
    with closing(sqlite3.connect(other)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    notes.write_text("no database " * 500)
    half(made)
    for wanted, said in ((other, "newer than this"), (notes, "whole"), (made, "malformed|whole")):
        with pytest.raises(InvalidFile, match=said):
            find_backup(database.path, wanted)
    for wanted in (None, Path("no such file")):
        with pytest.raises(MissingArtifact):
            find_backup(database.path, wanted)
    with pytest.raises(Conflict, match="not its own backup"):
        find_backup(database.path, database.path)


def test_a_database_in_use_is_not_replaced(drill: tuple[Path, Path, str, str]) -> None:
    path, made, before, later = drill
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN")
        assert other.execute("SELECT count(*) FROM segment").fetchone() == (2,)
        with pytest.raises(Conflict, match="Another program holds the database"):
            restore(path, made)
    assert segments(path) == {before, later}


@pytest.mark.fault
@pytest.mark.parametrize("damage", [None, half])
@pytest.mark.parametrize("number", range(1, 14))
def test_a_call_that_fails_leaves_the_old_database_or_the_new_one(
    drill: tuple[Path, Path, str, str], monkeypatch, number: int, damage
) -> None:
    path, made, before, later = drill
    if damage:
        damage(path)
    content, wal = path.read_bytes(), path.with_name("gad.sqlite-wal")
    calls = fail_at(monkeypatch, number)
    with suppress(StudioError):
        restore(path, made)
    monkeypatch.undo()
    if damage and path.read_bytes() == content:
        assert wal.exists()
        with pytest.raises(InvalidFile):
            check_copy(path)
    else:
        assert segments(path) in ({before, later}, {before})
        assert check_copy(path)
    if calls[0] < number:
        assert segments(path) == {before}
