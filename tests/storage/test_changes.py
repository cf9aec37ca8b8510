import json
import shutil
from pathlib import Path

import pytest

from storage import annotations, imports, labels, library
from storage.database import Database
from storage.imports import ImportBatch, NewSegment
from tests.storage.samples import Sample, edit


@pytest.fixture
def path(database: Database) -> Path:
    return database.path.with_name("changes.jsonl")


def entries(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def sequences(path: Path) -> list[int]:
    return [entry["sequence"] for entry in entries(path)]


def test_a_line_tells_who_what_and_what_was_before(
    database: Database, sample: Sample, path: Path
) -> None:
    first = edit(sample.labels["add salt"], 1, 2)
    annotations.save_segments(database, sample.videos[0], [first])
    changed = edit(sample.labels["add sugar"], 1, 3, id=first.id, version=1)
    annotations.save_segments(database, sample.videos[0], [changed])
    made, last = entries(path)[-2:]
    assert (last["project"], last["video"]) == ("kitchen", "kitchen/make_tea.mp4")
    assert made["segments"][0]["before"] is None
    assert last["segments"][0]["before"] == made["segments"][0]["after"]
    after = last["segments"][0]["after"]
    assert (after["label"], after["end_us"], after["version"]) == ("add sugar", 3_000_000, 2)


def test_labels_splits_and_imports_are_told_too(
    database: Database, sample: Sample, path: Path
) -> None:
    library.set_splits(database, sample.project, {sample.videos[0]: "test"})
    labels.rename_label(database, sample.labels["add salt"], "pour salt")
    segment = NewSegment(sample.videos[1], 0, 5, sample.labels["add salt"])
    batch = ImportBatch(token="t", source="a.csv", format="csv", segments=[segment])
    imports.import_segments(database, sample.project, batch)
    split, renamed, imported = entries(path)[-3:]
    assert split["after"] == {"kitchen/make_tea.mp4": "test"}
    assert (renamed["before"], renamed["after"]) == ("add salt", "pour salt")
    assert imported["source"] == "a.csv"
    assert imported["segments"][0]["label"] == "pour salt"


def test_what_is_undone_is_not_told(database: Database, sample: Sample, path: Path) -> None:
    before = entries(path)
    with pytest.raises(ZeroDivisionError), database.write():
        annotations.save_segments(database, sample.videos[0], [edit(1)])
        raise ZeroDivisionError
    assert entries(path) == before


@pytest.mark.parametrize("damage", ["deleted", "last line missing", "last line half"])
def test_what_the_file_lacks_is_completed(
    database: Database, sample: Sample, path: Path, damage: str
) -> None:
    annotations.save_segments(database, sample.videos[0], [edit(1, note="x" * 9000)])
    whole = path.read_bytes()
    *others, last = whole.splitlines(keepends=True)
    match damage:
        case "deleted":
            path.unlink()
        case "last line missing":
            path.write_bytes(b"".join(others))
        case "last line half":
            path.write_bytes(b"".join(others) + last[: len(last) // 2])
    database.migrate()
    assert path.read_bytes() == whole


def test_a_log_longer_than_one_block_is_continued(
    database: Database, sample: Sample, path: Path
) -> None:
    for _ in range(9):
        many = [edit(1, note="x" * 9000) for _ in range(3)]
        annotations.save_segments(database, sample.videos[0], many)
    with Database(database.path, database.server) as again:
        annotations.save_segments(again, sample.videos[0], [edit(1)])
    assert sequences(path) == list(range(1, 12))


def test_a_log_that_cannot_be_written_fails_no_save_and_is_completed_later(
    database: Database, sample: Sample, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.unlink()
    path.mkdir()
    annotations.save_segments(database, sample.videos[0], [edit(1)])
    assert "will be completed later" in caplog.text
    path.rmdir()
    annotations.save_segments(database, sample.videos[0], [edit(1)])
    assert sequences(path) == [1, 2, 3]


def test_a_restored_database_begins_a_new_log_and_keeps_the_old_one(
    database: Database, sample: Sample, path: Path, file: Path, tmp_path: Path
) -> None:
    database.close()
    shutil.copy(file, tmp_path / "backup")
    annotations.save_segments(database, sample.videos[0], [edit(1)])
    old = path.read_bytes()
    database.close()
    shutil.copy(tmp_path / "backup", file)
    with Database(file) as restored:
        restored.migrate()
        annotations.save_segments(restored, sample.videos[0], [edit(1, 4, 5)])
    (aside,) = path.parent.glob("changes-until-2-*.jsonl")
    assert aside.read_bytes() == old
    assert entries(path)[-1]["segments"][0]["after"]["start_us"] == 4_000_000
    assert sequences(path) == [1, 2]


def test_a_file_that_is_no_log_is_set_aside(database: Database, sample: Sample, path: Path) -> None:
    path.write_text("my notes\n")
    database.migrate()
    assert sequences(path) == [1]
    assert [each.read_text() for each in path.parent.glob("changes-until-*")] == ["my notes\n"]


def test_history_tells_the_latest_change_first(database: Database, sample: Sample) -> None:
    for second in (1, 3, 5):
        annotations.save_segments(database, sample.videos[0], [edit(1, second, second + 1)])
    told = annotations.history(database, sample.videos[0], limit=2)
    starts = [change.detail["segments"][0]["after"]["start_us"] for change in told]
    assert starts == [5_000_000, 3_000_000]
    assert annotations.history(database, sample.videos[1]) == ()
