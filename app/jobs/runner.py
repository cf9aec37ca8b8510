"""The server's side of the queue: claims jobs, starts workers, reads what they say, ends jobs.

Only this process writes the database. A worker survives the server; a restarted server finds it
again through its executor, and reads its files.
"""

import logging
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.jobs.endings import ATTEMPTS, end_job, fail_job
from app.jobs.executors import Worker, executor_of
from app.jobs.ingestion import Ingestion
from app.jobs.protocol import JobFolder
from app.services import Studio
from app.services.machine import compute_slots
from core.errors import StudioError
from storage import jobs
from storage.jobs import Job
from storage.states import JobState, StopRequest

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
    worker: Worker
    asked: float | None = None
    signalled: set[StopRequest] = field(default_factory=set)


class Runner:
    """Runs the queue of one studio in a thread."""

    def __init__(
        self, studio: Studio, slots: Sequence[str] | None = None, attempts: int = ATTEMPTS
    ) -> None:
        self.studio, self.attempts = studio, attempts
        self.slots = [*(slots or compute_slots()), MEDIA]
        self._active: dict[int, _Active] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="job runner", daemon=True)

    def start(self) -> None:
        """Find the workers of an earlier server, then run the queue until `close`."""
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
            if job.id in self._active:
                continue
            worker = executor_of(job.slot).find(job, self._folder(job))
            self._watch(job, worker)

    def _run(self) -> None:
        leads = False
        while not self._stop.wait(TICK_S):
            try:
                led, leads = leads, False
                if self.studio.database.runs_queue():
                    if not led:
                        self.adopt()
                    leads = True
                    self.tick()
            except Exception:
                log.exception("the queue stumbled; it goes on")

    def tick(self) -> None:
        """Look after every active job, then fill free slots."""
        for active in list(self._active.values()):
            try:
                self._look_after(active)
            except Exception:  # one job's trouble holds up no other
                log.exception("job %d could not be looked after; it is tried again", active.job.id)
        for slot in self.slots:
            job = jobs.claim(self.studio.database, slot)
            if job:
                self._launch(job)

    def idle(self) -> bool:
        """Say whether nothing is running or waiting."""
        queued = [JobState.QUEUED]
        waiting = jobs.list_jobs(self.studio.database, states=queued, limit=1, specs=False)
        return not self._active and not waiting

    # ---- one job ---------------------------------------------------------------------------------

    def _folder(self, job: Job) -> JobFolder:
        return JobFolder(self.studio.directory.job(job.id))

    def _watch(self, job: Job, worker: Worker) -> None:
        if worker.pid is not None and worker.pid_start is not None:
            jobs.set_process(self.studio.database, job.id, worker.pid, worker.pid_start)
        found = Ingestion(self.studio, job)
        self._active[job.id] = _Active(job, self._folder(job), found, worker)

    def _launch(self, job: Job) -> None:
        folder = self._folder(job)
        try:
            folder.write_spec(job.spec)
            folder.forget_ending()
            worker = executor_of(job.slot).start(job, folder)
        except (StudioError, OSError) as error:
            log.exception("job %d could not be started", job.id)
            fault = _fault("A worker could not be started", error)
            fail_job(self.studio, job, error if isinstance(error, StudioError) else fault)
            return
        self._watch(job, worker)

    def _look_after(self, active: _Active) -> None:
        gone = not active.worker.is_alive()  # asked before reading, so that nothing said is missed
        events, active.ingestion.offset = active.folder.read_events(active.ingestion.offset)
        active.ingestion.take(events)
        if gone:
            self._end(active)
            return
        row = jobs.find_job(self.studio.database, active.job.id, spec=False)
        if row.stop_request:
            self._ask_to_stop(active, row.stop_request)

    def _ask_to_stop(self, active: _Active, how: StopRequest) -> None:
        if how not in active.signalled:
            active.signalled.add(how)
            active.asked = time.monotonic()
            active.folder.ask_to_stop(how)
            active.worker.signal(signal.SIGTERM)
        elif (
            active.asked
            and time.monotonic() - active.asked > GRACE_S
            and how is StopRequest.DISCARD
        ):
            active.worker.signal(signal.SIGKILL)

    def _end(self, active: _Active) -> None:
        """End a job whose worker is gone."""
        job = jobs.find_job(self.studio.database, active.job.id)
        try:
            said, code = active.folder.read_result(), active.worker.exit_code
            end_job(self.studio, job, said, code, self.attempts)
        except StudioError:
            raise  # the database refuses for now; the next look tries again
        except Exception as error:
            log.exception("the result of job %d could not be kept", job.id)
            fail_job(self.studio, job, _fault("The result of a job must be readable", error))
        del self._active[job.id]


def _fault(rule: str, error: Exception) -> StudioError:
    return StudioError(rule, f"{type(error).__name__}: {error}", "Correct it, then press Resume.")
