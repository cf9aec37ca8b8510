"""Jobs on a Ray cluster of this machine: spread over nodes, and brought back from a dead one."""

import sys
import time

import pytest

from app.jobs.executors.ray_cluster import connected
from app.jobs.protocol import JobFolder
from app.jobs.runner import Runner
from app.services import experiments, importing, library
from app.services.machine import compute_slots
from core.errors import InvalidConfig, MissingArtifact
from core.video import write_mp4
from storage import jobs, runs
from storage.states import JobState, StopRequest
from tests.app.conftest import FPS, SCENES, finish, scene_frames, settings, wait_for
from tests.app.ray_nodes import nodes_of_ray

VIDEOS, STEPS = 40, 100


def test_a_named_cluster_gives_as_many_slots_as_it_is_told():
    assert compute_slots({"GAD_RAY_ADDRESS": "head:6379"}) == ["ray:0"]
    told = {"GAD_RAY_ADDRESS": "head:6379", "GAD_RAY_JOBS": "2"}
    assert compute_slots(told) == ["ray:0", "ray:1"]
    with pytest.raises(InvalidConfig, match="GAD_RAY_JOBS must be a positive number"):
        compute_slots({**told, "GAD_RAY_JOBS": "many"})


def test_without_ray_the_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with (
        pytest.raises(MissingArtifact, match=r"pip install 'gad-studio\[ray\]'"),
        connected({"GAD_RAY_ADDRESS": "head:6379"}),
    ):
        pass


@pytest.mark.training
@pytest.mark.timeout(900)
def test_a_fine_tune_on_a_cluster_is_stopped_and_kept(studio, project, tiny_folder, monkeypatch):
    asked = settings(tiny_folder, training={"steps": 4000})
    with nodes_of_ray(monkeypatch):
        queue = Runner(studio, ["ray:0"])
        made = experiments.fine_tune(studio, project, asked)
        wait_for(queue, lambda: step_of(studio, made["job"]) >= 3, 600)
        jobs.request_stop(studio.database, made["job"], StopRequest.KEEP)
        finish(queue, 600)
    job = jobs.find_job(studio.database, made["job"])
    assert job.state is JobState.STOPPED, log_of(studio, made["job"])
    assert 3 <= job.result["steps"] < 4000
    assert events_of(studio, made["job"], "features, on all nodes")[-1]["done"] == 4
    assert len(runs.list_predictions(studio.database, made["run"])) == 4


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_node_that_dies_in_a_checkpoint_costs_nothing(
    studio, runner, tiny_folder, tmp_path, monkeypatch
):
    project = fill_with_forty(studio, runner, tmp_path / "videos")
    training = {"steps": STEPS, "checkpoint_every": 1}
    asked = settings(tiny_folder, training=training)
    monkeypatch.setenv("GAD_RAY_JOBS", "2")
    with nodes_of_ray(monkeypatch, beside=1) as nodes:
        queue = Runner(studio, compute_slots())
        made = [experiments.fine_tune(studio, project, asked) for _ in range(2)]
        wait_for(queue, lambda: all(pid_of(studio, m["job"]) for m in made), 900)
        (node,) = nodes.beside
        (hit,) = [m for m in made if nodes.holds(node, pid_of(studio, m["job"]))]
        (spared,) = [m for m in made if m is not hit]
        wait_for(queue, lambda: step_of(studio, hit["job"]) > STEPS // 4, 600)
        wait_in_checkpoint(studio.directory.run(hit["run"]) / "checkpoints")
        nodes.kill(node)
        finish(queue, 1800)
        run = runs.find_run(studio.database, project, spared["run"])
        predicted = experiments.predict(studio, project, run)
        finish(queue, 600)
    ended = {m["job"]: jobs.find_job(studio.database, m["job"]) for m in made}
    assert [job.state for job in ended.values()] == [JobState.DONE] * 2, log_of(studio, hit["job"])
    assert (ended[hit["job"]].attempt, ended[spared["job"]].attempt) == (2, 1)
    assert losses(studio, hit["job"]) == losses(studio, spared["job"])
    assert ended[hit["job"]].result["metrics"] == ended[spared["job"]].result["metrics"]
    again = jobs.find_job(studio.database, predicted).result
    assert again["metrics"] == ended[spared["job"]].result["metrics"]


# ---- what the tests ask ----------------------------------------------------------------------


def fill_with_forty(studio, runner, folder) -> int:
    lines = ["video,start,end,label"]
    for number in range(VIDEOS):
        scene = SCENES[number % len(SCENES)]
        write_mp4(folder / f"{number}.mp4", scene_frames(scene, seed=number), FPS)
        lines += [f"{number}.mp4,{a},{b},{name}" for name, a, b in scene if name != "background"]
    (folder / "labels.csv").write_text("\n".join(lines))
    project = library.new_project(studio, "forty")
    library.add_folder(studio, project, folder)
    finish(runner, 600)
    importing.commit_import(studio, project, [folder / "labels.csv"], token="once")
    ids = [row["id"] for row in library.table(studio, project)]
    library.set_splits(studio, project, ids[4:], "train")
    library.set_splits(studio, project, ids[:4], "test")
    return project


def wait_in_checkpoint(folder) -> None:
    """Return while a checkpoint is being written."""
    until = time.monotonic() + 300
    while not any(path.suffix == ".tmp" for path in folder.iterdir()):
        assert time.monotonic() < until, "no checkpoint was written"
        time.sleep(0.001)


def pid_of(studio, job: int) -> int | None:
    """Return the process of the worker on its node, once it has begun."""
    events = JobFolder(studio.directory.job(job)).read_events(0)[0]
    return next((event["pid"] for event in events if event["type"] == "started"), None)


def events_of(studio, job: int, message: str) -> list[dict]:
    events = JobFolder(studio.directory.job(job)).read_events(0)[0]
    return [event for event in events if event.get("message") == message]


def losses(studio, job: int) -> list[float]:
    found = [p.value for p in jobs.curve(studio.database, job) if p.name == "loss"]
    assert len(found) == STEPS
    return found


def step_of(studio, job: int) -> int:
    return max((p.step for p in jobs.curve(studio.database, job) if p.name == "loss"), default=0)


def log_of(studio, job: int) -> str:
    return JobFolder(studio.directory.job(job)).log.read_text()
