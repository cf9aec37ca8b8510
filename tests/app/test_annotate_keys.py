"""The key map: every action has a key and a test, keys can be changed, and typing is left alone."""

import re
from pathlib import Path

import pytest

from tests.app.annotating import (
    KEYS,
    LABELS,
    browser as browser,
    desk as desk,
    site as site,
    tab as tab,
)

pytestmark = [pytest.mark.browser]

TEA, BREAD, FRIDGE = LABELS[:3]


def test_the_page_has_the_actions_and_keys_that_these_tests_know(desk):
    desk.open()
    shown = desk.js("[...Studio.keys.actions.values()].map(a => [a.id, a.keys])")
    assert {action: tuple(keys) for action, keys in shown} == KEYS
    every = [key for keys in KEYS.values() for key in keys]
    assert len(set(every)) == len(every)  # no key means two things


def test_every_key_of_every_action_is_pressed_by_a_test():
    text = "".join(path.read_text() for path in Path(__file__).parent.glob("test_annotate_*.py"))
    for action, keys in KEYS.items():
        alone = re.findall(rf'do\("{action}"\)', text)
        chosen = re.findall(rf'(?:do\("{action}", |\("{action}", )(\d)', text)
        either = re.search(rf'do\("{action}", which\)', text)
        pressed = {0 if alone else None, *map(int, chosen), *(range(len(keys)) if either else ())}
        assert set(range(len(keys))) <= pressed, action


def test_no_key_of_the_browser_is_taken():
    taken = re.compile(r"Ctrl\+(w|t|n|Tab|Shift\+[tn])|Alt\+.*|F5|F11|F12")
    assert not [key for keys in KEYS.values() for key in keys if taken.fullmatch(key)]


def test_next_and_previous_walk_over_the_segments_from_the_playhead(desk):
    ids = desk.lay((TEA, 10, 30), (BREAD, 40, 60), (FRIDGE, 90, 120))
    desk.open().at(35)
    for action, n, frame in [("next", 1, 40), ("next", 2, 90), ("next", 2, 90),
                             ("previous", 1, 40), ("previous", 0, 10)]:  # fmt: skip
        assert desk.do(action).chosen() == [ids[n]]
        desk.shows(frame)
    desk.do("clear").at(35).do("previous").shows(10)
    desk.do("next").do("clear").at(199).do("next").shows(90)


def test_all_of_a_track_is_chosen_and_escape_chooses_nothing(desk):
    desk.lay((TEA, 10, 30), (BREAD, 40, 60))
    desk.lay((FRIDGE, 10, 30), track="left hand")
    desk.open().do("all")
    assert len(desk.chosen()) == 2
    assert desk.do("clear").chosen() == []
    assert len(desk.do("down").do("all").chosen()) == 1
    assert len(desk.do("up").do("all").chosen()) == 2


def test_the_view_is_zoomed_to_a_segment_to_the_whole_and_by_steps(desk):
    desk.lay((TEA, 100, 120))
    desk.open().do("next").do("zoom")
    view = "[Studio.timeline.from, Studio.timeline.to]"
    low, high = desk.js(view)
    assert low < desk.starts[100] < desk.starts[120] < high
    assert high - low < 2 * (desk.starts[120] - desk.starts[100])
    assert desk.do("whole").js(view) == [0, 8_000_000]
    widths = [8e6]
    for action, which in [("in", 0), ("in", 1), ("outwards", 0)]:
        low, high = desk.do(action, which).js(view)
        widths.append(high - low)
    assert widths == pytest.approx([8e6, 8e6 / 1.5, 8e6 / 2.25, 8e6 / 1.5])
    low, high = desk.do("clear").do("zoom").js(view)  # without a segment: closer
    assert high - low == pytest.approx(8e6 / 6)


def test_nothing_happens_while_one_types_in_a_field(desk):
    desk.lay((TEA, 10, 30))
    desk.open().do("next").do("note")
    everything = [key for keys in KEYS.values() for key in keys if len(key) == 1]
    for key in [*everything, "1", "Space"]:
        desk.press(key)
    desk.press("Delete", "Backspace", "Home", "End", "ArrowLeft")
    typed = desk.page.get_by_label("Note").input_value()
    assert typed == "".join(everything) + "1"  # the space went by Backspace
    assert not desk.js("Studio.editor.player.playing")
    desk.press("Escape")
    assert desk.spans() == [(TEA, 10, 30)]
    desk.do("search")
    desk.page.keyboard.type("sx")
    desk.press("Escape")
    assert desk.spans() == [(TEA, 10, 30)]


def test_a_button_that_was_clicked_leaves_the_space_key_to_the_player(desk):
    desk.lay((TEA, 10, 30))
    desk.open()
    for name in ("Contiguous", "Snap"):
        desk.page.locator(".an-bar button", has_text=name).click()
    desk.page.get_by_role("button", name="Settings").click()
    desk.press("Escape")
    desk.page.wait_for_selector("dialog", state="detached")
    desk.do("play").until("() => Studio.editor.player.playing")
    assert desk.page.locator("dialog").count() == 0


def sheet(desk, action: str):
    """Open the sheet and return the row of an action."""
    desk.do("sheet")
    return desk.page.locator(f'dialog tr[data-action="{action}"]')


def test_the_sheet_lists_every_action_and_finds_one(desk):
    desk.open().do("sheet")
    assert desk.page.locator("dialog tr[data-action]").count() == len(KEYS)
    desk.page.get_by_label("Search keys").fill("split")
    assert desk.page.locator("dialog tr[data-action]:visible").count() == 1
    desk.press("Escape", "Escape")  # the first empties the field
    desk.page.wait_for_selector("dialog", state="detached")


def test_a_key_is_changed_and_holds_after_a_reload(desk):
    desk.lay((TEA, 10, 50))
    desk.open()
    sheet(desk, "split").locator("button.key", has_text="S").click()
    desk.press("b")
    assert "B" in desk.page.inner_text('dialog tr[data-action="split"]')
    desk.until("() => fetch('/api/preferences').then(r => r.json()).then(p => p.keys?.split)")
    desk.open().at(30).do("split")
    assert desk.spans() == [(TEA, 10, 50)]
    desk.press("b")
    assert desk.spans() == [(TEA, 10, 30), (TEA, 30, 50)]
    desk.do("sheet")
    desk.page.get_by_role("button", name="All as they were").click()
    desk.press("Escape")
    desk.page.wait_for_selector("dialog", state="detached")
    desk.at(20).do("split")
    assert len(desk.spans()) == 3


def test_one_more_key_is_added_and_taken_away(desk):
    desk.open()
    row = sheet(desk, "extend")
    row.get_by_label("One more key").click()
    desk.press("Shift+e")
    assert desk.js("Studio.keys.keys('extend')") == ["e", "Shift+e"]
    row.locator("button.key", has_text="Shift+E").click(button="right")
    assert desk.js("Studio.keys.keys('extend')") == ["e"]
    desk.press("Escape")


@pytest.mark.parametrize(
    ("key", "words"),
    [("m", "Merge with the next"), ("1", f"label “{TEA}”"), ("Control+w", "belongs to the browser"),
     ("Alt+ArrowLeft", "belongs to the browser"), ("Control+Shift+t", "belongs to the browser")],
)  # fmt: skip
def test_a_key_that_is_taken_is_refused_and_its_holder_named(desk, key, words):
    desk.open()
    row = sheet(desk, "split")
    row.locator("button.key", has_text="S").click()
    name, *more = key.split("+")[::-1]
    held = {"ctrlKey": "Control" in more, "altKey": "Alt" in more, "shiftKey": "Shift" in more}
    desk.js(  # a real Ctrl+W would close the tab
        "([key, held]) => document.activeElement.dispatchEvent("
        "new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true, ...held}))",
        [name, held],
    )
    assert words in row.locator("[role=alert]").inner_text()
    assert desk.js("Studio.keys.keys('split')") == ["s"]
    desk.press("Escape")
