"""The benchmark of the library runs, and compares ways to the same content."""

from app.services import library, library_bench, open_studio
from core.bench.measuring import Settings
from storage.large_project import Size, make_large_project
from storage.library import list_videos


def test_every_question_is_compared_and_edits_are_timed_beside_a_backup():
    report = library_bench.run(Settings(quick=True)).as_json()
    assert len(report["rows"]) == 8
    assert all(row["ratio"] > 0 and row["note"] for row in report["rows"])
    figures = {figure["what"]: figure["value"] for figure in report["figures"]}
    assert figures["an edit while a backup is made, median"] > 0
    assert figures["size of the backup"] > 0.1


def test_both_ways_of_a_question_answer_the_same(tmp_path):
    with open_studio(tmp_path) as studio:
        made = make_large_project(studio.database, Size(30, 400, 20, 100))
        videos = list_videos(studio.database, made.project)
        table = library.table(studio, made.project)
        assert [row["segments"] for row in table] == [video.segments for video in videos]
        (counted,) = library.overview(studio)
        segments, splits, labels = library_bench._counted(studio.database, made)  # pyright: ignore
        assert (counted["segments"], counted["labels"]) == (segments, labels)
        assert counted["splits"] == splits
        _, objects = library_bench._objects(studio.database, made)  # pyright: ignore
        document = library.document(studio, made.longest)
        assert [(s["id"], s["label"]) for s in document["segments"]] == [
            (segment.id, label) for segment, label in objects
        ]
