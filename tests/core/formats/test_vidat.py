import json

import pytest

from core.errors import InvalidFile
from core.formats import read as read_any, recognise
from core.formats.vidat import read

VIDEO = {"src": "video/tea.mp4", "fps": 10, "frames": 200, "duration": 20.04}
CONFIG = {
    "actionLabelData": [{"id": 0, "name": "default"}, {"id": 4, "name": "fill kettle"}],
    "objectLabelData": [{"id": 0, "name": "default"}, {"id": 1, "name": "kettle"}],
}
ACTION = {"start": 2, "end": 5.1, "action": 4, "object": 1, "description": "slowly"}


@pytest.fixture
def reading(tmp_path):
    """Write a file of actions and read it."""

    def reads(*actions, video=VIDEO, config=CONFIG, **said):
        path = tmp_path / "annotations.json"
        annotation = {"video": video, "keyframeList": [0], "actionAnnotationList": [*actions]}
        document = {"version": "2.1.0", "annotation": annotation | said, "config": config}
        path.write_text(json.dumps(document))
        assert recognise(path) == "vidat"
        return read(path)

    return reads


def test_an_action_is_a_row_in_seconds_with_its_name_from_the_configuration(reading):
    found = reading(ACTION, ACTION | {"object": 0}, ACTION | {"action": 0, "description": ""})
    assert [(row.line, row.video, row.exact, row.unit) for row in found.rows] == [
        (line, "tea.mp4", False, "us") for line in (1, 2, 3)
    ]
    marks = [mark for row in found.rows for mark in row.marks]
    assert {(mark.start_us, mark.end_us) for mark in marks} == {(2_000_000, 5_100_000)}
    assert [mark.label for mark in marks] == ["fill kettle", "fill kettle", "default"]
    assert [mark.note for mark in marks] == ["kettle: slowly", "slowly", "kettle"]


def test_no_actions_are_no_segments_of_a_video_that_was_looked_at(reading):
    (row,) = reading().rows
    assert (row.video, row.marks) == ("tea.mp4", ())


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("https://host/a%20b/tea%201.mp4?x=1#t", "tea 1.mp4"),
        ("C:\\videos\\tea.mp4", "tea.mp4"),
        ("tea#1.mp4", "tea#1.mp4"),
    ],
)
def test_the_video_is_the_last_part_of_where_the_browser_found_it(reading, source, name):
    (row,) = reading(ACTION, video=VIDEO | {"src": source}).rows
    assert row.video == name


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({"end": 1}, "end after it starts"),
        ({"start": ""}, "number of seconds"),
        ({"start": -1}, "not be negative"),
        ({"start": 20, "end": 51}, "within its video of 20.04 s"),
        ({"action": 1}, "An action must be one"),
        ({"action": "4"}, "An action must be one"),
        ({"action": True}, "An action must be one"),
        ({"object": 9}, "An object must be one"),
        ({"description": 3}, "must be text"),
    ],
)
def test_an_action_that_breaks_a_rule_is_one_fault_and_stops_nothing(reading, wrong, rule):
    found = reading(ACTION, ACTION | wrong, ACTION)
    assert [row.line for row in found.rows] == [1, 3]
    (fault,) = found.faults
    assert (fault.line, rule in fault.rule) == (2, True)
    assert fault.next_step


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ({"video": VIDEO | {"src": "blob:http://host/1-2"}}, "opened from a computer"),
        ({"video": VIDEO | {"src": None}}, "src of the video must be text"),
        ({"video": VIDEO | {"duration": "20"}}, "number of seconds"),
        ({"video": None}, "'video' must be an object"),
        ({"config": None}, "'config' must be an object"),
        ({"config": {"actionLabelData": {}}}, "'actionLabelData' must be a list"),
        ({"actionAnnotationList": None}, "'actionAnnotationList' must be a list"),
    ],
)
def test_a_file_that_cannot_be_understood_is_refused(reading, said, rule):
    with pytest.raises(InvalidFile, match=rule) as caught:
        reading(ACTION, **said)
    assert caught.value.next_step


def test_an_id_that_is_no_number_names_nothing(reading):
    odd = CONFIG | {"actionLabelData": [{"id": [4], "name": "fill kettle"}, {"name": "a"}]}
    assert len(reading(ACTION, config=odd).faults) == 1


@pytest.mark.realdata
def test_the_published_example_has_a_video_and_no_segments(realdata):
    found = read_any(realdata / "annotations/vidat/example_annotation.json")
    assert [(row.video, row.marks) for row in found.rows] == [("example.mp4", ())]
    assert found.faults == ()
    with pytest.raises(InvalidFile, match="supported format"):
        read_any(realdata / "annotations/vidat/example_config.json")
