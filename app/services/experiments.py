"""Fine-tuning and predicting: what is queued, how far it is, what came out."""

import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from app.services import Studio
from app.services.library import classes
from app.services.machine import compute_slots
from app.services.project_backbone import backbone_of, check_sees
from core.backbones import default_rate, find
from core.classifiers import CLASSIFIERS, MARKS
from core.config import RunConfig
from core.errors import InvalidConfig, InvalidData
from core.manifest import video_as_json
from core.tasks import load_task
from core.tasks.online_detection import contested_frames
from core.training_data import check_data
from core.types import SPLITS, LabelledVideo, LabelSet, Progress, grid_us
from storage import jobs, runs, training_data
from storage.jobs import Job, NewJob
from storage.runs import NewRun, Run
from storage.states import JobState, RunState, StopRequest

STALLED_S = 30.0
"""A living worker whose heartbeat is older than this is shown as stalled."""


# ---- starting ----------------------------------------------------------------------------------


def data_summary(
    studio: Studio, project: int, task: str = "online_detection", backbone: str | None = None
) -> dict[str, Any]:
    """Return what a fine-tune would learn from, and what a person should know beforehand."""
    backbone = backbone or backbone_of(studio, project)
    by_split, names = _data(studio, project)
    asked = load_task(task)
    warnings = []
    try:
        warnings = _check(by_split, names, task)
    except InvalidData as error:
        warnings = [error.sentence]
    if asked.dense:
        grids = [
            (video, grid_us(video.duration_us, default_rate(backbone)))
            for video in by_split["train"]
        ]
        contested = sum(contested_frames(video, times) for video, times in grids)
        if contested:
            warnings.append(
                f"Segments overlap at {contested} of {sum(len(t) for _, t in grids)} training "
                "frames: the one that started last counts, then the shorter."
            )
    return {
        "videos": {split: len(by_split[split]) for split in SPLITS},
        "classes": len(names),
        "segments": sum(len(video.segments) for video in by_split["train"]),
        "warnings": warnings,
    }


def _data(studio: Studio, project: int) -> tuple[dict[str, list[LabelledVideo]], tuple[str, ...]]:
    """Return the project's decodable videos by split, and its classes."""
    videos = training_data.labelled_videos(studio.database, project)
    by_split = {split: [v for v in videos if v.split == split] for split in SPLITS}
    return by_split, classes(studio, project)


def _label_set(
    by_split: Mapping[str, list[LabelledVideo]], names: tuple[str, ...], task: str
) -> LabelSet:
    """Return the classes of a run and, where its task asks for them, the videos' goals."""
    if not load_task(task).needs_goals:
        return LabelSet(names)
    goals = {video.goal for videos in by_split.values() for video in videos if video.goal}
    return LabelSet(names, tuple(sorted(goals)))


def _check(
    by_split: Mapping[str, list[LabelledVideo]], names: tuple[str, ...], task: str
) -> list[str]:
    return check_data(
        _label_set(by_split, names, task),
        by_split["train"],
        load_task(task),
        elsewhere=[*by_split["val"], *by_split["test"]],
        validated=bool(by_split["val"]),
    )


def fine_tune(studio: Studio, project: int, settings: Mapping[str, Any]) -> dict[str, int]:
    """Queue one fine-tune; its config, labels and data are frozen here.

    Raises:
        InvalidConfig: A setting breaks its rule.
        UnknownName: A name that no table holds.
        InvalidData: The data cannot train anything.
        MissingArtifact: The backbone is not on this machine.
    """
    config = RunConfig.read({"backbone": backbone_of(studio, project), **settings})
    find(config.backbone)
    by_split, names = _data(studio, project)
    _check(by_split, names, config.task)
    frozen = [video for videos in by_split.values() for video in videos]
    check_sees(config.backbone, frozen, config.rate)
    digest = training_data.data_hash(frozen, names)
    with studio.database.write():
        run = runs.create_run(
            studio.database,
            NewRun(
                project_id=project,
                classifier=config.classifier,  # pyright: ignore[reportArgumentType]
                task=config.task,
                backbone=config.backbone,
                data_hash=digest,
                codec=config.codec,
                context=config.context if config.classifier == "gad" else "",
                decoder=config.decoder if config.classifier == "generative" else "head",
                config=config.model_dump(),
            ),
        )
        spec = {
            "kind": "train",
            "run": run.id,
            "run_folder": str(studio.directory.run(run.id)),
            "cache": str(studio.directory.features),
            "config": config.model_dump(),
            "labels": list(names),
            "goals": list(_label_set(by_split, names, config.task).goals),
            "videos": [video_as_json(video) for video in frozen],
            "about": {"hash": digest, "project": project, "videos": len(frozen)},
        }
        job = jobs.enqueue(studio.database, NewJob(project, "train", free_slot(studio), spec))
    return {"job": job.id, "run": run.id}


def fine_tune_all(
    studio: Studio, project: int, settings: Mapping[str, Any]
) -> list[dict[str, int]]:
    """Queue the three classifiers with the same settings."""
    return [fine_tune(studio, project, {**settings, "classifier": name}) for name in CLASSIFIERS]


def predict(studio: Studio, project: int, run: Run, *, decoder: str | None = None) -> int:
    """Queue the prediction of all videos of a project with a run; returns the job."""
    videos = training_data.labelled_videos(studio.database, project)
    if not videos:
        raise InvalidData("A prediction needs videos", "the project has none that can be decoded")
    spec = {
        "kind": "predict",
        "run": run.id,
        "run_folder": str(studio.directory.root / run.folder),
        "cache": str(studio.directory.features),
        "decoder": decoder,
        "videos": [video_as_json(video) for video in videos],
    }
    return jobs.enqueue(studio.database, NewJob(project, "predict", free_slot(studio), spec)).id


def free_slot(studio: Studio) -> str:
    """Return the slot with the shortest queue."""
    waiting = Counter(
        job.slot for job in jobs.list_jobs(studio.database, limit=200) if not job.state.is_finished
    )
    return min(compute_slots(), key=lambda slot: waiting[slot])


# ---- watching and steering -----------------------------------------------------------------------


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


def list_jobs(studio: Studio, project: int, limit: int = 30) -> list[dict[str, Any]]:
    """Return the newest jobs as a page shows them."""
    return [shown_job(studio, job) for job in jobs.list_jobs(studio.database, project, limit=limit)]


def shown_job(studio: Studio, job: Job) -> dict[str, Any]:
    """Return a job as a page shows it."""
    progress = job.progress or Progress(0, 0)
    return {
        "id": job.id,
        "kind": job.kind,
        "state": job.state,
        "slot": job.slot,
        "run": job.spec.get("run"),
        "attempt": job.attempt,
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


# ---- runs --------------------------------------------------------------------------------------


def list_runs(studio: Studio, project: int) -> list[dict[str, Any]]:
    """Return the runs of a project with their figures, newest first."""
    return [shown_run(run) for run in runs.list_runs(studio.database, project)]


def shown_run(run: Run) -> dict[str, Any]:
    """Return a run as a page shows it."""
    metrics: dict[str, dict[str, Any]] = {}
    for metric in run.metrics:
        split = metrics.setdefault(metric.split, {})
        split[metric.key] = {"value": metric.value, "low": metric.low, "high": metric.high}
    return {
        "id": run.id,
        "name": run.name,
        "mark": MARKS[run.classifier],
        "classifier": run.classifier,
        "task": run.task,
        "backbone": run.backbone,
        "decoder": run.decoder,
        "state": run.state,
        "job": run.job_id,
        "metrics": metrics,
        "created_us": run.created_us,
    }
