"""How a hand moves: one path per motion and variant, a pure function of time.

Paths are slow enough to be seen at four frames a second: no cycle is shorter than half a second.
"""

from dataclasses import dataclass
from math import cos, pi, sin

from core.kitchen.hand_sprites import Tool
from core.kitchen.world import Motion

TOOLS: dict[Motion, Tool] = {
    Motion.STIR: Tool.SPOON, Motion.WHISK: Tool.WHISK, Motion.SLICE: Tool.KNIFE,
    Motion.CHOP: Tool.KNIFE, Motion.PEEL: Tool.PEELER, Motion.SPREAD: Tool.SPREADER,
    Motion.TASTE: Tool.SPOON,
}  # fmt: skip
ON_BOARD = frozenset({Motion.SLICE, Motion.CHOP, Motion.PEEL, Motion.GRATE})
TWO_HANDED = frozenset(
    {Motion.WHISK, Motion.SLICE, Motion.CHOP, Motion.PEEL, Motion.OPEN, Motion.CLOSE, Motion.KNEAD}
)


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the hand is, relative to the place of work.

    `dx`, `dy` in nominal pixels; `tilt` of what is held in degrees, anticlockwise; `flow` (0 to 1)
    of what comes out of it; `other` is the second hand's own vertical offset.
    """

    dx: float
    dy: float
    tilt: float = 0.0
    flow: float = 0.0
    other: float = 0.0


def _wave(t: float, hertz: float, phase: float = 0.0) -> float:
    return sin(2 * pi * (hertz * t + phase))


def _saw(t: float, hertz: float) -> float:
    """A stroke: slow from 0 to 1, quickly back."""
    part = (t * hertz) % 1.0
    return part / 0.75 if part < 0.75 else (1 - part) / 0.25


def _bump(u: float, start: float, end: float) -> float:
    """Rise from 0 to 1 between `start` and `end`."""
    return min(max((u - start) / (end - start), 0.0), 1.0)


def pose(motion: Motion, variant: int, u: float, t: float) -> Pose:
    """Return the hand's pose.

    Args:
        motion: Which motion.
        variant: 0, 1 or 2.
        u: Share of the working phase that is over, 0 to 1.
        t: Seconds since the working phase began.
    """
    v = variant
    match motion:
        case Motion.SPRINKLE:
            shake = _wave(t, (1.6, 1.0, 1.3)[v])
            return Pose(
                (64, 68, 64 + 26 * _wave(t, 0.5))[v], -84 + (12, 5, 8)[v] * shake, 128 + 14 * shake,
                flow=1.0 if 0.1 < u < 0.95 else 0.0,
            )  # fmt: skip
        case Motion.DROP:
            dips = (1, 2, 1)[v]
            fall = (u * dips) % 1.0
            return Pose(
                (24, 24, 24 + 60 * (1 - _bump(u, 0, 0.4)))[v],
                -92 + 26 * sin(pi * fall),
                (0, 20, -40)[v],
            )
        case Motion.POUR:
            tilt = 100 * _bump(u, 0.0, 0.25) * (1 - _bump(u, 0.88, 1.0))
            height = (-104, -80, -92)[v]
            return Pose(
                74 + (0, 0, 16 * _wave(t, 0.7))[v], height, tilt, flow=1.0 if tilt > 60 else 0.0
            )
        case Motion.STIR:
            turn = 2 * pi * t * (0.85, -0.85, 0.6)[v]
            wide, deep = ((34, 13), (34, 13), (38, 8))[v]
            across = sin(2 * turn) if v == 2 else sin(turn)
            return Pose(16 + wide * cos(turn), -68 + deep * across, -14 + 8 * cos(turn))
        case Motion.WHISK:
            beat = _wave(t, (1.7, 1.3, 1.5)[v])
            return Pose(
                14 + (42, 10, 30)[v] * beat, -68 + (3, 20, 14)[v] * beat,
                (26, 4, 18)[v] * beat,
            )  # fmt: skip
        case Motion.SLICE:
            saw = _wave(t, (1.1, 0.8, 1.3)[v])
            return Pose(-44 + 84 * u + 10 * saw, -44 + 16 * saw, (14, -16, 26)[v] + 6 * saw)
        case Motion.CHOP:
            lift = abs(_wave(t, (0.85, 0.7, 0.95)[v]))
            return Pose(-36 + 70 * u, -36 - (44, 30, 54)[v] * lift, (0, 14, -8)[v])
        case Motion.PEEL:
            stroke = _saw(t, (0.85, 1.1, 0.7)[v])
            along = 78 * stroke - 40
            return Pose(
                *((along, -42), (-along, -42), (0.4 * along, -78 + 40 * stroke))[v],
                (62, -62, 20)[v],
            )
        case Motion.GRATE:
            rub = _wave(t, (1.2, 0.9, 1.4)[v])
            return Pose((6, 18, 0)[v] * rub, -52 + 26 * rub, (0, 30, 0)[v])
        case Motion.WASH:
            rub = _wave(t, (1.1, 0.8, 1.4)[v])
            return Pose((16, 6, 12)[v] * rub, (3, 16, 8)[v] * rub, (0, 40, 25)[v] * rub, flow=1.0)
        case Motion.OPEN | Motion.CLOSE:
            back = motion is Motion.CLOSE
            w = 1 - u if back else u
            lift = _bump(w, 0.6, 0.85)
            twist = (1 - lift) * _wave(t, (1.0, 0.7, 1.3)[v])
            return Pose(
                72 * lift * lift + 4 * twist, -58 - 34 * sin(pi * lift) + 40 * lift, 38 * twist
            )
        case Motion.TAKE | Motion.PUT_AWAY:
            return Pose(0, -30 - (16, 34, 6)[v] * sin(pi * u), (0, 14, -14)[v] * sin(pi * u))
        case Motion.SPREAD:
            sweep = _wave(t, (0.75, 0.6, 0.95)[v])
            return Pose(
                44 * sweep, -52 + 26 * u + (0, 8, 0)[v] * sweep, 70 + (20, 0, -20)[v] * sweep
            )
        case Motion.KNEAD:
            push = _wave(t, (0.8, 1.1, 0.65)[v])
            return Pose(34, -40 + 18 * push, 0, other=-40 + (18 * push if v == 2 else -18 * push))
        case Motion.SHAKE:
            beat = _wave(t, (1.7, 1.4, 1.1)[v])
            return Pose((0, 34, 8)[v] * beat, -30 + (40, 6, 44)[v] * beat, (0, 30, 180)[v])
        case Motion.WIPE:
            sweep = _wave(t, (0.6, 0.8, 0.5)[v])
            bend = _wave(t, 1.2, 0.25)
            return Pose((110, 70, 90)[v] * sweep, (0, 26, 14)[v] * bend)
        case Motion.TASTE:
            up = sin(pi * ((u * (1, 2, 1)[v]) % 1.0))
            return Pose(14 + (30, -20, 90)[v] * up, -66 + 104 * up, -30 * up)
