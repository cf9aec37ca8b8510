"""The queue as a page shows it: how far jobs are, how they are stopped, resumed, put first."""

import json
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

from app.services import Studio
from core.checkpoints import MANIFEST, is_whole, numbered, step_of
from core.errors import InvalidConfig
from core.types import Progress
from storage import jobs, label_moments, runs
from storage.database import Database
from storage.jobs import Job
from storage.label_moments import LabelMoment
from storage.states import JobState, RunState, StopRequest

STALLED_S = 30.0
"""A living worker whose heartbeat is older than this is shown as stalled."""


def stop(studio: Studio, job_id: int, how: str) -> dict[str, Any]:
    """Ask a job to end: 'keep' what it learned, or 'discard' it."""
    if how not in tuple(StopRequest):
        raise InvalidConfig("A job is stopped with 'keep' or 'discard'", f"got '{how}'")
    return shown_job(studio, jobs.request_stop(studio.database, job_id, StopRequest(how)))


def resume(studio: Studio, job_id: int) -> dict[str, Any]:
    """Queue a lost, failed or stopped job again; it goes on from its last whole checkpoint."""
    job = jobs.resume(studio.database, job_id)
    if "run" in job.spec and job.kind == "train":
        runs.set_state(studio.database, job.spec["run"], RunState.TRAINING)
    return shown_job(studio, job)


def put_first(studio: Studio, job_id: int) -> dict[str, Any]:
    """Let a waiting job run next on its slot."""
    return shown_job(studio, jobs.put_first(studio.database, job_id))


def list_jobs(studio: Studio, project: int, limit: int = 30) -> list[dict[str, Any]]:
    """Return the newest jobs as a page shows them, newest first, and all that have not ended."""
    ahead = [state for state in JobState if not state.is_finished]
    newest = jobs.list_jobs(studio.database, project, limit=limit, specs=False)
    waiting = jobs.list_jobs(studio.database, project, states=ahead, specs=False)
    found = {job.id: job for job in (*newest, *waiting)}
    return [shown_job(studio, found[number]) for number in sorted(found, reverse=True)]


def shown_job(studio: Studio, job: Job) -> dict[str, Any]:
    """Return a job as a page shows it."""
    progress = job.progress or Progress(0, 0)
    return {
        "id": job.id,
        "kind": job.kind,
        "state": job.state,
        "slot": job.slot,
        "run": _frozen(studio.database, job.id)["run"],
        "attempt": job.attempt,
        "priority": job.priority,
        "message": progress.message,
        "done": progress.done,
        "total": progress.total,
        "left_s": _left_s(job),
        "stalled": _stalled(studio, job),
        "created_us": job.created_us,
        "started_us": job.started_us,
        "ended_us": job.ended_us,
        "error": job.error,
        "can_resume": job.state.can_resume,
        "steps": (job.result or {}).get("steps"),
        "warnings": _result_warnings(job),
    }


@lru_cache(maxsize=10_000)
def _frozen(database: Database, job_id: int) -> dict[str, Any]:
    """Return the small part of a job's specification; it is read once, since it never changes."""
    spec = jobs.find_job(database, job_id).spec
    return {"run": spec.get("run"), "folder": spec.get("run_folder"), **spec.get("about", {})}


def job_detail(studio: Studio, job_id: int) -> dict[str, Any]:
    """Return a job with what a page shows of a chosen one only.

    `forecast` is what the training checked, measured and expects. `labels_of` is when the labels it
    sees were last changed before it was queued, and how many changes people made since; `code` is
    the program that queued it. `resumes_at` is the step of the checkpoint that it would go on from.
    """
    job = jobs.find_job(studio.database, job_id, spec=False)
    return {
        **shown_job(studio, job),
        "forecast": _forecast(studio, job),
        "labels_of": labels_of(studio, job),
        "code": _frozen(studio.database, job.id).get("code"),
        "resumes_at": _resumes_at(studio, job) if job.state.can_resume else None,
    }


def labels_of(studio: Studio, job: Job) -> dict[str, int] | None:
    """Return the moment of the labels that a training sees, and the changes since."""
    told = _frozen(studio.database, job.id).get("labels_of")
    if told is None:  # no training, or one of an earlier version
        return None
    since = label_moments.changes_since(studio.database, job.project_id, LabelMoment(**told))
    return {"at_us": told["at_us"], "since": since}


def _forecast(studio: Studio, job: Job) -> dict[str, Any] | None:
    try:
        return json.loads((studio.directory.job(job.id) / "forecast.json").read_text())
    except FileNotFoundError:
        return None


def _resumes_at(studio: Studio, job: Job) -> int | None:
    """Return the step of the newest whole checkpoint; 0 where it begins anew, None without any."""
    if job.kind != "train":
        return None
    folder = Path(_frozen(studio.database, job.id)["folder"])
    found = reversed(numbered(folder / "checkpoints"))
    return next((step_of(path) for path in found if _whole(path, _written(path))), 0)


def _written(checkpoint: Path) -> int:
    manifest = checkpoint / MANIFEST
    return manifest.stat().st_mtime_ns if manifest.is_file() else 0


@lru_cache(maxsize=64)
def _whole(checkpoint: Path, _: int) -> bool:
    """Say whether a checkpoint is whole; its files are read once for every time it was written."""
    return is_whole(checkpoint)


def _left_s(job: Job) -> float | None:
    """Forecast from the steps done since this attempt began its present stage."""
    if job.state is not JobState.RUNNING or not job.progress:
        return None
    progress = job.progress
    done = progress.done - progress.values.get("stage_first", 0.0)
    seconds = progress.values.get("stage_seconds", 0.0)
    if done <= 0 or not seconds:
        return None
    return seconds / done * (progress.total - progress.done)


def _result_warnings(job: Job) -> list[str]:
    """Return what a person should know of a finished run's figures."""
    by_split = (job.result or {}).get("metrics", {})
    found = [f"{split}: {said['warning']}" for split, said in by_split.items() if said["warning"]]
    if (job.result or {}).get("kept") == "last":
        found.append("There was no validation video: the last checkpoint was kept.")
    return found


def _stalled(studio: Studio, job: Job) -> bool:
    if job.state not in (JobState.RUNNING, JobState.STOPPING):
        return False
    try:
        beat = (studio.directory.job(job.id) / "heartbeat").stat().st_mtime
    except FileNotFoundError:
        beat = (job.started_us or 0) / 1e6
    return time.time() - beat > STALLED_S


def curve(studio: Studio, job_id: int, after: int = -1) -> list[list[Any]]:
    """Return the points of a job's curves behind a step, as [step, name, value]."""
    return [[p.step, p.name, p.value] for p in jobs.curve(studio.database, job_id, after)]


def log_tail(studio: Studio, job_id: int, size: int = 20_000) -> str:
    """Return the end of a job's log."""
    path = studio.directory.job(jobs.find_job(studio.database, job_id).id) / "log.txt"
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - size))
            return file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
