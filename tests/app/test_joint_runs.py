"""A run that asks three kinds of questions: its figures, its lanes, its analysis."""

import json

import numpy as np
import pytest

from app.services import open_studio, results, statistics
from app.services.evaluation import evaluate_run
from core.prediction_files import write_prediction
from core.types import Prediction
from storage import annotations, library, runs, training_data
from storage.runs import NewRun, StoredPrediction
from tests.app.test_statistics import CLASSES
from tests.storage.samples import edit, make_sample

GOALS = ("make soup", "make tea")
STEPS = 4
KINDS = np.array([0, 1] * STEPS + [2])


def joint_prediction(video) -> Prediction:
    """Steps right but the first, next steps always `add milk`, the goal right."""
    spans = [(s.start_us, s.end_us) for s in video.segments]
    steps = [CLASSES.index(s.label) for s in video.segments]
    steps[0] = (steps[0] + 1) % 3
    said = [c for step in steps for c in (step, 2)] + [3 + GOALS.index(video.goal)]
    log_p = np.full((len(said), 5), -np.inf, np.float32)
    for row, (kind, answer) in enumerate(zip(KINDS, said, strict=True)):
        among = slice(0, 3) if kind < 2 else slice(3, 5)
        log_p[row, among] = np.log(0.1)
        log_p[row, answer] = np.log(0.8)
    rows = [span for span in spans for _ in (0, 1)] + [(0, video.duration_us)]
    return Prediction(
        log_p=log_p, predicted=np.array(said), time_us=np.array([b - 1 for _, b in rows]),
        embedding=np.zeros((len(rows), 2), np.float16), decoder="head", passes=1, tokens=1, ms=1,
        span_us=np.array(rows), kind=KINDS,
    )  # fmt: skip


@pytest.fixture
def studio(tmp_path):
    with open_studio(tmp_path / "data") as studio:
        sample = make_sample(studio.database)
        library.set_splits(studio.database, sample.project, dict.fromkeys(sample.videos, "test"))
        goals = {video: GOALS[i % 2] for i, video in enumerate(sample.videos)}
        library.set_goals(studio.database, sample.project, goals)
        ids = list(sample.labels.values())
        for number, video in enumerate(sample.videos):
            spans = [edit(ids[(k + number) % 3], 15 * k, 15 * k + 12) for k in range(STEPS)]
            annotations.save_segments(studio.database, video, spans)
        new = NewRun(project_id=sample.project, name="joint", classifier="gad", task="clip_tasks",
                     backbone="nano", data_hash="0")  # fmt: skip
        run = runs.create_run(studio.database, new)
        folder = studio.directory.root / run.folder
        folder.mkdir(parents=True)
        config = {"classifier": "gad", "task": "clip_tasks"}
        (folder / "run.json").write_text(json.dumps({"config": config, "recipe": {"rate": 1.0}}))
        (folder / "labels.json").write_text(json.dumps({"classes": CLASSES, "goals": GOALS}))
        found = {v.content_hash: i for i, v in zip(
            sample.videos, (library.video_by_id(studio.database, i) for i in sample.videos),
            strict=True)}  # fmt: skip
        for video in training_data.labelled_videos(studio.database, sample.project):
            path = write_prediction(folder, video, joint_prediction(video))
            stored = StoredPrediction(
                found[video.content_hash], str(path.relative_to(studio.directory.root)), 9, 1, 1, 1
            )
            runs.put_predictions(studio.database, run.id, [stored])
        yield studio, sample, run


def test_every_kind_of_question_has_figures_of_its_own(studio):
    studio, sample, run = studio
    videos = training_data.labelled_videos(studio.database, sample.project)
    figures = evaluate_run(studio.directory.root / run.folder, videos)["test"]["metrics"]
    milk_next = [
        [s.label for s in sorted(v.segments)][1:].count("add milk") for v in videos
    ]  # the last step has no next one
    assert figures["step_recognition top1"] == pytest.approx(100 * 3 / 4)
    assert figures["next_step top1"] == pytest.approx(100 * sum(milk_next) / (3 * len(videos)))
    assert figures["task_recognition top1"] == 100
    right = len(videos) * 3 + sum(milk_next) + len(videos)
    assert figures["top1"] == pytest.approx(100 * right / (len(videos) * (4 + 3 + 1)))


def test_compare_shows_a_lane_for_every_kind(studio):
    studio, sample, run = studio
    lanes = results.compare(studio, sample.videos[0], [run.id])["lanes"]
    assert [lane["question"] for lane in lanes] == [
        "step_recognition", "next_step", "task_recognition",
    ]  # fmt: skip
    assert [len(lane["class"]) for lane in lanes] == [STEPS, STEPS, 1]
    assert all(lane["several"] for lane in lanes)
    assert lanes[2]["classes"][lanes[2]["class"][0]] == GOALS[0]
    assert lanes[0]["truth"][0] != lanes[0]["class"][0]


def test_the_analysis_is_of_the_first_kind(studio):
    studio, sample, _ = studio
    found = statistics.analyse(studio, "kitchen", ["joint"], "test")
    cells = np.array(found["runs"][0]["confusion"]["cells"])
    assert cells[:, 2].sum() == STEPS * len(sample.videos)
