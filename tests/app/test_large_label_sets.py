"""Figures from what is kept of thousands of scores, against those from all of them."""

import json
from pathlib import Path

import numpy as np
import pytest

from analysis.calibration import calibration_of, judged
from app.jobs.predict_files import answer
from app.services import run_answers
from app.services.evaluation import evaluate_run
from app.services.results import _rows
from core.prediction_files import write_prediction
from core.scores import KEPT, Scores
from core.types import SECOND, LabelledVideo, Prediction, Segment

CLASSES = tuple(f"action {i}" for i in range(900))
ROWS = 40


def random_scores(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log-probabilities whose best is often right, what was decided, and the truth."""
    rng = np.random.default_rng(seed)
    logits, truth = 2 * rng.standard_normal((ROWS, len(CLASSES))), rng.integers(900, size=ROWS)
    logits[np.arange(ROWS), truth] += rng.uniform(0, 8, ROWS)
    log_p = (logits - np.log(np.exp(logits).sum(1, keepdims=True))).astype(np.float32)
    predicted = log_p.argmax(1)
    predicted[:3] = np.argsort(-log_p[:3], axis=1)[:, 200]  # decided by another scoring
    return log_p, predicted, truth


def predictions(seed: int) -> tuple[Prediction, Prediction, LabelledVideo]:
    """The same answers with all scores and with those that are kept."""
    log_p, predicted, truth = random_scores(seed)
    spans = [(SECOND * i, SECOND * (i + 1)) for i in range(ROWS)]
    segments = tuple(Segment(*span, CLASSES[c]) for span, c in zip(spans, truth, strict=True))
    video = LabelledVideo(
        f"v{seed}", Path("v.mp4"), f"{seed:064}", SECOND * ROWS, segments, split="test"
    )  # fmt: skip
    kept = Scores.of(log_p, predicted)
    whole, cut = (
        Prediction(
            log_p=scores.log_p, listed=scores.listed, rest=scores.rest, predicted=predicted,
            time_us=np.arange(ROWS), embedding=np.zeros((ROWS, 2), np.float16), decoder="head",
            passes=1, tokens=1, ms=1, span_us=np.array(spans),
        )
        for scores in (Scores(log_p), kept)
    )  # fmt: skip
    assert cut.log_p.shape == (ROWS, KEPT)
    return whole, cut, video


def test_a_run_is_scored_alike_from_all_scores_and_from_those_kept(tmp_path):
    figures = []
    for which in (0, 1):
        folder = tmp_path / str(which)
        folder.mkdir()
        config = {"classifier": "discriminative", "task": "step_recognition"}
        (folder / "run.json").write_text(json.dumps({"config": config, "recipe": {"rate": 1.0}}))
        (folder / "labels.json").write_text(json.dumps({"classes": CLASSES}))
        videos = []
        for seed in range(3):
            *both, video = predictions(seed)
            write_prediction(folder, video, both[which])
            videos.append(video)
        figures.append(evaluate_run(folder, videos)["test"])
    right = [(predicted == truth).mean() for _, predicted, truth in map(random_scores, range(3))]
    assert figures[0]["metrics"]["top1"] == pytest.approx(100 * np.mean(right))
    assert figures[0]["metrics"]["top5"] > figures[0]["metrics"]["top1"] > 0
    assert figures[0] == figures[1]


def test_lanes_and_files_say_the_same_of_what_is_kept():
    whole, cut, video = predictions(0)
    truth, rows = np.zeros(ROWS, np.int64), np.arange(5, 30)
    first, second = (_rows(each, truth, rows) for each in (whole, cut))
    for key in ("top_p", "confidence"):
        np.testing.assert_allclose(first.pop(key), second.pop(key), atol=1e-3)
    assert first == second
    said = [answer(each, CLASSES, video.duration_us) for each in (whole, cut)]
    np.testing.assert_allclose(*(each["probability"] for each in said), atol=1e-4)
    assert said[0]["class"] == said[1]["class"]


@pytest.mark.parametrize("cells", [1 << 22, 64 * 7])
def test_calibration_of_what_is_kept_is_exact_but_for_true_classes_that_are_not(monkeypatch, cells):
    monkeypatch.setattr(run_answers, "_CELLS", cells)
    log_p, predicted, truth = random_scores(1)
    slow = judged(Scores(log_p), truth, len(CLASSES))
    kept = Scores.of(log_p, predicted)
    parts = run_answers.judged_rows(kept, truth, len(CLASSES))
    assert len(parts) == (1 if cells > 900 * ROWS else 6)
    found = calibration_of(parts)
    assert found.ece == pytest.approx(calibration_of([slow]).ece, abs=1e-4)
    listed = (kept.listed == truth[:, None]).any(1)
    assert 0 < (~listed).sum() < ROWS / 2
    nll = np.concatenate([part.nll for part in parts])
    np.testing.assert_allclose(nll[listed], slow.nll[listed], atol=1e-4)
    others = len(CLASSES) - KEPT
    np.testing.assert_allclose(nll[~listed], np.log(others) - kept.rest[~listed], atol=1e-4)


def test_calibration_of_what_is_kept_equals_that_of_the_table_it_stands_for():
    log_p, predicted, truth = random_scores(2)
    kept = Scores.of(log_p, predicted)
    kept.log_p[5, 3], kept.rest[6], truth[7] = -np.inf, -np.inf, -100
    found = judged(kept, truth, len(CLASSES))
    slow = judged(Scores(kept.matrix(len(CLASSES))), truth, len(CLASSES))
    assert (found.unscored, len(found.nll)) == (slow.unscored, len(slow.nll)) == (2, ROWS - 3)
    np.testing.assert_array_equal(found.right, slow.right)
    for name in ("confidence", "brier", "nll"):
        np.testing.assert_allclose(getattr(found, name), getattr(slow, name), rtol=1e-12)
