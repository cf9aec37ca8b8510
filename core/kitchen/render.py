"""Scripts become pictures: a kitchen counter seen by the person who cooks.

What happened leaves traces: contents of the vessel, cut and peeled things, lids, moved things,
spread bread. Everything at rest is drawn once and kept; a frame pastes only what moves. The nominal
picture is 640 x 360; `scale` draws it at another size.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import pi, sin

import numpy as np
from numpy.typing import NDArray

from core.kitchen.hands import REST, Hands
from core.kitchen.scripts import Script, TimedAction
from core.kitchen.stage import HEIGHT, MARGIN, WIDTH, Point, Stage, small_hash
from core.kitchen.still import StillPicture
from core.kitchen.traces import Traces
from core.kitchen.world import Action
from core.types import SECOND


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What is true of a frame, for pre-training's targets; places in nominal pixels."""

    action: Action | None
    variant: int
    phase: float
    hand: Point
    tilt: float
    goal: str
    present: frozenset[str]
    last: Action | None


@lru_cache(maxsize=4)
def _noise_bank(width: int, height: int) -> NDArray[np.int16]:
    """Return a field of unit-16 noise, larger than the picture, to be cut anywhere."""
    rng = np.random.default_rng(7)
    field = rng.standard_normal((height + 64, width + 64, 3), dtype=np.float32)
    return (field * 16).astype(np.int16)


class Scene:
    """One video's world, drawn frame by frame in order of time."""

    def __init__(self, script: Script, scale: float = 1.0) -> None:
        self.script, self.scale = script, scale
        self.size = (round(WIDTH * scale), round(HEIGHT * scale))
        self.stage = Stage(script, scale)
        self.traces = Traces(self.stage, dict(self.stage.at_first))
        self.hands = Hands(self.traces)
        self._still = StillPicture(self.stage, self.traces)
        self._walk = [0.0, 0.0]
        self._next = 0

    def frame(self, time_us: int) -> tuple[NDArray[np.uint8], Glimpse]:
        """Draw the picture at a time, not before the last one asked for.

        Returns:
            RGB uint8 [height, width, 3], and what is true of it.
        """
        step = self._current(time_us)
        if step:
            hand = self.hands.at(step, time_us)
            if hand.phase in ("work", "return", "leave"):
                self.traces.lay_on_board(step)
                self.traces.handle_lid(step, hand.phase, hand.progress)
            away = self.hands.away(step, hand)
            still = self._still.draw(self._next, away, step, hand.progress)
            at, tilt = hand.at, hand.pose.tilt if hand.pose else 0.0
        else:
            hand, at, tilt = None, self._idle(time_us), 0.0
            still = self._still.draw(self._next, None, None, 0.0)
        left, top = self._camera()
        image = still.crop((left, top, left + self.size[0], top + self.size[1]))
        if step and hand:
            self.hands.draw(image, step, hand, time_us)
        elif at[1] < HEIGHT + 60:
            self.hands.draw_hand(image, at)
        return self._noisy(np.asarray(image)), self._glimpse(step, time_us, at, tilt)

    def glimpse(self, time_us: int) -> Glimpse:
        """Say what is true at a time without drawing it."""
        step = self._current(time_us)
        if step is None:
            return self._glimpse(None, time_us, self._idle(time_us), 0.0)
        hand = self.hands.at(step, time_us)
        return self._glimpse(step, time_us, hand.at, hand.pose.tilt if hand.pose else 0.0)

    def _current(self, time_us: int) -> TimedAction | None:
        steps = self.script.steps
        while self._next < len(steps) and steps[self._next].end_us <= time_us:
            self.traces.finish(steps[self._next])
            self._next += 1
        if self._next < len(steps) and steps[self._next].start_us <= time_us:
            return steps[self._next]
        return None

    def _glimpse(self, step: TimedAction | None, time_us: int, at: Point, tilt: float) -> Glimpse:
        share = (time_us - step.start_us) / (step.end_us - step.start_us) if step else 0.0
        last = self.script.steps[self._next - 1].action if self._next else None
        return Glimpse(
            step.action if step else None, step.variant if step else 0, share, at, tilt,
            self.script.task.name, frozenset(self.traces.at), last,
        )  # fmt: skip

    def _idle(self, time_us: int) -> Point:
        """Return where the hand is between actions: out of sight, or wandering."""
        wander = self.script.difficulty.distraction
        phase = (time_us / SECOND * 0.35 + (small_hash(self.script.seed) % 97) / 97) % 1.0
        if phase > wander * 0.6:
            return REST
        return REST[0] - 120 * phase, REST[1] - sin(pi * phase / (wander * 0.6)) * 190

    def _camera(self) -> tuple[int, int]:
        """Let the camera walk a little; return the corner of the picture in the background."""
        reach, sigma = MARGIN - 2, 2.2 * self.script.difficulty.jitter
        self._walk = [
            min(max(w * 0.96 + self.stage.rng.gauss(0, sigma), -reach), reach) for w in self._walk
        ]
        x, y = (round(MARGIN * self.scale) + round(w * self.scale) for w in self._walk)
        return x, y

    def _noisy(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        amount = self.script.difficulty.noise
        if not amount:
            return pixels
        bank, rng = _noise_bank(*self.size), self.stage.rng
        y, x = rng.randrange(64), rng.randrange(64)
        cut = bank[y : y + self.size[1], x : x + self.size[0]]
        level = round(amount * 10)
        return np.clip(pixels.astype(np.int16) + cut * level // 16, 0, 255).astype(np.uint8)


def render(script: Script, fps: float, scale: float = 1.0) -> Iterator[NDArray[np.uint8]]:
    """Draw every frame of a script. Yields RGB uint8 [height, width, 3]."""
    scene = Scene(script, scale)
    for index in range(round(script.duration_us * fps / SECOND)):
        yield scene.frame(round(index * SECOND / fps))[0]
