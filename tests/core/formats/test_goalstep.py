import json
from collections import Counter
from dataclasses import replace

import pytest

from core.errors import InvalidData, InvalidFile
from core.formats import read as read_any, recognise
from core.formats.goalstep import read, write
from tests.core.formats.round_trip import TEA, labelled_video, mark

STEP = {
    "start_time": 2.0,
    "end_time": 5,
    "step_category": "Kettle: Fill kettle",
    "step_description": "fills it",
    "is_relevant": "essential",
    "summary": [],
}
PART = STEP | {"end_time": 3.0000005, "step_category": "Kettle: Open the lid"}


def video(*segments, uid="tea", **said):
    return {"video_uid": uid, "goal_category": "COOKING:MAKE_TEA", "segments": [*segments], **said}


@pytest.fixture
def reading(tmp_path):
    """Write a file of videos and read it."""

    def reads(*videos):
        path = tmp_path / "goalstep.json"
        path.write_text(json.dumps({"version": "1.0", "videos": videos}))
        assert recognise(path) == "goalstep"
        return read(path)

    return reads


def test_a_row_is_a_step_with_its_sub_steps_under_the_goal(reading):
    found = reading(video(STEP | {"segments": [PART, PART]}, STEP), video(uid="b"))
    first, second, empty = found.rows
    assert (first.video, first.goal, first.exact) == ("tea", "COOKING:MAKE_TEA", False)
    step, part, other = first.marks
    assert (step.start_us, step.end_us, step.label) == (2_000_000, 5_000_000, "fill kettle")
    assert (step.note, step.parent) == ("fills it", "")
    assert (part.parent, other.parent) == (step.key, step.key)
    assert (part.end_us, part.label) == (3_000_000, "open the lid")
    assert len(second.marks) == 1
    assert (empty.video, empty.marks, empty.line) == ("b", (), 3)


@pytest.mark.parametrize(
    ("category", "label"),
    [("Group: Knead DOUGH", "knead DOUGH"), ("No group", "No group"), ("A: B: c", "b: c")],
)
def test_the_class_is_the_step_without_its_group(reading, category, label):
    (row,) = reading(video(STEP | {"step_category": category})).rows
    assert row.segments[0].label == label


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({"end_time": 1}, "end after it starts"),
        ({"start_time": "2"}, "number of seconds"),
        ({"start_time": None}, "number of seconds"),
        ({"start_time": -1}, "not be negative"),
        ({"step_category": 7}, "must be text"),
        ({"step_category": "Group: "}, "must have a name"),
        ({"step_description": ["a"]}, "must be text"),
        ({"segments": {}}, "must be a list"),
        ({"segments": [PART, 5]}, "must be an object"),
        ({"segments": [PART | {"segments": [PART]}]}, "without steps of its own"),
        ({"segments": [PART | {"end_time": 2}]}, "end after it starts"),
    ],
)
def test_a_bad_step_is_one_fault_and_stops_no_other(reading, wrong, rule):
    found = reading(video(STEP, STEP | wrong, STEP))
    assert [row.line for row in found.rows] == [1, 3]
    (fault,) = found.faults
    assert (fault.line, rule in fault.rule) == (2, True)
    assert fault.next_step


def test_a_video_without_a_name_or_steps_is_a_fault(reading):
    nameless = {"segments": [STEP]}
    found = reading(video(STEP), nameless, {"video_uid": "b"}, 5)
    assert [fault.line for fault in found.faults] == [2, 3, 4]
    assert len(found.rows) == 1


@pytest.mark.parametrize("videos", [None, {}, "tea"])
def test_a_file_without_a_list_of_videos_is_refused(tmp_path, videos):
    path = tmp_path / "goalstep.json"
    path.write_text(json.dumps({"videos": videos}))
    with pytest.raises(InvalidFile, match="'videos' must be a list"):
        read(path)


def test_a_file_without_times_is_refused_with_the_reason(reading):
    steps = [{"step_description": "slice broccoli", "segment_count": 1}]
    with pytest.raises(InvalidFile, match="has no times") as caught:
        reading({"video_uid": "tea", "step_segments": steps})
    assert "withheld" in caught.value.next_step


def test_what_is_written_has_the_published_names_and_the_goal(tmp_path):
    step, part = (replace(m, key=k) for m, k in zip(TEA.marks, "ab", strict=True))
    tea = replace(TEA, marks=(step, replace(part, parent="a", note="a\nb")))
    write([tea], tmp_path / "out.json")
    written = json.loads((tmp_path / "out.json").read_text())
    assert written["split"] == "train"
    (one,) = written["videos"]
    assert (one["video_uid"], one["goal_category"], one["end_time"]) == ("tea", "make tea", 20.0)
    (found,) = one["segments"]
    assert (found["start_time"], found["step_category"]) == (2.0, "fill kettle")
    assert found["segments"][0]["step_description"] == "a b"
    assert {row.goal for row in read(tmp_path / "out.json").rows} == {"make tea"}


def test_videos_of_several_splits_are_written_without_one(tmp_path):
    write([TEA, labelled_video(name="b.mp4", split="test")], tmp_path / "out.json")
    assert "split" not in json.loads((tmp_path / "out.json").read_text())


def test_a_third_level_of_steps_is_refused_and_so_is_a_circle(tmp_path):
    whole, part, detail = mark(0, 9, "a", key="1"), mark(1, 8, "b", key="2"), mark(2, 3, "c")
    deep = (whole, replace(part, parent="1"), replace(detail, parent="2"))
    for marks in (deep, (replace(whole, parent="2"), replace(part, parent="1"))):
        with pytest.raises(InvalidData, match="nothing below them"):
            write([labelled_video(*marks)], tmp_path / "out.json")
    assert not list(tmp_path.iterdir())


def test_a_name_that_would_be_read_as_a_group_is_refused(tmp_path):
    with pytest.raises(InvalidData, match="end the name of a group"):
        write([labelled_video(mark(0, 1, "Kettle: fill"))], tmp_path / "out.json")


@pytest.mark.realdata
def test_the_published_validation_file_is_read_whole_and_its_classes_are_the_known_ones(realdata):
    path = realdata / "annotations/ego4d_goalstep/goalstep_valid.json"
    videos = json.loads(path.read_text())["videos"]
    known = set(json.loads((realdata / "label_sets/ego4dgoalstep.json").read_text())["classes"])
    found = read_any(path)
    marks = [mark for row in found.rows for mark in row.marks]
    assert found.faults == ()
    assert Counter(row.video for row in found.rows) == {
        one["video_uid"]: len(one["segments"]) for one in videos
    }
    assert (len({row.video for row in found.rows}), len(found.rows)) == (134, 3349)
    assert sum(bool(mark.parent) for mark in marks) == 4347
    assert sum(mark.label not in known for mark in marks) == 4  # three steps are not in the list
    spent = sum(s["end_time"] - s["start_time"] for v in videos for s in v["segments"])
    steps = sum(mark.end_us - mark.start_us for mark in marks if not mark.parent)
    assert steps / 1e6 == pytest.approx(spent, abs=0.01)


@pytest.mark.realdata
def test_the_published_test_file_is_refused_with_the_reason(realdata):
    with pytest.raises(InvalidFile, match="has no times"):
        read_any(realdata / "annotations/ego4d_goalstep/goalstep_test.json")
