"""A fine-tuning job: features, training, predictions of every video, figures."""

import shutil
from pathlib import Path
from typing import Any

from app.jobs.predict_job import predict_videos
from app.jobs.protocol import Ending
from app.jobs.worker import JobContext
from core.config import RunConfig
from core.errors import Stopped
from core.features import FeatureCache
from core.manifest import video_from_json
from core.training import train
from core.training_data import TrainingData
from core.types import LabelSet
from storage.states import StopRequest


def run(context: JobContext) -> dict[str, Any]:
    """Train what the spec says and leave a whole run folder, or none."""
    spec = context.spec
    config = RunConfig.read(spec["config"])
    videos = [video_from_json(values) for values in spec["videos"]]
    labels = LabelSet(tuple(spec["labels"]), tuple(spec["goals"]))
    cache = FeatureCache(Path(spec["cache"]), config.backbone, config.rate)
    context.stage("features")
    cache.compute(videos, context.report)
    by_split = {
        split: [(video, cache.load(video)) for video in videos if video.split == split]
        for split in ("train", "val")
    }
    data = TrainingData(labels, by_split["train"], by_split["val"], spec["about"])
    folder = Path(spec["run_folder"])
    context.stage("training")
    try:
        trained = train(config, data, folder, report=context.report)
        if trained.stopped and context.folder.stop_request() != StopRequest.KEEP:
            raise Stopped("The training")
        context.stage("prediction")
        figures = predict_videos(context, folder, videos, cache)
    except Stopped:
        if context.folder.stop_request() == StopRequest.DISCARD:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    return {
        "state": Ending.STOPPED if trained.stopped else Ending.DONE,
        "run": True,
        "steps": trained.steps,
        "kept": trained.kept,
        **figures,
    }
