"""Where workers run: an executor starts one for a job folder, or finds it again after a restart.

Whatever the executor, worker and server meet in the job folder and nowhere else.
"""

import signal
from typing import Protocol

from app.jobs.executors.local import LocalExecutor
from app.jobs.protocol import JobFolder
from storage.jobs import Job


class Worker(Protocol):
    """A worker as the server sees it.

    `pid` and `pid_start` name its process on this machine; None where there never was one.
    """

    pid: int | None
    pid_start: float | None

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it lives, and of a worker that an earlier server started."""
        ...

    def is_alive(self) -> bool:
        """Say whether it still runs."""
        ...

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to it and to all it has started; nothing happens where it has ended."""
        ...


class Executor(Protocol):
    """A way to run workers."""

    def start(self, job: Job, folder: JobFolder) -> Worker:
        """Start the worker of a job whose folder is ready."""
        ...

    def find(self, job: Job, folder: JobFolder) -> Worker:
        """Return the worker that an earlier server started for a job."""
        ...


def executor_of(slot: str) -> Executor:
    """Return the executor of a slot's jobs: `ray:N` is a place in a cluster, all else is here.

    A job of the cluster has a process here too, which brings it there and lives as long as it does.
    """
    if slot.startswith("ray:"):
        return LocalExecutor("app.jobs.executors.ray_driver")
    return LocalExecutor()
