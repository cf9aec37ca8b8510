"""Workers as processes of this machine, each of a session of its own: they survive the server."""

import logging
import os
import signal
import subprocess
import sys
from dataclasses import dataclass

import psutil

from app.jobs.protocol import PROCESSES, JobFolder
from storage.jobs import Job

log = logging.getLogger(__name__)

ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "OMP_WAIT_POLICY": "PASSIVE",
    "PYTHONUNBUFFERED": "1",
}
"""What every worker is started with."""


@dataclass(slots=True)
class LocalWorker:
    """A process: started here, or known by pid and start time since an earlier server."""

    pid: int | None
    pid_start: float | None
    process: subprocess.Popen[bytes] | None = None

    @property
    def exit_code(self) -> int | None:
        """What it ended with; only its parent learns that."""
        return self.process.returncode if self.process else None

    def is_alive(self) -> bool:
        """Say whether it runs and is not another program with its number."""
        if self.process is not None:
            return self.process.poll() is None
        if self.pid is None or self.pid_start is None:
            return False
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.pid_start) < 1.0
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process and its children."""
        if self.pid is None or not self.is_alive():
            return
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            log.info("worker %d ended by itself", self.pid)


@dataclass(frozen=True, slots=True)
class LocalExecutor:
    """Runs `python -m MODULE JOB_FOLDER` here."""

    module: str = "app.jobs.worker"

    def start(self, job: Job, folder: JobFolder) -> LocalWorker:
        """Start a worker whose output goes to the folder's log."""
        environment = os.environ | ENVIRONMENT
        if job.slot.startswith("gpu:"):
            gpus = job.slot.removeprefix("gpu:")
            environment["CUDA_VISIBLE_DEVICES"] = gpus
            environment[PROCESSES] = str(gpus.count(",") + 1)
        with folder.log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", self.module, str(folder.path)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=environment,
            )
        return LocalWorker(process.pid, psutil.Process(process.pid).create_time(), process)

    def find(self, job: Job, folder: JobFolder) -> LocalWorker:
        """Return the process that the job's row names, or that works in its folder.

        The row names none where the server ended just after it had started the process.
        """
        if job.pid is not None:
            return LocalWorker(job.pid, job.pid_start)
        for process in psutil.process_iter(["cmdline", "create_time"]):
            if (process.info["cmdline"] or [""])[-1] == str(folder.path):
                return LocalWorker(process.pid, process.info["create_time"])
        return LocalWorker(None, None)
