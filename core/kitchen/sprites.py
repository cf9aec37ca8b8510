"""Small pictures with soft edges: the things of the kitchen.

A sprite is drawn at four times its size and reduced once. Sizes: nominal 640 x 360, times `scale`.
"""

from collections.abc import Callable
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFilter

from core.kitchen.world import Appearance, Colour, Shape

_OVER = 4  # supersampling


def shade(colour: Colour, factor: float) -> Colour:
    """Darken (factor < 1) or lighten (factor > 1) a colour."""
    if factor <= 1:
        r, g, b = (round(c * factor) for c in colour)
    else:
        r, g, b = (round(255 - (255 - c) / factor) for c in colour)
    return r, g, b


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """Blend two colours; `share` is the part of `b`."""
    r, g, blue = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return r, g, blue


class Pen:
    """A canvas in nominal pixels that is reduced when finished."""

    def __init__(self, width: float, height: float, scale: float) -> None:
        self.zoom = _OVER * scale
        self.size = (max(1, round(width * scale)), max(1, round(height * scale)))
        self.image = Image.new("RGBA", (self.size[0] * _OVER, self.size[1] * _OVER))
        self.draw = ImageDraw.Draw(self.image)

    def _box(self, box: tuple[float, ...]) -> list[float]:
        return [value * self.zoom for value in box]

    def ellipse(self, box: tuple[float, float, float, float], colour: Colour) -> None:
        """Fill an ellipse in a box."""
        self.draw.ellipse(self._box(box), fill=colour)

    def rounded(
        self, box: tuple[float, float, float, float], radius: float, colour: Colour
    ) -> None:
        """Fill a box with rounded corners."""
        self.draw.rounded_rectangle(self._box(box), radius * self.zoom, fill=colour)

    def polygon(self, points: tuple[float, ...], colour: Colour) -> None:
        """Fill a polygon; points are x, y, x, y, ..."""
        self.draw.polygon(self._box(points), fill=colour)

    def line(self, points: tuple[float, ...], colour: Colour, width: float) -> None:
        """Draw a line through points."""
        self.draw.line(
            self._box(points), fill=colour, width=round(width * self.zoom), joint="curve"
        )

    def done(self) -> Image.Image:
        """Reduce the canvas to its size."""
        return self.image.resize(self.size, Image.Resampling.BOX)


def _jar(pen: Pen, look: Appearance, lid: bool) -> None:
    pen.rounded((6, 18, 52, 72), 9, shade(look.body, 0.86))
    pen.rounded((8, 20, 46, 70), 8, look.body)
    pen.rounded((8, 36, 50, 56), 2, look.accent)
    pen.rounded((12, 24, 17, 66), 2, shade(look.body, 1.8))
    if lid:
        pen.rounded((8, 6, 50, 20), 4, shade(look.accent, 0.75))
        pen.rounded((10, 7, 48, 11), 2, shade(look.accent, 1.3))
    else:
        pen.ellipse((10, 12, 48, 24), shade(look.body, 0.6))


def _shaker(pen: Pen, look: Appearance, _: bool) -> None:
    pen.polygon((16, 24, 42, 24, 48, 70, 10, 70), look.body)
    pen.polygon((36, 24, 42, 24, 48, 70, 38, 70), shade(look.body, 0.86))
    pen.rounded((15, 8, 43, 26), 8, look.accent)
    for x in (22, 29, 36):
        pen.ellipse((x - 2, 12, x + 2, 16), shade(look.accent, 0.5))


def _bag(pen: Pen, look: Appearance, _: bool) -> None:
    pen.polygon((8, 18, 50, 18, 54, 72, 4, 72), look.body)
    pen.polygon((42, 18, 50, 18, 54, 72, 44, 72), shade(look.body, 0.88))
    pen.rounded((8, 8, 50, 20), 3, shade(look.body, 0.8))
    pen.ellipse((16, 32, 42, 58), look.accent)
    pen.line((29, 36, 29, 54), shade(look.accent, 1.8), 3)


def _carton(pen: Pen, look: Appearance, _: bool) -> None:
    pen.polygon((12, 24, 29, 6, 46, 24), shade(look.body, 0.9))
    pen.rounded((12, 22, 46, 76), 2, look.body)
    pen.rounded((38, 22, 46, 76), 1, shade(look.body, 0.86))
    pen.rounded((12, 40, 46, 60), 1, look.accent)
    pen.rounded((24, 4, 34, 10), 2, shade(look.accent, 0.9))


def _bottle(pen: Pen, look: Appearance, _: bool) -> None:
    pen.rounded((23, 2, 35, 28), 3, shade(look.body, 0.85))
    pen.rounded((22, 0, 36, 8), 2, shade(look.accent, 0.8))
    pen.rounded((12, 22, 46, 80), 9, look.body)
    pen.rounded((38, 26, 46, 78), 5, shade(look.body, 0.82))
    pen.rounded((12, 42, 46, 62), 1, look.accent)
    pen.rounded((16, 26, 20, 40), 2, shade(look.body, 1.8))


def _jug(pen: Pen, look: Appearance, _: bool) -> None:
    pen.line((46, 28, 60, 34, 58, 54, 46, 60), shade(look.body, 0.8), 5)
    pen.polygon((6, 14, 14, 20, 48, 20, 46, 72, 14, 72), look.body)
    pen.polygon((40, 20, 48, 20, 46, 72, 38, 72), shade(look.body, 0.86))
    pen.ellipse((12, 14, 50, 28), look.accent)


def _round(pen: Pen, look: Appearance, _: bool) -> None:
    pen.ellipse((5, 10, 51, 54), shade(look.body, 0.82))
    pen.ellipse((6, 10, 47, 50), look.body)
    pen.ellipse((13, 16, 24, 25), shade(look.body, 1.9))
    pen.line((27, 12, 31, 4), shade(look.accent, 0.8), 4)
    pen.ellipse((19, 8, 37, 16), look.accent)


def _long(pen: Pen, look: Appearance, _: bool) -> None:
    pen.rounded((3, 12, 93, 38), 13, shade(look.body, 0.8))
    pen.rounded((3, 12, 92, 33), 10, look.body)
    for y in (17, 25):
        pen.line((12, y, 82, y), look.accent, 2.5)
    pen.ellipse((84, 18, 95, 30), look.accent)


def _leaf(pen: Pen, look: Appearance, _: bool) -> None:
    for x, y, r, f in (
        (18, 32, 17, 0.85),
        (42, 32, 17, 0.9),
        (30, 24, 19, 1.0),
        (31, 36, 14, 1.25),
    ):
        pen.ellipse((x - r, y - r * 0.8, x + r, y + r * 0.8), shade(look.body, f))
    pen.line((30, 50, 30, 20), look.accent, 2.5)
    pen.line((30, 38, 18, 26), look.accent, 2)
    pen.line((30, 38, 43, 27), look.accent, 2)


def _mushroom(pen: Pen, look: Appearance, _: bool) -> None:
    pen.rounded((21, 28, 37, 56), 6, shade(look.inside, 0.92))
    pen.ellipse((5, 8, 53, 44), look.body)
    pen.rounded((7, 27, 51, 34), 3, look.accent)
    pen.ellipse((15, 13, 26, 20), shade(look.body, 1.6))


def _wedge(pen: Pen, look: Appearance, _: bool) -> None:
    pen.polygon((4, 32, 52, 10, 58, 32), shade(look.body, 1.3))
    pen.polygon((4, 32, 58, 32, 58, 54, 4, 54), look.body)
    for x, y, r in ((18, 43, 5), (38, 40, 4), (48, 48, 3)):
        pen.ellipse((x - r, y - r, x + r, y + r), look.accent)


def _loaf(pen: Pen, look: Appearance, _: bool) -> None:
    pen.rounded((4, 10, 94, 54), 20, shade(look.accent, 0.95))
    pen.rounded((6, 10, 92, 46), 18, look.body)
    for x in (26, 46, 66):
        pen.line((x, 16, x + 8, 34), shade(look.inside, 0.9), 4)


def _block(pen: Pen, look: Appearance, _: bool) -> None:
    pen.polygon((4, 24, 16, 12, 66, 12, 56, 24), shade(look.body, 1.4))
    pen.rounded((4, 22, 56, 46), 2, look.body)
    pen.polygon((56, 24, 66, 12, 66, 36, 56, 46), shade(look.body, 0.82))
    pen.rounded((4, 22, 22, 46), 2, look.accent)


def _egg(pen: Pen, look: Appearance, _: bool) -> None:
    pen.ellipse((11, 6, 47, 54), shade(look.accent, 0.95))
    pen.ellipse((11, 6, 43, 50), look.body)
    pen.ellipse((17, 14, 26, 25), shade(look.body, 2.2))


def _lump(pen: Pen, look: Appearance, _: bool) -> None:
    pen.ellipse((4, 14, 84, 60), shade(look.accent, 0.9))
    pen.ellipse((6, 10, 80, 54), look.body)
    pen.ellipse((20, 16, 44, 28), shade(look.body, 1.5))


def _cloth(pen: Pen, look: Appearance, _: bool) -> None:
    pen.polygon((4, 12, 40, 4, 78, 14, 72, 44, 38, 50, 8, 42), look.body)
    for x in (18, 36, 54):
        pen.line((x, 9, x + 4, 46), look.accent, 4)


def _board(pen: Pen, look: Appearance, _: bool) -> None:
    pen.rounded((2, 8, 178, 78), 12, shade(look.accent, 0.85))
    pen.rounded((2, 4, 178, 72), 12, look.body)
    for y in (20, 38, 56):
        pen.line((16, y, 150, y), look.accent, 1.5)
    pen.ellipse((158, 32, 170, 44), shade(look.accent, 0.7))


def _cup(pen: Pen, look: Appearance, _: bool) -> None:
    pen.line((76, 28, 94, 34, 90, 58, 74, 62), shade(look.body, 0.82), 6)
    pen.polygon((8, 18, 80, 18, 72, 76, 16, 76), look.body)
    pen.polygon((66, 18, 80, 18, 72, 76, 62, 76), shade(look.body, 0.85))
    pen.polygon((10, 42, 78, 42, 76, 54, 12, 54), look.accent)
    pen.ellipse((8, 6, 80, 34), shade(look.body, 0.95))
    pen.ellipse((13, 9, 75, 31), shade(look.body, 0.7))


def _bowl(pen: Pen, look: Appearance, _: bool) -> None:
    pen.draw.pieslice(pen._box((6, -44, 154, 92)), 0, 180, fill=look.body)
    pen.draw.pieslice(pen._box((6, -36, 154, 92)), 10, 60, fill=shade(look.body, 0.86))
    pen.polygon((10, 44, 150, 44, 146, 54, 14, 54), look.accent)
    pen.ellipse((4, 2, 156, 48), shade(look.body, 0.97))
    pen.ellipse((11, 6, 149, 44), shade(look.body, 0.72))


def _pot(pen: Pen, look: Appearance, _: bool) -> None:
    pen.rounded((0, 34, 18, 46), 5, look.accent)
    pen.rounded((152, 34, 170, 46), 5, look.accent)
    pen.rounded((14, 20, 156, 98), 14, shade(look.body, 0.9))
    pen.rounded((126, 24, 156, 96), 12, shade(look.body, 0.75))
    pen.rounded((24, 34, 32, 86), 3, shade(look.body, 1.5))
    pen.ellipse((14, 2, 156, 48), look.body)
    pen.ellipse((21, 6, 149, 44), shade(look.accent, 0.7))


Drawer = Callable[[Pen, Appearance, bool], None]
_DRAWERS: dict[Shape, tuple[float, float, Drawer]] = {
    Shape.JAR: (58, 74, _jar), Shape.SHAKER: (58, 74, _shaker), Shape.BAG: (58, 76, _bag),
    Shape.CARTON: (58, 78, _carton), Shape.BOTTLE: (58, 82, _bottle), Shape.JUG: (64, 76, _jug),
    Shape.ROUND: (56, 56, _round), Shape.LONG: (98, 46, _long), Shape.LEAF: (62, 58, _leaf),
    Shape.MUSHROOM: (58, 60, _mushroom), Shape.WEDGE: (62, 58, _wedge),
    Shape.LOAF: (98, 58, _loaf), Shape.BLOCK: (70, 50, _block), Shape.EGG: (58, 58, _egg),
    Shape.LUMP: (88, 64, _lump), Shape.CLOTH: (82, 54, _cloth), Shape.BOARD: (182, 82, _board),
    Shape.CUP: (98, 80, _cup), Shape.BOWL: (160, 96, _bowl), Shape.POT: (170, 102, _pot),
}  # fmt: skip

OPENINGS: dict[Shape, tuple[float, float, float]] = {
    Shape.CUP: (20, 44, 62), Shape.BOWL: (25, 80, 138), Shape.POT: (25, 85, 128),
}  # fmt: skip
"""Per vessel: y and x of the opening's centre in its sprite, and the opening's width."""


@lru_cache(maxsize=2048)
def thing(look: Appearance, scale: float, *, lid: bool = True) -> Image.Image:
    """Draw a thing. `lid` matters to jars only."""
    width, height, drawer = _DRAWERS[look.shape]
    pen = Pen(width, height, scale * look.scale)
    drawer(pen, look, lid)
    return pen.done()


@lru_cache(maxsize=512)
def peeled(look: Appearance, scale: float) -> Image.Image:
    """Draw a thing without its skin."""
    return thing(
        Appearance(look.shape, look.inside, shade(look.inside, 0.88), look.inside, look.scale),
        scale,
    )


@lru_cache(maxsize=512)
def slice_of(look: Appearance, scale: float) -> Image.Image:
    """Draw one cut-off slice: skin outside, flesh inside."""
    tall = 50 if look.shape is Shape.LOAF else 34
    pen = Pen(16, tall, scale * look.scale)
    pen.rounded((1, 1, 15, tall - 1), 7, shade(look.body, 0.85))
    pen.rounded((3.5, 4, 12.5, tall - 4), 5, look.inside)
    return pen.done()


@lru_cache(maxsize=512)
def lid_of(look: Appearance, scale: float) -> Image.Image:
    """Draw a jar's lid lying about."""
    pen = Pen(46, 18, scale)
    pen.ellipse((2, 2, 44, 16), shade(look.accent, 0.7))
    pen.ellipse((4, 2, 42, 12), shade(look.accent, 1.1))
    return pen.done()


@lru_cache(maxsize=256)
def shadow(width: int, scale: float) -> Image.Image:
    """Draw a soft contact shadow."""
    w, h = max(4, round(width * scale)), max(3, round(width * 0.3 * scale))
    image = Image.new("L", (w + h, 2 * h))
    ImageDraw.Draw(image).ellipse((h // 2, h // 2, w + h // 2, h + h // 2), fill=96)
    blurred = image.filter(ImageFilter.GaussianBlur(h / 4))
    out = Image.new("RGBA", image.size, (20, 16, 14, 0))
    out.putalpha(blurred)
    return out


@lru_cache(maxsize=2048)
def turned(sprite_key: tuple[Appearance, float, bool], angle: int) -> Image.Image:
    """Return a thing turned anticlockwise by `angle` degrees, grown to fit."""
    look, scale, lid = sprite_key
    return thing(look, scale, lid=lid).rotate(angle, Image.Resampling.BICUBIC, expand=True)
