"""Fine-tuning and predicting: what is frozen and queued, and what came out."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from app.services import Studio
from app.services.code_version import code_version
from app.services.library import classes
from app.services.machine import compute_slots
from app.services.project_backbone import backbone_of, check_sees
from core.backbones import default_rate, find
from core.classifiers import CLASSIFIERS, MARKS
from core.config import RunConfig
from core.errors import InvalidData
from core.manifest import video_as_json
from core.tasks import load_task
from core.tasks.online_detection import contested_frames
from core.training_data import check_data
from core.types import SPLITS, LabelledVideo, LabelSet, grid_us
from storage import jobs, label_moments, runs, training_data
from storage.jobs import NewJob
from storage.labels import list_label_sets
from storage.runs import NewRun, Run

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
    with studio.database.write():  # nobody edits between the labels and the moment they are of
        by_split, names = _data(studio, project)
        seen = label_moments.newest(studio.database, project)
        label_set = next(iter(list_label_sets(studio.database, project)), None)
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
                label_set_id=label_set and label_set.id,
                label_set_revision=label_set and label_set.revision,
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
            "about": {
                "hash": digest,
                "project": project,
                "videos": len(frozen),
                "labels_of": asdict(seen),
                "code": code_version(),
            },
        }
        job = jobs.enqueue(studio.database, NewJob(project, "train", free_slot(studio), spec))
        runs.set_job(studio.database, run.id, job.id)
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
    listed = jobs.list_jobs(studio.database, limit=200, specs=False)
    waiting = Counter(job.slot for job in listed if not job.state.is_finished)
    return min(compute_slots(), key=lambda slot: waiting[slot])


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
