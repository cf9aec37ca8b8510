"""The inference worker as a real process: it starts, answers, ends, and its end costs nothing."""

import json
import signal
import subprocess
import threading
import time

import numpy as np
import pytest

from app.services import inspection, results
from app.services.inference import InferenceWorker
from core.errors import InvalidData, StudioError
from storage import jobs, library
from storage.jobs import NewJob
from tests.app.inspected import make_answering_run

pytestmark = [pytest.mark.training]


@pytest.fixture
def site(studio, project, tiny_folder):
    run = make_answering_run(studio, project, tiny_folder, 1, classifier="generative")
    worker = InferenceWorker(studio, "cpu")
    yield studio, run, library.list_videos(studio.database, project)[0].id, worker
    worker.close()


def look(site, time_us: int = 4_000_000, worker: InferenceWorker | None = None) -> dict:
    """Ask until the answer is there."""
    studio, run, video, own = site
    end = time.monotonic() + 180
    while True:
        found = inspection.inspect(studio, worker or own, run, video, time_us, "")
        if "waiting" not in found:
            return found
        assert time.monotonic() < end, "it took too long"


def process_of(worker: InferenceWorker) -> subprocess.Popen[bytes]:
    assert worker.process is not None
    return worker.process


def shown_labels(branches: list[dict]) -> dict[str, float]:
    """Return the labels of a tree with their probabilities."""
    found: dict[str, float] = {}
    for branch in branches:
        found |= {branch["label"]: branch["ends"]} if branch["label"] else {}
        found |= shown_labels(branch["children"])
    return found


def test_a_moment_is_what_the_lanes_show(site):
    studio, run, video, _ = site
    (lane,) = results.compare(studio, video, [run])["lanes"]
    for time_us in (0, 3_100_000, 8_900_000, 1_000_000):
        found = look(site, time_us)
        row = lane["time_us"].index(found["time_us"])
        labels = shown_labels(found["branches"])
        among = 1 - found["not_a_label"]  # lanes are shares of the labels alone
        top = {
            lane["classes"][c]: p for c, p in zip(lane["top"][row], lane["top_p"][row], strict=True)
        }
        for name, p in labels.items():
            assert p / among == pytest.approx(top[name], abs=0.002)
        assert found["decided"]["label"] == lane["classes"][lane["class"][row]]
        assert found["written"]["text"] == lane["texts"][row]
        whole = sum(labels.values()) + found["rest"]["p"] + found["not_a_label"]
        assert whole == pytest.approx(1, abs=1e-5)


def test_a_killed_worker_is_an_error_and_the_next_question_is_answered(site):
    before = look(site)
    process = process_of(site[3])
    process.kill()
    process.wait()
    assert look(site)["branches"] == before["branches"]  # it was gone before: nobody notices
    again = process_of(site[3])
    assert again is not process
    again.send_signal(signal.SIGSTOP)  # it has a question when it dies
    threading.Timer(1.0, again.kill).start()
    with pytest.raises(StudioError, match="into moments ended"):
        look(site)
    assert look(site)["branches"] == before["branches"]


def test_a_hanging_worker_keeps_nobody_waiting(site):
    studio, run, video, worker = site
    before = look(site)
    process_of(worker).send_signal(signal.SIGSTOP)
    worker.timeout_s = 0.2
    for _ in range(3):
        assert "waiting" in inspection.inspect(studio, worker, run, video, 4_000_000, "")
    process_of(worker).send_signal(signal.SIGCONT)
    worker.timeout_s = 20
    assert look(site)["branches"] == before["branches"]


def test_an_idle_worker_ends_by_itself_and_comes_back(site):
    studio = site[0]
    worker = InferenceWorker(studio, "cpu", idle_s=0.3)
    first = look(site, worker=worker)
    process = process_of(worker)
    assert process.wait(60) == 0
    assert look(site, worker=worker)["branches"] == first["branches"]
    assert worker.process is not process
    worker.close()


def test_a_job_on_the_graphics_card_takes_it_from_the_worker(site, project):
    studio = site[0]
    worker = InferenceWorker(studio, "gpu:0")
    look(site, worker=worker)
    process = process_of(worker)
    jobs.enqueue(studio.database, NewJob(project, "train", "gpu:0"))
    job = jobs.claim(studio.database, "gpu:0")
    assert job is not None
    assert process.wait(60) == -signal.SIGKILL
    waiting = inspection.inspect(studio, worker, site[1], site[2], 4_000_000, "")["waiting"]
    assert "a job has gpu:0" in waiting
    jobs.finish(studio.database, job.id, jobs.Ending(jobs.JobState.DONE))
    assert look(site, worker=worker)["branches"]
    worker.close()


def test_only_runs_that_write_are_looked_into(site, project, tiny_folder):
    studio, _, video, worker = site
    run = make_answering_run(studio, project, tiny_folder, 2, classifier="discriminative")
    with pytest.raises(InvalidData, match="answers by scores"):
        inspection.inspect(studio, worker, run, video, 0, "")
    assert worker.process is None


def test_what_the_worker_refuses_is_said_and_it_goes_on(site, project, tiny_folder):
    studio, _, video, worker = site
    clips = make_answering_run(
        studio, project, tiny_folder, 3, classifier="generative", task="step_recognition"
    )
    spans = results.compare(studio, video, [clips])["lanes"][0]["span_us"]
    start, end = spans[0]
    asked = (studio, clips, video, worker)
    found = look(asked, (start + end) // 2)
    assert found["question"] == "step_recognition"
    assert json.dumps(found)
    outside = next(
        t for t in np.arange(0, 9_000_000, 10_000) if all(not a <= t < b for a, b in spans)
    )
    with pytest.raises(StudioError, match="nothing is at"):
        look(asked, int(outside))
    assert look(asked, (start + end) // 2)["branches"] == found["branches"]
