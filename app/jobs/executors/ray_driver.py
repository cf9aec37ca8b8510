"""The process that a job of a cluster has beside the server: `python -m ... JOB_FOLDER`.

To the server it is the worker: it lives as long as the job does, takes the signals, and ends
without a result when the node is lost. Features and predictions of many videos are spread over all
nodes; everything else runs in an ordinary worker on one node, in the same job folder.
"""

import logging
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from app.jobs.executors import ray_tasks
from app.jobs.executors.ray_cluster import Cluster, NodeLost, connected
from app.jobs.predict_job import by_interest
from app.jobs.protocol import Ending, JobFolder
from app.jobs.train_job import check_files
from app.jobs.worker import JobContext, work
from app.services.evaluation import evaluate_run
from core.errors import Stopped, StudioError
from core.features import FeatureCache
from core.manifest import video_as_json, video_from_json
from core.run_card import read_run_card
from core.types import LabelledVideo, Progress
from storage.states import StopRequest

log = logging.getLogger(__name__)

_SHARD = 32  # videos a task at most
_SILENT_S = 7.0
"""A worker whose heartbeat, due every two seconds, is silent for so long has ended."""


def main() -> None:
    """Bring the job named on the command line to the cluster and stay until it has ended."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    folder = JobFolder(Path(sys.argv[1]))
    try:
        with connected() as cluster:
            sys.exit(bring(cluster, folder))
    except StudioError as error:
        log.exception("the job failed")
        folder.write_result(Ending.FAILED, **error.as_json())
        sys.exit(1)


def bring(cluster: Cluster, folder: JobFolder) -> int:
    """Do a job on a cluster; returns an exit code."""
    _wait_for_silence(folder)  # of a worker that an earlier attempt left
    if folder.read_spec()["kind"] == "predict":
        return int(work(folder, partial(predict, cluster)) is Ending.FAILED)
    context = JobContext(folder)
    signal.signal(signal.SIGTERM, context.terminate)
    try:
        if context.spec["kind"] == "train":
            with _beating(folder):
                _prepare_training(cluster, context)
    except Stopped:
        log.info("stopped before the training; the worker ends the job")
    return run_on_node(cluster, context)


def run_on_node(cluster: Cluster, context: JobContext) -> int:
    """Run the job's worker on a node, and wait for its end or for the node's."""
    folder = context.folder
    _, before = folder.read_events(0)

    def began() -> bool:
        return any(event["type"] == "started" for event in folder.read_events(before)[0])

    def look() -> bool:
        waits = not began()
        if waits:
            folder.heartbeat.touch()
        # The worker sees for itself that it shall stop; it cannot see that nobody asked for it.
        return context.stopping and (waits or folder.stop_request() is None)

    try:
        return cluster.run_alone(
            ray_tasks.run_worker, str(folder.path), max(1, cluster.gpus), meanwhile=look
        )
    except NodeLost as error:
        log.warning("the node is lost: %s", error)
        _wait_for_silence(folder)
        if folder.stop_request() == StopRequest.KEEP and not began():
            folder.write_result(Ending.STOPPED)
        return 1


def _prepare_training(cluster: Cluster, context: JobContext) -> None:
    spec, config = context.spec, context.spec["config"]
    cache = FeatureCache(Path(spec["cache"]), config["backbone"], config["rate"])
    videos = [video_from_json(values) for values in spec["videos"]]
    context.stage("features")
    check_files(context, videos, cache)
    compute_features(cluster, context, cache, videos)


def compute_features(
    cluster: Cluster, context: JobContext, cache: FeatureCache, videos: Sequence[LabelledVideo]
) -> None:
    """Compute what is missing of the features of videos, on all nodes."""
    todo, done = cache.missing(videos), 0
    root = context.spec["cache"]
    shards = [(root, cache.backbone, cache.rate, part) for part in _parts(todo)]
    for count in cluster.spread(ray_tasks.compute_features, shards, context):
        done += count
        context.report(Progress(done, len(todo), "features, on all nodes"))


def predict(cluster: Cluster, context: JobContext) -> dict[str, Any]:
    """Predict the spec's videos with the spec's run, on all nodes, and score the answers."""
    spec, folder = context.spec, Path(context.spec["run_folder"])
    videos = [video_from_json(values) for values in spec["videos"]]
    config = read_run_card(folder).config
    cache = FeatureCache(Path(spec["cache"]), config.backbone, config.rate)
    context.stage("features")
    compute_features(cluster, context, cache, videos)
    context.stage("prediction")
    done = 0
    parts = _parts(by_interest(videos))
    shards = [(str(folder), spec["cache"], spec.get("decoder"), part) for part in parts]
    for answers in cluster.spread(ray_tasks.predict, shards, context):
        for told in filter(None, answers):
            context.emit("prediction", **told)
        done += len(answers)
        context.report(Progress(done, len(videos), "prediction, on all nodes"))
    return {"metrics": evaluate_run(folder, videos)}


def _parts(videos: Sequence[LabelledVideo]) -> list[list[dict[str, Any]]]:
    """Cut up videos so that every node has several parts to do, and parts are worth a task."""
    size = max(1, min(_SHARD, len(videos) // 32))
    values = [video_as_json(video) for video in videos]
    return [values[first : first + size] for first in range(0, len(values), size)]


@contextmanager
def _beating(folder: JobFolder) -> Iterator[None]:
    """Show that the job lives while no worker of its own does."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(2.0):
            folder.heartbeat.touch()

    threading.Thread(target=beat, daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def _wait_for_silence(folder: JobFolder) -> None:
    """Wait until no worker beats in a folder, where one ever did; clocks of nodes do not matter."""
    if not (folder.path / "events.jsonl").exists():
        return
    last, since = _beat(folder), time.monotonic()
    while time.monotonic() - since < _SILENT_S:
        time.sleep(0.5)
        if (now := _beat(folder)) != last:
            last, since = now, time.monotonic()


def _beat(folder: JobFolder) -> int | None:
    try:
        return folder.heartbeat.stat().st_mtime_ns
    except FileNotFoundError:
        return None


if __name__ == "__main__":
    main()
