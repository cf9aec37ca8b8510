"""Small pictures of forearms, fists and tools."""

from enum import StrEnum
from functools import lru_cache

from PIL import Image

from core.kitchen.sprites import Pen, shade
from core.kitchen.world import Colour


class Tool(StrEnum):
    """What a hand may hold besides things."""

    SPOON = "spoon"
    WHISK = "whisk"
    KNIFE = "knife"
    PEELER = "peeler"
    SPREADER = "spreader"


def _draw_tool(pen: Pen, kind: Tool) -> None:
    """Draw a tool that points down; the hand holds it at (40, 34)."""
    wood, steel = (150, 104, 66), (198, 204, 212)
    if kind == Tool.SPOON:
        pen.line((40, 10, 40, 84), wood, 7)
        pen.ellipse((28, 76, 52, 108), shade(wood, 1.15))
        pen.ellipse((32, 82, 48, 104), shade(wood, 0.8))
    elif kind == Tool.WHISK:
        pen.line((40, 6, 40, 56), (90, 96, 104), 8)
        for x in (22, 31, 40, 49, 58):
            pen.line((40, 54, x, 84, 40, 110), steel, 3)
    elif kind == Tool.KNIFE:
        pen.rounded((34, 4, 46, 50), 4, (52, 48, 50))
        pen.polygon((33, 48, 50, 48, 49, 108, 34, 94), steel)
        pen.line((48, 50, 48, 104), shade(steel, 1.6), 2.5)
    elif kind == Tool.PEELER:
        pen.rounded((34, 6, 46, 56), 5, (206, 70, 60))
        pen.line((40, 54, 26, 72, 26, 92), steel, 4)
        pen.line((40, 54, 54, 72, 54, 92), steel, 4)
        pen.line((24, 92, 56, 92), shade(steel, 0.7), 6)
    else:
        pen.rounded((35, 4, 45, 54), 4, (110, 86, 60))
        pen.rounded((31, 52, 49, 108), 9, steel)


_ARM = 340  # length of the drawn forearm


@lru_cache(maxsize=128)
def arm(skin: Colour, sleeve: Colour, angle: int, scale: float) -> Image.Image:
    """Draw a forearm that ends in the picture's centre, `angle` degrees away from straight down."""
    size, c = 2 * _ARM, _ARM
    pen = Pen(size, size, scale)
    pen.line((c, c + 40, c, size), shade(sleeve, 0.82), 66)
    pen.line((c - 6, c + 44, c - 6, size), sleeve, 46)
    pen.rounded((c - 36, c + 56, c + 36, c + 72), 6, shade(sleeve, 1.2))
    pen.line((c, c + 6, c, c + 58), shade(skin, 0.9), 44)
    return pen.done().rotate(angle, Image.Resampling.BILINEAR)


@lru_cache(maxsize=256)
def tool(kind: Tool, angle: int, scale: float) -> Image.Image:
    """Draw a tool held in the picture's centre, turned anticlockwise from pointing down."""
    pen, reach = Pen(80, 112, scale), 84
    _draw_tool(pen, kind)
    layer = Image.new("RGBA", (round(2 * reach * scale), round(2 * reach * scale)))
    layer.paste(pen.done(), (round((reach - 40) * scale), round((reach - 34) * scale)))
    return layer.rotate(angle, Image.Resampling.BILINEAR)


@lru_cache(maxsize=64)
def fist(skin: Colour, angle: int, scale: float) -> Image.Image:
    """Draw a fist seen from above."""
    pen = Pen(72, 72, scale)
    pen.ellipse((8, 12, 64, 64), shade(skin, 0.88))
    pen.ellipse((9, 10, 60, 58), skin)
    for x in (16, 28, 40, 51):
        pen.rounded((x - 7, 4, x + 7, 36), 7, shade(skin, 1.06))
        pen.line((x + 6, 12, x + 6, 32), shade(skin, 0.8), 1.5)
    pen.rounded((4, 34, 30, 50), 8, shade(skin, 1.1))
    return pen.done().rotate(angle, Image.Resampling.BILINEAR)
