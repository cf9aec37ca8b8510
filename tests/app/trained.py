"""Two runs with made-up answers and two hand-made trainings, whose differences are known."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from app.services import Studio
from core.manifest import video_as_json
from core.types import LabelledVideo, Segment
from storage import jobs, training_data
from storage.jobs import CurvePoint, NewJob
from storage.states import StopRequest
from tests.app.analysed import LABELS, add_run, fill

TEA, SOUP, BREAD = 1, 2, 3


def make(studio: Studio, folder: Path, table: Path) -> tuple[int, list[int]]:
    """Return a project and two runs: soup for tea by one, bread for tea by the other.

    Between their trainings the first segment of the second video was relabelled, the third video
    left the training split, and the fourth was added.
    """
    project = fill(studio, folder, table)
    runs = [add_run(studio, project, [wrong]) for wrong in ((SOUP, TEA), (BREAD, TEA))]
    for run, videos in zip(runs, trainings(studio, project), strict=True):
        job = frozen(studio, project, run, videos)
        points = [CurvePoint(step, "loss", 2.0 / (step + run)) for step in range(5)]
        jobs.add_curve_points(studio.database, job, points)
    return project, runs


def trainings(studio: Studio, project: int) -> tuple[list[LabelledVideo], list[LabelledVideo]]:
    """Return the videos that the two runs are said to have been trained with."""
    v0, v1, v2, v3 = training_data.labelled_videos(studio.database, project)
    begun, *others = v1.segments
    other = Segment(begun.start_us, begun.end_us, "stir tea")
    first = [v0, replace(v1, segments=(other, *others)), replace(v2, split="train")]
    return first, [v0, v1, v2, v3]


def frozen(studio: Studio, project: int, run: int, videos: Iterable[LabelledVideo]) -> int:
    """Queue a training and stop it before anybody begins; returns the job."""
    spec = {"kind": "train", "run": run, "labels": list(LABELS),
            "videos": [video_as_json(video) for video in videos]}  # fmt: skip
    with studio.database.write():
        job = jobs.enqueue(studio.database, NewJob(project, "train", "cpu", spec)).id
        jobs.request_stop(studio.database, job, StopRequest.KEEP)
    return job
