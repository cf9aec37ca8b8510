"""What exists in the kitchen: motions, appearances and the actions made of them.

Appearance is kept apart from names. The renderer and the vision tower know only *motions*, their
variants and *appearances*; `VERBS` and `NOUNS` give them words, and an action's name is nothing
but a string that joins the two. Another table of words gives another label set on the same pixels.
"""

from dataclasses import dataclass
from enum import StrEnum

VARIANTS = 3
"""Every motion has this many variants: tempo, path and direction differ."""


class Motion(StrEnum):
    """How the hand moves; each is told apart from the others by its path over time."""

    SPRINKLE = "sprinkle"
    DROP = "drop"
    POUR = "pour"
    STIR = "stir"
    WHISK = "whisk"
    SLICE = "slice"
    CHOP = "chop"
    PEEL = "peel"
    GRATE = "grate"
    WASH = "wash"
    OPEN = "open"
    CLOSE = "close"
    TAKE = "take"
    PUT_AWAY = "put_away"
    SPREAD = "spread"
    KNEAD = "knead"
    SHAKE = "shake"
    WIPE = "wipe"
    TASTE = "taste"


class Shape(StrEnum):
    """How a thing is drawn."""

    JAR = "jar"
    SHAKER = "shaker"
    BAG = "bag"
    CARTON = "carton"
    BOTTLE = "bottle"
    JUG = "jug"
    ROUND = "round"
    LONG = "long"
    LEAF = "leaf"
    MUSHROOM = "mushroom"
    WEDGE = "wedge"
    LOAF = "loaf"
    BLOCK = "block"
    EGG = "egg"
    LUMP = "lump"
    CLOTH = "cloth"
    BOARD = "board"
    CUP = "cup"
    BOWL = "bowl"
    POT = "pot"


VESSELS = (Shape.CUP, Shape.BOWL, Shape.POT)

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Appearance:
    """What a thing looks like: its shape and two colours; `inside` is seen when it is cut."""

    shape: Shape
    body: Colour
    accent: Colour
    inside: Colour
    scale: float = 1.0


def _look(
    shape: Shape, body: Colour, accent: Colour, inside: Colour | None = None, scale: float = 1.0
) -> Appearance:
    return Appearance(shape, body, accent, inside or body, scale)


APPEARANCES: dict[str, Appearance] = {
    "sugar": _look(Shape.JAR, (236, 238, 245), (60, 115, 205)),
    "coffee": _look(Shape.JAR, (92, 58, 38), (48, 30, 24)),
    "honey": _look(Shape.JAR, (226, 148, 36), (250, 214, 96)),
    "jam": _look(Shape.JAR, (172, 28, 54), (246, 240, 240)),
    "salt": _look(Shape.SHAKER, (238, 238, 236), (120, 124, 132)),
    "pepper": _look(Shape.SHAKER, (62, 52, 46), (156, 156, 156)),
    "flour": _look(Shape.BAG, (238, 222, 190), (196, 150, 84)),
    "rice": _look(Shape.BAG, (246, 246, 236), (84, 158, 92)),
    "milk": _look(Shape.CARTON, (246, 248, 252), (52, 108, 204)),
    "cream": _look(Shape.CARTON, (250, 244, 226), (206, 84, 120)),
    "oil": _look(Shape.BOTTLE, (226, 192, 48), (92, 122, 40)),
    "vinegar": _look(Shape.BOTTLE, (132, 60, 40), (230, 220, 200)),
    "juice": _look(Shape.BOTTLE, (246, 142, 38), (250, 250, 240)),
    "water": _look(Shape.JUG, (158, 208, 238), (214, 236, 248)),
    "tomato": _look(Shape.ROUND, (216, 48, 38), (60, 140, 52), (238, 110, 90)),
    "apple": _look(Shape.ROUND, (196, 44, 66), (110, 74, 40), (250, 240, 206)),
    "onion": _look(Shape.ROUND, (158, 78, 140), (226, 200, 150), (240, 226, 240)),
    "potato": _look(Shape.ROUND, (180, 138, 88), (150, 110, 66), (246, 228, 160), 1.08),
    "lemon": _look(Shape.ROUND, (246, 222, 58), (220, 190, 40), (252, 244, 176), 0.92),
    "cucumber": _look(Shape.LONG, (76, 148, 66), (44, 104, 44), (206, 234, 176)),
    "zucchini": _look(Shape.LONG, (40, 98, 52), (122, 168, 96), (232, 240, 196)),
    "carrot": _look(Shape.LONG, (242, 130, 38), (82, 150, 60), (252, 172, 90), 0.94),
    "lettuce": _look(Shape.LEAF, (128, 194, 84), (84, 150, 60)),
    "mushroom": _look(Shape.MUSHROOM, (216, 194, 168), (150, 120, 94), (246, 236, 222)),
    "cheese": _look(Shape.WEDGE, (250, 206, 82), (224, 170, 48)),
    "butter": _look(Shape.BLOCK, (250, 236, 146), (176, 196, 226)),
    "bread": _look(Shape.LOAF, (196, 138, 78), (146, 94, 48), (244, 222, 180)),
    "egg": _look(Shape.EGG, (246, 226, 204), (226, 196, 166), (252, 206, 70)),
    "dough": _look(Shape.LUMP, (236, 216, 178), (214, 188, 142)),
    "cloth": _look(Shape.CLOTH, (84, 150, 196), (240, 240, 246)),
    "board": _look(Shape.BOARD, (206, 164, 110), (170, 126, 78)),
    "cup": _look(Shape.CUP, (234, 236, 240), (196, 84, 68)),
    "bowl": _look(Shape.BOWL, (232, 238, 242), (72, 118, 168)),
    "pot": _look(Shape.POT, (128, 132, 140), (74, 78, 86)),
    # What a vessel holds, seen from above; drawn as its content.
    "tea": _look(Shape.CUP, (168, 92, 34), (206, 140, 70)),
    "soup": _look(Shape.POT, (212, 112, 44), (236, 168, 84)),
    "sauce": _look(Shape.POT, (178, 40, 30), (214, 90, 66)),
    "batter": _look(Shape.BOWL, (244, 226, 172), (252, 240, 206)),
    "salad": _look(Shape.BOWL, (118, 176, 82), (206, 70, 54)),
}

LOOKALIKES: dict[str, str] = {
    "sugar": "honey", "honey": "jam", "jam": "coffee", "coffee": "honey", "salt": "pepper",
    "pepper": "salt", "flour": "rice", "rice": "flour", "milk": "cream", "cream": "milk",
    "oil": "vinegar", "vinegar": "juice", "juice": "oil", "tomato": "apple", "apple": "tomato",
    "onion": "apple", "potato": "onion", "lemon": "potato", "cucumber": "zucchini",
    "zucchini": "cucumber", "carrot": "zucchini", "butter": "cheese", "cheese": "butter",
}  # fmt: skip
"""For a thing, another of the same shape: it stands about as clutter and makes the noun hard."""

VERBS: dict[Motion, str] = {
    Motion.SPRINKLE: "add", Motion.DROP: "add", Motion.POUR: "pour", Motion.STIR: "stir",
    Motion.WHISK: "mix", Motion.SLICE: "cut", Motion.CHOP: "chop", Motion.PEEL: "peel",
    Motion.GRATE: "grate", Motion.WASH: "wash", Motion.OPEN: "open", Motion.CLOSE: "close",
    Motion.TAKE: "take", Motion.PUT_AWAY: "put away", Motion.SPREAD: "spread",
    Motion.KNEAD: "knead", Motion.SHAKE: "shake", Motion.WIPE: "wipe", Motion.TASTE: "taste",
}  # fmt: skip
NOUNS: dict[str, str] = {key: "table" if key == "cloth" else key for key in APPEARANCES}

_HANDLED: dict[Motion, str] = {
    Motion.SPRINKLE: "sugar salt pepper flour rice coffee honey jam",
    Motion.DROP: "cheese egg tomato onion carrot mushroom butter lettuce potato lemon apple "
    "zucchini",
    Motion.POUR: "oil vinegar juice milk cream water",
    Motion.STIR: "tea soup sauce",
    Motion.WHISK: "batter salad dough",
    Motion.SLICE: "tomato cucumber zucchini carrot bread cheese apple lemon potato onion mushroom",
    Motion.CHOP: "onion potato carrot mushroom lettuce apple zucchini",
    Motion.PEEL: "potato cucumber carrot apple onion",
    Motion.GRATE: "cheese carrot apple",
    Motion.WASH: "tomato cucumber lettuce apple potato mushroom carrot lemon onion",
    Motion.OPEN: "jam honey coffee sugar",
    Motion.CLOSE: "jam honey coffee sugar",
    Motion.TAKE: "cup bowl bread butter egg cheese",
    Motion.PUT_AWAY: "milk butter oil bread flour cheese",
    Motion.SPREAD: "butter jam honey",
    Motion.KNEAD: "dough",
    Motion.SHAKE: "juice milk vinegar oil",
    Motion.WIPE: "cloth board bowl",
    Motion.TASTE: "soup sauce tea",
}


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a person does: a motion on an appearance."""

    motion: Motion
    thing: str

    @property
    def key(self) -> str:
        """Identity of the action, independent of its words."""
        return f"{self.motion}:{self.thing}"

    @property
    def verb(self) -> str:
        """The native word of the motion."""
        return VERBS[self.motion]

    @property
    def noun(self) -> str:
        """The native word of the thing."""
        return NOUNS[self.thing]

    @property
    def name(self) -> str:
        """The native label text."""
        return f"{self.verb} {self.noun}"


ACTIONS: dict[str, Action] = {
    action.key: action
    for motion, things in _HANDLED.items()
    for action in (Action(motion, thing) for thing in things.split())
}


HELD_OUT_THINGS = frozenset({"cucumber", "jam"})
HELD_OUT_MOTIONS = frozenset({Motion.SPREAD})
"""Part of the demo label set that nano's pre-training never sees (see its model card)."""


def is_held_out(action: Action) -> bool:
    """Say whether pre-training leaves this action out."""
    return action.thing in HELD_OUT_THINGS or action.motion in HELD_OUT_MOTIONS
