"""Scoring without a label set: average precision and ranks against slow loops."""

import numpy as np
import pytest

from analysis.metrics import evaluate_frames
from analysis.scoring import mean_average_precision, score_frames, top_share
from analysis.segments import IGNORED
from core.errors import InvalidData

CLASSES = 7


def random_run(seed):
    """Return truth and scores of a few videos: ties, −inf, ignored frames, an empty video."""
    random = np.random.default_rng(seed)
    truth, scores = {"empty": np.zeros(0, int)}, {"empty": np.zeros((0, CLASSES))}
    for video in range(random.integers(1, 4)):
        frames = int(random.integers(1, 30))
        there = random.integers(0, random.integers(1, CLASSES + 1), frames)
        truth[f"v{video}"] = np.where(random.random(frames) < 0.2, IGNORED, there)
        rows = random.integers(0, random.choice([2, 5, 1000]), (frames, CLASSES)) / 8
        scores[f"v{video}"] = np.where(random.random(rows.shape) < 0.1, -np.inf, rows)
    return truth, scores


def pooled(truth, scores):
    """Return (true class, scores) of every frame that counts, as plain values."""
    return [
        (int(true), row.tolist())
        for name in truth
        for true, row in zip(truth[name], scores[name], strict=True)
        if true != IGNORED
    ]


def slow_average_precision(right, scores):
    """Add up precision at each threshold times the recall gained there."""
    total, recall_before = 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        said = [r for r, score in zip(right, scores, strict=True) if score >= threshold]
        recall = sum(said) / sum(right)
        total += sum(said) / len(said) * (recall - recall_before)
        recall_before = recall
    return total


def slow_map(rows, background):
    actions = sorted({true for true, _ in rows} - {background})
    each = [
        slow_average_precision([true == c for true, _ in rows], [row[c] for _, row in rows])
        for c in actions
    ]
    return 100 * sum(each) / len(each) if each else None


def slow_top(k, rows):
    hits = 0
    for true, row in rows:
        best = sorted(range(CLASSES), key=lambda c: (-row[c], c))[:k]
        hits += true in best and row[true] != -np.inf
    return 100 * hits / len(rows) if rows else None


@pytest.mark.parametrize("seed", range(60))
def test_map_and_top_equal_slow_loops(seed):
    truth, scores = random_run(seed)
    rows, background = pooled(truth, scores), seed % 3
    assert mean_average_precision(truth, scores, background) == pytest.approx(
        slow_map(rows, background)
    )
    for k in (1, 5, CLASSES):
        assert top_share(k, truth, scores) == slow_top(k, rows)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_map_is_scikit_learns_to_the_last_digit(dtype):
    from sklearn.metrics import average_precision_score

    random = np.random.default_rng(1)
    truth = {"a": random.integers(0, 4, 500), "b": random.integers(0, 4, 300)}
    scores = {n: random.normal(size=(len(t), 4)).astype(dtype) for n, t in truth.items()}
    true, rows = np.concatenate([*truth.values()]), np.concatenate([*scores.values()])
    each = [average_precision_score(true == c, rows[:, c]) for c in (1, 2, 3)]
    assert mean_average_precision(truth, scores) == 100 * np.mean(each)


def test_background_frames_are_negatives_of_every_action():
    truth = {"tea": np.array([0, 1])}
    scores = {"tea": np.array([[0.0, 0.9], [0.0, 0.1]])}
    assert mean_average_precision(truth, scores) == 50


def test_without_an_action_there_is_no_map():
    truth = {"tea": np.array([0, 0, IGNORED])}
    scores = {"tea": np.zeros((3, 2))}
    assert mean_average_precision(truth, scores) is None
    assert score_frames(truth, truth, scores, fps=4)["top5"] == 100
    nothing = {"tea": np.array([IGNORED])}
    assert top_share(5, nothing, {"tea": np.zeros((1, 2))}) is None


@pytest.mark.parametrize("seed", range(30))
def test_figures_are_those_of_a_run_whatever_numbers_the_classes_have(seed):
    random = np.random.default_rng(seed)
    truth, said = {}, {}
    for video in range(3):
        frames = int(random.integers(0, 40))
        there = np.repeat(random.integers(0, 4, frames), 3)
        truth[f"v{video}"] = np.where(random.random(3 * frames) < 0.1, IGNORED, there)
        said[f"v{video}"] = np.where(random.random(3 * frames) < 0.7, there, 2)
    names = [str(c) for c in range(4)]
    report = evaluate_frames(truth, said, fps=2, classes=names, background=1)
    numbers = np.array([17, 2**31 - 1, 0, 400])
    found = score_frames(
        {n: np.where(t == IGNORED, IGNORED, numbers[t.clip(0)]) for n, t in truth.items()},
        {n: np.where(truth[n] == IGNORED, IGNORED, numbers[s]) for n, s in said.items()},
        fps=2,
        background=2**31 - 1,
    )
    for key in ("frame_accuracy", "edit"):
        assert found[key] == report.metrics[key]
    for key, count in report.f1.items():
        figures = {"f1": count.f1, "precision": count.precision, "recall": count.recall}
        assert found[key] == figures
    assert (found["map"], found["top5"]) == (None, None)


@pytest.mark.parametrize(
    ("truth", "said", "rule"),
    [
        ({"tea": [0]}, {"cup": [0]}, "same videos"),
        ({"tea": [0, 1]}, {"tea": [0]}, "equally long"),
        ({"tea": [0, 1]}, {"tea": [0, IGNORED]}, "a class for every frame"),
        ({"tea": [0, 2]}, {"tea": [0, 0]}, "between 0 and 1"),
        ({"tea": [0, 0]}, {"tea": [0, 2]}, "between 0 and 1"),
    ],
)
def test_what_cannot_be_scored_is_refused(truth, said, rule):
    there, said = ({n: np.array(r) for n, r in each.items()} for each in (truth, said))
    scores = {name: np.zeros((len(row), 2)) for name, row in there.items()}
    with pytest.raises(InvalidData, match=rule):
        score_frames(there, said, scores, fps=4)
