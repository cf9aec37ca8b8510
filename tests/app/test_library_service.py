"""Adding folders and importing annotations: nothing outside is taken, nothing half is written."""

import os

import pytest

from app.services import importing, library, media
from core.errors import InvalidData, MissingArtifact, UnknownName
from storage import labels
from tests.app.conftest import finish


def rows(studio, project):
    return {row["name"].rpartition("/")[2]: row for row in library.table(studio, project)}


def test_a_folder_is_added_by_path_with_what_a_look_found(studio, project):
    found = rows(studio, project)
    assert set(found) == {"0.mp4", "1.mp4", "2.mp4", "3.mp4"}
    for row in found.values():
        assert row["health"] == "good"
        assert row["duration_us"] == 9_000_000
        assert media.thumbnail(studio, row["id"]).read_bytes()[:2] == b"\xff\xd8"


def test_adding_a_folder_again_adds_nothing(studio, project, little_folder):
    again = library.add_folder(studio, project, little_folder)
    assert (again["found"], again["new"], again["job"]) == (4, 0, None)


@pytest.mark.fault
def test_a_scan_takes_regular_files_inside_the_folder_only(tmp_path):
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    (inside / "a.mp4").write_bytes(b"x")
    (inside / "notes.txt").write_bytes(b"x")
    (inside / ".hidden").mkdir()
    (inside / ".hidden" / "b.mp4").write_bytes(b"x")
    (outside / "secret.mp4").write_bytes(b"x")
    (inside / "link.mp4").symlink_to(outside / "secret.mp4")
    os.mkfifo(inside / "pipe.mp4")
    (inside / "loop").symlink_to(inside)
    assert [path.name for path in library.scan(inside)] == ["a.mp4"]


@pytest.mark.parametrize("make", ["nothing", "file", "empty"])
def test_what_is_no_folder_of_videos_is_refused(tmp_path, make):
    path = tmp_path / "there"
    if make == "file":
        path.write_text("x")
    elif make == "empty":
        path.mkdir()
    with pytest.raises(InvalidData):
        library.scan(path)


def test_bad_files_are_facts_and_the_rest_is_usable(studio, runner, tmp_path, little_folder):
    folder = tmp_path / "mixed"
    folder.mkdir()
    (folder / "zero.mp4").write_bytes(b"")
    (folder / "text.mp4").write_text("this is no video")
    (folder / "good.mp4").write_bytes((little_folder / "first" / "0.mp4").read_bytes())
    number = library.new_project(studio, "mixed")
    library.add_folder(studio, number, folder)
    finish(runner)
    found = rows(studio, number)
    assert {name: row["health"] for name, row in found.items()} == {
        "good.mp4": "good", "text.mp4": "unreadable", "zero.mp4": "unreadable",
    }  # fmt: skip
    assert found["zero.mp4"]["health_reason"]
    with pytest.raises(MissingArtifact):
        media.media_file(studio, found["zero.mp4"]["id"])


def test_a_preview_writes_nothing(studio, runner, little_folder):
    number = library.new_project(studio, "fresh")
    library.add_folder(studio, number, little_folder)
    finish(runner)
    shown = importing.preview(studio, number, [little_folder / "labels.csv"])
    assert (len(shown["taken"]), shown["missing"], shown["faults"]) == (8, [], [])
    assert shown["classes"] == ["cut bread", "stir tea"]
    assert sum(row["segments"] for row in library.table(studio, number)) == 0


def test_one_faulty_row_stops_an_import_unless_it_may_be_skipped(studio, project, tmp_path):
    table = tmp_path / "more.csv"
    table.write_text("video,start,end,label\n3.mp4,1,2,wipe table\n3.mp4,5,4,stir tea\n")
    with pytest.raises(InvalidData, match=r"1 faulty rows.*line 3"):
        importing.commit_import(studio, project, [table], token="t1")
    assert "wipe table" not in library.classes(studio, project)
    done = importing.commit_import(studio, project, [table], token="t2", skip_faulty=True)
    assert (done["segments"], done["skipped"]) == (1, 1)
    assert "wipe table" in library.classes(studio, project)


def test_rows_without_a_video_here_are_no_fault_but_no_import_either(studio, project, tmp_path):
    table = tmp_path / "other.csv"
    table.write_text("video,start,end,label\nelsewhere.mp4,1,2,stir tea\n")
    shown = importing.preview(studio, project, [table])
    assert (shown["counts"]["missing"], shown["faults"]) == (1, [])
    with pytest.raises(InvalidData, match="Add the folder"):
        importing.commit_import(studio, project, [table], token="t")


def test_asking_twice_imports_once(studio, project, tmp_path):
    table = tmp_path / "again.csv"
    table.write_text("video,start,end,label\n3.mp4,0,1,stir tea\n")
    before = sum(row["segments"] for row in library.table(studio, project))
    for _ in range(2):
        importing.commit_import(studio, project, [table], token="same")
    assert sum(row["segments"] for row in library.table(studio, project)) == before + 1


def test_background_is_no_segment(studio, project, tmp_path):
    table = tmp_path / "bg.csv"
    table.write_text("video,start,end,label\n3.mp4,0,1,Background\n3.mp4,1,2,stir tea\n")
    assert importing.commit_import(studio, project, [table], token="bg")["segments"] == 1


def test_a_document_holds_the_segments_in_order(studio, project):
    shown = library.document(studio, rows(studio, project)["3.mp4"]["id"])
    assert [(s["start_us"], s["label"]) for s in shown["segments"]] == [
        (2_000_000, "cut bread"), (5_000_000, "stir tea"),
    ]  # fmt: skip
    assert shown["video"]["media"] == "ready"


def test_labels_guess_verb_and_noun(studio, project):
    known = labels.list_labels(
        studio.database, labels.list_label_sets(studio.database, project)[0].id
    )
    assert {(label.verb, label.noun) for label in known} == {("stir", "tea"), ("cut", "bread")}


def test_an_unknown_split_or_video_is_named(studio, project):
    with pytest.raises(UnknownName, match="train, val, test"):
        library.set_splits(studio, project, [1], "exam")  # pyright: ignore[reportArgumentType]
    with pytest.raises(UnknownName):
        library.document(studio, 4711)
