"""Peak memory of predictions against the length of a video: one process for each case.

`blocks` is the dense pass with its answers dropped: what predicting itself needs. `predict` keeps
the answers, as a job does. `one pass` puts the whole video under one mask. `stream` pushes frame by
frame. What counts is the process's own memory above that of the loaded model, looked at every
millisecond; the pages of the features are mapped from a file, and the system's to drop.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from threading import Event, Thread

import numpy as np
import psutil
import torch

from core.answers import Answerer
from core.bench.measuring import Report, Settings
from core.bench.models import WINDOW, backbone, classifier
from core.classifiers.base import Classifier
from core.frame_cache import FrameCache
from core.prediction import BLOCK, Cost, Predictor
from core.streaming import StreamingPredictor
from core.tasks import load_task
from core.types import FrameFeatures, LabelledVideo, LabelSet, grid_us

_LABELS = LabelSet(tuple(f"action {i}" for i in range(105)))
_RATE = 4.0
_MIB = 1 << 20
_SETTLED = 500
"""Frames after which a stream's window is full, and what is made once is made."""


def run(settings: Settings) -> Report:
    """Measure nano, discriminative, 105 classes, 4 frames a second, a window of 148 frames."""
    minutes, streamed = ((1, 2), _SETTLED + 200) if settings.quick else ((5, 15, 60), 10_000)
    short, long = minutes[0], minutes[-1]
    cases = [("blocks", m) for m in minutes] + [("one pass", m) for m in minutes[:2]]
    peak: dict[tuple[str, int], float] = {}
    for way, length in cases:
        peak[way, length] = _in_new_process(way, length, settings)["peak"]
    whole = _in_new_process("predict", long, settings)
    stream = _in_new_process("stream", streamed / 60 / _RATE, settings)
    report = Report("memory")
    report.figures = [
        *((f"{way}, {length} min", found / _MIB, "MiB") for (way, length), found in peak.items()),
        (
            f"blocks, {long} min against {short} min",
            peak["blocks", long] / peak["blocks", short], "×",
        ),
        *(
            (f"one pass against blocks, {m} min", peak["one pass", m] / peak["blocks", m], "×")
            for m in minutes[:2]
        ),
        (f"predict with its answers kept, {long} min", whole["peak"] / _MIB, "MiB"),
        ("of it the answers themselves", whole["kept"] / _MIB, "MiB"),
        (f"stream, growth from frame {_SETTLED} to {streamed}", stream["growth"] / _MIB, "MiB"),
        (f"stream, a frame, median of the first {_SETTLED}", stream["first_ms"], "ms"),
        (f"stream, a frame, median of the last {_SETTLED}", stream["last_ms"], "ms"),
    ]  # fmt: skip
    return report


def _in_new_process(way: str, minutes: float, settings: Settings) -> dict[str, float]:
    """Run a way over a video of some minutes; returns bytes, and what else it says."""
    frames = round(minutes * 60 * _RATE)
    settings.say(f"memory: {way}, {frames} frames")
    with TemporaryDirectory(prefix="gad-bench-") as folder:
        path = Path(folder) / "features.npy"
        drawn = np.random.default_rng(0)
        shape = (frames, 1, backbone("nano").card.feature_width)
        np.save(path, drawn.standard_normal(shape, np.float32).astype(np.float16))
        command = [sys.executable, "-m", __name__, way, str(path)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    found = json.loads(done.stdout)
    settings.say(", ".join(f"{name} {value:,.4g}" for name, value in found.items()))
    return found


def _blocks(model: Classifier, frames: np.ndarray) -> dict[str, float]:
    cache, answerer = FrameCache(model, WINDOW, frames.shape[1]), Answerer(model)
    for start, end in cache.blocks(len(frames), BLOCK):
        hidden = cache.push(torch.from_numpy(frames[start:end]), model.roots([0]))
        answerer.answer(None, hidden, np.zeros(end - start, np.int64))
        cache.forget()
    return {}


def _one_pass(model: Classifier, frames: np.ndarray) -> dict[str, float]:
    cache = FrameCache(model, WINDOW, frames.shape[1])
    hidden = cache.push(torch.from_numpy(frames), model.roots([0]))
    Answerer(model).answer(None, hidden, np.zeros(len(frames), np.int64))
    return {}


def _predict(model: Classifier, frames: np.ndarray) -> dict[str, float]:
    duration = round(len(frames) / _RATE * 1e6)
    time_us = grid_us(duration, _RATE)
    video = LabelledVideo("video.mp4", Path("video.mp4"), "", duration)
    predictor = Predictor(model, load_task("online_detection"), _LABELS, window=WINDOW)
    found = predictor.predict(video, FrameFeatures(frames, time_us, time_us), Cost(0, 0, 0))
    values = (getattr(found, field.name) for field in fields(found))
    return {"kept": sum(value.nbytes for value in values if isinstance(value, np.ndarray))}


def _stream(model: Classifier, frames: np.ndarray) -> dict[str, float]:
    predictor = StreamingPredictor(model, WINDOW, frames.shape[1])
    seconds, settled = [], 0
    for at in range(len(frames)):
        if at == _SETTLED:
            settled = _own_bytes()
        started = time.perf_counter()
        predictor.push(torch.from_numpy(frames[at : at + 1]))
        seconds.append(time.perf_counter() - started)
    return {
        "growth": _own_bytes() - settled,
        "first_ms": 1000 * median(seconds[:_SETTLED]),
        "last_ms": 1000 * median(seconds[-_SETTLED:]),
    }


_DENSE: dict[str, Callable[[Classifier, np.ndarray], dict[str, float]]] = {
    "blocks": _blocks,
    "one pass": _one_pass,
    "predict": _predict,
}


def _own_bytes() -> int:
    """Return the resident memory of this process without the pages of files."""
    found = psutil.Process().memory_info()
    return found.rss - getattr(found, "shared", 0)  # macOS counts no such pages


class _Peak:
    """Looks at the memory of the process every millisecond; `above` is the most since it began."""

    def __init__(self) -> None:
        self._first = self._most = _own_bytes()
        self._done, self._thread = Event(), Thread(target=self._look, daemon=True)

    def __enter__(self) -> "_Peak":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(0.001):
            self._most = max(self._most, _own_bytes())

    @property
    def above(self) -> int:
        """Bytes above those at the beginning."""
        return self._most - self._first


def main(way: str, path: str) -> None:
    """Measure one way in this process and print what was found."""
    classes = load_task("online_detection").classes(_LABELS)
    model = classifier("discriminative", backbone("nano"), classes)
    frames = np.load(path, mmap_mode="c")  # torch wants arrays that can be written
    with torch.inference_mode():
        if way == "stream":  # timed, so nobody looks meanwhile
            torch.set_num_threads(1)  # one frame gives no second thread anything to do
            found = _stream(model, frames)
        else:
            with _Peak() as peak:
                found = _DENSE[way](model, frames)
            found["peak"] = peak.above
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
