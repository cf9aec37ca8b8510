"""What runs on the nodes of a cluster. Every task may be repeated: its files are made whole."""

import os
import sys
import time
from collections.abc import Callable, Sequence
from functools import lru_cache, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.jobs.executors.local import ENVIRONMENT
from app.jobs.lifeline import start_bound
from app.jobs.protocol import PROCESSES, JobFolder
from core.errors import MissingArtifact, StudioError
from core.manifest import video_from_json

# torch takes seconds to import, and who only starts a worker does not need it
if TYPE_CHECKING:
    from app.jobs.predict_job import PredictionWriter
    from core.features import FeatureCache

_SEEN_WITHIN_S = 30.0  # network file systems show new files late
_LOOK_EVERY_S = 0.5


def answering(task: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    """Turn what a task returns or raises into JSON, which every node can read."""

    @wraps(task)
    def run(*values: Any) -> dict[str, Any]:
        try:
            return {"found": task(*values)}
        except StudioError as error:
            return error.as_json()

    return run


@answering
def run_worker(folder: str, processes: int) -> int:
    """Run the worker of a job folder on this node; returns its exit code.

    When the task is cancelled, the worker is asked to end at the next safe place.
    """
    job = JobFolder(Path(folder))
    _check_shared(job)
    with job.log.open("ab") as output:
        worker = start_bound(
            [sys.executable, "-m", "app.jobs.worker", folder],
            os.environ | ENVIRONMENT | {PROCESSES: str(processes)},
            output,
        )
        while (code := worker.poll()) is None:
            try:
                time.sleep(_LOOK_EVERY_S)
            except KeyboardInterrupt:
                worker.terminate()
        return code


@answering
def compute_features(
    root: str, backbone: str, rate: float | None, videos: Sequence[dict[str, Any]]
) -> int:
    """Compute the features of some videos that have none; returns how many videos there were."""
    _feature_cache(root, backbone, rate).compute([video_from_json(values) for values in videos])
    return len(videos)


@answering
def predict(
    folder: str, root: str, decoder: str | None, videos: Sequence[dict[str, Any]]
) -> list[dict[str, Any] | None]:
    """Predict some videos, whose features are there; returns what the server is told of each."""
    writer = _writer(folder, root, decoder)
    return [writer.write(video_from_json(values)) for values in videos]


def _check_shared(job: JobFolder) -> None:
    until = time.monotonic() + _SEEN_WITHIN_S
    while not (job.path / "spec.json").is_file():
        if time.monotonic() > until:
            raise MissingArtifact(
                "Every node must see the data directory under the same path",
                f"'{job.path}' is not on {os.uname().nodename}",
                "Mount the shared folder there, then press Resume.",
            )
        time.sleep(_LOOK_EVERY_S)


# A node's process does many tasks of one job: the model is loaded once.
@lru_cache(maxsize=1)
def _feature_cache(root: str, backbone: str, rate: float | None) -> "FeatureCache":
    from core.features import FeatureCache

    return FeatureCache(Path(root), backbone, rate)


@lru_cache(maxsize=1)
def _writer(folder: str, root: str, decoder: str | None) -> "PredictionWriter":
    from app.jobs.predict_job import PredictionWriter
    from core.features import FeatureCache
    from core.run_folder import load_run

    loaded = load_run(Path(folder), merge=True)
    cache = FeatureCache(Path(root), loaded.config.backbone, loaded.config.rate)
    return PredictionWriter(Path(folder), cache, loaded.predictor(decoder))
