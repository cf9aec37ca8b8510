"""Segments are made by keys: marked, recorded while playing, extended, filled, as points."""

import pytest

from tests.app.annotating import browser as browser, desk as desk, site as site, tab as tab

pytestmark = [pytest.mark.browser]

TEA, BREAD, FRIDGE, MILK = "stir tea", "cut bread", "open fridge", "pour milk"


def test_in_out_and_enter_make_a_segment_of_the_active_label(desk):
    desk.open().at(10).do("into").at(30).do("out").do("create")
    assert desk.spans() == [(TEA, 10, 30)]
    assert desk.chosen() == [desk.rows()[0]["id"]]
    desk.do("clear").press("2").at(40).do("into").at(55).do("create")  # to the playhead
    desk.do("clear").at(60).do("out").at(70).do("create")  # from the end back
    assert desk.spans() == [(TEA, 10, 30), (BREAD, 40, 55), (BREAD, 60, 70)]


def test_fast_fingers_mark_the_frame_they_stepped_to_though_it_is_not_on_the_screen_yet(desk):
    desk.open().at(10)
    for _ in range(3):
        desk.do("on").do("on").do("into").do("bigon").do("on").do("out").do("create")
        desk.do("clear").do("clear")
    assert desk.spans() == [(TEA, 12, 23), (TEA, 25, 36), (TEA, 38, 49)]


def test_marks_are_forgotten_by_escape_and_a_mark_past_the_other_takes_its_place(desk):
    desk.open().at(30).do("into").at(20).do("out")
    assert desk.js("Studio.editor.marks") == {"into": None, "out": desk.starts[20]}
    desk.do("clear").do("create")
    assert "Set in (I) and out (O) first" in desk.said()
    desk.at(40).do("into").do("create")
    assert "at least one frame" in desk.said()
    assert desk.spans() == []


def test_a_label_key_makes_the_marked_segment_with_its_label(desk):
    desk.open().at(10).do("into").at(30).do("out").press("3")
    assert desk.spans() == [(FRIDGE, 10, 30)]


def test_in_and_out_on_a_chosen_segment_move_its_edges(desk):
    desk.lay((TEA, 10, 30))
    desk.open().do("next").at(15).do("into").at(42).do("out")
    assert desk.spans() == [(TEA, 15, 42)]
    desk.at(60).do("into")  # never past the other edge: one frame is left
    assert desk.spans() == [(TEA, 41, 42)]


def test_out_on_the_last_frame_reaches_the_end_of_the_video(desk):
    desk.open().at(150).do("into").at(199).do("out").do("create")
    assert desk.spans() == [(TEA, 150, 200)]


def heard(desk, key: str) -> list[int]:
    """Press a key while playing; returns the frames on the screen before and after it."""
    frame = "Studio.editor.player.frame"
    return [desk.js(frame), desk.press(key).js(frame)]


def test_a_label_key_while_playing_records_and_ends_a_segment(desk):
    desk.open().do("play").until("() => Studio.editor.player.frame > 4")
    begun = heard(desk, "2")
    assert desk.page.locator(".an-label.active .an-rec").count() == 1
    desk.until("f => Studio.editor.player.frame > f", begun[1] + 12)
    ended = heard(desk, "2")
    desk.do("play")
    ((label, first, end),) = desk.spans()
    assert label == BREAD
    assert begun[0] <= first <= begun[1] + 1
    assert ended[0] <= end <= ended[1] + 1
    assert desk.chosen() == []


def test_two_labels_are_recorded_at_once_and_overlap(desk):
    desk.open().do("play").until("() => Studio.editor.player.frame > 2")
    for key, frames in [("1", 6), ("2", 6), ("1", 4)]:
        after = heard(desk, key)[1]
        desk.until("f => Studio.editor.player.frame > f", after + frames)
    desk.press("2").do("play")
    (tea, first, middle), (bread, inside, end) = desk.spans()
    assert (tea, bread) == (TEA, BREAD)
    assert first < inside < middle < end


def test_while_contiguous_another_label_ends_the_one_before_where_it_begins(desk):
    desk.open().do("contiguous").do("play")
    for key in ("1", "2", "3", "3"):
        after = heard(desk, key)[1]
        desk.until("f => Studio.editor.player.frame > f", after + 5)
    desk.do("play")
    spans = desk.spans()
    assert [label for label, _, _ in spans] == [TEA, BREAD, FRIDGE]
    assert [end for _, _, end in spans[:-1]] == [first for _, first, _ in spans[1:]]


def test_a_recording_that_reaches_the_end_of_the_video_ends_there(desk):
    desk.open().at(185).do("play").press("1")
    desk.until("() => Studio.editor.player.video.ended")
    desk.press("1")
    ((label, first, end),) = desk.spans()
    assert (label, end) == (TEA, 200)
    assert 184 < first < 199
    assert desk.js("Studio.editor.recording.size") == 0


def test_enter_ends_what_is_being_recorded(desk):
    desk.open().do("play").press("1").press("2")
    desk.until("() => Studio.editor.player.frame > 20")
    desk.do("create").do("play")
    assert sorted(label for label, _, _ in desk.spans()) == [BREAD, TEA]
    assert desk.js("Studio.editor.recording.size") == 0


def test_escape_forgets_a_recording(desk):
    desk.open().do("play").press("1").do("clear")
    assert desk.js("Studio.editor.recording.size") == 0
    assert desk.spans() == []


def test_the_reaction_time_of_a_person_is_taken_off_while_playing(desk):
    desk.open()
    desk.page.get_by_role("button", name="Settings").click()
    desk.page.get_by_label("Reaction time").fill("400")
    desk.press("Tab", "Escape")
    desk.page.wait_for_selector("dialog", state="detached")
    desk.at(20).do("play").until("() => Studio.editor.player.frame > 40")
    before, after = heard(desk, "1")
    desk.until("f => Studio.editor.player.frame > f", after + 5)
    desk.press("1").do("play")
    assert before - 10 <= desk.spans()[0][1] <= after - 9
    desk.open()
    assert desk.js("Studio.editor.delay") == 400


def test_extend_makes_a_segment_from_the_end_of_the_one_before_to_the_playhead(desk):
    desk.open().at(20).do("extend").at(50).press("2").do("extend").at(199).press("4").do("extend")
    assert desk.spans() == [(TEA, 0, 20), (BREAD, 20, 50), (MILK, 50, 200)]
    desk.at(30).do("extend")
    assert "There is a segment here already" in desk.said()
    assert len(desk.spans()) == 3


def test_a_long_segment_is_made_while_a_piece_of_the_timeline_is_in_sight(desk):
    desk.open()
    for _ in range(6):
        desk.do("in")
    desk.at(180).do("extend").at(190).do("gap")
    assert desk.spans() == [(TEA, 0, 180), (TEA, 180, 200)]
    assert desk.js("Studio.timeline.to - Studio.timeline.from") < 1_000_000


def test_a_gap_is_filled_from_neighbour_to_neighbour_and_to_the_ends_of_the_video(desk):
    desk.lay((TEA, 20, 40), (BREAD, 90, 120))
    desk.open().press("3").at(60).do("gap").do("clear").at(5).do("gap").do("clear")
    desk.at(199).do("gap").do("clear")
    assert [span for span in desk.spans() if span[0] == FRIDGE] == [
        (FRIDGE, 0, 20), (FRIDGE, 40, 90), (FRIDGE, 120, 200),
    ]  # fmt: skip
    desk.at(60).do("gap")
    assert "no gap" in desk.said()


def test_a_point_event_stands_at_the_playhead_also_on_the_last_frame(desk):
    desk.open().at(44).do("point").do("clear").at(199).do("point")
    assert desk.spans() == [(TEA, 44, 44), (TEA, 199, 199)]
    assert {row["kind"] for row in desk.rows()} == {"point"}
    assert "one moment" in desk.page.inner_text(".an-segment")


def test_a_marked_span_is_ignored_and_a_label_makes_it_a_segment_again(desk):
    desk.open().do("ignore")
    assert "Set in (I) and out (O)" in desk.said()
    desk.at(30).do("into").at(60).do("out").do("ignore")
    assert [*desk.spans(), desk.rows()[0]["kind"]] == [("ignored", 30, 60), "ignore"]
    assert "Ignored span" in desk.page.inner_text(".an-segment")
    desk.press("2")
    assert [*desk.spans(), desk.rows()[0]["kind"]] == [(BREAD, 30, 60), "interval"]


@pytest.mark.parametrize(
    ("first", "end", "left"),
    [
        (30, 80, [(TEA, 10, 30), (MILK, 30, 80), (BREAD, 80, 90)]),  # cut from both sides
        (15, 30, [(TEA, 10, 15), (MILK, 15, 30), (TEA, 30, 50), (BREAD, 50, 90)]),  # cut in two
        (5, 50, [(MILK, 5, 50), (BREAD, 50, 90)]),  # covered whole
        (90, 95, [(TEA, 10, 50), (BREAD, 50, 90), (MILK, 90, 95)]),  # only touched
    ],
)
def test_while_contiguous_what_is_there_gives_way_to_a_new_segment(desk, first, end, left):
    desk.lay((TEA, 10, 50), (BREAD, 50, 90))
    desk.open().do("contiguous").at(first).do("into").at(end).do("out").press("4")
    assert desk.spans() == left
    desk.do("undo")
    assert desk.spans() == [(TEA, 10, 50), (BREAD, 50, 90)]


def test_contiguous_is_shown_and_remembered(desk):
    desk.open().do("contiguous")
    button = desk.page.locator("button[aria-pressed]", has_text="Contiguous")
    assert button.get_attribute("aria-pressed") == "true"
    desk.until("() => fetch('/api/preferences').then(r => r.json()).then(p => p.contiguous)")
    desk.open()
    assert button.get_attribute("aria-pressed") == "true"
    desk.do("contiguous")
    assert button.get_attribute("aria-pressed") == "false"
