"""What a run got right over all its videos: one report for dense runs, one for clips.

The figures of one video are in `analysis.segments`; here they are gathered video by video, so that
`analysis.significance` can resample videos without measuring again. Formulas: docs/metrics.md.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from analysis.reports import ClassFigures, ClipReport, Counts, FrameReport, Tally
from analysis.segments import (
    F1,
    IGNORED,
    Anchor,
    Indices,
    edit_score,
    point_f1,
    segment_f1,
    without_ignored,
)
from core.errors import InvalidData
from core.formats.source import quoted

OVERLAPS = {"segment_f1@10": 0.10, "segment_f1@25": 0.25, "segment_f1@50": 0.50}
"""Least IoU of a hit."""

POINTS: dict[str, tuple[Anchor, float]] = {
    "point_f1_start@1s": ("start", 1.0),
    "point_f1_start@2s": ("start", 2.0),
    "point_f1_mid@1s": ("mid", 1.0),
}
"""The point of a segment that is looked at, and how many seconds a hit may be away."""


def evaluate_frames(
    truth: Mapping[str, Indices],
    prediction: Mapping[str, Indices],
    *,
    fps: float,
    classes: Sequence[str],
    background: int = 0,
) -> FrameReport:
    """Measure a dense run on every video, those without any action included.

    Args:
        truth: Video name to class index of each frame, `IGNORED` where there is no target.
        prediction: The same videos, the same frames.
        fps: Frames a second, the same in all videos.
        classes: Names in the order of their indices, background among them.
        background: Index of the background.
    """
    videos = same_videos(truth, prediction)
    whole = [(np.asarray(truth[name]), np.asarray(prediction[name])) for name in videos]
    for name, (there, said) in zip(videos, whole, strict=True):
        check_lengths(name, len(there), len(said))
        check_indices(name, there[there != IGNORED], len(classes))
        check_indices(name, said, len(classes))
    pairs = [without_ignored(*pair) for pair in whole]
    f1 = _f1_per_video(pairs, fps, background)
    edits = [[edit_score(*pair, background=background) / 100.0] for pair in pairs]
    true, predicted, correct = _count_classes(pairs, len(classes))
    actions = np.arange(len(classes)) != background
    tallies = {
        "frame_accuracy": _overall(correct, true),
        "foreground_accuracy": _overall(correct[:, actions], true[:, actions]),
        **{key: _f1_tally(counts) for key, counts in f1.items()},
        "edit": Tally(_table(edits, 1), np.ones((len(videos), 1))),
        "macro_recall": Tally(correct[:, actions], true[:, actions]),
    }
    return FrameReport(
        videos=videos,
        counted=true.sum(axis=1).astype(np.int64),
        tallies=tallies,
        per_class=_per_class(classes, true, predicted, correct),
        f1={key: sum(counts, start=F1()) for key, counts in f1.items()},
        ignored=sum(len(all_[0]) - len(kept[0]) for all_, kept in zip(whole, pairs, strict=True)),
    )


def evaluate_clips(
    truth: Mapping[str, Indices],
    scores: Mapping[str, NDArray[np.floating]],
    *,
    classes: Sequence[str],
) -> ClipReport:
    """Measure a run on clips, grouped by the videos that they come from.

    Args:
        truth: Video name to class index of each of its clips, `IGNORED` where there is no target.
        scores: Video name to float [clips, C], higher is better; a class without a score (−inf or
            NaN) was not named. Equal scores rank by class index, as `argmax` does.
        classes: Names in the order of their indices.
    """
    videos = same_videos(truth, scores)
    pairs: list[tuple[Indices, Indices]] = []
    fifth: list[list[float]] = []
    for name in videos:
        there, rows = np.asarray(truth[name]), _scores(name, scores[name], len(classes))
        check_lengths(name, len(there), len(rows))
        there, rows = there[there != IGNORED], rows[there != IGNORED]
        check_indices(name, there, len(classes))
        best = rows.argmax(axis=1)
        pairs.append((there, np.where(np.isneginf(rows.max(axis=1)), -1, best)))
        fifth.append([float(named_within(5, there, rows).sum())])
    true, predicted, correct = _count_classes(pairs, len(classes))
    clips = true.sum(axis=1, keepdims=True)
    return ClipReport(
        videos=videos,
        counted=clips[:, 0].astype(np.int64),
        tallies={
            "top1": _overall(correct, true),
            "top5": Tally(_table(fifth, 1), clips),
            "macro_recall": Tally(correct, true),
        },
        per_class=_per_class(classes, true, predicted, correct),
    )


def _scores(name: str, scores: NDArray[np.floating], classes: int) -> Counts:
    """Return scores in which a missing one is −inf. Shape: [clips, classes]."""
    rows = np.asarray(scores, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != classes:
        raise InvalidData(
            f"Every clip needs a score for each of the {classes} classes",
            f"'{name}' has scores of shape {list(rows.shape)}",
            "Evaluate with the label set that the run was trained on.",
        )
    return np.where(np.isnan(rows), -np.inf, rows)


def named_within(k: int, truth: Indices, scores: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Return which clips, or frames, have their true class among the k best of scores [clips, C].

    Equal scores rank by class index; a score of −inf names nothing. Shape: [clips].
    """
    own = np.take_along_axis(scores, truth[:, None], axis=1)
    before = np.arange(scores.shape[1]) < truth[:, None]
    rank = (scores > own).sum(axis=1) + ((scores == own) & before).sum(axis=1)
    return (rank < k) & ~np.isneginf(own[:, 0])


def _f1_per_video(
    pairs: Sequence[tuple[Indices, Indices]], fps: float, background: int
) -> dict[str, list[F1]]:
    f1 = {
        key: [segment_f1(*pair, threshold=iou, background=background) for pair in pairs]
        for key, iou in OVERLAPS.items()
    }
    for key, (anchor, seconds) in POINTS.items():
        reach = seconds * fps
        f1[key] = [
            point_f1(*pair, tolerance=reach, anchor=anchor, background=background) for pair in pairs
        ]
    return f1


def _count_classes(
    pairs: Sequence[tuple[Indices, Indices]], classes: int
) -> tuple[Counts, Counts, Counts]:
    """Count each class in the truth, the prediction and both; -1 predicts nothing.

    Shape: three times [videos, classes].
    """

    def count(rows: list[Indices]) -> Counts:
        return _table([np.bincount(row, minlength=classes) for row in rows], classes)

    return (
        count([there for there, _ in pairs]),
        count([said[said >= 0] for _, said in pairs]),
        count([there[there == said] for there, said in pairs]),
    )


def _per_class(
    classes: Sequence[str], true: Counts, predicted: Counts, correct: Counts
) -> tuple[ClassFigures, ...]:
    totals = np.stack([true.sum(axis=0), predicted.sum(axis=0), correct.sum(axis=0)], axis=1)
    return tuple(
        ClassFigures(name, *(int(count) for count in row))
        for name, row in zip(classes, totals, strict=True)
    )


def _table(rows: Sequence[Sequence[float] | NDArray[np.integer]], columns: int) -> Counts:
    return np.array(rows, dtype=np.float64).reshape(-1, columns)


def _overall(part: Counts, whole: Counts) -> Tally:
    return Tally(part.sum(axis=1, keepdims=True), whole.sum(axis=1, keepdims=True))


def _f1_tally(counts: Sequence[F1]) -> Tally:
    part = _table([[2 * one.tp] for one in counts], 1)
    return Tally(part, part + _table([[one.fp + one.fn] for one in counts], 1))


def same_videos(truth: Mapping[str, object], said: Mapping[str, object]) -> tuple[str, ...]:
    """Return the names in a fixed order, so that reports on the same videos can be paired."""
    differing = sorted(truth.keys() ^ said.keys())
    if differing:
        raise InvalidData(
            "Truth and prediction must be of the same videos",
            ", ".join(map(quoted, differing[:5])),
            "Predict the videos that are evaluated.",
        )
    return tuple(sorted(truth))


def check_lengths(name: str, there: int, said: int) -> None:
    """Refuse a truth and a prediction of different lengths."""
    if there != said:
        raise InvalidData(
            "Truth and prediction must be equally long",
            f"'{name}' has {there} and {said} rows",
            "Predict the video again.",
        )


def check_indices(name: str, indices: Indices, classes: int) -> None:
    """Refuse indices that no class has."""
    if indices.size and (indices.min() < 0 or indices.max() >= classes):
        raise InvalidData(
            f"A class index must lie between 0 and {classes - 1}",
            f"'{name}' has {indices.min()} to {indices.max()}",
            "Evaluate with the label set that the run was trained on.",
        )
