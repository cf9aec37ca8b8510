"""The server's side of the queue: claims jobs, starts workers, reads what they say, ends jobs.

Only this process writes the database. A worker is a process of its own session and survives the
server; a restarted server finds it again by pid and start time, and reads its files.
"""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import psutil

from app.jobs.ingestion import Ingestion, keep_result
from app.jobs.protocol import JobFolder
from app.services import Studio
from app.services.machine import compute_slots
from core.errors import StudioError
from storage import jobs, runs
from storage.jobs import Ending, Job
from storage.states import JobState, RunState, StopRequest

log = logging.getLogger(__name__)

TICK_S = 0.25
GRACE_S = 60.0
"""How long a worker may take to stop before it is killed."""

MEDIA = "media"


@dataclass
class _Active:
    """A job whose worker may be running."""

    job: Job
    folder: JobFolder
    ingestion: Ingestion
    process: subprocess.Popen[bytes] | None = None
    asked: float | None = None
    signalled: set[StopRequest] = field(default_factory=set)


class Runner:
    """Runs the queue of one studio in a thread."""

    def __init__(self, studio: Studio, slots: Sequence[str] | None = None) -> None:
        self.studio = studio
        self.slots = [*(slots or compute_slots()), MEDIA]
        self._active: dict[int, _Active] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="job runner", daemon=True)

    def start(self) -> None:
        """Find the workers of an earlier server, then run the queue until `close`."""
        self.adopt()
        self._thread.start()

    def close(self) -> None:
        """Stop running the queue; workers go on by themselves."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(10)

    def adopt(self) -> None:
        """Take over jobs that an earlier server started."""
        states = [JobState.RUNNING, JobState.STOPPING]
        for job in jobs.list_jobs(self.studio.database, states=states):
            self._active[job.id] = self._watched(job)

    def _run(self) -> None:
        while not self._stop.wait(TICK_S):
            try:
                self.tick()
            except Exception:
                log.exception("the queue stumbled; it goes on")

    def tick(self) -> None:
        """Look after every active job, then fill free slots."""
        for active in list(self._active.values()):
            self._look_after(active)
        for slot in self.slots:
            job = jobs.claim(self.studio.database, slot)
            if job:
                self._launch(job)

    def idle(self) -> bool:
        """Say whether nothing is running or waiting."""
        waiting = jobs.list_jobs(self.studio.database, states=[JobState.QUEUED], limit=1)
        return not self._active and not waiting

    # ---- one job ---------------------------------------------------------------------------------

    def _watched(self, job: Job) -> _Active:
        folder = JobFolder(self.studio.directory.job(job.id))
        return _Active(job, folder, Ingestion(self.studio, job))

    def _launch(self, job: Job) -> None:
        active = self._watched(job)
        active.folder.write_spec(job.spec)
        active.folder.forget_ending()
        environment = os.environ | {
            "HF_HUB_OFFLINE": "1",
            "TOKENIZERS_PARALLELISM": "false",
            "OMP_WAIT_POLICY": "PASSIVE",
            "PYTHONUNBUFFERED": "1",
        }
        if job.slot.startswith("gpu:"):
            environment["CUDA_VISIBLE_DEVICES"] = job.slot.removeprefix("gpu:")
        with active.folder.log.open("ab") as output:
            active.process = subprocess.Popen(
                [sys.executable, "-m", "app.jobs.worker", str(active.folder.path)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=environment,
            )
        pid = active.process.pid
        jobs.set_process(self.studio.database, job.id, pid, psutil.Process(pid).create_time())
        active.job = jobs.find_job(self.studio.database, job.id)
        self._active[job.id] = active

    def _look_after(self, active: _Active) -> None:
        gone = not self._is_alive(active)  # asked before reading, so that nothing said is missed
        events, active.ingestion.offset = active.folder.read_events(active.ingestion.offset)
        active.ingestion.take(events)
        if gone:
            self._end(active)
            return
        row = jobs.find_job(self.studio.database, active.job.id)
        if row.stop_request:
            self._ask_to_stop(active, row.stop_request)

    def _is_alive(self, active: _Active) -> bool:
        if active.process is not None:
            return active.process.poll() is None
        job = active.job
        if job.pid is None or job.pid_start is None:
            return False
        try:
            process = psutil.Process(job.pid)
            same = abs(process.create_time() - job.pid_start) < 1.0
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def _ask_to_stop(self, active: _Active, how: StopRequest) -> None:
        if how not in active.signalled:
            active.signalled.add(how)
            active.asked = time.monotonic()
            active.folder.ask_to_stop(how)
            self._signal(active, signal.SIGTERM)
        elif (
            active.asked
            and time.monotonic() - active.asked > GRACE_S
            and how is StopRequest.DISCARD
        ):
            self._signal(active, signal.SIGKILL)

    def _signal(self, active: _Active, number: signal.Signals) -> None:
        pid = active.process.pid if active.process else active.job.pid
        if pid is None or not self._is_alive(active):
            return
        try:
            os.killpg(pid, number)
        except ProcessLookupError:
            log.info("job %d ended by itself", active.job.id)

    def _end(self, active: _Active) -> None:
        """End a job whose worker is gone: by its own word, or as LOST."""
        del self._active[active.job.id]
        result = active.folder.read_result()
        code = active.process.returncode if active.process else None
        database, job = self.studio.database, active.job
        if result is None:
            jobs.finish(database, job.id, Ending(JobState.LOST, code, _lost(code)))
            self._run_ends(job, RunState.FAILED)
            return
        state, found, error = JobState(result["state"]), result.get("result"), result.get("error")
        if state is JobState.STOPPED and jobs.find_job(database, job.id).state is JobState.RUNNING:
            jobs.request_stop(database, job.id, StopRequest.KEEP)
        if found is not None:
            keep_result(self.studio, job, found)
        else:
            self._run_ends(job, RunState.FAILED)
        sentence = StudioError(error["rule"], error["value"], error["next"]) if error else None
        jobs.finish(database, job.id, Ending(state, code, sentence, found))

    def _run_ends(self, job: Job, state: RunState) -> None:
        if job.kind == "train":
            runs.set_state(self.studio.database, job.spec["run"], state)


def _lost(code: int | None) -> StudioError:
    how = f"signal {signal.Signals(-code).name}" if code and code < 0 else "no word why"
    return StudioError(
        "The worker's process is gone", f"it ended with {how}",
        "Press Resume: it goes on from the last whole checkpoint.",
    )  # fmt: skip
