"""A fine-tuning job: features, training, predictions of every video, figures."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.jobs.predict_job import predict_videos
from app.jobs.protocol import Ending
from app.jobs.ranks import train_together, trains_together
from app.jobs.worker import JobContext
from core.config import RunConfig
from core.errors import Stopped
from core.feature_files import is_feature_file
from core.features import FeatureCache
from core.manifest import video_from_json
from core.training import Trained, train
from core.training_data import TrainingData
from core.types import SPLITS, LabelledVideo, LabelSet
from core.unchanged import check_unchanged
from storage.states import StopRequest


def run(context: JobContext) -> dict[str, Any]:
    """Train what the spec says and leave a whole run folder, or none."""
    spec = context.spec
    config = RunConfig.read(spec["config"])
    videos = [video_from_json(values) for values in spec["videos"]]
    cache = FeatureCache(Path(spec["cache"]), config.backbone, config.rate)
    context.stage("features")
    check_files(context, videos, cache)
    cache.compute(videos, context.report)
    folder = Path(spec["run_folder"])
    context.stage("training")
    try:
        if trains_together(config):
            trained = train_together(context)
        else:
            trained = train_alone(context, *read_training(spec))
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


def read_training(spec: Mapping[str, Any]) -> tuple[RunConfig, TrainingData]:
    """Return what a spec trains, and on what; all features must be there."""
    config = RunConfig.read(spec["config"])
    cache = FeatureCache(Path(spec["cache"]), config.backbone, config.rate)
    videos = [video_from_json(values) for values in spec["videos"]]
    by_split = {
        split: [(video, cache.load(video)) for video in videos if video.split == split]
        for split in SPLITS
    }
    labels = LabelSet(tuple(spec["labels"]), tuple(spec["goals"]))
    data = TrainingData(labels, by_split["train"], by_split["val"], spec["about"], by_split["test"])
    return config, data


def train_alone(context: JobContext, config: RunConfig, data: TrainingData) -> Trained:
    """Train in this process and tell the job's folder of it."""
    return train(
        config,
        data,
        Path(context.spec["run_folder"]),
        report=context.report,
        forecast=lambda found: context.folder.write_forecast(asdict(found)),
    )


def check_files(context: JobContext, videos: Sequence[LabelledVideo], cache: FeatureCache) -> None:
    """See that the videos are still those that the training was made of."""
    unread = {video.name for video in cache.missing(videos)}
    check_unchanged(
        videos,
        context.folder.path / "files.json",
        is_read=lambda v: v.name not in unread and not is_feature_file(v.path),
        report=context.report,
    )
