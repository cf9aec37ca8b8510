"""The labelled videos that a run was trained with, as its job froze them."""

from dataclasses import dataclass

import sqlalchemy as sa

from core.manifest import video_from_json
from core.types import LabelledVideo
from storage import tables
from storage.database import Database
from storage.json_values import elements_of, length_of, text_of


@dataclass(frozen=True, slots=True)
class FrozenData:
    """Label set and videos of a training, those of every split."""

    classes: tuple[str, ...]
    videos: tuple[LabelledVideo, ...]


@dataclass(frozen=True, slots=True)
class Training:
    """The job that trained a run, and how much of the training split it was given."""

    job: int
    videos: int
    segments: int


def frozen_data(database: Database, run_id: int) -> FrozenData | None:
    """Return what a run was trained with; None where no job trained it here: it was shipped."""
    job = tables.Job
    statement = (
        sa.select(job.spec)
        .where(job.kind == "train", text_of(job.spec, "run") == str(run_id))
        .order_by(job.id.desc())
        .limit(1)
    )
    with database.read() as session:
        spec = session.scalar(statement)
    if spec is None or "labels" not in spec:
        return None
    return FrozenData(tuple(spec["labels"]), tuple(video_from_json(v) for v in spec["videos"]))


def trainings(database: Database, project_id: int) -> dict[int, Training]:
    """Return the training of every run of a project that was trained here, by run."""
    job = tables.Job
    video = elements_of(job.spec, "videos")
    in_training = text_of(video.c.value, "split") == "train"
    run = sa.cast(text_of(job.spec, "run"), sa.Integer)
    counted = length_of(video.c.value, "segments")
    statement = (
        sa.select(run, job.id, _total(in_training, 1), _total(in_training, counted))
        .select_from(job, video)
        .where(job.kind == "train", job.project_id == project_id)
        .group_by(job.id)
        .order_by(job.id)
    )
    with database.read() as session:
        return {number: Training(*rest) for number, *rest in session.execute(statement)}


def _total(
    where: sa.ColumnElement[bool], value: int | sa.ColumnElement[int]
) -> sa.ColumnElement[int]:
    return sa.func.sum(sa.case((where, value), else_=0))
