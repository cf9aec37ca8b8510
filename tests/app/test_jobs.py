"""Jobs are rows and processes: real workers, killed, stopped, resumed, found again."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from app.jobs.executors.local import LocalExecutor
from app.jobs.protocol import Ending, JobFolder
from app.jobs.runner import Runner
from app.services import experiments, job_queue, library, results
from app.services.code_version import code_version
from core.checkpoints import numbered
from core.errors import Conflict, InvalidData, UnknownName
from core.run_card import read_run_card
from storage import annotations, jobs, library as storage_library, runs
from storage.jobs import NewJob
from storage.states import JobState, RunState, StopRequest
from tests.app.conftest import finish, settings, state_of, wait_for

pytestmark = pytest.mark.training
LONG = {"steps": 4000, "checkpoint_every_s": 0.5}


def start(studio, project, backbone, **values) -> dict:
    return experiments.fine_tune(studio, project, settings(backbone, **values))


def steps_done(studio, job: int) -> int:
    points = jobs.curve(studio.database, job)
    return max((p.step for p in points if p.name == "loss"), default=0)


def test_a_fine_tune_ends_with_a_run_its_figures_and_its_predictions(
    studio, runner, project, tiny_folder
):
    made = start(studio, project, tiny_folder, classifier="discriminative", training={"steps": 60})
    finish(runner)
    job, run = (
        jobs.find_job(studio.database, made["job"]),
        experiments.list_runs(studio, project)[0],
    )
    assert (job.state, run["state"]) == (JobState.DONE, "ready")
    accuracy = run["metrics"]["test"]["frame_accuracy"]["value"]
    assert accuracy > 60  # plain colours
    assert len(runs.list_predictions(studio.database, made["run"])) == 4
    curve = {name for _, name, _ in job_queue.curve(studio, made["job"])}
    assert curve >= {"loss", "cls", "learning_rate"}


def test_compare_shows_a_stored_prediction_for_every_frame(studio, runner, project, tiny_folder):
    made = start(studio, project, tiny_folder, classifier="generative")
    finish(runner)
    video = results.first_video(studio, project)
    (lane,) = results.compare(studio, video, [made["run"]])["lanes"]
    assert lane["time_us"] == [k * 250_000 for k in range(36)]
    assert len(lane["class"]) == len(lane["top"]) == len(lane["texts"]) == 36
    assert all(len(row) == 3 for row in lane["top"])  # background and two classes
    np.testing.assert_allclose(np.sum(lane["top_p"], axis=1), 1, atol=0.01)
    assert lane["cost"]["ms"] > 0


@pytest.mark.slow
def test_three_fine_tunes_wait_for_one_slot(studio, runner, project, tiny_folder):
    made = experiments.fine_tune_all(studio, project, settings(tiny_folder, training={"steps": 2}))
    runner.tick()
    states = [state_of(studio, m["job"]) for m in made]
    assert states == [JobState.RUNNING, JobState.QUEUED, JobState.QUEUED]
    finish(runner)
    assert [state_of(studio, m["job"]) for m in made] == [JobState.DONE] * 3
    assert {r["mark"] for r in experiments.list_runs(studio, project)} == {"G", "D", "GAD"}


@pytest.mark.fault
def test_stop_and_keep_leaves_a_usable_run(studio, runner, project, tiny_folder):
    made = start(studio, project, tiny_folder, training=LONG)
    wait_for(runner, lambda: steps_done(studio, made["job"]) >= 3)
    job_queue.stop(studio, made["job"], "keep")
    finish(runner)
    job = jobs.find_job(studio.database, made["job"])
    assert job.state is JobState.STOPPED
    assert 3 <= job.result["steps"] < 4000
    assert experiments.list_runs(studio, project)[0]["metrics"]["test"]
    assert read_run_card(studio.directory.run(made["run"])).about["steps"] == job.result["steps"]


@pytest.mark.fault
def test_cancel_leaves_no_run(studio, runner, project, tiny_folder):
    made = start(studio, project, tiny_folder, training=LONG)
    wait_for(runner, lambda: steps_done(studio, made["job"]) >= 2)
    job_queue.stop(studio, made["job"], "discard")
    finish(runner)
    assert state_of(studio, made["job"]) is JobState.STOPPED
    assert not (studio.directory.run(made["run"]) / "run.json").exists()
    assert runs.find_run(studio.database, project, made["run"]).state is RunState.FAILED


@pytest.mark.fault
def test_a_worker_that_is_ended_goes_on_by_itself_twice_then_waits_for_a_person(
    studio, runner, project, tiny_folder
):
    made = start(studio, project, tiny_folder, training=LONG)
    log, first_steps = JobFolder(studio.directory.job(made["job"])), []
    folder = studio.directory.run(made["run"])
    for attempt, number in enumerate((signal.SIGKILL, signal.SIGTERM, signal.SIGINT), start=1):
        first_steps.append(next_step(runner, folder, log))
        assert stand(studio, made) == (JobState.RUNNING, attempt)
        os.kill(jobs.find_job(studio.database, made["job"]).pid, number)
        wait_for(runner, lambda now=attempt: stand(studio, made) != (JobState.RUNNING, now))
    assert stand(studio, made) == (JobState.LOST, 3)
    detail = job_queue.job_detail(studio, made["job"])
    assert runs.find_run(studio.database, project, made["run"]).state is RunState.FAILED
    job_queue.resume(studio, made["job"])
    first_steps.append(next_step(runner, folder, log))
    job_queue.stop(studio, made["job"], "keep")
    finish(runner)
    assert state_of(studio, made["job"]) is JobState.STOPPED
    assert first_steps[-1] > detail["resumes_at"] > 0
    assert first_steps[0] == 1 < min(first_steps[1:])  # from a checkpoint, not from the beginning
    losses = [s for s, n, _ in job_queue.curve(studio, made["job"]) if n == "loss"]
    assert losses == list(range(1, len(losses) + 1))


def stand(studio, made: dict) -> tuple[JobState, int]:
    job = jobs.find_job(studio.database, made["job"])
    return job.state, job.attempt


def next_step(runner, run_folder: Path, log: JobFolder) -> int:
    """Return the next step that a training reports, when it has also written a checkpoint."""
    said, beside = len(trained_steps(log)), numbered(run_folder / "checkpoints")
    wait_for(
        runner,
        lambda: len(trained_steps(log)) > said and numbered(run_folder / "checkpoints") != beside,
    )
    return trained_steps(log)[said]


def trained_steps(log: JobFolder) -> list[int]:
    """Return every step that the attempts of a training reported, in their order."""
    return [e["done"] for e in log.read_events(0)[0] if "loss" in e.get("values", {})]


@pytest.mark.fault
def test_a_worker_that_will_not_stop_is_ended_and_leaves_no_run(
    studio, runner, project, tiny_folder, monkeypatch
):
    monkeypatch.setattr("app.jobs.runner.GRACE_S", 0.2)
    made = start(studio, project, tiny_folder, training=LONG)
    wait_for(runner, lambda: steps_done(studio, made["job"]) >= 2)
    os.kill(jobs.find_job(studio.database, made["job"]).pid, signal.SIGSTOP)
    job_queue.stop(studio, made["job"], "discard")
    finish(runner)
    job = jobs.find_job(studio.database, made["job"])
    assert (job.state, job.attempt, job.error) == (JobState.STOPPED, 1, None)
    assert not studio.directory.run(made["run"]).exists()


def test_a_worker_that_cannot_be_started_is_a_failed_job_and_frees_its_slot(
    studio, runner, project, tiny_folder
):
    first, second = (start(studio, project, tiny_folder, training={"steps": 2}) for _ in range(2))
    folder = studio.directory.job(first["job"])
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("")  # a file where the folder should be
    finish(runner)
    job = jobs.find_job(studio.database, first["job"])
    assert job.state is JobState.FAILED
    assert job.error["rule"] == "A worker could not be started"
    assert state_of(studio, second["job"]) is JobState.DONE


@pytest.mark.fault
def test_a_restarted_server_finds_its_worker_again(studio, runner, project, tiny_folder):
    made = start(studio, project, tiny_folder, training={"steps": 120})
    wait_for(runner, lambda: steps_done(studio, made["job"]) >= 2)
    left = [active.worker.process for active in runner._active.values()]
    runner._active.clear()  # this server is gone; its worker goes on
    second = Runner(studio, ["cpu"])
    second.adopt()
    assert second._active[made["job"]].worker.process is None
    finish(second)
    assert state_of(studio, made["job"]) is JobState.DONE
    assert steps_done(studio, made["job"]) == 120
    assert [process.wait() for process in left] == [0]


@pytest.mark.fault
def test_a_worker_that_its_row_does_not_name_yet_is_found_by_its_folder(
    studio, runner, project, tiny_folder
):
    made = start(studio, project, tiny_folder, training={"steps": 2})
    job = jobs.claim(studio.database, "cpu")
    folder = JobFolder(studio.directory.job(made["job"]))
    folder.write_spec(job.spec)
    worker = LocalExecutor().start(job, folder)  # and then the server ended
    runner.adopt()
    assert jobs.find_job(studio.database, made["job"]).pid == worker.pid
    worker.process.wait()
    finish(runner)
    job = jobs.find_job(studio.database, made["job"])
    assert (job.state, job.attempt) == (JobState.DONE, 1)


@pytest.mark.fault
def test_another_program_with_the_same_pid_is_not_taken_for_the_worker(
    studio, runner, project, tiny_folder
):
    made = start(studio, project, tiny_folder)
    job = jobs.claim(studio.database, "cpu")
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        began = psutil.Process(other.pid).create_time()
        jobs.set_process(studio.database, job.id, other.pid, began - 1000)
        jobs.request_stop(studio.database, job.id, StopRequest.DISCARD)
        runner.adopt()
        runner.tick()
        assert state_of(studio, made["job"]) is JobState.STOPPED
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


@pytest.mark.fault
def test_a_run_never_sees_edits_made_after_its_start(studio, runner, project, tiny_folder):
    made = start(studio, project, tiny_folder)
    spec = jobs.find_job(studio.database, made["job"]).spec
    video = storage_library.find_video(studio.database, project, spec["videos"][0]["name"])
    found = annotations.list_segments(studio.database, video.id)
    annotations.delete_segments(studio.database, video.id, {s.id: s.version for s in found})
    finish(runner)
    about = read_run_card(studio.directory.run(made["run"])).about
    assert about["data"] == spec["about"]
    seen = job_queue.job_detail(studio, made["job"])
    assert seen["state"] is JobState.DONE
    assert (seen["code"], seen["labels_of"]["since"]) == (code_version(), 1)
    assert seen["labels_of"]["at_us"] < seen["created_us"]
    run = runs.find_run(studio.database, project, made["run"])
    assert (run.job_id, run.label_set_id) == (made["job"], 1)


def test_a_run_on_changed_data_has_another_hash(studio, project, tiny_folder):
    first = start(studio, project, tiny_folder)
    library.set_splits(studio, project, [library.table(studio, project)[0]["id"]], "test")
    second = start(studio, project, tiny_folder)
    hashes = {runs.find_run(studio.database, project, m["run"]).data_hash for m in (first, second)}
    assert len(hashes) == 2


def test_a_job_that_fails_says_so_in_one_sentence(studio, runner, project, tiny_folder):
    made = start(studio, project, tiny_folder)
    folder = studio.directory.features
    finish(runner)
    for path in folder.rglob("*.safetensors"):
        path.write_bytes(path.read_bytes()[:40])
    broken = start(studio, project, tiny_folder)
    finish(runner)
    job = jobs.find_job(studio.database, broken["job"])
    assert state_of(studio, made["job"]) is JobState.DONE
    assert job.state is JobState.FAILED
    assert "feature file must be whole" in job.error["rule"]
    assert "Traceback" in job_queue.log_tail(studio, broken["job"])
    assert job.state.can_resume


def test_a_fault_of_the_program_is_a_sentence_too(tmp_path):
    folder = JobFolder(tmp_path / "job")
    folder.write_spec({"kind": "train"})  # nothing else
    subprocess.run(
        [sys.executable, "-m", "app.jobs.worker", str(folder.path)], stderr=subprocess.PIPE
    )
    result = folder.read_result()
    assert result["state"] == Ending.FAILED
    assert result["error"]["rule"] == "The job ended in a fault of the program"


def test_events_are_read_in_whole_lines_only(tmp_path):
    folder = JobFolder(tmp_path)
    folder.append_event({"type": "a"})
    with (tmp_path / "events.jsonl").open("a") as file:
        file.write('{"type": "half')
    events, offset = folder.read_events(0)
    assert [e["type"] for e in events] == ["a"]
    with (tmp_path / "events.jsonl").open("a") as file:
        file.write('"}\n')
    assert folder.read_events(offset)[0] == [{"type": "half"}]


def test_a_line_that_was_cut_short_hides_no_other(tmp_path):
    folder = JobFolder(tmp_path)
    (tmp_path / "events.jsonl").write_text('{"type": "ha')  # and the worker was killed
    folder.append_event({"type": "joined to the half"})
    folder.append_event({"type": "whole"})
    assert [e["type"] for e in folder.read_events(0)[0]] == ["whole"]


@pytest.mark.fault
def test_what_cannot_be_trained_is_refused_at_the_click(studio, runner, project, tiny_folder):
    with pytest.raises(UnknownName, match="discriminative"):
        start(studio, project, tiny_folder, classifier="discrimnative")
    library.set_splits(studio, project, [r["id"] for r in library.table(studio, project)], "test")
    with pytest.raises(InvalidData, match="split 'train'"):
        start(studio, project, tiny_folder)
    assert experiments.list_runs(studio, project) == []
    assert [j for j in job_queue.list_jobs(studio, project) if j["kind"] == "train"] == []


def test_a_job_that_waits_is_shown_however_many_came_after_it(studio):
    project = library.new_project(studio, "many")
    made = [jobs.enqueue(studio.database, NewJob(project, "probe", "media")).id for _ in range(5)]
    jobs.request_stop(studio.database, made[1], StopRequest.DISCARD)
    shown = job_queue.list_jobs(studio, project, limit=2)
    assert [job["id"] for job in shown] == [made[4], made[3], made[2], made[0]]


def test_finished_work_cannot_be_stopped(studio, runner, project, tiny_folder):
    made = start(studio, project, tiny_folder, training={"steps": 2})
    finish(runner)
    with pytest.raises(Conflict):
        job_queue.stop(studio, made["job"], "keep")


def test_a_silent_heartbeat_of_a_living_worker_is_stalled_not_lost(
    studio, runner, project, tiny_folder
):
    made = start(studio, project, tiny_folder, training=LONG)
    wait_for(runner, lambda: steps_done(studio, made["job"]) >= 2)
    pid = jobs.find_job(studio.database, made["job"]).pid
    os.kill(pid, signal.SIGSTOP)
    try:
        beat = studio.directory.job(made["job"]) / "heartbeat"
        old = time.time() - 100
        os.utime(beat, (old, old))
        runner.tick()
        shown = job_queue.list_jobs(studio, project)[0]
        assert (shown["stalled"], shown["state"]) == (True, JobState.RUNNING)
    finally:
        os.kill(pid, signal.SIGCONT)


def test_the_specification_is_frozen_as_json(studio, runner, project, tiny_folder):
    made = start(studio, project, tiny_folder)
    runner.tick()
    spec = json.loads((studio.directory.job(made["job"]) / "spec.json").read_text())
    assert {v["split"] for v in spec["videos"]} == {"train", "test"}
    assert all(len(v["content_hash"]) == 64 for v in spec["videos"])
    finish(runner)
