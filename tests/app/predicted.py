"""Runs that were never trained: a folder with what a run says of itself, and made-up answers."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from app.services import Studio
from core.prediction_files import write_prediction
from core.scores import Scores
from core.types import SECOND, LabelledVideo, Prediction, grid_us
from storage import jobs, labels, library, runs
from storage.jobs import NewJob
from storage.library import Video
from storage.runs import NewRun
from storage.states import JobState, RunState, StopRequest


def make_run(
    studio: Studio,
    project: int,
    classes: Sequence[str],
    *,
    rate: float = 2.0,
    task: str = "online_detection",
    trained_on: Sequence[Video] = (),
) -> int:
    """Make a run that looks finished, and the job that trained it on some videos."""
    new = NewRun(project_id=project, classifier="discriminative", task=task,
                 backbone="nano", data_hash="")  # fmt: skip
    run = runs.create_run(studio.database, new)
    folder = studio.directory.root / run.folder
    folder.mkdir(parents=True)
    config = {"classifier": "discriminative", "task": task}
    (folder / "run.json").write_text(json.dumps({"config": config, "recipe": {"rate": rate}}))
    (folder / "labels.json").write_text(json.dumps({"classes": list(classes)}))
    videos = [{"content_hash": video.content_hash, "split": "train"} for video in trained_on]
    spec = {"kind": "train", "run": run.id, "videos": videos}
    jobs.enqueue(studio.database, NewJob(project, "train", "cpu", spec))
    return run.id


def finished_run(studio: Studio, project: int, classes: Sequence[str], *, rate: float = 2.0) -> int:
    """Make a run that looks finished where a queue is at work, so that nobody trains it."""
    with studio.database.write():  # as a whole: the queue sees no job that is not stopped
        run = make_run(studio, project, classes, rate=rate)
        (job, *_) = jobs.list_jobs(studio.database, project, states=[JobState.QUEUED])
        jobs.request_stop(studio.database, job.id, StopRequest.KEEP)
    runs.set_state(studio.database, run, RunState.READY)
    return run


def random_log_p(rng: np.random.Generator, said: np.ndarray, classes: int) -> np.ndarray:
    """Return log-probabilities whose best is what is said. Shape: [rows, C]."""
    logits = rng.standard_normal((len(said), classes))
    logits[np.arange(len(said)), said] = logits.max(axis=1) + rng.uniform(0.1, 4, len(said))
    return (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))).astype(np.float32)


def predict(
    studio: Studio,
    run: int,
    video: Video,
    log_p: np.ndarray,
    spans: np.ndarray | None = None,
    rate: float = 2.0,
    embedding: np.ndarray | None = None,
) -> Prediction:
    """Write what a run says of a video: a row of log-probabilities an answer."""
    embedding = np.zeros((len(log_p), 2)) if embedding is None else embedding
    predicted = log_p.argmax(axis=1)
    kept = Scores.of(log_p, predicted)
    times = grid_us(video.duration_us or 0, rate) if spans is None else spans[:, 1]
    prediction = Prediction(
        log_p=kept.log_p, listed=kept.listed, rest=kept.rest, predicted=predicted,
        time_us=times[: len(log_p)], embedding=embedding.astype(np.float16),
        decoder="head", passes=1, tokens=1, ms=1, span_us=spans,
    )  # fmt: skip
    found = runs.find_run(studio.database, video.project_id, run)
    labelled = LabelledVideo(video.name, Path(video.path), video.content_hash or "", 0)
    write_prediction(studio.directory.root / found.folder, labelled, prediction)
    return prediction


def videos_of(studio: Studio, project: int) -> list[Video]:
    return list(library.list_videos(studio.database, project))


def label_names(studio: Studio, project: int) -> dict[int, str]:
    (label_set,) = labels.list_label_sets(studio.database, project)
    return {each.id: each.name for each in labels.list_labels(studio.database, label_set.id)}


def one_hot(said: Sequence[int], classes: int, sure: float = 0.9) -> np.ndarray:
    """Return log-probabilities that are `sure` of what is said. Shape: [rows, C]."""
    p = np.full((len(said), classes), (1 - sure) / (classes - 1), np.float32)
    p[np.arange(len(said)), list(said)] = sure
    return np.log(p)


def seconds(*times: float) -> list[int]:
    return [round(each * SECOND) for each in times]
