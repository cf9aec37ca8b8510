"""Segments are changed by keys: split, merged, nudged, snapped, nested, deleted."""

import pytest

from storage import annotations
from storage.states import SegmentKind
from tests.app.annotating import browser as browser, desk as desk, site as site, tab as tab

pytestmark = [pytest.mark.browser]

TEA, BREAD, FRIDGE, MILK = "stir tea", "cut bread", "open fridge", "pour milk"


def test_a_segment_is_split_at_the_playhead_and_its_right_half_chosen(desk):
    (one,) = desk.lay((TEA, 10, 50), note="careful")
    desk.open().at(30).do("split")
    assert desk.spans() == [(TEA, 10, 30), (TEA, 30, 50)]
    left, right = desk.rows()
    assert (left["id"], desk.chosen()) == (one, [right["id"]])
    assert left["note"] == right["note"] == "careful"
    desk.do("split")
    assert "No segment to split" in desk.said()  # its edge stands there already


def test_only_the_chosen_of_two_that_overlap_is_split_and_parts_go_to_their_half(desk):
    whole, other = desk.lay((TEA, 10, 50), (BREAD, 12, 52))
    desk.lay((FRIDGE, 20, 25), (MILK, 40, 45), parent_id=whole)
    desk.open().at(30)
    desk.js("id => Studio.editor.pick(Studio.editor.doc.rows.get(id))", whole)
    desk.do("split")
    assert desk.spans() == [
        (TEA, 10, 30), (BREAD, 12, 52), (FRIDGE, 20, 25), (TEA, 30, 50), (MILK, 40, 45),
    ]  # fmt: skip
    parents = [row["parent_id"] for row in desk.rows()]
    assert parents == [None, None, whole, None, desk.rows()[3]["id"]]
    assert other == desk.rows()[1]["id"]


def test_a_segment_is_merged_with_the_next_of_its_label(desk):
    desk.lay((TEA, 10, 20), (BREAD, 20, 30), (TEA, 30, 40), (TEA, 60, 70))
    desk.open().do("next").do("merge")
    assert desk.spans() == [(TEA, 10, 40), (BREAD, 20, 30), (TEA, 60, 70)]
    desk.do("merge").do("merge")
    assert desk.spans() == [(TEA, 10, 70), (BREAD, 20, 30)]
    assert "No later segment" in desk.said()
    desk.do("undo").do("undo")
    assert len(desk.spans()) == 4


def test_all_that_are_chosen_are_merged_with_their_notes_and_parts(desk):
    desk.lay((TEA, 10, 20), note="one")
    (second,) = desk.lay((BREAD, 30, 40), note="two")
    desk.lay((MILK, 32, 35), parent_id=second, track="steps")
    desk.open().do("all").do("merge")
    assert desk.spans("") == [(TEA, 10, 40)]
    merged, part = desk.rows()
    assert (merged["note"], part["parent_id"]) == ("one · two", merged["id"])


@pytest.mark.parametrize("name", ["even", "uneven"])
def test_both_edges_are_nudged_by_a_frame_also_where_frames_last_differently(desk, name):
    desk.name = name
    desk.lay((TEA, 10, 20))
    desk.open().do("next")
    for action, which, first, end in [
        ("starton", 0, 11, 20), ("startback", 0, 10, 20), ("startback", 0, 9, 20),
        ("endon", 0, 9, 21), ("endon", 1, 9, 22), ("endback", 0, 9, 21), ("endback", 1, 9, 20),
    ]:  # fmt: skip
        desk.do(action, which).shows(end - 1 if action.startswith("end") else first)
        assert desk.spans() == [(TEA, first, end)]


def test_edges_stop_at_each_other_and_at_the_ends_of_the_video(desk):
    desk.lay((TEA, 1, 3), (BREAD, 197, 199))
    desk.open().at(0).do("next").do("startback").do("startback").do("endback").do("endback")
    desk.do("endback").do("starton")
    assert desk.spans()[0] == (TEA, 0, 1)
    desk.do("next").do("endon").do("endon").do("starton").do("starton").do("starton")
    assert desk.spans()[1] == (BREAD, 199, 200)


def test_an_imported_edge_within_a_frame_goes_to_the_start_of_the_frame_first(desk):
    (one,) = desk.lay((TEA, 10, 20))
    row = annotations.list_segments(desk.site.studio.database, desk.video)[0]
    edit = annotations.SegmentEdit(
        id=one, version=row.version, start_us=row.start_us + 13_000, end_us=row.end_us + 13_000,
        label_id=row.label_id,
    )  # fmt: skip
    annotations.save_segments(desk.site.studio.database, desk.video, [edit])
    desk.open().do("next").do("startback").do("endon")
    assert desk.spans() == [(TEA, 10, 21)]


def test_several_are_nudged_together_and_a_point_moves_as_a_whole(desk):
    desk.lay((TEA, 10, 20), (BREAD, 30, 40))
    desk.lay((MILK, 60, 60), kind=SegmentKind.POINT)
    desk.open().do("startback")
    assert "Choose a segment first" in desk.said()
    desk.do("all").do("starton").do("starton").do("endback")
    assert desk.spans() == [(TEA, 12, 19), (BREAD, 32, 39), (MILK, 61, 61)]


def test_while_contiguous_the_boundary_that_two_share_is_nudged_for_both(desk):
    desk.lay((TEA, 10, 30), (BREAD, 30, 32), (FRIDGE, 32, 60))
    desk.open().do("contiguous").do("next").do("endon")
    assert desk.spans() == [(TEA, 10, 31), (BREAD, 31, 32), (FRIDGE, 32, 60)]
    desk.do("endon")  # one frame of the neighbour is left
    assert desk.spans()[:2] == [(TEA, 10, 31), (BREAD, 31, 32)]
    desk.do("next").do("startback").do("startback").at(40).do("out")
    assert desk.spans() == [(TEA, 10, 29), (BREAD, 29, 40), (FRIDGE, 40, 60)]
    desk.do("contiguous").do("endback")
    assert desk.spans() == [(TEA, 10, 29), (BREAD, 29, 39), (FRIDGE, 40, 60)]


def test_edges_snap_to_shot_cuts_within_a_second(desk):
    desk.lay((TEA, 40, 110), (BREAD, 155, 199))
    desk.open()
    desk.until("() => Studio.editor.cuts.length === 2")
    desk.do("all").do("snap")
    assert desk.spans() == [(TEA, 50, 125), (BREAD, 155, 199)]
    desk.do("snap")
    assert "stand there already" in desk.said()


def test_a_segment_becomes_a_part_of_the_shortest_that_encloses_it_and_a_whole_again(desk):
    _, inner, part = desk.lay((TEA, 0, 100), (BREAD, 10, 60), (MILK, 20, 30))
    desk.open().at(15).do("next").do("nest")
    assert {row["id"]: row["parent_id"] for row in desk.saved()}[part] == inner
    assert f"part of {BREAD}" in desk.page.inner_text(".an-segment")
    desk.do("unnest")
    assert {row["parent_id"] for row in desk.saved()} == {None}
    desk.do("clear").at(0).do("next").do("nest")
    assert "No other segment encloses" in desk.said()


def test_a_note_is_written_and_saved_when_one_leaves_it(desk):
    desk.lay((TEA, 10, 20), (BREAD, 30, 40))
    desk.open().do("next").do("note")
    desk.page.keyboard.type("knife, then milk 🥛")
    desk.press("Escape")
    assert [row["note"] for row in desk.saved()] == ["knife, then milk 🥛", ""]
    desk.do("all").do("note")
    desk.page.keyboard.type("both")
    desk.press("Ctrl+Enter")
    assert [row["note"] for row in desk.saved()] == ["both", "both"]


@pytest.mark.parametrize("which", [0, 1])
def test_what_is_chosen_is_deleted_and_comes_back_by_undo(desk, which):
    desk.lay((TEA, 10, 20), (BREAD, 30, 40))
    desk.open().do("remove", which)
    assert len(desk.spans()) == 2  # nothing was chosen
    desk.do("next").do("remove", which)
    assert desk.spans() == [(BREAD, 30, 40)]
    assert desk.chosen() == []
    desk.do("undo")
    assert desk.spans() == [(TEA, 10, 20), (BREAD, 30, 40)]


def test_what_was_done_is_undone_and_done_again_by_either_key(desk):
    desk.lay((TEA, 10, 40))
    desk.open().at(20).do("split").press("2")
    split, relabelled = [(TEA, 10, 20), (TEA, 20, 40)], [(TEA, 10, 20), (BREAD, 20, 40)]
    assert desk.spans() == relabelled
    for which in (0, 1):
        assert desk.do("undo").spans() == split
        assert desk.do("undo").spans() == [(TEA, 10, 40)]
        assert desk.do("redo", which).spans() == split
        assert desk.do("redo", which).spans() == relabelled
    desk.do("redo")
    assert "Nothing to do again" in desk.said()


def test_ctrl_s_says_that_all_is_saved_already(desk):
    desk.open().at(20).do("extend").spans()
    desk.do("save")
    assert "Already saved" in desk.said()
    assert desk.foot().startswith("saved ")


def test_labels_relabel_all_that_is_chosen(desk):
    desk.lay((TEA, 10, 20), (BREAD, 30, 40), (MILK, 50, 60))
    desk.open().do("all").press("3")
    assert {label for label, _, _ in desk.spans()} == {FRIDGE}
    desk.do("undo")
    assert [label for label, _, _ in desk.spans()] == [TEA, BREAD, MILK]
