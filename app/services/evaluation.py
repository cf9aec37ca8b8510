"""Figures of a run from its stored predictions and the labels: torch is not needed."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.coverage import coverage
from analysis.metrics import evaluate_clips, evaluate_frames
from analysis.reports import Report
from analysis.significance import intervals
from core.prediction_files import prediction_path, read_prediction
from core.run_card import RunCard, read_run_card
from core.tasks import IGNORED
from core.tasks.segments import SegmentTask
from core.types import SPLITS, LabelledVideo, Prediction


def evaluate_run(folder: Path, videos: Sequence[LabelledVideo]) -> dict[str, Any]:
    """Score a run on every split that has labelled, predicted videos.

    Returns:
        By split: `videos`, `metrics` (percent, None where undefined), `interval` {key: [low, high]}
        over videos, and `warning` where classes occur that were never trained.
    """
    card = read_run_card(folder)
    trained = Counter(s.label for v in videos if v.split == "train" for s in v.segments)
    return {
        split: figures
        for split in SPLITS
        if (figures := _evaluate_split(card, [v for v in videos if v.split == split], trained))
    }


def scorable(card: RunCard, videos: Sequence[LabelledVideo]) -> list[LabelledVideo]:
    """Return the videos that a run has predicted, and that have the labels its task needs."""
    return [
        video
        for video in videos
        if prediction_path(card.folder, video.content_hash).is_file()
        and (video.segments or card.task.dense)
    ]


def _evaluate_split(
    card: RunCard, videos: Sequence[LabelledVideo], trained: Counter[str]
) -> dict[str, Any] | None:
    truth: dict[str, NDArray[np.int64]] = {}
    found: dict[str, Prediction] = {}
    for video in scorable(card, videos):
        found[video.name] = read_prediction(prediction_path(card.folder, video.content_hash))
        truth[video.name] = truth_of(card, video, found[video.name])
    if not truth:
        return None
    report = _report(card, truth, found)
    spans = intervals(report)
    evaluated = Counter(s.label for v in videos if v.name in truth for s in v.segments)
    return {
        "videos": len(truth),
        "metrics": {key: interval.value for key, interval in spans.items()},
        "interval": {key: [interval.low, interval.high] for key, interval in spans.items()},
        "warning": coverage(trained, evaluated).sentence,
    }


def _report(
    card: RunCard, truth: dict[str, NDArray[np.int64]], found: dict[str, Prediction]
) -> Report:
    if card.task.dense:
        predicted = {name: prediction.predicted for name, prediction in found.items()}
        return evaluate_frames(truth, predicted, fps=card.rate, classes=card.classes)
    scores = {name: _decided(prediction) for name, prediction in found.items()}
    return evaluate_clips(truth, scores, classes=card.classes)


def _decided(prediction: Prediction) -> NDArray[np.float32]:
    """Return scores whose best is what the run decided for, also where it gave no score."""
    rows = np.arange(len(prediction.predicted))
    if (prediction.log_p.argmax(axis=1) == prediction.predicted).all() and np.isfinite(
        prediction.log_p[rows, prediction.predicted]
    ).all():
        return prediction.log_p
    scores = np.full_like(prediction.log_p, -np.inf)
    scores[rows, prediction.predicted] = 0.0
    return scores


def truth_of(card: RunCard, video: LabelledVideo, prediction: Prediction) -> NDArray[np.int64]:
    """Return the class of every row of a prediction, with -100 where there is none.

    Classes that the run does not know are left out of every figure.
    """
    if card.task.dense:
        (clip,) = card.task.clips(video, prediction.time_us, card.labels, "none")
        return clip.target
    assert isinstance(card.task, SegmentTask) and prediction.span_us is not None
    targets = card.task.targets(video, card.labels)
    by_span = {(s.start_us, s.end_us): target for s, target in targets}
    spans = prediction.span_us.tolist()
    return np.array([by_span.get((a, b), IGNORED) for a, b in spans], np.int64)
