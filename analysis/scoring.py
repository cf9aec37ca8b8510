"""Every figure of a dense prediction that comes without a label set, from whatever tool.

Formulas: docs/metrics.md.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.metrics import (
    check_indices,
    check_lengths,
    evaluate_frames,
    named_within,
    same_videos,
)
from analysis.segments import IGNORED, Indices, percent
from core.errors import InvalidData

Scores = Mapping[str, NDArray[np.floating]]
"""Video name to score of every class, [frames, C], higher is better; −inf is worse than all."""


def score_frames(
    truth: Mapping[str, Indices],
    prediction: Mapping[str, Indices],
    scores: Scores | None = None,
    *,
    fps: float,
    background: int = 0,
) -> dict[str, Any]:
    """Return what `gad metrics` prints: figures in percent, None where one is undefined.

    Args:
        truth: Video name to class index of each frame, `IGNORED` where there is no target.
        prediction: The same videos, the same frames; any index where there is no target.
        scores: The same videos, the same frames; without them `map` and `top5` are None.
        fps: Frames a second, the same in all videos.
        background: Index of the background.
    """
    aligned = {name: _aligned(name, truth, prediction) for name in same_videos(truth, prediction)}
    for name, rows in (scores or {}).items():
        check_indices(name, truth[name][truth[name] != IGNORED], rows.shape[1])
        check_indices(name, aligned[name], rows.shape[1])
    # Only the classes that occur, counted from 0: a table of classes stays as small as the data.
    counted = [row[row != IGNORED] for row in truth.values()]
    seen = np.unique(np.concatenate([[background], *counted, *aligned.values()]).astype(np.int64))
    report = evaluate_frames(
        {n: np.where(t == IGNORED, IGNORED, np.searchsorted(seen, t)) for n, t in truth.items()},
        {name: np.searchsorted(seen, said) for name, said in aligned.items()},
        fps=fps,
        classes=[str(index) for index in seen],
        background=int(np.searchsorted(seen, background)),
    )
    figures = report.metrics
    return {
        "frame_accuracy": figures["frame_accuracy"],
        **{
            key: {"f1": count.f1, "precision": count.precision, "recall": count.recall}
            for key, count in report.f1.items()
        },
        "edit": figures["edit"],
        "map": mean_average_precision(truth, scores, background) if scores else None,
        "top5": top_share(5, truth, scores) if scores else None,
    }


def mean_average_precision(
    truth: Mapping[str, Indices], scores: Scores, background: int = 0
) -> float | None:
    """Return the mean over actions that occur of their average precision over all frames.

    Background is no action, but its frames are negatives of every action; frames without a target
    are left out. None where no action occurs.
    """
    from sklearn.metrics import average_precision_score  # a second to import; only this needs it

    kept = {name: row != IGNORED for name, row in truth.items()}
    true = np.concatenate([truth[name][rows] for name, rows in kept.items()])
    found = []
    for action in np.unique(true[true != background]):
        # One class at a time: the scores of all videos side by side would need their memory twice.
        column = np.concatenate([scores[name][rows, action] for name, rows in kept.items()])
        # Average precision depends on the order alone, and ranks may stand for −inf too.
        ranks = np.unique(column, return_inverse=True)[1]
        found.append(average_precision_score(true == action, ranks))
    return 100.0 * float(np.mean(found)) if found else None


def top_share(k: int, truth: Mapping[str, Indices], scores: Scores) -> float | None:
    """Return the share of frames, background included, whose class is among the `k` best."""
    hits = frames = 0
    for name, there in truth.items():
        kept = there != IGNORED
        hits += int(named_within(k, there[kept], scores[name][kept]).sum())
        frames += int(kept.sum())
    return percent(hits, frames)


def _aligned(name: str, truth: Mapping[str, Indices], prediction: Mapping[str, Indices]) -> Indices:
    """Return the prediction of a video with a class in every frame. Shape: [frames]."""
    there, said = truth[name], prediction[name]
    check_lengths(name, len(there), len(said))
    silent = np.flatnonzero((said == IGNORED) & (there != IGNORED))
    if silent.size:
        raise InvalidData(
            "A prediction must have a class for every frame that has a true one",
            f"'{name}' has {IGNORED} for frame {silent[0]}",
            f"Predict that frame, or set its truth to {IGNORED}.",
        )
    return np.where(there == IGNORED, 0, said)
