"""The queue under fire: its workers are killed at random moments, and once its server too."""

import json
import logging
import math
import os
import random
import signal
import sqlite3
import threading
import time
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from app.jobs.endings import ATTEMPTS
from app.jobs.protocol import JobFolder
from app.jobs.runner import Runner
from app.services import experiments, library, open_studio
from storage import jobs
from storage.jobs import NewJob
from storage.states import JobState
from tests.app import test_server
from tests.app.conftest import fill, settings

log = logging.getLogger(__name__)

pytestmark = [pytest.mark.slow, pytest.mark.fault]

LOOKS, TRAININGS = 44, 6


def queue_jobs(data: Path, folder: Path, backbone: Path) -> list[int]:
    """Queue small jobs: many that look at videos, a few fine-tunes."""
    with open_studio(data) as studio:
        library.new_project(studio, "kitchen")  # no demo is rendered beside the jobs
        project = fill(studio, Runner(studio, ["cpu"]), folder)
        look = jobs.list_jobs(studio.database, project)[-1]
        looks = [NewJob(project, "probe", "media", look.spec) for _ in range(LOOKS)]
        made = [jobs.enqueue(studio.database, job).id for job in looks]
        few = settings(backbone, training={"steps": 4})
        made += [experiments.fine_tune(studio, project, few)["job"] for _ in range(TRAININGS)]
        return made


@dataclass
class Killer:
    """Kills four of ten workers at some moment of theirs, and sees that no job has two of them."""

    data: Path
    dice: random.Random
    over: threading.Event = field(default_factory=threading.Event)
    dooms: dict[int, float] = field(default_factory=dict)
    kills: Counter[int] = field(default_factory=Counter)
    twice: list[int] = field(default_factory=list)

    def work(self) -> None:
        while not self.over.wait(0.2):
            alive = self.workers()
            self.twice += [job for job, count in Counter(j for j, _ in alive).items() if count > 1]
            for job, process in alive:
                if process.pid not in self.dooms:
                    spared = self.dice.random() > 0.4
                    later = self.dice.uniform(0, 8)
                    self.dooms[process.pid] = math.inf if spared else time.monotonic() + later
                elif time.monotonic() > self.dooms[process.pid]:
                    self.dooms[process.pid] = math.inf
                    self.kills[job] += 1
                    with suppress(psutil.NoSuchProcess):
                        process.kill()

    def workers(self) -> list[tuple[int, psutil.Process]]:
        """Return the living workers of the data directory with the jobs they do."""
        found = []
        for process in psutil.process_iter(["cmdline"]):
            module, folder = ["", "", *(process.info["cmdline"] or [])][-2:]
            mine = module == "app.jobs.worker" and folder.startswith(str(self.data))
            if mine and process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                found.append((int(Path(folder).name), process))
        return found


def unfinished(data: Path) -> int:
    words = ", ".join(f"'{state}'" for state in JobState if not state.is_finished)
    with closing(sqlite3.connect(data / "gad.sqlite")) as database:
        return database.execute(f"SELECT count(*) FROM job WHERE state IN ({words})").fetchone()[0]


def wait_until_left(data: Path, left: int) -> None:
    end = time.monotonic() + 1500
    while unfinished(data) > left:
        assert time.monotonic() < end, f"{unfinished(data)} jobs are left"
        time.sleep(0.5)


def test_fifty_jobs_end_as_they_should_though_workers_and_server_are_killed(
    tmp_path, little_folder, tiny_folder
):
    data = tmp_path / "data"
    made = queue_jobs(data, little_folder, tiny_folder)
    removed = set(made[40:42])
    killer = Killer(data, random.Random(7))
    thread = threading.Thread(target=killer.work)
    with test_server.server(data, test_server.free_port()) as (base, process):
        for job in removed:
            test_server.call(base, f"/api/jobs/{job}/stop", {"how": "discard"})
        thread.start()
        wait_until_left(data, len(made) // 2)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    try:
        with test_server.server(data, test_server.free_port()):
            wait_until_left(data, 0)
    finally:
        killer.over.set()
        thread.join()
    with open_studio(data) as studio:
        ended = {job: jobs.find_job(studio.database, job) for job in made}
    assert killer.twice == []
    assert {job for job in made if ended[job].state is JobState.STOPPED} == removed
    for number, job in ended.items():
        begun = events(data, number, "started")
        assert begun <= job.attempt <= min(ATTEMPTS, killer.kills[number] + 1)
        if job.state is JobState.LOST:
            assert job.attempt == ATTEMPTS <= killer.kills[number]
        elif number not in removed:
            assert job.state is JobState.DONE, job.error
            assert JobFolder(data / "jobs" / str(number)).read_result()["state"] == "DONE"
    log.info("%d jobs, %d workers killed, the server once: %s; attempts %s", len(made),
             killer.kills.total(), dict(Counter(j.state.value for j in ended.values())),
             dict(Counter(j.attempt for j in ended.values())))  # fmt: skip


def events(data: Path, job: int, kind: str) -> int:
    path = data / "jobs" / str(job) / "events.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return len([line for line in lines if json.loads(line)["type"] == kind])
