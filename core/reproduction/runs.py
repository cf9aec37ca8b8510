"""One run of a reproduction: train, answer the test questions, keep what was answered."""

import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.config import RunConfig
from core.reproduction.footage import world_data
from core.reproduction.plan import Unit
from core.run_folder import Run, load_run
from core.training import train
from core.training_data import TrainingData, VideoWithFeatures
from core.types import FrameFeatures, LabelledVideo, Progress


def run_unit(
    unit: Unit, lr: float, reels: Sequence[Path], work: Path, rate: float
) -> dict[str, Any]:
    """Train and test one unit; the run itself is thrown away.

    Args:
        unit: Which run.
        lr: Its learning rate.
        reels: What `shoot` made of the unit's pixels.
        work: A folder of its own, removed at the end.
        rate: Frames a second of the features.

    Returns:
        Plain values: `truth` and, per decoder, `predicted` (video → class index of each question),
        `curve` (step, validation accuracy in percent), what it cost and how large it is.
    """
    data, test = world_data(unit.condition.world, unit.seed, reels, rate)
    test = test[: unit.study.test]
    steps = 0 if unit.condition.untuned else unit.study.steps
    more = dict(unit.condition.settings)
    shutil.rmtree(work, ignore_errors=True)  # of a run that was killed
    started, cpu = time.monotonic(), time.process_time()
    if unit.condition.first is not None:
        steps //= 2
        _train(unit, data, work / "first", steps, lr, unit.condition.first)
        more["frozen_from"] = str(work / "first")
    curve = _train(unit, data, work / "run", steps, lr, more)
    trained = {"seconds": time.monotonic() - started, "cpu_seconds": time.process_time() - cpu}
    run = load_run(work / "run", merge=True)
    answers, cost = _answers(run, test, unit.condition.decoders)
    shutil.rmtree(work)
    return {
        "study": unit.study.name, "condition": unit.condition.name, "seed": unit.seed, "lr": lr,
        "classes": len(run.classifier.classes), "rate": rate, "curve": curve,
        "epoch_steps": run.about.get("epoch_steps", 1), "cost": cost, **trained,
        "trainable_parameters": run.about["trainable_parameters"] if steps else 0,
        "context": run.config.context,
        "truth": {video.name: _truth(run, video, features) for video, features in test},
        "predicted": answers,
    }  # fmt: skip


def _train(
    unit: Unit, data: TrainingData, folder: Path, steps: int, lr: float, more: Mapping[str, Any]
) -> list[tuple[int, float]]:
    """Train, and return the validation curve."""
    training = {"steps": steps, "batch": unit.study.batch, "lr": lr, "seed": unit.seed}
    config = RunConfig.read(
        {"task": unit.study.task, **more, "training": {**training, "checkpoint_every_s": 1e6}}
    )
    curve: list[tuple[int, float]] = []

    def listen(progress: Progress) -> None:
        if "val_accuracy" in progress.values:
            curve.append((progress.done, round(progress.values["val_accuracy"], 2)))

    train(config, data, folder, report=listen)
    return curve


def _answers(
    run: Run, test: list[VideoWithFeatures], decoders: tuple[str, ...]
) -> tuple[dict[str, dict[str, list[int]]], dict[str, dict[str, float]]]:
    answers, costs = {}, {}
    for decoder in decoders or (None,):
        predictor = run.predictor(decoder)
        cost = predictor.measure(test[0][1])
        costs[predictor.decoder] = {"passes": cost.passes, "tokens": cost.tokens, "ms": cost.ms}
        answers[predictor.decoder] = {
            video.name: predictor.predict(video, features, cost).predicted.tolist()
            for video, features in test
        }
    return answers, costs


def _truth(run: Run, video: LabelledVideo, features: FrameFeatures) -> list[int]:
    clips = run.task.clips(video, features.time_us, run.labels, "none")
    return np.concatenate([clip.target for clip in clips]).tolist()


def best_of(outcome: Mapping[str, Any]) -> float:
    """Return the best validation accuracy of a run, in percent."""
    return float(np.max([accuracy for _, accuracy in outcome["curve"]]))
