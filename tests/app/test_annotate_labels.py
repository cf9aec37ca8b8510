"""Labels found by typing, fields that are filled in, tracks, and what overlaps."""

import json
import os
from pathlib import Path

import pytest

from app.services import label_sets, library
from storage import labels as stored
from tests.app.annotating import (
    LABELS,
    Desk,
    browser as browser,
    desk as desk,
    site as site,
    tab as tab,
)

pytestmark = [pytest.mark.browser]

TEA, BREAD, FRIDGE, MILK = LABELS[:4]
NAMES = "[...document.querySelectorAll('.an-label span')].map(span => span.textContent)"


def many() -> list[str]:
    """Return the labels of EPIC-KITCHENS-100 where they are at hand, else as many made-up ones."""
    path = Path(os.environ.get("GAD_TEST_DATA", "/nowhere")) / "label_sets" / "ek100.json"
    if path.is_file():
        return [name for name in json.loads(path.read_text())["classes"] if name != "Background"]
    verbs, nouns = [f"verb{n}" for n in range(62)], [f"thing{n}" for n in range(62)]
    return [f"{verb} {noun}" for verb in verbs for noun in nouns][:3806]


def test_a_label_is_found_by_typing_parts_of_its_words(desk):
    desk.lay((TEA, 10, 30))
    desk.open().do("next").do("search")
    desk.page.keyboard.type("mi po")
    assert desk.js(NAMES) == [MILK]
    desk.press("Enter")
    assert desk.spans() == [(MILK, 10, 30)]
    desk.do("search").press("ArrowDown", "ArrowDown", "Enter")
    assert desk.spans() == [(FRIDGE, 10, 30)]
    desk.do("search")
    desk.page.keyboard.type("bread")
    desk.press("Escape").do("clear")
    assert len(desk.js(NAMES)) == len(LABELS)
    assert desk.spans() == [(FRIDGE, 10, 30)]


def test_a_label_that_is_new_is_made_while_typing(desk):
    desk.open().at(10).do("into").at(30).do("out").do("search")
    desk.page.keyboard.type("peel onion")
    desk.press("Enter")
    desk.until("() => Studio.editor.doc.live.length === 1")
    assert library.classes(desk.site.studio, desk.project)[-1] == "peel onion"
    desk.labels = library.add_labels(desk.site.studio, desk.project, [*LABELS, "peel onion"])
    assert desk.spans() == [("peel onion", 10, 30)]


def test_without_any_label_the_first_is_asked_for_when_a_segment_is_made(desk):
    for number in desk.labels.values():
        stored.archive_label(desk.site.studio.database, number)
    desk.open().at(20).do("extend")
    assert "Which label?" in desk.page.inner_text(".an-hint")
    desk.page.keyboard.type(TEA)  # an archived one comes back
    desk.press("Enter")
    desk.until("() => Studio.editor.doc.live.length === 1")
    assert desk.spans() == [(TEA, 0, 20)]


def test_one_of_thousands_of_labels_is_taken_by_a_few_letters(desk):
    names = many()
    desk.lay((TEA, 10, 30))
    ids = library.add_labels(desk.site.studio, desk.project, names)
    desk.open().do("next").do("search")
    assert len(desk.js(NAMES)) == 200
    assert f"{len({*names, *LABELS}) - 200} more" in desk.page.inner_text(".an-labels")
    desk.page.keyboard.type(names[3000])
    assert desk.js(NAMES)[0] == names[3000]
    desk.press("Enter")
    assert [row["label_id"] for row in desk.saved()] == [ids[names[3000]]]


def test_labels_have_their_own_keys_and_digits_go_to_those_without(desk):
    label_sets.change(desk.site.studio, desk.labels[FRIDGE], {"hotkey": "b"})
    label_sets.change(desk.site.studio, desk.labels[TEA], {"hotkey": "2"})
    desk.lay((MILK, 10, 30))
    desk.open().do("next")
    for key, name in [("b", FRIDGE), ("2", TEA), ("1", BREAD), ("3", MILK)]:
        assert desk.press(key).spans() == [(name, 10, 30)]


def test_a_hotkey_that_the_editor_has_itself_is_struck_out_with_its_reason(desk):
    label_sets.change(desk.site.studio, desk.labels[FRIDGE], {"hotkey": "s"})
    desk.lay((MILK, 10, 30))
    held = desk.open().page.wait_for_selector(".an-label:has-text('open fridge') .an-held")
    assert held.inner_text() == "S"
    assert "Split at the playhead" in held.get_attribute("title")
    assert desk.at(20).press("s").spans() == [(MILK, 10, 20), (MILK, 20, 30)]


def test_an_archived_label_stays_on_its_segments_and_is_offered_no_more(desk):
    desk.lay((BREAD, 10, 30))
    stored.archive_label(desk.site.studio.database, desk.labels[BREAD])
    desk.open().do("next")
    assert BREAD in desk.page.inner_text(".an-segment h2")
    assert BREAD not in desk.js(NAMES)
    desk.press("2")
    assert desk.spans() == [(FRIDGE, 10, 30)]


def test_recording_begins_with_a_label_that_was_typed(desk):
    desk.open().do("play").do("search")
    desk.page.keyboard.type("wash")
    desk.press("Enter")
    begun = desk.js("Studio.editor.player.frame")
    desk.until("f => Studio.editor.player.frame > f + 5", begun)
    assert desk.js("[...Studio.editor.recording.keys()]") == [desk.labels["wash hands"]]
    desk.press("5").do("play")
    assert [label for label, _, _ in desk.spans()] == ["wash hands"]


def put(desk: Desk, field: str, text: str) -> Desk:
    """Type into a field of the chosen segment."""
    desk.page.get_by_label(field, exact=True).fill(text)
    return desk.press("Enter")


def test_times_are_typed_as_minutes_and_seconds_or_as_a_frame(desk):
    desk.lay((TEA, 10, 30))
    desk.open().do("next")
    put(desk, "Start", "0:00.8")
    put(desk, "End", "#45")
    assert desk.spans() == [(TEA, 20, 45)]
    put(desk, "Start", "0:00.811")  # within a frame: its start
    put(desk, "End", "9:00")
    assert desk.spans() == [(TEA, 20, 200)]
    put(desk, "End", "#3")
    put(desk, "Start", "noon")
    assert "must end after it starts" in desk.said()
    assert "A time is m:s.ms" in desk.said()
    assert desk.page.get_by_label("Start", exact=True).input_value() == "0:00.800"
    assert desk.do("endback").spans() == [(TEA, 20, 199)]  # the keys are back


def test_the_history_of_a_segment_is_shown(desk):
    desk.open().at(20).do("extend").do("next").do("endon").press("2")
    desk.saved()
    desk.page.get_by_role("button", name="History").click()
    text = desk.page.inner_text("dialog")
    for words in ("create", "nudge", "relabel", BREAD, "nothing"):
        assert words in text
    desk.press("Escape")


def new_track(desk: Desk, name: str) -> Desk:
    desk.page.get_by_role("button", name="Tracks").click()
    desk.page.get_by_label("Name of the new track").fill(name)
    desk.press("Enter", "Escape")
    desk.page.wait_for_selector("dialog", state="detached")
    return desk


def test_segments_are_made_on_the_active_track_and_keys_change_it(desk):
    new_track(desk.open(), "left hand").at(20).do("extend").do("up").at(40).do("extend")
    assert [(row["track"], row["end_us"]) for row in desk.saved()] == [
        ("left hand", desk.starts[20]), ("", desk.starts[40]),
    ]  # fmt: skip
    desk.do("down").at(50).do("point")
    assert [row["kind"] for row in desk.saved() if row["track"] == "left hand"] == [
        "interval", "point",
    ]  # fmt: skip


def test_a_track_is_remembered_though_nothing_is_on_it(desk):
    new_track(desk.open(), "right hand")
    desk.until("() => fetch('/api/preferences').then(r => r.json()).then(p => p.tracks)")
    desk.open()
    assert desk.js("Studio.editor.tracks") == ["", "right hand"]


def test_what_is_chosen_is_moved_to_another_track(desk):
    desk.lay((TEA, 10, 30), (BREAD, 40, 60))
    desk.lay((MILK, 10, 30), track="steps")
    desk.open().do("all")
    desk.page.get_by_label("Track", exact=True).select_option("steps")
    assert {row["track"] for row in desk.saved()} == {"steps"}
    desk.do("undo")
    assert [row["track"] for row in desk.saved()].count("steps") == 1


def test_what_overlaps_stands_below_each_other_and_parts_below_their_whole(desk):
    whole, other, later = desk.lay((TEA, 0, 100), (BREAD, 50, 120), (FRIDGE, 130, 150))
    (part,) = desk.lay((MILK, 110, 112), parent_id=other)
    desk.open()
    tops = desk.js("""() => Object.fromEntries(Studio.editor.doc.live.map(
      row => [row.id, Studio.timeline.place(Studio.timeline.lanes[0], row)[1]]))""")
    assert tops[whole] < tops[other] < tops[part]
    assert tops[later] == tops[whole]
    boxes = desk.js("""() => Studio.editor.doc.live.map(
      row => Studio.timeline.place(Studio.timeline.lanes[0], row))""")
    for n, (x, y, wide, high) in enumerate(boxes):
        for x2, y2, wide2, high2 in boxes[:n]:
            apart = x + wide <= x2 + 1 or x2 + wide2 <= x + 1 or y + high <= y2 or y2 + high2 <= y
            assert apart
