"""What the mouse does on the timeline: seek, choose, move edges and segments, snap, zoom, pan."""

import pytest

from tests.app.annotating import browser as browser, desk as desk, site as site, tab as tab
from tests.app.pointing import click, drag, spot

pytestmark = [pytest.mark.browser]

TEA, BREAD, FRIDGE, MILK = "stir tea", "cut bread", "open fridge", "pour milk"
VIEW = "[Studio.timeline.from, Studio.timeline.to]"


def test_a_click_seeks_on_the_ruler_on_a_lane_and_on_a_segment(desk):
    (one,) = desk.lay((TEA, 100, 150))
    desk.open()
    for place in [spot(desk, 60.5, "ruler"), spot(desk, 30.5)]:
        click(desk, place)
    desk.shows(30)
    assert desk.chosen() == []
    click(desk, spot(desk, 120.5)).shows(120)
    assert desk.chosen() == [one]


def test_ctrl_and_shift_choose_more_and_a_click_beside_chooses_nothing(desk):
    first, second, third = desk.lay((TEA, 10, 30), (BREAD, 50, 70), (MILK, 90, 120))
    desk.open()
    click(desk, spot(desk, 20))
    click(desk, spot(desk, 100), "Control")
    assert set(desk.chosen()) == {first, third}
    click(desk, spot(desk, 60), "Shift")
    click(desk, spot(desk, 20), "Control")
    assert set(desk.chosen()) == {second, third}
    click(desk, spot(desk, 150))
    assert desk.chosen() == []


@pytest.mark.parametrize("name", ["even", "uneven"])
def test_edges_are_dragged_to_starts_of_frames(desk, name):
    desk.name = name
    desk.lay((TEA, 10, 40))
    desk.open()
    drag(desk, spot(desk, 40, dx=-2), spot(desk, 55.3))
    drag(desk, spot(desk, 10, dx=2), spot(desk, 4.8))
    assert desk.spans() == [(TEA, 5, 55)]
    drag(desk, spot(desk, 5, dx=2), spot(desk, 60))  # never past the other edge
    assert desk.spans() == [(TEA, 54, 55)]
    assert desk.js("Studio.editor.doc.done.length") == 3


def test_the_frame_at_a_dragged_edge_is_shown_meanwhile(desk):
    desk.lay((TEA, 10, 40))
    desk.open()
    mouse = desk.page.mouse
    mouse.move(*spot(desk, 40, dx=-2))
    mouse.down()
    mouse.move(*spot(desk, 80), steps=4)
    desk.shows(79)
    assert desk.spans() == [(TEA, 10, 40)]  # nothing is saved before the button is let go
    mouse.up()
    assert desk.spans() == [(TEA, 10, 80)]


def test_shift_moves_the_boundary_that_two_share(desk):
    desk.lay((TEA, 10, 50), (BREAD, 50, 90), (MILK, 90, 120))
    desk.open()
    drag(desk, spot(desk, 50, dx=-2), spot(desk, 60), "Shift")
    assert desk.spans() == [(TEA, 10, 60), (BREAD, 60, 90), (MILK, 90, 120)]
    drag(desk, spot(desk, 90, dx=2), spot(desk, 40), "Shift")  # one frame is left of the neighbour
    assert desk.spans() == [(TEA, 10, 60), (BREAD, 60, 61), (MILK, 61, 120)]
    drag(desk, spot(desk, 120, dx=-2), spot(desk, 100))
    drag(desk, spot(desk, 60, dx=-2), spot(desk, 30))  # without Shift the neighbour stays
    assert desk.spans() == [(TEA, 10, 30), (BREAD, 60, 61), (MILK, 61, 100)]


@pytest.mark.parametrize("to", [90, 60, 50, 125], ids=["edge", "playhead", "cut", "other cut"])
def test_with_alt_an_edge_snaps_to_what_lies_near(desk, to):
    desk.lay((TEA, 10, 40), (BREAD, 90, 110))
    desk.open().at(60)
    desk.until("() => Studio.editor.cuts.length === 2")
    drag(desk, spot(desk, 40, dx=-2), spot(desk, to + 1), "Alt")
    assert desk.spans()[0] == (TEA, 10, to)
    desk.do("undo").at(60)
    drag(desk, spot(desk, 40, dx=-2), spot(desk, to + 1))
    assert desk.spans()[0] == (TEA, 10, to + 1)


def test_while_snapping_is_on_alt_turns_it_off(desk):
    desk.lay((TEA, 10, 40), (BREAD, 90, 110))
    desk.open().do("snapping")
    drag(desk, spot(desk, 40, dx=-2), spot(desk, 91))
    assert desk.spans()[0] == (TEA, 10, 90)
    drag(desk, spot(desk, 90, dx=-2), spot(desk, 89), "Alt")
    assert desk.spans()[0] == (TEA, 10, 89)
    desk.do("snapping")
    drag(desk, spot(desk, 89, dx=-2), spot(desk, 91))
    assert desk.spans()[0] == (TEA, 10, 91)


@pytest.mark.parametrize("name", ["even", "uneven"])
def test_a_segment_is_moved_as_a_whole_and_keeps_to_frames(desk, name):
    desk.name = name
    desk.lay((TEA, 10, 30))
    desk.open()
    drag(desk, spot(desk, 15), spot(desk, 35))
    ((_, first, end),) = desk.spans()
    assert 29 <= first <= 31
    assert abs(desk.starts[end] - desk.starts[first] - desk.starts[30] + desk.starts[10]) < 60_000
    drag(desk, spot(desk, first + 5), spot(desk, 0))
    assert desk.spans()[0][1] == 0
    drag(desk, spot(desk, 5), spot(desk, len(desk.starts) - 2))
    assert desk.spans()[0][2] == len(desk.starts) - 1


def test_all_that_are_chosen_move_together(desk):
    desk.lay((TEA, 10, 30), (BREAD, 40, 60), (MILK, 100, 120))
    desk.open()
    click(desk, spot(desk, 20))
    click(desk, spot(desk, 50), "Control")
    drag(desk, spot(desk, 45), spot(desk, 55))
    assert desk.spans() == [(TEA, 20, 40), (BREAD, 50, 70), (MILK, 100, 120)]


@pytest.mark.parametrize("grip", [12, 28], ids=["near the start", "near the end"])
@pytest.mark.parametrize(("to", "first"), [(61, 60), (79, 80)], ids=["start", "end"])
def test_with_alt_a_moved_segment_snaps_by_either_edge(desk, grip, to, first):
    desk.lay((TEA, 10, 30), (BREAD, 40, 60), (MILK, 100, 120))
    desk.open().at(0)
    drag(desk, spot(desk, grip), spot(desk, grip - 10 + to), "Alt")
    assert (TEA, first, first + 20) in desk.spans()


def test_a_drag_on_the_ruler_makes_a_segment_of_the_active_label(desk):
    desk.lay((TEA, 10, 100))
    desk.open().press("2")
    drag(desk, spot(desk, 120, "ruler"), spot(desk, 160, "ruler"))
    drag(desk, spot(desk, 110, "ruler"), spot(desk, 105, "ruler"))  # from right to left
    assert desk.spans() == [(TEA, 10, 100), (BREAD, 105, 110), (BREAD, 120, 160)]
    desk.do("contiguous")
    drag(desk, spot(desk, 40, "ruler"), spot(desk, 60, "ruler"))
    assert desk.spans()[:3] == [(TEA, 10, 40), (BREAD, 40, 60), (TEA, 60, 100)]


def test_a_box_chooses_what_it_touches_and_a_label_relabels_it(desk):
    desk.lay((TEA, 10, 30), (BREAD, 40, 60), (MILK, 100, 120))
    desk.open()
    drag(desk, spot(desk, 5), spot(desk, 45, dy=14))
    assert len(desk.chosen()) == 2
    desk.press("3")
    assert desk.spans() == [(FRIDGE, 10, 30), (FRIDGE, 40, 60), (MILK, 100, 120)]


def test_a_double_click_plays_the_segment_once(desk):
    desk.lay((TEA, 20, 36))
    desk.open()
    desk.page.mouse.dblclick(*spot(desk, 25))
    desk.until("() => Studio.editor.player.playing")
    desk.until("() => !Studio.editor.player.playing && !Studio.editor.player.range")
    desk.shows(35)


def test_the_wheel_zooms_at_the_pointer_and_pans_with_shift(desk):
    desk.open()
    x, y = spot(desk, 50)
    under = f"Studio.timeline.at({x} - Studio.timeline.canvas.getBoundingClientRect().x)"
    before = desk.js(under)
    desk.page.mouse.move(x, y)
    for _ in range(6):
        desk.page.mouse.wheel(0, -100)
    desk.until("() => Studio.timeline.to - Studio.timeline.from < 4e6")
    assert abs(desk.js(under) - before) < 1000
    view = desk.js(VIEW)
    desk.page.keyboard.down("Shift")
    desk.page.mouse.wheel(0, 200)
    desk.page.keyboard.up("Shift")
    desk.until("from => Studio.timeline.from > from", view[0])
    panned = desk.js(VIEW)
    assert abs((panned[1] - panned[0]) - (view[1] - view[0])) < 1


def test_the_minimap_and_the_middle_button_move_the_view(desk):
    desk.open().at(30).do("in").do("in").do("in").do("in")
    x = desk.js("Studio.timeline.canvas.getBoundingClientRect().x + Studio.timeline.side")
    wide = desk.js("Studio.timeline.width - Studio.timeline.side")
    click(desk, (x + 0.75 * wide, spot(desk, 30, "map")[1]))
    low, high = desk.js(VIEW)
    assert abs((low + high) / 2 - 6e6) < 20_000
    middle = spot(desk, 150)
    drag(desk, middle, (middle[0] + 0.1 * wide, middle[1]), button="middle")
    assert abs(desk.js(VIEW)[0] - (low - 0.1 * (high - low))) < 20_000
    desk.shows(30)  # neither of them seeks
    assert desk.spans() == []


def test_a_point_is_chosen_and_moved(desk):
    desk.open().at(40).do("point").do("clear")
    click(desk, spot(desk, 40, dx=3))
    assert len(desk.chosen()) == 1
    drag(desk, spot(desk, 40), spot(desk, 70))
    assert desk.spans() == [(TEA, 70, 70)]
