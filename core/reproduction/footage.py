"""The features of a world's videos, rendered and encoded once and kept in a file."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from random import Random

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from core.backbones import load_tower
from core.backbones.base import VisionTower
from core.kitchen.footage import as_decoded
from core.kitchen.render import Scene
from core.kitchen.scripts import Script
from core.reproduction.worlds import Pixels, World, labelled
from core.training_data import TrainingData, VideoWithFeatures
from core.types import FrameFeatures, Split, grid_us

_SCALE = 0.5  # of the nominal picture, as in nano's pre-training
_BATCH = 32
_REEL = 24  # videos


def reels(pixels: Pixels) -> range:
    """Return the numbers of a world's reels: pieces that can be rendered beside each other."""
    return range(-(-len(pixels.scripts()) // _REEL))


def shoot(pixels: Pixels, reel: int, folder: Path) -> Path:
    """Render and encode a piece of a world with nano's tower, unless its file is there.

    Returns:
        A safetensors file: video name → features float16 [T, k, d] on the tower's grid.
    """
    tower = load_tower("nano")
    recipe = json.dumps([asdict(pixels), reel, tower.card.revision], sort_keys=True)
    path = folder / f"{hashlib.sha256(recipe.encode()).hexdigest()[:16]}.safetensors"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        scripts = pixels.scripts()[reel * _REEL : (reel + 1) * _REEL]
        found = {script.name: _encode(script, tower) for script, _ in scripts}
        beside = path.with_suffix(".tmp")
        save_file(found, beside)
        beside.replace(path)
    return path


@torch.inference_mode()
def _encode(script: Script, tower: VisionTower) -> NDArray[np.float16]:
    scene, rng = Scene(script, _SCALE), Random(script.seed)
    times = grid_us(script.duration_us, tower.card.rate).tolist()
    pictures = [tower.prepare(as_decoded(scene.frame(time)[0], rng)) for time in times]
    parts = [
        tower(torch.from_numpy(np.stack(pictures[i : i + _BATCH]))).half().numpy()
        for i in range(0, len(pictures), _BATCH)
    ]
    return np.concatenate(parts)


def world_data(
    world: World, seed: int, reels: Sequence[Path], rate: float
) -> tuple[TrainingData, list[VideoWithFeatures]]:
    """Return a world's training and validation videos, and its test videos, under its names."""
    names = world.names(seed)
    arrays = {name: array for reel in reels for name, array in load_file(reel).items()}
    known: dict[Split, list[VideoWithFeatures]] = {"train": [], "val": [], "test": []}
    for script, split in world.pixels.scripts():
        time_us = grid_us(script.duration_us, rate)
        video = labelled(script, split, world, names)
        known[split].append((video, FrameFeatures(arrays[script.name], time_us, time_us)))
    train = known["train"][: round(world.examples * len(known["train"]))]
    return TrainingData(names, train, known["val"], {"world": asdict(world)}), known["test"]
