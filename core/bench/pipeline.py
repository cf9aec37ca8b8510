"""The whole way: a video file to the lanes of the three shipped runs, against real time.

Warm is a worker with its models in memory; the video's features are computed again in each repeat.
Cold is the shell's command in a new process: imports, loading, probing the file, and measuring what
one answer of each run costs.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from core.bench.measuring import Report, Row, Settings, Timed, Way, time_in_turns
from core.features import FeatureCache
from core.kitchen import DEMO_RUNS
from core.kitchen.demo import FPS, demo_scripts
from core.kitchen.render import render
from core.loaded_runs import LoadedRuns
from core.prediction import Cost
from core.prediction_files import write_prediction
from core.types import LabelledVideo, grid_us
from core.video import sample, write_mp4

RUNS = ("generative", "discriminative", "gad")
"""The shipped runs; the generative one answers by its own decoder, `exact`."""
_COLD_REPEATS = 3
_UNMEASURED = Cost(0, 0, 0)


def run(settings: Settings) -> Report:
    """Measure seconds of video a second; every frame of the runs' rate is predicted."""
    report, seconds = Report("pipeline"), 8 if settings.quick else 60
    with TemporaryDirectory(prefix="gad-bench-") as folder:
        settings.say(f"rendering {seconds} s of a kitchen video")
        video = kitchen_video(Path(folder), seconds)
        worker = _Worker(video, Path(folder))
        (warm,) = time_in_turns([Way("a warm worker", seconds, worker)], settings)
        again = replace(settings, repeats=min(settings.repeats, _COLD_REPEATS))
        command = Way("gad predict in a new process", seconds, lambda: _predict(video))
        (cold,) = time_in_turns([command], again)
        decoding = Way("decoding alone", seconds, lambda: _decode(video, worker.cache.rate))
        (decoded,) = time_in_turns([decoding], settings)
    what, unit = f"{seconds} s of mp4 to the lanes of three runs", "s of video/s"
    stages = worker.medians()
    note = ", ".join(f"{k} {v / sum(stages.values()):.0%}" for k, v in stages.items())
    report.rows += [
        Row(f"{what}, warm", unit, warm, _real_time(warm), aim=10, note=note),
        Row(f"{what}, cold", unit, cold, _real_time(cold)),
    ]
    stages["decoding alone"] = median(decoded.seconds)
    report.figures += [(f"pipeline, {stage}", value, "s") for stage, value in stages.items()]
    return report


def kitchen_video(folder: Path, seconds: int) -> LabelledVideo:
    """Render the demo's videos one after another into one file, and stop after some seconds."""
    frames = chain.from_iterable(render(script, FPS) for script, _ in demo_scripts())
    path = folder / "kitchen.mp4"
    write_mp4(path, islice(frames, seconds * FPS), FPS)
    return LabelledVideo(path.name, path, "kitchen", seconds * 1_000_000)


class _Worker:
    """What a worker keeps between videos: the tower, one base, three runs on it."""

    def __init__(self, video: LabelledVideo, folder: Path) -> None:
        self.video, self.folder = video, folder
        self.loaded, self.cache = LoadedRuns(), FeatureCache(folder / "features", "nano")
        self._stages: list[dict[str, float]] = []

    def __call__(self) -> None:
        self._stages.append({})
        self.cache.path(self.video).unlink(missing_ok=True)
        with self._stage("decode and tower"):
            self.cache.compute([self.video])
            features = self.cache.load(self.video)
        for name in RUNS:
            with self._stage(name), self.loaded.using(DEMO_RUNS / name) as run:
                prediction = run.predictor().predict(self.video, features, _UNMEASURED)
                write_prediction(self.folder / name, self.video, prediction)

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self._stages[-1][name] = time.perf_counter() - started

    def medians(self) -> dict[str, float]:
        """Return the seconds of each stage, without those of the first call, which loads."""
        measured = self._stages[1:]
        return {name: median(stages[name] for stages in measured) for name in measured[0]}


def _real_time(timed: Timed) -> Timed:
    return Timed("real time", timed.work, (timed.work,) * len(timed.seconds))


def _predict(video: LabelledVideo) -> None:
    """Predict with the three runs in a new process that has no features yet."""
    first, *others = (str(DEMO_RUNS / name) for name in RUNS)
    also = [word for other in others for word in ("--also", other)]
    with TemporaryDirectory(prefix="gad-bench-") as data:
        command = [sys.executable, "-m", "app.cli", "predict", first, str(video.path), *also]
        subprocess.run([*command, "--data-dir", data, "--json"], check=True, capture_output=True)


def _decode(video: LabelledVideo, rate: float) -> None:
    for _ in sample(video.path, grid_us(video.duration_us, rate)):
        pass
