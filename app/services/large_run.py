"""Runs as large as they come, made up in seconds: the speed of the analysis is measured on them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.services import Studio
from core.prediction_files import write_prediction
from core.scores import KEPT, WHOLE
from core.types import SECOND, LabelledVideo, Prediction
from storage import imports, labels, library, projects, runs, training_data
from storage.imports import ImportBatch, NewSegment
from storage.labels import NewLabel
from storage.library import VideoFacts
from storage.runs import NewRun
from storage.states import Health, RunState

RATE = 4.0
_FRAMES = 40  # of a segment
_WIDTH = 64
_ALIKE = 20  # classes that one is taken for


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is: segments of ten seconds lie end to end in videos of equal length."""

    videos: int = 250
    segments: int = 25_000
    labels: int = 3_806
    runs: int = 1


@dataclass(frozen=True, slots=True)
class LargeRuns:
    """Where they are: the project and its runs, all of split "test"."""

    project: int
    runs: tuple[int, ...]


def make_large_runs(studio: Studio, size: Size, name: str = "large") -> LargeRuns:
    """Make labelled videos and finished runs of online detection; random, but always the same.

    A class occurs the more seldom the later it stands. A run is right in most frames, and else
    takes a class for one of a few that follow it.
    """
    database = studio.database
    project = projects.create_project(database, name).id
    label_set = labels.create_label_set(database, project, "labels").id
    named = [_label(number) for number in range(size.labels)]
    ids = list(labels.add_labels(database, label_set, named).values())
    folder = Path("/videos") / name
    paths = [folder / f"{number:05}.mp4" for number in range(size.videos)]
    videos = library.add_videos(database, project, folder=folder, paths=paths).new
    each = size.segments // size.videos
    facts = {video: _facts(project * 100_000 + n, each) for n, video in enumerate(videos)}
    library.record_facts(database, facts)
    library.set_splits(database, project, dict.fromkeys(videos, "test"))
    rng = np.random.default_rng(0)
    own = _classes(rng, size, each)
    segments = [
        NewSegment(video, start, start + _LONG_US, ids[label])
        for video, of_video in zip(videos, own.tolist(), strict=True)
        for start, label in zip(range(0, each * _LONG_US, _LONG_US), of_video, strict=True)
    ]
    batch = ImportBatch(token=name, source=name, format="made up", segments=segments)
    imports.import_segments(database, project, batch)
    return LargeRuns(project, tuple(_run(studio, project, own, k) for k in range(size.runs)))


_LONG_US = round(_FRAMES / RATE * SECOND)


def _label(number: int) -> NewLabel:
    verb, noun = f"verb{number % 97}", f"noun{number // 97}"
    return NewLabel(f"{verb} {noun}", verb, noun)


def _facts(number: int, segments: int) -> VideoFacts:
    return VideoFacts(
        content_hash=f"{number:064x}", size_bytes=number, mtime_ns=number, health=Health.GOOD,
        duration_us=segments * _LONG_US, width=640, height=360, fps=30.0,
    )  # fmt: skip


def _classes(rng: np.random.Generator, size: Size, each: int) -> NDArray[np.int64]:
    """Return the labels of segments; every label occurs where there is room. [videos, each]."""
    count = size.videos * each
    seldom = 1 / (10 + np.arange(size.labels))
    own = rng.choice(size.labels, count, p=seldom / seldom.sum())
    own[: min(count, size.labels)] = np.arange(size.labels)[:count]
    return rng.permutation(own).reshape(size.videos, each)


def _run(studio: Studio, project: int, own: NDArray[np.int64], number: int) -> int:
    new = NewRun(project_id=project, classifier="discriminative", task="online_detection",
                 backbone="nano", data_hash="")  # fmt: skip
    run = runs.create_run(studio.database, new)
    folder = studio.directory.root / run.folder
    folder.mkdir(parents=True)
    config = {"classifier": new.classifier, "task": new.task}
    (folder / "run.json").write_text(json.dumps({"config": config, "recipe": {"rate": RATE}}))
    known = labels.list_label_sets(studio.database, project)[0]
    names = [each.name for each in labels.list_labels(studio.database, known.id)]
    (folder / "labels.json").write_text(json.dumps({"classes": names}))
    videos = training_data.labelled_videos(studio.database, project)
    for video, made in zip(videos, _predictions(own, len(names), number), strict=True):
        bare = LabelledVideo(video.name, video.path, video.content_hash, 0)
        write_prediction(folder, bare, made)
    runs.set_state(studio.database, run.id, RunState.READY)
    return run.id


def _predictions(own: NDArray[np.int64], labels: int, seed: int) -> Iterator[Prediction]:
    """Yield what a run says of each video; class 0 is the background."""
    rng = np.random.default_rng(1 + seed)
    classes = labels + 1
    middles = rng.standard_normal((classes, _WIDTH))
    kept = classes if classes <= WHOLE else KEPT
    for of_video in own:
        truth = np.repeat(of_video + 1, _FRAMES)
        rows = len(truth)
        away = rng.geometric(0.15, rows).clip(max=_ALIKE) * (rng.random(rows) > 0.6)
        said = (truth - 1 + away) % labels + 1
        sure = rng.uniform(0.2, 0.95, rows)
        share = np.geomspace(1, 0.01, kept - 1)
        p = np.concatenate(
            [sure[:, None], 0.9 * (1 - sure)[:, None] * (share / share.sum())], axis=1
        )
        listed = (said[:, None] + np.arange(kept)) % classes
        noise = rng.standard_normal((rows, _WIDTH))
        yield Prediction(
            log_p=_placed(np.log(p), listed) if kept == classes else np.log(p).astype(np.float32),
            listed=None if kept == classes else listed.astype(np.int32),
            rest=None if kept == classes else np.log(0.1 * (1 - sure)).astype(np.float32),
            predicted=said, time_us=np.arange(rows) * round(SECOND / RATE),
            embedding=(middles[truth] + noise).astype(np.float16), decoder="head",
            passes=1, tokens=1, ms=1,
        )  # fmt: skip


def _placed(values: NDArray[np.float64], classes: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return values in the order of their classes."""
    whole = np.empty_like(values)
    np.put_along_axis(whole, classes, values, axis=1)
    return whole.astype(np.float32)
