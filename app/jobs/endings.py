"""How a job ends when its worker is gone: as the worker said, as it was asked, or lost."""

import shutil
import signal
from collections.abc import Mapping
from typing import Any

from app.jobs.ingestion import keep_result
from app.services import Studio
from core.errors import StudioError
from storage import jobs, runs
from storage.jobs import Ending, Job
from storage.states import JobState, RunState, StopRequest

ATTEMPTS = 3
"""So often a job is begun without anybody asking for it; then it stays lost until a person does."""


def end_job(
    studio: Studio,
    job: Job,
    said: Mapping[str, Any] | None,
    exit_code: int | None,
    attempts: int = ATTEMPTS,
) -> None:
    """End a job whose worker is gone, in one transaction: its result is kept once or not at all.

    Args:
        studio: Where the job is.
        job: The job as its row stands now.
        said: What the worker wrote last; without it the job is lost, and queued again unless
            somebody wanted it to stop.
        exit_code: How the process ended, where that is known.
        attempts: So often the job is begun at most.
    """
    with studio.database.write():
        if said is not None:
            _end_as_said(studio, job, said, exit_code)
        elif job.stop_request is StopRequest.DISCARD:
            _end_discarded(studio, job, exit_code)
        else:
            _end_lost(studio, job, exit_code, attempts)


def fail_job(studio: Studio, job: Job, error: StudioError) -> None:
    """End a job that could not be started or whose result could not be kept."""
    with studio.database.write():
        _run_failed(studio, job)
        jobs.finish(studio.database, job.id, Ending(JobState.FAILED, None, error))


def _end_as_said(studio: Studio, job: Job, said: Mapping[str, Any], exit_code: int | None) -> None:
    state, found, error = JobState(said["state"]), said.get("result"), said.get("error")
    if state is JobState.STOPPED and job.state is JobState.RUNNING:
        jobs.request_stop(studio.database, job.id, StopRequest.KEEP)
    if found is not None:
        keep_result(studio, job, found)
    else:
        _run_failed(studio, job)
    sentence = StudioError(error["rule"], error["value"], error["next"]) if error else None
    jobs.finish(studio.database, job.id, Ending(state, exit_code, sentence, found))


def _end_discarded(studio: Studio, job: Job, exit_code: int | None) -> None:
    """End a job that was to be thrown away and did not do it itself."""
    if job.kind == "train":
        shutil.rmtree(studio.directory.run(job.spec["run"]), ignore_errors=True)
    _run_failed(studio, job)
    jobs.finish(studio.database, job.id, Ending(JobState.STOPPED, exit_code))


def _end_lost(studio: Studio, job: Job, exit_code: int | None, attempts: int) -> None:
    again = job.stop_request is None and job.attempt < attempts
    step = (
        f"It is queued again by itself: attempt {job.attempt + 1} of {attempts}."
        if again
        else "Press Resume: it goes on from the last whole checkpoint."
    )
    error = StudioError("The worker's process is gone", f"it ended with {_word(exit_code)}", step)
    jobs.finish(studio.database, job.id, Ending(JobState.LOST, exit_code, error))
    if again:
        jobs.resume(studio.database, job.id, because=error)
    else:
        _run_failed(studio, job)


def _word(exit_code: int | None) -> str:
    if exit_code and exit_code < 0:
        return f"signal {signal.Signals(-exit_code).name}"
    return "no word why"


def _run_failed(studio: Studio, job: Job) -> None:
    if job.kind == "train":
        runs.set_state(studio.database, job.spec["run"], RunState.FAILED)
