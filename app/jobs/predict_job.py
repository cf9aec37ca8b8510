"""A prediction job: a run over videos, stored one by one, then scored where labels are known."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.jobs.worker import JobContext
from app.services.evaluation import evaluate_run
from core.errors import Stopped
from core.features import FeatureCache
from core.manifest import video_from_json
from core.prediction import Cost, Predictor
from core.prediction_files import write_prediction
from core.run_folder import load_run
from core.types import LabelledVideo, Progress
from storage.states import StopRequest


def run(context: JobContext) -> dict[str, Any]:
    """Predict the spec's videos with the spec's run."""
    spec = context.spec
    videos = [video_from_json(values) for values in spec["videos"]]
    folder = Path(spec["run_folder"])
    return predict_videos(context, folder, videos, None, Path(spec["cache"]), spec.get("decoder"))


def predict_videos(
    context: JobContext,
    folder: Path,
    videos: Sequence[LabelledVideo],
    cache: FeatureCache | None = None,
    cache_root: Path | None = None,
    decoder: str | None = None,
) -> dict[str, Any]:
    """Predict, store and score; returns the figures by split."""
    loaded = load_run(folder, merge=True)
    if cache is None:
        assert cache_root is not None
        cache = FeatureCache(cache_root, loaded.config.backbone, loaded.config.rate)
        cache.compute(videos, context.report)
    writer = PredictionWriter(folder, cache, loaded.predictor(decoder))
    for done, video in enumerate(by_interest(videos)):
        asked = context.report(Progress(done, len(videos), f"prediction of {video.name}"))
        # What is stopped to be kept is still evaluated.
        if asked and context.folder.stop_request() != StopRequest.KEEP:
            raise Stopped("The prediction")
        if told := writer.write(video):
            context.emit("prediction", **told)
    context.report(Progress(len(videos), len(videos), "prediction"))
    return {"metrics": evaluate_run(folder, videos)}


def by_interest(videos: Sequence[LabelledVideo]) -> list[LabelledVideo]:
    """Return videos in the order in which people want to see their predictions."""
    order = {"test": 0, "val": 1, "train": 2, None: 3}
    return sorted(videos, key=lambda video: order[video.split])


@dataclass(slots=True)
class PredictionWriter:
    """Predicts videos one by one and keeps the answers in the run's folder."""

    folder: Path
    cache: FeatureCache
    predictor: Predictor
    cost: Cost | None = None

    def write(self, video: LabelledVideo) -> dict[str, Any] | None:
        """Return what the server is told of a video's prediction; None where it has no frames."""
        features = self.cache.load(video)
        if not len(features):
            return None
        cost = self.cost = self.cost or self.predictor.measure(features)
        prediction = self.predictor.predict(video, features, cost)
        path = write_prediction(self.folder, video, prediction)
        return {
            "video": video.name,
            "content_hash": video.content_hash,
            "path": str(path),
            "rows": len(prediction.time_us),
            "ms": cost.ms,
            "passes": cost.passes,
            "tokens": cost.tokens,
        }
