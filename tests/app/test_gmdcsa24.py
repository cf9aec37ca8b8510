"""Clips of people with hand-made labels, from import to comparison: generated and real ones."""

import shutil
from pathlib import Path

import pytest

from app.services import experiments, importing, job_queue, library, results
from storage import jobs
from storage.states import JobState
from tests.app.conftest import finish, settings

HEADER = "File Name,Length (seconds),Time of Recording,Attire,Description, Classes"


@pytest.fixture
def clips(tmp_path, little_folder) -> Path:
    """Two subjects in the layout of GMDCSA24; file names repeat between folders."""
    root = tmp_path / "gmdcsa24"
    sources = sorted(little_folder.rglob("*.mp4"))
    rows = {
        "Subject_1/ADL": ["01.mp4,9,Day,Shirt,tea, Stirring[1 to 4]; Cutting[5 to 9]",
                          "02.mp4,9,Day,Shirt,not here, Walking[0 to 5]"],
        "Subject_1/Fall": ["01.mp4,9,Day,Shirt,fall, Cutting[0 to 3]; Falling (SW)[5 to 9.5]",
                           "07.mp4,9,Day,Shirt,end before start, Cutting[4 to 2]"],
        "Subject_2/ADL": ["01.mp4,9,Day,Shirt,eat, Stirring[0 to 2]; Eating[2 to 6]",
                          "08.mp4,9,Day,Shirt,no bracket, Sitting 0 to 3"],
    }  # fmt: skip
    for number, (folder, lines) in enumerate(rows.items()):
        (root / folder).mkdir(parents=True)
        shutil.copy(sources[number], root / folder / "01.mp4")
        (root / f"{folder}.csv").write_text("\n".join([HEADER, *lines]))
    return root


def import_and_split(studio, runner, root: Path) -> tuple[int, dict]:
    number = library.new_project(studio, "falls")
    library.add_folder(studio, number, root)
    finish(runner)
    shown = importing.preview(studio, number, [root])
    importing.commit_import(studio, number, [root], token="t", skip_faulty=True)
    for row in library.table(studio, number):
        split = "train" if "Subject_1" in row["name"] else "test"
        library.set_splits(studio, number, [row["id"]], split)
    return number, shown


def test_a_video_is_matched_by_its_path_never_by_its_bare_name(studio, runner, clips):
    number, shown = import_and_split(studio, runner, clips)
    taken = {row["video"].removeprefix("gmdcsa24/"): row["segments"] for row in shown["taken"]}
    assert {name: [s[2] for s in found] for name, found in taken.items()} == {
        "Subject_1/ADL/01.mp4": ["Stirring", "Cutting"],
        "Subject_1/Fall/01.mp4": ["Cutting", "Falling (SW)"],
        "Subject_2/ADL/01.mp4": ["Stirring", "Eating"],
    }
    assert len(shown["missing"]) == 1
    assert [(f["file"], f["line"]) for f in shown["faults"]] == [("Fall.csv", 3), ("ADL.csv", 3)]
    assert shown["clipped"] == 1  # 9.5 s in a video of 9 s
    assert sum(row["segments"] for row in library.table(studio, number)) == 6


@pytest.mark.training
def test_untrained_classes_are_named_before_and_counted_after(studio, runner, clips, tiny_folder):
    number, _ = import_and_split(studio, runner, clips)
    summary = experiments.data_summary(studio, number)
    assert summary["videos"] == {"train": 2, "val": 0, "test": 1}
    assert any(
        "Eating (1 segments of the other splits need them)" in w for w in summary["warnings"]
    )
    assert any("the last checkpoint is kept" in w for w in summary["warnings"])
    made = experiments.fine_tune(studio, number, settings(tiny_folder))
    finish(runner)
    job = jobs.find_job(studio.database, made["job"])
    assert job.state is JobState.DONE
    said = job_queue.shown_job(studio, job)["warnings"]
    assert any("'Eating' (1)" in w for w in said)
    assert any("last checkpoint was kept" in w for w in said)


@pytest.mark.realdata
@pytest.mark.training
def test_the_real_clips_from_import_to_comparison(studio, runner, realdata, tiny_folder):
    number, shown = import_and_split(studio, runner, realdata / "gmdcsa24")
    assert (len(shown["taken"]), len(shown["missing"]), len(shown["faults"])) == (9, 67, 4)
    assert {row["health"] for row in library.table(studio, number)} == {"good"}
    summary = experiments.data_summary(studio, number)
    assert summary["videos"] == {"train": 5, "val": 0, "test": 4}
    assert any("Drinking, Eating" in w for w in summary["warnings"])
    made = experiments.fine_tune_all(studio, number, settings(tiny_folder, training={"steps": 4}))
    finish(runner)
    assert {jobs.find_job(studio.database, m["job"]).state for m in made} == {JobState.DONE}
    test = next(r for r in library.table(studio, number) if r["split"] == "test")
    shown = results.compare(studio, test["id"], [m["run"] for m in made])
    assert [len(lane["class"]) for lane in shown["lanes"]] == [
        len(shown["lanes"][0]["time_us"])
    ] * 3
    assert "'Eating'" in job_queue.shown_job(
        studio, jobs.find_job(studio.database, made[0]["job"])
    )["warnings"][0]  # fmt: skip
