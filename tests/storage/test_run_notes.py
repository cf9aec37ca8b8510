import pytest

from core.errors import Conflict, InvalidData, UnknownName
from storage import jobs, projects, run_notes, runs
from storage.database import Database
from storage.jobs import Ending, NewJob
from storage.run_notes import RunNote
from storage.runs import NewRun
from storage.states import JobState, RunState
from tests.storage.samples import Sample


@pytest.fixture
def run(database: Database, sample: Sample) -> int:
    """A finished run; the project has one more."""
    new = NewRun(project_id=sample.project, classifier="gad", task="t", backbone="b", data_hash="")
    made = runs.create_run(database, new)
    runs.set_state(database, made.id, RunState.READY)
    return made.id


def state(database: Database, sample: Sample, run: int) -> RunState:
    return runs.find_run(database, sample.project, run).state


def test_text_and_tags_are_written_one_by_one(database: Database, sample: Sample, run: int) -> None:
    assert run not in run_notes.run_notes(database, sample.project)
    run_notes.put_note(database, run, text=" for the paper\n")
    kept = run_notes.put_note(database, run, tags=["base", " two  words", "base"])
    assert kept == RunNote("for the paper", ("base", "two words"))
    assert run_notes.run_notes(database, sample.project)[run] == kept
    assert run_notes.put_note(database, run, text="", tags=[]) == RunNote()


def test_a_note_leaves_config_and_other_settings(
    database: Database, sample: Sample, run: int
) -> None:
    projects.change_settings(database, sample.project, {"backbone": "nano"})
    before = runs.find_run(database, sample.project, run)
    run_notes.put_note(database, run, text="x")
    assert runs.find_run(database, sample.project, run) == before
    assert projects.find_project(database, sample.project).settings["backbone"] == "nano"


@pytest.mark.parametrize("tags", [["x" * 41], [str(n) for n in range(21)], ["  "], ["a\u202eb"]])
def test_tags_have_bounds(database: Database, run: int, tags: list[str]) -> None:
    with pytest.raises(InvalidData, match="tag"):
        run_notes.put_note(database, run, tags=tags)
    with pytest.raises(InvalidData, match="note"):
        run_notes.put_note(database, run, text="x" * 10_001)
    with pytest.raises(UnknownName):
        run_notes.put_note(database, 99, text="x")


@pytest.mark.parametrize("was", [RunState.READY, RunState.FAILED])
def test_an_archived_run_leaves_the_lists_and_comes_back_as_it_was(
    database: Database, sample: Sample, run: int, was: RunState
) -> None:
    runs.set_state(database, run, was)
    run_notes.put_note(database, run, text="kept")
    for _ in range(2):
        run_notes.archive_run(database, run)
    assert run not in [each.id for each in runs.list_runs(database, sample.project)]
    assert state(database, sample, run) is RunState.ARCHIVED
    for _ in range(2):
        run_notes.bring_back(database, run)
    assert state(database, sample, run) is was
    assert run_notes.run_notes(database, sample.project)[run].text == "kept"


def test_a_run_that_a_job_works_with_is_not_archived(
    database: Database, sample: Sample, run: int
) -> None:
    job = jobs.enqueue(database, NewJob(sample.project, "predict", "cpu", {"run": run}))
    with pytest.raises(Conflict, match="in use"):
        run_notes.archive_run(database, run)
    while (claimed := jobs.claim(database, "cpu")) is not None:
        jobs.finish(database, claimed.id, Ending(JobState.DONE))
        if claimed.id == job.id:
            break
    run_notes.archive_run(database, run)
    runs.set_state(database, run, RunState.TRAINING)
    with pytest.raises(Conflict, match="in use"):
        run_notes.archive_run(database, run)
