"""What a worker says becomes rows: one function for each kind of event.

Reading the same events twice changes nothing, so a restarted server reads from the beginning.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from app.services import Studio, demo, reproduction
from app.services.library import record_look, record_unreadable
from core.types import Progress
from storage import jobs, runs
from storage.jobs import CurvePoint, Job
from storage.library import VideoFilter, list_videos
from storage.runs import Metric, StoredPrediction
from storage.states import RunState


class Ingestion:
    """The state of reading one job's events."""

    def __init__(self, studio: Studio, job: Job) -> None:
        self.studio, self.job = studio, job
        self.offset = 0
        self._stage_began, self._stage_first = 0.0, -1
        self._points: list[CurvePoint] = []
        self._predictions: list[StoredPrediction] = []
        self._progress: Progress | None = None
        self._videos: defaultdict[str, list[int]] | None = None
        self._handlers: dict[str, Callable[[Mapping[str, Any]], None]] = {
            "stage": self._on_stage,
            "progress": self._on_progress,
            "prediction": self._on_prediction,
            "probed": self._on_probed,
            "unreadable": self._on_unreadable,
        }

    def take(self, events: list[dict[str, Any]]) -> None:
        """Turn events into rows, in a few transactions."""
        for event in events:
            handler = self._handlers.get(event["type"])
            if handler:
                handler(event)
        database = self.studio.database
        if self._points:
            jobs.add_curve_points(database, self.job.id, self._points)
        if self._predictions:
            runs.put_predictions(database, self.job.spec["run"], self._predictions)
        if self._progress and jobs.find_job(database, self.job.id, spec=False).state.is_active:
            jobs.report(database, self.job.id, self._progress)
        self._points, self._predictions, self._progress = [], [], None

    def _on_stage(self, event: Mapping[str, Any]) -> None:
        self._stage_began, self._stage_first = event["at"], -1

    def _on_progress(self, event: Mapping[str, Any]) -> None:
        step = event["done"]
        if self._stage_first < 0:
            self._stage_first, self._stage_began = step, event["at"]
        if event["stage"] == "training":
            self._points += [
                CurvePoint(step, name, value)
                for name, value in event["values"].items()
                if name in _CURVES
            ]
        seconds = event["at"] - self._stage_began if self._stage_began else 0.0
        values = {"stage_first": float(self._stage_first), "stage_seconds": seconds}
        self._progress = Progress(step, event["total"], event["message"], values)

    def _on_prediction(self, event: Mapping[str, Any]) -> None:
        if self._videos is None:
            self._videos = defaultdict(list)  # several videos may have one content
            for row in list_videos(self.studio.database, self.job.project_id, VideoFilter()):
                self._videos[row.content_hash or ""].append(row.id)
        for video in self._videos[event["content_hash"]]:
            path = str(Path(event["path"]).relative_to(self.studio.directory.root))
            self._predictions.append(
                StoredPrediction(
                    video, path, event["rows"], event["ms"], event["passes"], event["tokens"]
                )
            )

    def _on_probed(self, event: Mapping[str, Any]) -> None:
        path = Path(event["path"])
        if path.is_file():
            record_look(self.studio, event["id"], path, event["info"])

    def _on_unreadable(self, event: Mapping[str, Any]) -> None:
        record_unreadable(self.studio, event["id"], Path(event["path"]), event["error"])


_CURVES = frozenset(
    {"loss", "cls", "gen", "val_loss", "val_accuracy", "learning_rate", "grad_norm"}
)


def keep_result(studio: Studio, job: Job, result: Mapping[str, Any]) -> None:
    """Keep what a finished job found: a run's figures and state, a reproduction's summary."""
    if job.kind == "render":
        demo.predict_shipped_runs(studio, job.project_id)
    if job.kind == "reproduce":
        reproduction.keep(studio, job)
    run = job.spec.get("run")
    if run is None:
        return
    runs.put_metrics(studio.database, run, _metrics(result.get("metrics", {})))
    runs.set_state(studio.database, run, RunState.READY)


def _metrics(by_split: Mapping[str, Any]) -> list[Metric]:
    return [
        Metric(split, key, value, low=low, high=high, count=figures["videos"])
        for split, figures in by_split.items()
        for key, value in figures["metrics"].items()
        for low, high in [figures["interval"][key]]
    ]
