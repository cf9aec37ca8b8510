"""`gad doctor` tells what helps and no names, also beside a studio and of a broken database."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import app as shell
from app.services import library, open_studio
from app.services.doctor import examine
from core.errors import StudioError
from storage import jobs
from storage.data_directory import DataDirectory
from storage.jobs import Ending, NewJob
from storage.states import JobState

NAMES = ("secret study", "patient Smith", "/home/smith", "take the pill")


@pytest.fixture
def used(tmp_path) -> Path:
    """A data directory with a project, a label, two videos and a job that failed."""
    data, videos = tmp_path / "data", tmp_path / "patient Smith"
    videos.mkdir()
    for name in ("a.mp4", "b.mp4"):
        (videos / name).write_bytes(b"no video")
    with open_studio(data) as studio:
        project = library.new_project(studio, "secret study")
        library.add_labels(studio, project, ["take the pill"])
        library.add_folder(studio, project, videos)
        jobs.enqueue(studio.database, NewJob(project, "train", "cpu"))
        job = jobs.claim(studio.database, "cpu")
        assert job
        error = StudioError("'take the pill' has no segment", "patient Smith", "Label /home/smith.")
        jobs.finish(studio.database, job.id, Ending(JobState.FAILED, 1, error))
    return data


def test_it_counts_and_says_what_failed_without_a_name(used):
    found = examine(DataDirectory(used), {"GAD_PASSWORD": "hunter2", "OMP_NUM_THREADS": "1"})
    database = found["database"]
    assert (database["integrity"], database["faults"]) == ("ok", [])
    assert (database["projects"], database["labels"], database["segments"]) == (1, 1, 0)
    assert database["videos"] == {"pending": 2}
    assert database["jobs"]["train FAILED"] == 1
    (failed,) = database["failed_jobs"]
    assert (failed["kind"], failed["rule"]) == ("train", "'…' has no segment")
    assert found["environment"] == {"GAD_PASSWORD": "set", "OMP_NUM_THREADS": "1"}
    assert found["versions"]["torch"]
    assert found["data_directory"]["free_gb"] > 0
    text = json.dumps(found)
    assert not [name for name in (*NAMES, "hunter2") if name in text]


def test_it_works_beside_a_running_studio_and_changes_nothing(used):
    with open_studio(used) as studio:
        library.add_labels(studio, 1, ["stir"])  # lies in the log beside the file
        before = {p: p.stat().st_mtime_ns for p in used.iterdir() if p.suffix != ".sqlite-shm"}
        found = examine(DataDirectory(used))
        assert found["database"]["labels"] == 2
        assert before == {
            p: p.stat().st_mtime_ns for p in used.iterdir() if p.suffix != ".sqlite-shm"
        }
        with pytest.raises(StudioError, match="uses this data directory"), open_studio(used):
            pass


@pytest.mark.parametrize("how", ["half", "text", "empty", "torn"])
def test_a_broken_database_is_told_about(how, used):
    path = used / "gad.sqlite"
    whole = path.read_bytes()
    broken = {"half": whole[: len(whole) // 2], "text": b"nothing of ours" * 99, "empty": b""}
    torn = bytearray(whole)
    torn[4096:12288] = os.urandom(8192)
    path.write_bytes(broken.get(how, bytes(torn)))
    found = examine(DataDirectory(used))["database"]
    assert found["bytes"] == path.stat().st_size
    assert found["faults"] or found["integrity"] != "ok"
    assert path.read_bytes() == broken.get(how, bytes(torn))


def test_it_works_before_the_first_start(tmp_path):
    found = examine(DataDirectory(tmp_path / "none"))
    assert found["data_directory"] == {"path": str(tmp_path / "none"), "exists": False}
    assert found["database"] == {"exists": False}
    assert not (tmp_path / "none").exists()


def test_the_shell_prints_it_for_people_and_for_machines(used):
    command = ["doctor", "--data-dir", str(used)]
    assert "train FAILED" in CliRunner().invoke(shell, command).stdout
    told = CliRunner().invoke(shell, [*command, "--json"]).stdout
    assert json.loads(told)["database"]["projects"] == 1
