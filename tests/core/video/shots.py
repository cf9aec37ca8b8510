"""Random films with known shot cuts: moving cameras and things, noise, flashes, light, fades."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 48, 27
FPS = 25


@dataclass
class Film:
    """Small pictures with their times, and the times of their cuts."""

    pictures: list[tuple[int, NDArray[np.uint8]]] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)


def film(seed: int, shots: int = 8) -> Film:
    """Make a film: shots of half a second to four, cut hard but for some fades between them."""
    rng = np.random.default_rng(seed)
    made, last = Film(), None
    noise = rng.choice([0, 2, 6, 12])
    for number in range(shots):
        frames = list(_shot(rng, int(rng.integers(FPS // 2, 4 * FPS))))
        fades = last is not None and rng.random() < 0.2
        if fades:
            frames = [*_fade(rng, last, frames[0]), *frames]
        elif number:
            made.cuts.append(len(made.pictures) * 1_000_000 // FPS)
        for frame in frames:
            seen = frame + rng.normal(0, noise, frame.shape)
            time_us = len(made.pictures) * 1_000_000 // FPS
            made.pictures.append((time_us, np.clip(seen, 0, 255).astype(np.uint8)))
        last = frames[-1]
    return made


def _shot(rng, count: int) -> Iterator[NDArray[np.float64]]:
    """Yield the frames of one shot: a scene seen by a moving camera, with things that happen."""
    scene = _scene(rng)
    x, y = rng.integers(0, 40, 2).astype(float)
    speed = rng.choice([0, 0.3, 1, 2]) * rng.normal(0, 0.7, 2)
    shake = rng.choice([0, 0, 0.5])
    things = [_Thing(rng) for _ in range(rng.integers(0, 3))]
    flash = int(rng.integers(6, count)) if rng.random() < 0.3 and count > 20 else -9
    lasts = int(rng.integers(1, 4))
    dims = int(rng.integers(6, count)) if rng.random() < 0.15 and count > 20 else count
    for index in range(count):
        x, y = x + speed[0], y + speed[1]
        a, b = (int(v + rng.normal(0, shake)) for v in (x, y))
        frame = np.roll(scene, (-b, -a), (0, 1))[:HEIGHT, :WIDTH].copy()
        for thing in things:
            thing.draw(frame, index)
        if flash <= index < flash + lasts:
            frame = frame * 0.3 + 180
        yield frame * (0.6 if index >= dims else 1.0)


def _scene(rng) -> NDArray[np.float64]:
    """Return a world larger than the picture: a natural spectrum, patches, or nearly one colour."""
    kind = rng.choice(["natural", "patches", "plain"])
    colour = rng.uniform(30, 220, 3)
    if kind == "plain":
        return np.ones((64, 96, 3)) * colour + np.linspace(-20, 20, 64)[:, None, None]
    if kind == "patches":
        coarse = rng.uniform(0, 255, (8, 12, 3)) * 0.5 + colour * 0.5
        return np.kron(coarse, np.ones((8, 8, 1)))
    waves = np.hypot(*np.meshgrid(np.fft.fftfreq(96), np.fft.fftfreq(64))) + 0.01
    phases = np.exp(2j * np.pi * rng.random((64, 96, 3)))
    world = np.fft.ifft2(phases / waves[..., None] ** 1.2, axes=(0, 1)).real
    return colour + world / world.std() * rng.uniform(20, 50)


class _Thing:
    """A box of one colour that moves through the picture, slowly or fast."""

    def __init__(self, rng) -> None:
        self.size = rng.integers(4, 16, 2)
        self.at, self.speed = rng.uniform(-10, 40, 2), rng.normal(0, rng.choice([0.2, 1, 4]), 2)
        self.colour = rng.uniform(0, 255, 3)

    def draw(self, frame: NDArray[np.float64], index: int) -> None:
        x, y = (self.at + self.speed * index).astype(int) % 80 - 16
        frame[max(0, y) : max(0, y + self.size[1]), max(0, x) : max(0, x + self.size[0])] = (
            self.colour
        )


def _fade(rng, before, after) -> Iterator[NDArray[np.float64]]:
    """Yield a dissolve of half a second to one, or one through black."""
    count = int(rng.integers(FPS // 2, FPS))
    through_black = rng.random() < 0.5
    for step in range(1, count):
        part = step / count
        if through_black:
            yield before * max(0, 1 - 2 * part) + after * max(0, 2 * part - 1)
        else:
            yield before * (1 - part) + after * part
