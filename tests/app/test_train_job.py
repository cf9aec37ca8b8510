"""The worker of a fine-tune: what it tells, how it is stopped, what it refuses to go on with."""

import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from app.jobs.protocol import Ending, JobFolder
from app.jobs.worker import work
from core.checkpoints import numbered
from core.manifest import video_as_json
from core.types import LabelledVideo, Segment
from core.video import probe
from tests.app.conftest import SCENES, settings
from tests.core.killed_training import processes

pytestmark = [pytest.mark.training, pytest.mark.fault]

SECOND = 1_000_000


def frozen(folder: Path) -> list[LabelledVideo]:
    videos = []
    for path, scene in zip(sorted(folder.rglob("*.mp4")), SCENES, strict=True):
        spans = tuple(Segment(a * SECOND, b * SECOND, x) for x, a, b in scene if x != "background")
        info = probe(path)
        split = "test" if path.parent.name == "second" else "train"
        video = LabelledVideo(path.name, path, info.content_hash, info.duration_us, spans,
                              split=split)  # fmt: skip
        videos.append(video)
    return videos


@pytest.fixture
def job(tmp_path, little_folder, tiny_folder, tmp_path_factory) -> JobFolder:
    """A frozen job on copies of the little videos; their features are computed once."""
    videos = shutil.copytree(little_folder, tmp_path / "videos")
    job = JobFolder(tmp_path / "job")
    job.write_spec({
        "kind": "train", "run": 1, "run_folder": str(tmp_path / "run"), "goals": [], "about": {},
        "cache": str(tmp_path_factory.getbasetemp() / "cache of jobs"),
        "labels": ["cut bread", "stir tea"],
        "config": settings(tiny_folder, training={"steps": 60, "checkpoint_every_s": 1e6}),
        "videos": [video_as_json(video) for video in frozen(videos)],
    })  # fmt: skip
    return job


def begin(job: JobFolder):
    job.forget_ending()
    process = processes.Process(target=work, args=(job,))
    process.start()
    return process


def steps(job: JobFolder) -> list[int]:
    events, _ = job.read_events(0)
    return [e["done"] for e in events if "loss" in e.get("values", {})]


def wait_for_step(job: JobFolder, step: int) -> None:
    end = time.monotonic() + 120
    while not (done := steps(job)) or done[-1] < step:
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


def finished(job: JobFolder) -> dict:
    begin(job).join()
    result = job.read_result()
    assert result is not None
    return result


@pytest.mark.parametrize(
    "asked", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_a_worker_that_is_asked_to_end_keeps_a_checkpoint_and_can_be_resumed(job, asked):
    process = begin(job)
    wait_for_step(job, 3)
    os.kill(process.pid, asked)
    process.join()
    assert job.read_result() is None  # nobody stopped the job: the queue says LOST, and resumes
    last = steps(job)[-1]
    (kept,) = numbered(Path(job.read_spec()["run_folder"]) / "checkpoints")
    assert kept.name == f"checkpoint-{last}"
    assert finished(job)["state"] == Ending.DONE
    assert steps(job) == list(range(1, 61))


def test_videos_that_changed_since_are_counted_and_refused_until_they_are_back(job, tmp_path):
    process = begin(job)
    wait_for_step(job, 2)
    os.kill(process.pid, signal.SIGTERM)
    process.join()
    changed, gone, *_ = sorted((tmp_path / "videos").rglob("*.mp4"))
    contents = {path: path.read_bytes() for path in (changed, gone)}
    changed.write_bytes(contents[changed][:-1] + b"x")
    gone.unlink()
    result = finished(job)
    assert result["state"] == Ending.FAILED
    assert result["error"]["value"] == (
        "of 4 videos 1 changed (0.mp4) and 1 cannot be read (1.mp4)"
    )
    for path, content in contents.items():
        path.write_bytes(content)  # the same content at another time
    assert finished(job)["state"] == Ending.DONE


def test_a_video_that_changed_before_it_was_read_is_refused(job, tmp_path):
    spec = job.read_spec() | {"cache": str(tmp_path / "empty cache")}
    job.write_spec(spec)
    path = next((tmp_path / "videos").rglob("0.mp4"))
    shutil.copy(next((tmp_path / "videos").rglob("1.mp4")), path)
    result = finished(job)
    assert "1 changed (0.mp4)" in result["error"]["value"]
    assert not (tmp_path / "empty cache").exists()


def test_a_forecast_is_in_the_jobs_folder(job):
    spec = job.read_spec()
    spec["config"]["training"] |= {"steps": 2, "device": "cuda"}
    job.write_spec(spec)
    assert job.read_forecast() is None
    assert finished(job)["state"] == Ending.DONE
    found = job.read_forecast()
    assert found.keys() == {
        "checks", "step_s", "left_s", "memory_bytes", "memory_total_bytes", "memory_of",
        "disk_needed_bytes", "disk_free_bytes", "plan", "steps_down", "fell_back",
    }  # fmt: skip
    assert found["plan"].keys() == {"batch", "accumulation", "window", "checkpointing"}
    assert any("'test' is one video" in check for check in found["checks"])
    assert "the CPU is used" in found["fell_back"]
