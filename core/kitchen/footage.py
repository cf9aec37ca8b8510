"""Rendered frames as nano will see decoded ones: at its size, after an imitation of compression."""

import io
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.backbones.pixels import letterbox
from core.kitchen.recipes import TASKS
from core.kitchen.render import Glimpse, Scene
from core.kitchen.scripts import draw_difficulty, write_script
from core.types import grid_us

INPUT_WIDTH, INPUT_HEIGHT = 160, 90
_SCALE = 0.5  # of the nominal picture; the rest of the way is the letterbox's


@dataclass(frozen=True, slots=True)
class Footage:
    """Pictures uint8 [frames, height, width, 3] of one script, and what is true of each.

    `pictures` is None where only the truth was asked for.
    """

    pictures: NDArray[np.uint8] | None
    seen: tuple[Glimpse, ...]


def shoot_moments(key: str, count: int) -> Footage:
    """Render some moments of the script of a key; nothing held out occurs in it."""
    rng, scene = _scene(key)
    times = sorted(rng.randrange(scene.script.duration_us) for _ in range(count))
    return _shoot(scene, times, rng)


def shoot_video(key: str, rate: float, *, pictures: bool = True) -> Footage:
    """Render the whole script of a key at a rate, or only say what is true of its frames."""
    rng, scene = _scene(key)
    times = grid_us(scene.script.duration_us, rate).tolist()
    if not pictures:
        return Footage(None, tuple(scene.glimpse(time_us) for time_us in times))
    return _shoot(scene, times, rng)


def _scene(key: str) -> tuple[Random, Scene]:
    rng = Random(key)
    task = TASKS[rng.choice(sorted(TASKS))]
    script = write_script(task, key, difficulty=draw_difficulty(key), held_out=True)
    return rng, Scene(script, _SCALE)


def _shoot(scene: Scene, times: list[int], rng: Random) -> Footage:
    pictures, seen = [], []
    for time_us in times:
        pixels, glimpse = scene.frame(time_us)
        pictures.append(letterbox(as_decoded(pixels, rng), INPUT_WIDTH, INPUT_HEIGHT))
        seen.append(glimpse)
    return Footage(np.stack(pictures), tuple(seen))


def as_decoded(frame: NDArray[np.uint8], rng: Random) -> NDArray[np.uint8]:
    """Imitate what a video codec does to a picture: chroma subsampling and block noise."""
    if rng.random() < 0.35:
        return frame
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "JPEG", quality=rng.randint(55, 92))
    return np.asarray(Image.open(buffer))
