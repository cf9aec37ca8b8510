"""Several processes train one model together, here two on the CPU."""

import pytest

from app.jobs.protocol import JobFolder
from app.jobs.ranks import trains_together
from app.services import experiments
from app.services.machine import compute_slots
from core.config import RunConfig
from core.errors import InvalidConfig
from core.run_card import read_run_card
from core.together import share_of
from storage import jobs
from storage.states import JobState
from tests.app.conftest import finish, settings, state_of

STEPS = 6


def test_a_job_of_several_gpus_takes_none_of_anothers(monkeypatch):
    monkeypatch.setattr("app.services.machine.gpu_memory_gb", lambda: [24.0] * 5)
    assert compute_slots({}) == ["gpu:0", "gpu:1", "gpu:2", "gpu:3", "gpu:4"]
    assert compute_slots({"GAD_GPUS_PER_JOB": "2"}) == ["gpu:0,1", "gpu:2,3", "gpu:4"]


def test_a_batch_that_cannot_be_shared_is_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert share_of(8) == 2
    with pytest.raises(InvalidConfig, match="equal parts for 4 processes: it is 6"):
        share_of(6)


def test_a_choice_of_context_is_left_to_one_process(monkeypatch):
    monkeypatch.setenv("GAD_PROCESSES", "2")
    assert trains_together(RunConfig())
    assert not trains_together(RunConfig(context="auto"))


@pytest.mark.slow
def test_two_processes_learn_what_one_learns(studio, runner, project, tiny_folder, monkeypatch):
    # Stretches of unequal length: the processes answer unequal numbers of questions.
    training = {"steps": STEPS, "batch": 2, "dropout": 0.0, "stretch_s": 5, "checkpoint_every": 2}
    asked = settings(tiny_folder, training=training)
    alone = experiments.fine_tune(studio, project, asked)["job"]
    finish(runner, 300)
    monkeypatch.setenv("GAD_PROCESSES", "2")
    together = experiments.fine_tune(studio, project, asked)["job"]
    finish(runner, 300)
    folder = JobFolder(studio.directory.job(together))
    assert state_of(studio, together) is JobState.DONE, folder.log.read_text()
    for name in ("loss", "cls", "gen", "grad_norm", "learning_rate"):
        assert values(studio, together, name) == pytest.approx(
            values(studio, alone, name), rel=1e-4
        )
    plan = read_run_card(studio.directory.run(runs_of(studio, project)[0])).about["plan"]
    assert plan["batch"] == 1  # of two
    told = [
        event["done"] for event in folder.read_events(0)[0] if "loss" in event.get("values", {})
    ]
    assert told == list(range(1, STEPS + 1))  # one process speaks


def runs_of(studio, project) -> list[int]:
    return [run["id"] for run in experiments.list_runs(studio, project)]


def values(studio, job: int, name: str) -> list[float]:
    found = [point.value for point in jobs.curve(studio.database, job) if point.name == name]
    assert len(found) == STEPS
    return found
