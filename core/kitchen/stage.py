"""Where everything is before anything happens: the kitchen of one video, drawn from its seed."""

from dataclasses import replace
from functools import cached_property
from random import Random

import numpy as np
from PIL import Image, ImageDraw

from core.kitchen import sprites
from core.kitchen.motion import ON_BOARD
from core.kitchen.scripts import Script
from core.kitchen.sprites import OPENINGS, shade
from core.kitchen.world import (
    APPEARANCES,
    LOOKALIKES,
    VESSELS,
    Action,
    Appearance,
    Colour,
    Motion,
    Shape,
)

WIDTH, HEIGHT = 640, 360
MARGIN = 16  # the background reaches this far beyond the picture, for the camera's walk
TAP = (588.0, 196.0)

_SKINS = ((236, 190, 156), (198, 144, 106), (142, 96, 66), (246, 208, 180), (104, 70, 50))
_SLEEVES = ((72, 96, 140), (158, 66, 66), (88, 128, 92), (210, 200, 184), (66, 62, 74))
_WALLS = ((226, 220, 206), (198, 214, 214), (232, 214, 196), (206, 208, 220), (218, 226, 206))
_COUNTERS = ((176, 146, 112), (150, 150, 152), (206, 198, 186), (126, 104, 86), (188, 176, 160))
_CONTENTS = frozenset({"tea", "soup", "sauce", "batter", "salad", "dough"})

Point = tuple[float, float]


class Stage:
    """Places, colours and background of one video; nothing here changes while it plays.

    `looks` are the appearances of this video, with its own light. `rng` goes on with the seed.
    """

    def __init__(self, script: Script, scale: float) -> None:
        self.script, self.scale = script, scale
        self.rng = rng = Random(f"scene/{script.seed}")
        actions = [step.action for step in script.steps]
        self.vessel = script.task.vessel
        with_board = self.vessel == "board" or any(
            a.motion in ON_BOARD or a.motion is Motion.SPREAD for a in actions
        )
        lean = rng.uniform(-14, 14)
        self.vessel_at: Point = (
            (250.0 if with_board else 310.0) + lean,
            (268.0 if self.vessel != "board" else 276.0) + rng.uniform(-8, 8),
        )
        board_x = 320.0 + lean if self.vessel == "board" else 452.0 + lean
        self.board_at = (board_x, 284.0 + rng.uniform(-6, 6)) if with_board else None
        self.skin, self.sleeve = rng.choice(_SKINS), rng.choice(_SLEEVES)
        amount = 10 + 34 * script.difficulty.colour
        self.looks = {key: _recoloured(look, rng, amount) for key, look in APPEARANCES.items()}
        self.at_first = self._set_out(actions)
        self.background = self._paint_background()

    @property
    def has_vessel(self) -> bool:
        """Whether the task happens in a vessel, not on the board."""
        return self.looks[self.vessel].shape in VESSELS

    @cached_property
    def opening(self) -> tuple[Point, float]:
        """Centre and width of the vessel's opening."""
        look = self.looks[self.vessel]
        if not self.has_vessel:
            return (self.vessel_at[0], self.vessel_at[1] - 40), 120.0
        y, x, wide = OPENINGS[look.shape]
        sprite_w, sprite_h = sprites.thing(look, 1.0).size
        left, top = self.vessel_at[0] - sprite_w / 2, self.vessel_at[1] - sprite_h
        return (left + x * look.scale, top + y * look.scale), wide * look.scale

    def far(self, thing: str) -> Point:
        """Where a thing stands that was not taken yet, or was put away: the shelf."""
        return 96.0 + 37 * (sum(map(ord, thing)) % 11), 112.0

    def near(self, thing: str) -> Point:
        """Where a taken or opened thing is set down: the vessel in its place, others beside it."""
        if thing == self.vessel:
            return self.vessel_at
        x = self.board_at[0] - 60 if self.board_at and self.vessel == "board" else self.vessel_at[0]
        return x - 122 + (small_hash(thing) % 3) * 12, self.vessel_at[1] + 22

    def _set_out(self, actions: list[Action]) -> dict[str, Point]:
        """Place what will be used and what only stands about; front things overlap back ones."""
        dials, rng = self.script.difficulty, self.rng
        used = list(dict.fromkeys(a.thing for a in actions if a.thing not in _CONTENTS))
        used = [key for key in used if key not in ("cloth", "board")]
        if self.vessel in used and Action(Motion.TAKE, self.vessel) not in actions:
            used.remove(self.vessel)
        spare = [
            key for key, look in APPEARANCES.items()
            if key not in used and look.shape not in VESSELS and key not in self.script.hidden
            and key not in ("cloth", "board", "dough")
        ]  # fmt: skip
        clutter = []
        for key in used:
            if rng.random() < 0.5 * dials.lookalikes and LOOKALIKES.get(key) in spare:
                clutter.append(LOOKALIKES[key])
        clutter += rng.sample(spare, round(dials.clutter * 4))
        things = list(dict.fromkeys(used + clutter))
        places = [(46.0 + 62 * i + rng.uniform(-9, 9), 192 + rng.uniform(-6, 8)) for i in range(8)]
        places += [(34.0 + 34 * i, 262.0 + rng.uniform(-8, 10)) for i in range(2)]
        rng.shuffle(places)
        at = dict(zip(things, places, strict=False))
        at["cloth"] = (64.0 + rng.uniform(-20, 20), 348.0)
        # A thing that is taken stands on the far shelf first.
        for action in actions:
            if action.motion is Motion.TAKE:
                at[action.thing] = self.far(action.thing)
        if self.board_at and self.vessel == "board" and "bread" in at:
            first = next((a for a in actions if a.thing == "bread"), None)
            if first is None or first.motion is not Motion.TAKE:
                at["bread"] = at["bread"][0], 196.0
        return at

    def _paint_background(self) -> Image.Image:
        s, m, rng = self.scale, MARGIN, self.rng
        w, h = round((WIDTH + 2 * m) * s), round((HEIGHT + 2 * m) * s)
        wall, counter = rng.choice(_WALLS), rng.choice(_COUNTERS)
        light = rng.uniform(0.86, 1.1)
        wall, counter = shade(wall, light), shade(counter, light)
        image = Image.new("RGB", (w, h), wall)
        draw = ImageDraw.Draw(image)
        self._tile(draw, shade(wall, 0.93), w)
        edge = (158 + m) * s
        ramp = np.linspace(0.82, 1.06, max(1, h - round(edge)))[:, None, None]
        grain = np.random.default_rng(rng.randrange(2**31)).standard_normal((1, w, 1)) * 2.2
        field = np.clip(np.asarray(counter) * ramp + grain, 0, 255).astype(np.uint8)
        image.paste(Image.fromarray(field), (0, round(edge)))
        draw.rectangle((0, edge - 5 * s, w, edge), fill=shade(counter, 0.6))
        shelf = (118 + m) * s
        draw.rectangle((56 * s, shelf, 520 * s, shelf + 9 * s), fill=shade(counter, 0.72))
        draw.rectangle((56 * s, shelf + 9 * s, 520 * s, shelf + 13 * s), fill=shade(wall, 0.8))
        _paint_sink(draw, s)
        spare = [
            key for key, look in APPEARANCES.items()
            if look.shape in (Shape.JAR, Shape.BAG, Shape.CUP) and key not in self.script.hidden
        ]  # fmt: skip
        for _ in range(round(self.script.difficulty.clutter * 5)):
            sprite = sprites.thing(self.looks[rng.choice(spare)], round(0.62 * s, 3))
            x = round(rng.uniform(80, 480) * s)
            image.paste(sprite, (x, round(shelf - sprite.height)), sprite)
        return image

    def _tile(self, draw: ImageDraw.ImageDraw, colour: Colour, width: int) -> None:
        s = self.scale
        tile, line = self.rng.choice((38, 48, 60)) * s, max(1, round(1.5 * s))
        for i in range(int(width / tile) + 1):
            draw.line((i * tile, 0, i * tile, 158 * s), fill=colour, width=line)
        for i in range(int(158 * s / tile) + 1):
            draw.line((0, i * tile, width, i * tile), fill=colour, width=line)


def _paint_sink(draw: ImageDraw.ImageDraw, s: float) -> None:
    steel = (176, 182, 190)
    x, y = (TAP[0] + MARGIN) * s, (TAP[1] + MARGIN) * s
    draw.ellipse((x - 62 * s, y + 22 * s, x + 74 * s, y + 92 * s), fill=shade(steel, 0.8))
    draw.ellipse((x - 54 * s, y + 28 * s, x + 66 * s, y + 86 * s), fill=shade(steel, 0.58))
    width = round(11 * s)
    draw.line((x + 34 * s, y + 26 * s, x + 34 * s, y - 96 * s), fill=shade(steel, 0.9), width=width)
    draw.line((x + 34 * s, y - 92 * s, x, y - 92 * s), fill=steel, width=width)
    draw.line((x, y - 96 * s, x, y - 72 * s), fill=shade(steel, 0.75), width=width)


def _recoloured(look: Appearance, rng: Random, amount: float) -> Appearance:
    shift = [rng.gauss(0, amount / 3) for _ in range(3)]
    light = rng.gauss(0, amount / 2.5)

    def moved(colour: Colour) -> Colour:
        r, g, b = (
            min(255, max(0, round(c + light + s))) for c, s in zip(colour, shift, strict=True)
        )
        return r, g, b

    return replace(
        look, body=moved(look.body), accent=moved(look.accent), inside=moved(look.inside),
        scale=look.scale * (1 + rng.uniform(-0.06, 0.06)),
    )  # fmt: skip


def small_hash(text: str) -> int:
    """Return a small number that is the same on every machine."""
    return sum((i + 1) * ord(c) for i, c in enumerate(text))
