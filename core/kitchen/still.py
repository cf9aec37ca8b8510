"""Everything at rest, drawn once and kept until something changes."""

from PIL import Image, ImageDraw

from core.kitchen import sprites
from core.kitchen.scripts import TimedAction
from core.kitchen.sprites import mix, shade
from core.kitchen.stage import MARGIN, Point, Stage
from core.kitchen.traces import Traces
from core.kitchen.world import Appearance, Colour, Motion

_STEPS = 6  # pictures in which a trace grows during its action
_MIXING = (Motion.STIR, Motion.WHISK, Motion.KNEAD)
_FILLING = (Motion.SPRINKLE, Motion.DROP, Motion.POUR)
_CUTTING = (Motion.SLICE, Motion.CHOP, Motion.GRATE)


def paste(image: Image.Image, sprite: Image.Image, at: Point, scale: float) -> None:
    """Paste a sprite with its bottom centre at a place in nominal pixels."""
    x, y = at[0] * scale - sprite.width / 2, at[1] * scale - sprite.height
    image.paste(sprite, (round(x), round(y)), sprite)


class StillPicture:
    """The background with everything that does not move, larger than the picture by a margin."""

    def __init__(self, stage: Stage, traces: Traces) -> None:
        self.stage, self.traces, self.scale = stage, traces, stage.scale
        self._image: Image.Image | None = None
        self._key: object = None

    def draw(
        self, done: int, away: str | None, step: TimedAction | None, progress: float
    ) -> Image.Image:
        """Return the picture, drawn again only when something changed.

        Args:
            done: How many actions are over.
            away: What is in the hand: a thing, or `lid:<thing>`.
            step: The action that is going on.
            progress: How much of it is done.
        """
        part = round(progress * _STEPS) / _STEPS if step else 0.0
        key = (done, away, step, part, tuple(sorted(self.traces.open_lids)))
        if self._image is None or key != self._key:
            self._image, self._key = self._drawn(away, step, part), key
        return self._image

    def _drawn(self, away: str | None, step: TimedAction | None, part: float) -> Image.Image:
        stage, traces = self.stage, self.traces
        image = stage.background.copy()
        for thing, at in sorted(traces.at.items(), key=lambda item: item[1][1]):
            if thing in (away, traces.on_board):
                continue
            look, lid_off = stage.looks[thing], thing in traces.open_lids
            self._stand(image, look, at, lid=not lid_off)
            if lid_off and away != f"lid:{thing}":
                lid = sprites.lid_of(look, self.scale)
                paste(image, lid, (at[0] + 62 + MARGIN, at[1] + 2 + MARGIN), self.scale)
        if stage.board_at:
            self._lay_board(image, stage.board_at, step, part)
        if traces.vessel_stands:
            if stage.vessel not in traces.at:
                self._stand(image, stage.looks[stage.vessel], stage.vessel_at)
            self._fill_vessel(image, step, part)
        return image

    def _stand(self, image: Image.Image, look: Appearance, at: Point, *, lid: bool = True) -> None:
        sprite = sprites.thing(look, self.scale, lid=lid)
        wide = round(sprite.width / self.scale)
        x, y = at[0] + MARGIN, at[1] + MARGIN
        paste(image, sprites.shadow(wide, self.scale), (x + 5, y + wide * 0.24), self.scale)
        paste(image, sprite, (x, y), self.scale)

    def _lay_board(
        self, image: Image.Image, at: Point, step: TimedAction | None, part: float
    ) -> None:
        x, y = at
        self._stand(image, self.stage.looks["board"], (x, y + 22))
        traces, motion = self.traces, step.action.motion if step else None
        if traces.on_board is None:
            return
        look = self.stage.looks[traces.on_board]
        cut = max(traces.cut, part if motion in _CUTTING else 0.0)
        skinned = max(traces.peeled, part if motion is Motion.PEEL else 0.0)
        self._lay_thing(image, look, (x + MARGIN, y + MARGIN), cut, skinned)
        layers = list(traces.spread)
        if step and motion is Motion.SPREAD:
            layers.append((self.stage.looks[step.action.thing].body, part))
        draw, s = ImageDraw.Draw(image), self.scale
        for colour, share in layers:
            wide, left, top = 76 * share, (x + MARGIN - 38) * s, (y + MARGIN - 22) * s
            draw.rounded_rectangle(
                (left, top - 16 * s, left + max(2, wide * s), top + 12 * s), 7 * s, fill=colour
            )

    def _lay_thing(
        self, image: Image.Image, look: Appearance, at: Point, cut: float, skinned: float
    ) -> None:
        """Lay a thing on the board: its left part cut into slices or without its skin."""
        s = self.scale
        whole = sprites.thing(look, s)
        if skinned:
            bare = sprites.peeled(look, s)
            edge = round(whole.width * min(skinned, 1.0))
            whole = whole.copy()
            whole.paste(bare.crop((0, 0, edge, whole.height)), (0, 0))
        left, top = at[0] * s - whole.width / 2, at[1] * s - whole.height + 4 * s
        if not cut:
            image.paste(whole, (round(left), round(top)), whole)
            return
        piece = sprites.slice_of(look, s)
        count = max(3, round(whole.width / (13 * s)))
        done = min(count, round(count * cut))
        if done < count:
            edge = round(whole.width * done / count)
            rest = whole.crop((edge, 0, whole.width, whole.height))
            image.paste(rest, (round(left + edge + 10 * s), round(top)), rest)
        for i in range(done):
            x = left + i * 19 * s - 14 * s
            y = at[1] * s - piece.height + (5 * s if i % 2 else 0)
            image.paste(piece, (round(x), round(y)), piece)

    def _fill_vessel(self, image: Image.Image, step: TimedAction | None, part: float) -> None:
        (cx, cy), wide = self.stage.opening
        s, m, traces = self.scale, MARGIN, self.traces
        draw = ImageDraw.Draw(image)
        rx, ry = wide / 2 - 4, wide / 2 * 0.32
        motion = step.action.motion if step else None

        def blob(x: float, y: float, w: float, h: float, colour: Colour) -> None:
            box = ((x - w + m) * s, (y - h + m) * s, (x + w + m) * s, (y + h + m) * s)
            draw.ellipse(box, fill=colour)

        blended = traces.blended
        if step and motion in _MIXING and part:
            target = self.stage.looks[step.action.thing].body
            blended = mix(blended or (200, 190, 170), target, part)
        if blended:
            blob(cx, cy + 1, rx * 0.96, ry * 0.94, shade(blended, 0.9))
            blob(cx - 2, cy, rx * 0.88, ry * 0.8, blended)
        contents = list(traces.contents)
        if step and motion in _FILLING and part > 0.4:
            found = traces.content_of(step.action.motion, step.action.thing)
            contents.append((*found, 0.0, 0.0, part))
        for kind, colour, x, y, r in contents[-14:]:
            px, py = cx + x * rx * 0.8, cy + y * ry * 0.8
            if kind == "pool":
                blob(cx + x * 8, cy + y * 3, rx * (0.6 + 0.25 * r), ry * (0.55 + 0.22 * r), colour)
            elif kind == "heap":
                blob(px, py, rx * 0.3 * r, ry * 0.42 * r, shade(colour, 0.9))
                blob(px, py - 3, rx * 0.22 * r, ry * 0.3 * r, colour)
            else:
                blob(px, py, rx * 0.2, ry * 0.34, shade(colour, 0.8))
                blob(px, py - 2, rx * 0.17, ry * 0.26, colour)
