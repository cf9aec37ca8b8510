"""Playing and moving in the editor by keys: frame by frame, at any speed, locked to a segment."""

import pytest

from tests.app.annotating import UNEVEN, browser as browser, desk as desk, site as site, tab as tab

pytestmark = [pytest.mark.browser]

SPEED = "[Studio.editor.player.speed, Studio.editor.player.video.playbackRate]"
TIME = "Studio.editor.player.time"
STOPPED = "() => !Studio.editor.player.playing && !Studio.editor.player.range"


def test_space_and_k_play_and_pause_and_k_twice_is_normal_speed(desk):
    desk.open().do("play", 0)
    desk.until("() => Studio.editor.player.playing && Studio.editor.player.frame > 3")
    desk.do("play", 1).until(STOPPED)
    desk.do("faster").do("faster")
    assert desk.js(SPEED) == [2, 2]
    desk.do("play", 1).do("play", 1)
    assert desk.js(SPEED) == [1, 1]


@pytest.mark.parametrize("name", ["even", "uneven"])
def test_steps_are_of_one_frame_also_where_frames_last_differently(desk, name):
    desk.name = name
    desk.open().at(7)
    for action, which, frame in [("on", 0, 8), ("on", 1, 9), ("back", 0, 8), ("back", 1, 7)]:
        desk.do(action, which).shows(frame)
    for action, frame in [("bigon", 17), ("bigback", 7), ("bigback", 0), ("back", 0)]:
        desk.do(action).shows(frame)
    for _ in range(4):  # faster than the browser can seek
        desk.do("on")
    desk.shows(4)
    last = len(desk.starts) - 2
    desk.at(last).do("on").shows(last)


def test_the_seconds_and_big_steps_that_keys_go_are_told(desk):
    desk.open().at(100).do("secondback").shows(75)
    desk.do("secondon").do("secondon").shows(125)
    desk.page.get_by_role("button", name="Settings").click()
    desk.page.get_by_label("Frames of a big step").fill("4")
    desk.press("Tab", "Escape")
    desk.page.wait_for_selector("dialog", state="detached")
    desk.do("bigon").shows(129).do("bigback").shows(125)


def test_home_and_end_go_to_the_segment_and_pressed_twice_to_the_ends_of_the_video(desk):
    desk.lay(("stir tea", 40, 60))
    desk.open().at(10).do("next").shows(40)
    desk.do("end").shows(59).do("start").shows(40).do("end").shows(59)
    desk.do("end").shows(199)
    desk.do("start").shows(40).do("start").shows(0)
    desk.do("clear").do("end").shows(199)


@pytest.mark.parametrize(
    ("text", "frame"), [("#42", 42), ("0:03.2", 80), ("3,2", 80), ("#9999", 199), ("0:00:01", 25)]
)
def test_one_goes_to_a_time_or_a_frame_by_typing_it(desk, text, frame):
    desk.open().do("goto")
    desk.page.get_by_label("Time or frame").fill(text)
    desk.press("Enter").shows(frame)
    assert desk.page.locator("dialog").count() == 0


def test_a_time_that_is_none_is_refused_where_it_was_typed(desk):
    desk.open().at(30).do("goto")
    desk.page.get_by_label("Time or frame").fill("soon")
    desk.press("Enter")
    assert "m:s.ms" in desk.page.inner_text("dialog .st-note.bad")
    desk.press("Escape").shows(30)


def test_speeds_run_from_a_tenth_to_four_times_and_then_backwards(desk):
    desk.open().at(100)
    slower = [desk.do("slower").js(SPEED) for _ in range(4)]
    assert slower == [[s, s] for s in (0.75, 0.5, 0.25, 0.1)]
    desk.do("play").until(f"() => {TIME} > 4.03e6")  # it does play that slowly
    desk.do("play").until(STOPPED)
    assert desk.do("faster").js(SPEED) == [0.25, 0.25]
    for _ in range(5):
        desk.do("faster")
    assert [desk.js(SPEED), desk.do("faster").js(SPEED)] == [[2, 2], [4, 4]]
    assert desk.do("faster").js(SPEED) == [4, 4]


def test_backwards_it_plays_to_the_start_and_stops_there(desk):
    desk.open().at(60)
    for _ in range(5):
        desk.do("slower")
    assert desk.js("Studio.editor.player.speed") == -1
    desk.until("() => Studio.editor.player.frame < 50")
    assert [desk.do("slower").js("Studio.editor.player.speed") for _ in range(3)] == [-2, -4, -4]
    desk.until(f"() => !Studio.editor.player.playing && {TIME} === 0")
    desk.shows(0)
    assert desk.do("faster").js(SPEED) == [1, 1]


@pytest.mark.parametrize("name", ["even", "uneven"])
@pytest.mark.parametrize("faster", [0, 3])
def test_a_segment_is_played_once_and_stops_on_its_last_frame(desk, name, faster):
    desk.name = name
    desk.lay(("stir tea", 20, 32))
    desk.open().at(5).do("next").shows(20)
    for _ in range(faster):
        desk.do("faster")
    desk.at(50).do("once")
    desk.until("() => Studio.editor.player.playing")
    assert desk.js(TIME) < desk.starts[32]
    desk.until(STOPPED)
    desk.shows(31)


def test_a_loop_goes_round_until_it_is_stopped_and_never_leaves_the_segment(desk):
    desk.lay(("stir tea", 20, 30))
    desk.open().at(5).do("next").shows(20).do("loop")
    desk.js("""() => {
      const p = Studio.editor.player; window.turns = 0; window.seen = [p.time];
      const look = () => { if (p.time < seen.at(-1)) turns++; seen.push(p.time); requestAnimationFrame(look); };
      requestAnimationFrame(look);
    }""")  # noqa: E501
    desk.until("() => turns >= 2")
    desk.do("play").until(STOPPED)
    low, high = desk.js("[Math.min(...seen), Math.max(...seen)]")
    assert desk.starts[20] <= low
    assert high < desk.starts[33]  # what the clock ran on within one tick of the page


def test_without_a_segment_there_is_nothing_to_play_locked(desk):
    desk.open().do("once").do("loop")
    assert "Choose a segment" in desk.said()
    assert not desk.js("Studio.editor.player.playing")


def test_a_step_or_a_second_ends_a_loop(desk):
    desk.lay(("stir tea", 20, 30))
    desk.open().do("next").do("loop").until("() => Studio.editor.player.playing")
    desk.do("on")
    assert desk.js("Studio.editor.player.range") is None
    desk.until(STOPPED)


def test_a_silent_video_plays_and_its_rate_is_found_without_being_asked(desk):
    desk.open()
    assert desk.js("Studio.editor.frames.count") == 200
    assert desk.page.inner_text(".st-badge") == "25 fps"
    desk.name = "uneven"
    desk.page.locator(".an-video").select_option(str(desk.video))
    del desk.starts
    desk.ready()
    assert desk.js("[...Studio.editor.frames.starts].slice(0, -1)") == UNEVEN.times_us
    assert desk.page.inner_text(".st-badge") == "variable rate"
    desk.do("play").until("() => Studio.editor.player.frame > 5")
