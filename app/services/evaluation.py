"""Figures of a run from its stored predictions and the labels: torch is not needed."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.coverage import coverage
from analysis.metrics import evaluate_clips, evaluate_frames
from analysis.reports import Report
from analysis.significance import intervals
from core.prediction_files import Decisions, prediction_path, read_prediction
from core.run_card import RunCard, read_run_card
from core.tasks import IGNORED
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
        and (video.segments or card.task.dense or not card.task.needs_segments)
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
    scores = _Decided(found, len(card.classes))
    whole = evaluate_clips(truth, scores, classes=card.classes)
    if len(card.task.kinds) == 1:
        return whole
    tallies = dict(whole.tallies)
    for kind, what in enumerate(card.task.kinds):
        rows = {name: kind_of(prediction) == kind for name, prediction in found.items()}
        part = evaluate_clips(
            {name: truth[name][kept] for name, kept in rows.items()},
            _Decided(found, len(card.classes), rows),
            classes=card.classes,
        )
        tallies |= {f"{what} {key}": tally for key, tally in part.tallies.items()}
    return replace(whole, tallies=tallies)


def kind_of(prediction: Prediction | Decisions) -> NDArray[np.int64]:
    """Return which of the task's questions each row answers."""
    rows = np.zeros(len(prediction.predicted), np.int64)
    return rows if prediction.kind is None else prediction.kind


@dataclass(frozen=True, slots=True)
class _Decided(Mapping[str, NDArray[np.float32]]):
    """Scores [clips, C] whose best is what a run decided for, also where it gave no score.

    They are laid out when a video is asked for, so that one video's are in memory at a time. Of a
    large label set the classes that were not kept rank equal, behind those that were.
    """

    found: Mapping[str, Prediction]
    classes: int
    kept: Mapping[str, NDArray[np.bool_]] | None = None

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        prediction = self.found[name]
        rows = np.arange(len(prediction.predicted))
        rows = rows if self.kept is None else rows[self.kept[name]]
        scores = prediction.scores.rows(rows).matrix(self.classes)
        best = np.where(np.isfinite(scores).any(axis=1), scores.max(axis=1), 0)
        scores[np.arange(len(rows)), prediction.predicted[rows]] = best + 1
        return scores

    def __iter__(self) -> Iterator[str]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)


def truth_of(
    card: RunCard, video: LabelledVideo, prediction: Prediction | Decisions
) -> NDArray[np.int64]:
    """Return the class of every row of a prediction, with -100 where there is none.

    Classes that the run does not know are left out of every figure.
    """
    if card.task.dense:
        (clip,) = card.task.clips(video, prediction.time_us, card.labels, "none")
        return clip.target
    assert prediction.span_us is not None
    answers = card.task.answers(video, card.labels)
    asked = zip(kind_of(prediction).tolist(), prediction.span_us.tolist(), strict=True)
    return np.array([answers.get((kind, (a, b)), IGNORED) for kind, (a, b) in asked], np.int64)
