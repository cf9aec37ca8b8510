"""A training in a process of its own that is killed without a word, and what it said before."""

import json
import os
import signal
import sys
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from core.config import RunConfig
from core.training import train
from core.training_data import TrainingData
from core.types import FrameFeatures, LabelSet
from tests.core.conftest import toy_video

LABELS = LabelSet(("add salt", "stir tea"))
_LOSSES = "losses.jsonl"
_CHANGES = ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree")

processes: Any = get_context("forkserver")
processes.set_forkserver_preload([__name__])  # torch is imported once


def settings(backbone: str, steps: int) -> RunConfig:
    return RunConfig.read({
        "backbone": backbone, "classifier": "gad", "training": {
            "steps": steps, "batch": 2, "device": "cpu", "dropout": 0.2, "checkpoint_every": 2,
        },
    })  # fmt: skip


def data(width: int) -> TrainingData:
    """Toy videos whose features are as wide as a backbone wants them."""

    def wide(name: str, seed: int, split: str = "train"):
        video, features = toy_video(name, seed=seed, split=split)
        values = features.features.repeat(-(-width // features.features.shape[2]), 2)[:, :, :width]
        return video, FrameFeatures(values, features.time_us, features.pts_us)

    return TrainingData(
        LABELS, [wide(f"{i}.mp4", i) for i in range(4)], [wide("val.mp4", 9, "val")]
    )


def work(backbone: str, width: int, steps: int, folder: Path, die_at: int | None) -> None:
    """Train, and say every loss; die at the n-th change to a file among the checkpoints."""
    torch.set_num_threads(1)
    if die_at is not None:
        _die_at(die_at)
    with (folder / _LOSSES).open("a", buffering=1) as said:

        def listen(progress) -> None:
            if "loss" in progress.values:
                said.write(json.dumps([progress.done, progress.values["loss"]]) + "\n")

        train(settings(backbone, steps), data(width), folder / "run", report=listen)


def _die_at(number: int) -> None:
    seen = 0

    def look(event: str, values: tuple[Any, ...]) -> None:
        nonlocal seen
        if event in _CHANGES and "/checkpoints/" in str(values[0]):
            seen += 1
            if seen == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(look)


def start(backbone: Path | str, width: int, steps: int, folder: Path, die_at: int | None = None):
    """Start a training; it goes on with what an earlier one left in the folder."""
    folder.mkdir(exist_ok=True)
    process = processes.Process(target=work, args=(str(backbone), width, steps, folder, die_at))
    process.start()
    return process


def losses(folder: Path) -> dict[int, float]:
    """Return the loss of every step, as it was said last."""
    return dict(json.loads(line) for line in _lines(folder))


def said_so_far(folder: Path) -> int:
    """Return how many losses were said, over all attempts."""
    return len(_lines(folder))


def _lines(folder: Path) -> list[str]:
    path = folder / _LOSSES
    lines = path.read_text().splitlines() if path.is_file() else []
    return [line for line in lines if line.endswith("]")]
