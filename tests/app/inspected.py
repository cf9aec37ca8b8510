"""Runs that were never trained, but answer: real folders, with their answers stored as by a job."""

from pathlib import Path
from typing import cast

from app.services import Studio
from core.config import RunConfig
from core.features import FeatureCache
from core.prediction import Cost
from core.prediction_files import write_prediction
from core.run_folder import build_classifier, load_run, write_run
from core.types import LabelSet
from storage import library, runs, training_data
from storage.runs import Classifier, NewRun, StoredPrediction
from storage.states import RunState
from tests.core.test_contracts import disturb


def make_answering_run(studio: Studio, project: int, backbone: Path, seed: int, **values) -> int:
    """Make a run with moved weights and let it answer all videos of a project."""
    training = {"device": "cpu", "seed": seed}
    config = RunConfig.read({"backbone": str(backbone), "training": training, **values})
    new = NewRun(
        project_id=project, classifier=cast(Classifier, config.classifier), task=config.task,
        backbone="tiny", data_hash="0",
    )  # fmt: skip
    row = runs.create_run(studio.database, new)
    folder = studio.directory.root / row.folder
    labels = LabelSet(("cut bread", "stir tea", "stir soup"))
    write_run(disturb(build_classifier(config, labels)), config, labels, folder, {"steps": 1})
    run = load_run(folder, merge=True)
    videos = training_data.labelled_videos(studio.database, project)
    cache = FeatureCache(studio.directory.features, config.backbone, run.recipe.rate)
    cache.compute(videos)
    ids = {video.content_hash: video.id for video in library.list_videos(studio.database, project)}
    stored = []
    for video in videos:
        found = run.predictor().predict(video, cache.load(video), Cost(1, 1, 1))
        path = str(write_prediction(folder, video, found).relative_to(studio.directory.root))
        stored.append(
            StoredPrediction(ids[video.content_hash], path, len(found.predicted), 1, 1, 1)
        )
    runs.put_predictions(studio.database, row.id, stored)
    runs.set_state(studio.database, row.id, RunState.READY)
    return row.id
