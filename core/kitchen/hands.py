"""Hands, what they hold, and what flows from it: everything that moves."""

from dataclasses import dataclass, replace
from math import atan2, degrees
from random import Random

from PIL import Image, ImageDraw

from core.kitchen import hand_sprites, sprites
from core.kitchen.motion import ON_BOARD, TOOLS, TWO_HANDED, Pose, pose
from core.kitchen.scripts import TimedAction
from core.kitchen.sprites import shade
from core.kitchen.stage import TAP, Point
from core.kitchen.still import paste
from core.kitchen.traces import Traces
from core.kitchen.world import Motion
from core.types import SECOND

REST = (520.0, 432.0)
"""Where the hand is when it does nothing: out of sight."""

_SHOULDERS = {"right": (640.0, 560.0), "left": (0.0, 560.0)}
_FLOWING = (Motion.SPRINKLE, Motion.POUR, Motion.WASH)
_LID = (Motion.OPEN, Motion.CLOSE)


@dataclass(frozen=True, slots=True)
class Hand:
    """The working hand at a moment.

    `phase` is 'reach', 'carry', 'work', 'return' or 'leave'; `progress` counts the work alone.
    """

    at: Point
    pose: Pose | None
    phase: str
    progress: float


def _between(a: Point, b: Point, share: float) -> Point:
    ease = share * share * (3 - 2 * share)
    return a[0] + (b[0] - a[0]) * ease, a[1] + (b[1] - a[1]) * ease


class Hands:
    """Moves and draws the hands of one video."""

    def __init__(self, traces: Traces) -> None:
        self.traces, self.stage, self.scale = traces, traces.stage, traces.stage.scale

    def at(self, step: TimedAction, time_us: int) -> Hand:
        """Return where the working hand is."""
        grip, work, leave = self._places(step)
        t = (time_us - step.start_us) / SECOND
        length = (step.end_us - step.start_us) / SECOND
        reach, carry = min(0.4, 0.13 * length), min(0.4, 0.13 * length)
        away = min(0.5, 0.16 * length)
        if t < reach:
            return Hand(_between(REST, grip, t / reach), None, "reach", 0.0)
        u = min(max((t - reach - carry) / (length - reach - carry - away), 0.0), 1.0)
        here = pose(step.action.motion, step.variant, u, max(t - reach - carry, 0.0))
        at_work = work[0] + here.dx, work[1] + here.dy
        still = replace(here, flow=0.0)
        if t < reach + carry:
            return Hand(_between(grip, at_work, (t - reach) / carry), still, "carry", 0.0)
        if t < length - away:
            return Hand(at_work, here, "work", u)
        back = (t - length + away) / away
        if back < 0.55:
            return Hand(_between(at_work, leave, back / 0.55), still, "return", 1.0)
        return Hand(_between(leave, REST, (back - 0.55) / 0.45), None, "leave", 1.0)

    def _places(self, step: TimedAction) -> tuple[Point, Point, Point]:
        """Return where an action reaches first, where it works, and where it lets go."""
        motion, thing = step.action.motion, step.action.thing
        (opening, _), stage = self.stage.opening, self.stage
        home = self.traces.at.get(thing, REST)
        grip = home[0], home[1] - 34
        board = (stage.board_at[0], stage.board_at[1] - 2) if stage.board_at else opening
        match motion:
            case Motion.SPRINKLE | Motion.DROP | Motion.POUR:
                return grip, opening, grip
            case Motion.STIR | Motion.WHISK | Motion.TASTE | Motion.KNEAD:
                return opening, opening, opening
            case Motion.SLICE | Motion.CHOP | Motion.PEEL | Motion.GRATE:
                start = grip if self.traces.on_board != thing else board
                return start, board, board
            case Motion.SPREAD:
                return board, board, board
            case Motion.WASH:
                return grip, (TAP[0], TAP[1] + 16), grip
            case Motion.SHAKE:
                return grip, (320.0, 168.0), grip
            case Motion.WIPE:
                target = (
                    board if thing == "board" else opening if thing == "bowl" else (250.0, 322.0)
                )
                rag = self.traces.at["cloth"]
                return (rag[0], rag[1] - 20), (target[0], target[1] - 10), (rag[0], rag[1] - 20)
            case Motion.OPEN:
                near = stage.near(thing)
                return grip, (near[0], near[1] - 10), (near[0] + 62, near[1] - 14)
            case Motion.CLOSE:
                jar = self.traces.at.get(thing, stage.near(thing))
                return (jar[0] + 62, jar[1] - 14), (jar[0], jar[1] - 10), (jar[0], jar[1] - 40)
            case Motion.TAKE:
                near = stage.near(thing)
                return grip, (near[0], near[1] - 10), (near[0], near[1] - 40)
            case Motion.PUT_AWAY:
                far = stage.far(thing)
                return grip, (far[0], far[1] - 10), (far[0], far[1] - 40)

    def held(self, step: TimedAction, hand: Hand) -> str | None:
        """Return what is in the hand now, or None."""
        motion, thing, phase = step.action.motion, step.action.thing, hand.phase
        if phase in ("reach", "leave"):
            return None
        if motion is Motion.WIPE:
            return "cloth"
        if motion in _LID:
            w = hand.progress if motion is Motion.OPEN else 1 - hand.progress
            lifted = phase == "work" and w > 0.6
            loose = phase == "carry" or (phase == "return" and motion is Motion.OPEN)
            return thing if lifted or loose else None
        if motion in ON_BOARD:
            if motion is Motion.GRATE:
                return thing
            return thing if phase == "carry" and self.traces.on_board != thing else None
        if motion in TOOLS or motion is Motion.KNEAD:
            return None
        return thing

    def away(self, step: TimedAction, hand: Hand) -> str | None:
        """Return what is not in its place because the hand has it: a thing, or `lid:<thing>`."""
        held = self.held(step, hand)
        if step.action.motion in _LID and not _carries_jar(step, hand):
            return f"lid:{held}" if held else None
        return held

    def draw(self, image: Image.Image, step: TimedAction, hand: Hand, time_us: int) -> None:
        """Draw hands, tool, what is held and what flows."""
        motion, here = step.action.motion, hand.pose
        if here and here.flow and motion in _FLOWING:
            self._draw_flow(image, step, hand.at, time_us)
        if motion is Motion.KNEAD and here:
            dough = sprites.thing(self.stage.looks["dough"], self.scale)
            (cx, cy), _ = self.stage.opening
            squash = 1 + 0.004 * here.dy
            flat = dough.resize((dough.width, max(4, round(dough.height * squash * 0.8))))
            paste(image, flat, (cx, cy + 18), self.scale)
        holds = self.held(step, hand)
        if holds and here:
            self._draw_held(image, step, hand, holds, here.tilt)
        if motion in TWO_HANDED and hand.phase == "work":
            _, work, _ = self._places(step)
            kneads = motion is Motion.KNEAD
            dy = here.other if here and kneads else -14.0
            place = (work[0] - (34 if kneads else 78), work[1] + dy)
            self.draw_hand(image, place, left=True)
        tool = TOOLS.get(motion) if hand.phase != "carry" or motion not in ON_BOARD else None
        self.draw_hand(image, hand.at, tool, here.tilt if here else 0.0)

    def _draw_held(
        self, image: Image.Image, step: TimedAction, hand: Hand, holds: str, tilt: float
    ) -> None:
        x, y = hand.at
        look = self.stage.looks[holds]
        if step.action.motion in _LID and not _carries_jar(step, hand):
            paste(image, sprites.lid_of(look, self.scale), (x, y + 22), self.scale)
            return
        turn = round(tilt / 8) * 8 if hand.phase in ("work", "return") else 0
        lid = step.action.thing not in self.traces.open_lids
        sprite = sprites.turned((look, self.scale, lid), turn)
        paste(image, sprite, (x - 32, y + 2 + sprite.height / self.scale / 2), self.scale)

    def draw_hand(
        self,
        image: Image.Image,
        at: Point,
        tool: hand_sprites.Tool | None = None,
        tilt: float = 0.0,
        *,
        left: bool = False,
    ) -> None:
        """Draw one hand with its forearm, and the tool it holds."""
        s, stage = self.scale, self.stage
        shoulder = _SHOULDERS["left" if left else "right"]
        angle = round(degrees(atan2(shoulder[0] - at[0], shoulder[1] - at[1])) / 4) * 4

        def centred(sprite: Image.Image) -> None:
            corner = round(at[0] * s - sprite.width / 2), round(at[1] * s - sprite.height / 2)
            image.paste(sprite, corner, sprite)

        centred(hand_sprites.arm(stage.skin, stage.sleeve, angle, s))
        if tool:
            centred(hand_sprites.tool(tool, round(tilt / 8) * 8, s))
        centred(hand_sprites.fist(stage.skin, angle, s))

    def _draw_flow(self, image: Image.Image, step: TimedAction, at: Point, time_us: int) -> None:
        draw, s = ImageDraw.Draw(image), self.scale
        look = self.stage.looks[step.action.thing]
        if step.action.motion is Motion.WASH:
            x, y = TAP[0] * s, (TAP[1] - 72) * s
            for i in range(4):
                wob = ((time_us // 40_000 + i) % 3 - 1) * 2 * s
                draw.line(
                    (x + (i - 1.5) * 4 * s, y, x + (i - 1.5) * 6 * s + wob, y + 118 * s),
                    fill=(206, 228, 246),
                    width=max(1, round(3 * s)),
                )
            return
        (cx, cy), _ = self.stage.opening
        mouth = (at[0] - 62, at[1] + 6)
        if step.action.motion is Motion.POUR:
            colour = shade(look.body, 1.15)
            draw.line(
                (mouth[0] * s, mouth[1] * s, cx * s, (cy + 2) * s),
                fill=colour,
                width=max(2, round(8 * s)),
            )
            draw.ellipse(
                ((cx - 14) * s, (cy - 4) * s, (cx + 14) * s, (cy + 6) * s), fill=shade(colour, 1.3)
            )
            return
        rng = Random(time_us // 66_667)
        for _ in range(12):
            share = rng.random()
            x = mouth[0] + (cx - mouth[0]) * share + rng.uniform(-9, 9)
            y = mouth[1] + (cy - mouth[1]) * share
            r = rng.uniform(1.6, 3.2)
            draw.ellipse(((x - r) * s, (y - r) * s, (x + r) * s, (y + r) * s), fill=look.body)


def _carries_jar(step: TimedAction, hand: Hand) -> bool:
    """Say whether the hand brings the whole jar, before its lid is turned."""
    return step.action.motion is Motion.OPEN and hand.phase == "carry"
