"""The mouse on the timeline of Annotate: places are named by frames and lanes."""

from typing import Any

from tests.app.annotating import Desk

PLACE = """([us, lane, dx, dy]) => {
  const t = Studio.timeline, box = t.canvas.getBoundingClientRect();
  const top = lane === 'map' ? 0 : lane === 'ruler' ? t.rulerTop : t.lanes[lane].top;
  return [box.x + t.x(us) + dx, box.y + top + dy];
}"""

Place = tuple[float, float]


def spot(desk: Desk, frame: float, lane: int | str = 0, dx: float = 0, dy: float = 8) -> Place:
    """Return where a frame starts on the screen; `dx` and `dy` pixels off, `dy` from the top."""
    whole = int(frame)
    us = desk.starts[whole] + (frame - whole) * (desk.starts[whole + 1] - desk.starts[whole])
    x, y = desk.js(PLACE, [us, lane, dx, dy])
    return x, y


def click(desk: Desk, place: Place, *keys: str, **more: Any) -> Desk:
    """Click while keys are held."""
    for key in keys:
        desk.page.keyboard.down(key)
    desk.page.mouse.click(*place, **more)
    for key in keys:
        desk.page.keyboard.up(key)
    return desk


def drag(desk: Desk, begin: Place, end: Place, *keys: str, **more: Any) -> Desk:
    """Drag from a place to another in some steps while keys are held."""
    mouse = desk.page.mouse
    mouse.move(*begin)
    mouse.down(**more)
    for key in keys:
        desk.page.keyboard.down(key)
    mouse.move(*end, steps=4)
    mouse.up(**more)
    for key in keys:
        desk.page.keyboard.up(key)
    return desk
