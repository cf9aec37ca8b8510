"""The editor fits on the screen, in light and dark, small and large, empty and full."""

import re

import pytest

from app.services import preferences
from tests.app.annotating import LABELS, Desk, browser as browser, site as site
from tests.app.browser import visiting

pytestmark = [pytest.mark.browser]

CUT = """() => [...document.querySelectorAll('.an-bar, .an-transport, .an-side, .an-help, .an-lanes, .an-segment')]
  .filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.className)"""  # noqa: E501


@pytest.mark.parametrize("size", [(1366, 768), (1920, 1080)])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_editor_fits_on_the_screen(browser, site, theme, size):
    preferences.store(site.studio, {})
    project, videos = site.project()
    with visiting(browser, site.base, size=size) as visit:
        desk = Desk(site, visit, project, videos)
        for n in range(5):  # overlapping, on three tracks
            desk.lay((LABELS[n], 5 + n, 90 + n), track=("", "left hand", "right hand")[n % 3])
        desk.open(__theme=theme)
        fits(desk, size)
        desk.do("next").at(50).do("next")
        fits(desk, size)
        desk.do("all")
        fits(desk, size)
        dark = desk.js("document.body.classList.contains('dark')")
        assert dark is (theme == "dark")
        before = desk.js("Studio.timeline.ink?.surface")
        desk.page.get_by_label("Light or dark").click()
        desk.until("was => Studio.timeline.ink.surface !== was", before)  # the canvas as well


def fits(desk: Desk, size: tuple[int, int]) -> None:
    wide = "document.documentElement.scrollWidth"
    assert desk.js(wide) <= size[0]
    assert desk.js(CUT) == []
    lanes = desk.page.locator(".an-lanes").bounding_box()
    foot = desk.page.locator(".st-foot").bounding_box()
    picture = desk.page.locator(".pl video").bounding_box()
    assert lanes
    assert foot
    assert picture
    assert lanes["y"] + lanes["height"] <= foot["y"]
    assert picture["height"] > size[1] / 5
    buttons = desk.page.locator(".an-transport button:visible, .an-bar button:visible")
    for box in [button.bounding_box() for button in buttons.all()]:
        assert box
        assert box["x"] + box["width"] <= size[0]
    assert not re.search(r"\b(null|undefined|NaN)\b", desk.page.inner_text(".st-page"))
