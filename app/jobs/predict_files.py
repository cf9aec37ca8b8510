"""Predict video files with runs from the shell: nothing is written but the shared feature cache."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.feature_files import content_hash, is_feature_file, read_features
from core.feature_sets import at_frame
from core.features import FeatureCache
from core.loaded_runs import LoadedRuns
from core.prediction import Cost
from core.run_card import read_run_card
from core.types import FrameFeatures, LabelledVideo, Prediction, runs_of_equal
from core.video import Limits, probe
from core.video.info import DEFAULT_LIMITS


def predict_files(
    folders: Sequence[Path], videos: Sequence[Path], cache: Path, *, decoder: str | None = None
) -> Iterator[dict[str, Any]]:
    """Yield one JSON-able answer a video and run, video by video.

    Runs of one backbone share its weights, and the features of a video where their rate is one.

    Raises:
        UnreadableVideo: A file cannot be decoded; the answers before it were given.
        StudioError: A folder is no run.
    """
    cards, loaded = [read_run_card(folder) for folder in folders], LoadedRuns(len(folders))
    sources = [(card.config.backbone, card.rate) for card in cards]
    root = _writable(cache)
    caches = {source: FeatureCache(root, *source) for source in dict.fromkeys(sources)}
    costs: dict[Path, Cost] = {}
    for path in videos:
        seen = {source: _see(path, features) for source, features in caches.items()}
        for card, source in zip(cards, sources, strict=True):
            video, known = seen[source]
            with loaded.using(card.folder) as run:
                predictor = run.predictor(decoder)
                if card.folder not in costs:
                    costs[card.folder] = predictor.measure(known)
                prediction = predictor.predict(video, known, costs[card.folder])
            yield {
                "run": card.folder.name,
                "video": str(path),
                "rate": card.rate,
                **answer(prediction, card.classes, video.duration_us),
            }


def _see(path: Path, features: FeatureCache) -> tuple[LabelledVideo, FrameFeatures]:
    """Return a video with its features, computed if they are missing."""
    video = video_of(path, features.rate)
    features.compute([video])
    return video, features.load(video)


def video_of(path: Path, rate: float, limits: Limits = DEFAULT_LIMITS) -> LabelledVideo:
    """Return a video as its file says; one of features is as long as its frames.

    Raises:
        UnreadableVideo: It cannot be decoded, or breaks a limit.
    """
    if is_feature_file(path):
        frames = len(read_features(path))
        return LabelledVideo(path.name, path, content_hash(path), at_frame(frames, rate))
    info = probe(path, limits=limits)
    return LabelledVideo(path.name, path, info.content_hash, info.usable_us)


def answer(prediction: Prediction, classes: Sequence[str], duration_us: int) -> dict[str, Any]:
    """Return a prediction as JSON values: every row, and the segments that equal rows make."""
    return {
        "time_us": prediction.time_us.tolist(),
        "class": prediction.predicted.tolist(),
        "probability": np.round(prediction.confidence, 4).tolist(),
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
    confidence = prediction.confidence
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
