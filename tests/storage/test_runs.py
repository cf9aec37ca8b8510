from dataclasses import replace

import pytest

from core.errors import Conflict, UnknownName
from storage import projects, runs
from storage.database import Database
from storage.runs import Metric, NewRun, StoredPrediction
from storage.states import RunState
from tests.storage.samples import Sample


@pytest.fixture
def new(sample: Sample) -> NewRun:
    return NewRun(
        project_id=sample.project,
        classifier="gad",
        task="online",
        backbone="nano",
        data_hash="f" * 64,
        config={"seed": 1},
        label_set_id=sample.label_set,
        label_set_revision=1,
    )


def test_a_run_is_found_by_its_name_and_its_id(database: Database, new: NewRun) -> None:
    made = runs.create_run(database, replace(new, name="my run"))
    assert runs.find_run(database, new.project_id, "my run") == made
    assert runs.find_run(database, new.project_id, made.id) == made
    assert (made.state, made.folder, made.config) == (RunState.TRAINING, "runs/1", {"seed": 1})


def test_a_run_without_a_name_gets_a_number_that_none_had(database: Database, new: NewRun) -> None:
    first = runs.create_run(database, new)
    runs.set_state(database, first.id, RunState.ARCHIVED)
    runs.create_run(database, replace(new, name="nano-3"))
    third = runs.create_run(database, new)
    hub = runs.create_run(database, replace(new, backbone="HuggingFaceTB/SmolVLM2-500M"))
    assert [first.name, third.name, hub.name] == ["nano-1", "nano-4", "SmolVLM2-500M-4"]


def test_two_runs_of_a_project_have_two_names(database: Database, new: NewRun) -> None:
    made = runs.create_run(database, new)
    with pytest.raises(Conflict, match="exists: 'nano-1'"):
        runs.create_run(database, replace(new, name="nano-1"))
    other = runs.create_run(database, new)
    with pytest.raises(Conflict, match="exists: 'nano-1'"):
        runs.rename_run(database, other.id, "nano-1")
    runs.rename_run(database, made.id, "baseline")
    assert runs.find_run(database, new.project_id, "baseline").id == made.id
    elsewhere = projects.create_project(database, "other").id
    assert runs.create_run(database, replace(new, project_id=elsewhere)).name == "nano-1"


def test_a_mistyped_run_is_suggested(database: Database, new: NewRun) -> None:
    runs.create_run(database, new)
    with pytest.raises(UnknownName, match=r"Unknown run: 'nano1'\. Did you mean 'nano-1'"):
        runs.find_run(database, new.project_id, "nano1")
    with pytest.raises(UnknownName, match="Unknown run: '7'"):
        runs.find_run(database, new.project_id, 7)


def test_figures_come_with_their_run_and_later_ones_take_their_place(
    database: Database, new: NewRun
) -> None:
    one, two = runs.create_run(database, new), runs.create_run(database, new)
    figures = [Metric("test", "top1", 0.8, 0.7, 0.9, 36), Metric("test", "map", float("nan"))]
    runs.put_metrics(database, one.id, figures)
    runs.put_metrics(database, one.id, [Metric("test", "top1", 0.86, 0.84, 0.88, 36)])
    newest, oldest = runs.list_runs(database, new.project_id)
    assert (newest.id, newest.metrics) == (two.id, ())
    assert oldest.metric("test", "top1") == Metric("test", "top1", 0.86, 0.84, 0.88, 36)
    assert oldest.metric("test", "map") == Metric("test", "map", None)
    assert oldest.metric("val", "top1") is None


def test_archived_runs_are_listed_on_request_and_always_found(
    database: Database, new: NewRun
) -> None:
    made = runs.create_run(database, new)
    runs.set_state(database, made.id, RunState.ARCHIVED)
    assert runs.list_runs(database, new.project_id) == ()
    assert [run.id for run in runs.list_runs(database, new.project_id, archived=True)] == [made.id]
    assert runs.find_run(database, new.project_id, "nano-1").state is RunState.ARCHIVED


def test_predictions_are_kept_once_per_video(
    database: Database, sample: Sample, new: NewRun
) -> None:
    run = runs.create_run(database, new).id
    tea, juice, _ = sample.videos
    first = [StoredPrediction(video, f"{video}.st", 240, 4.8, 1, 1) for video in (juice, tea)]
    runs.put_predictions(database, run, first)
    again = StoredPrediction(tea, "new.st", 241, 14.9, 4, 5)
    runs.put_predictions(database, run, [again])
    assert runs.list_predictions(database, run) == (again, first[0])


def test_what_belongs_to_no_run_is_refused(database: Database) -> None:
    with pytest.raises(UnknownName, match="Unknown run: 9"):
        runs.put_metrics(database, 9, [Metric("test", "top1", 0.5)])
