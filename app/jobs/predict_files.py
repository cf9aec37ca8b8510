"""Predict video files from the shell: nothing is written but the shared feature cache."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.feature_files import content_hash, is_feature_file, read_features
from core.feature_sets import at_frame
from core.features import FeatureCache
from core.run_folder import load_run
from core.types import LabelledVideo, Prediction, runs_of_equal
from core.video import probe


def predict_files(
    folder: Path, videos: Sequence[Path], cache: Path, *, decoder: str | None = None
) -> Iterator[dict[str, Any]]:
    """Yield one JSON-able answer a video.

    Raises:
        UnreadableVideo: A file cannot be decoded; the answers before it were given.
        StudioError: The folder is no run.
    """
    run = load_run(folder, merge=True)
    features = FeatureCache(_writable(cache), run.config.backbone, run.recipe.rate)
    predictor = run.predictor(decoder)
    cost = None
    for path in videos:
        video = _video(path, run.recipe.rate)
        features.compute([video])
        known = features.load(video)
        cost = cost or predictor.measure(known)
        prediction = predictor.predict(video, known, cost)
        yield {
            "run": folder.name,
            "video": str(path),
            "rate": run.recipe.rate,
            **answer(prediction, run.classifier.classes, video.duration_us),
        }


def _video(path: Path, rate: float) -> LabelledVideo:
    """Return a video as its file says; one of features is as long as its frames."""
    if is_feature_file(path):
        frames = len(read_features(path))
        return LabelledVideo(path.name, path, content_hash(path), at_frame(frames, rate))
    info = probe(path)
    return LabelledVideo(path.name, path, info.content_hash, info.usable_us)


def answer(prediction: Prediction, classes: Sequence[str], duration_us: int) -> dict[str, Any]:
    """Return a prediction as JSON values: every row, and the segments that equal rows make."""
    rows = np.arange(len(prediction.predicted))
    confidence = prediction.probability[rows, prediction.predicted]
    return {
        "time_us": prediction.time_us.tolist(),
        "class": prediction.predicted.tolist(),
        "probability": np.round(confidence, 4).tolist(),
        "labels": list(classes),
        "segments": segments_of(prediction, classes, duration_us),
        "decoder": prediction.decoder,
        "passes": prediction.passes,
        "ms": round(prediction.ms, 3),
    }


def segments_of(
    prediction: Prediction, classes: Sequence[str], duration_us: int
) -> list[dict[str, Any]]:
    """Return runs of one class, without background; clip tasks give their own spans."""
    rows = np.arange(len(prediction.predicted))
    confidence = prediction.probability[rows, prediction.predicted]
    if prediction.span_us is not None:
        spans = [
            (int(a), int(b), int(c), float(p))
            for (a, b), c, p in zip(
                prediction.span_us, prediction.predicted, confidence, strict=True
            )
        ]
    else:
        edges = [*prediction.time_us.tolist(), duration_us]
        spans = [
            (edges[a], edges[b], c, float(confidence[a:b].mean()))
            for a, b, c in runs_of_equal(prediction.predicted)
            if c != 0  # background
        ]
    return [
        {"start_us": a, "end_us": b, "label": classes[c], "confidence": round(p, 4)}
        for a, b, c, p in spans
    ]


def _writable(cache: Path) -> Path:
    """Return the cache, or a temporary one where it cannot be written."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError:
        return Path(tempfile.mkdtemp(prefix="gad-features-"))
    return cache if os.access(cache, os.W_OK) else Path(tempfile.mkdtemp(prefix="gad-features-"))
