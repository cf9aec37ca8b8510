import json
from pathlib import Path

import pytest

from core.errors import InvalidData, InvalidFile
from core.formats import recognise
from core.formats.label_studio import read, write
from core.formats.matching import match
from tests.core.formats.round_trip import TEA, labelled_video, mark


def region(start=51, end=125, label="fill kettle", **said):
    value = {"ranges": [{"start": start, "end": end}], "timelinelabels": [label]}
    return {"id": "a1", "type": "timelinelabels", "from_name": "videoLabels", "to_name": "video",
            "origin": "manual", "value": value} | said  # fmt: skip


def task(*regions, video="tea.mp4", **said):
    return {"id": 1, "data": {"video": video}, "annotations": [{"result": [*regions]}]} | said


@pytest.fixture
def reading(tmp_path):
    """Write an export and read it."""

    def reads(*tasks):
        path = tmp_path / "export.json"
        path.write_text(json.dumps(tasks))
        assert recognise(path) == "label_studio"
        return read(path)

    return reads


def only(reading):
    assert reading.faults == ()
    (row,) = reading.rows
    return row


def test_frames_count_from_one_and_both_ends_are_inside(reading):
    row = only(reading(task(region())))
    assert (row.video, row.unit, row.rate, row.line) == ("tea.mp4", "frames", None, 1)
    (found,) = row.marks
    assert (found.start_us, found.end_us, found.label) == (50, 125, "fill kettle")
    taken = match([row], {0: Path("/v/tea.mp4")}, frames={0: 25.0}).taken[0][0].marks[0]
    assert (taken.start_us, taken.end_us) == (2_000_000, 5_000_000)


def test_every_range_with_every_label_is_a_segment(reading):
    value = {"ranges": [{"start": 1, "end": 1}, {"start": 3.0, "end": 9}],
             "timelinelabels": ["pour", "stir"]}  # fmt: skip
    found = only(reading(task(region(value=value)))).marks
    assert [(m.start_us, m.end_us, m.label) for m in found] == [
        (0, 1, "pour"), (0, 1, "stir"), (2, 9, "pour"), (2, 9, "stir"),
    ]  # fmt: skip


def test_the_older_template_is_in_seconds(reading):
    value = {"start": 2, "end": 5.0000005, "labels": ["fill kettle"], "channel": 0}
    row = only(reading(task(region(type="labels", value=value))))
    assert (row.unit, row.marks[0].start_us, row.marks[0].end_us) == ("us", 2_000_000, 5_000_000)


@pytest.mark.parametrize("name", ["fps", "framerate"])
def test_a_rate_in_the_data_is_that_of_the_frames(reading, name):
    row = only(reading(task(region(), data={"video": "tea.mp4", name: 29.97})))
    assert row.rate == 29.97


@pytest.mark.parametrize(("own", "confidence"), [({}, 0.5), ({"score": 0.25}, 0.25)])
def test_a_prediction_has_the_score_of_its_region_else_its_own(reading, own, confidence):
    predictions = [{"score": 0.5, "model_version": "m", "result": [region(**own)]}]
    found = reading(task(region(), predictions=predictions))
    assert [row.marks[0].confidence for row in found.rows] == [None, confidence]
    assert [row.line for row in found.rows] == [1, 2]


@pytest.mark.parametrize("score", [None, 1.5, -1, "high", True])
def test_a_prediction_without_a_score_never_passes_for_a_person(reading, score):
    found = reading(task(annotations=[], predictions=[{"score": score, "result": [region()]}]))
    assert found.rows == ()
    assert "score from 0 to 1" in found.faults[0].rule


@pytest.mark.parametrize(
    ("address", "video"),
    [
        ("/data/upload/7/1a2b3c4d-tea.mp4", "tea.mp4"),
        ("/data/local-files/?d=videos/my%20tea.mp4", "videos/my tea.mp4"),
        ("https://example.org/v/tea.mp4?x=1", "tea.mp4"),
    ],
)
def test_what_label_studio_adds_to_a_name_is_taken_off(reading, address, video):
    assert only(reading(task(region(), video=address))).video == video
    assert only(reading(task(region(), data={"clip": address, "id": 3}))).video == video


def test_an_empty_annotation_was_looked_at_and_a_skipped_task_was_not(reading):
    assert only(reading(task())).marks == ()
    assert reading(task(annotations=[{"was_cancelled": True, "result": [region()]}])).rows == ()
    assert reading(task(annotations=[])).rows == ()


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        (region(start=0), "whole number from 1"),
        (region(start=9, end=8), "end after it starts"),
        (region(start=1.5), "whole number from 1"),
        (region(start="1"), "whole number from 1"),
        (region(end=True), "whole number from 1"),
        (region(label=""), "must have a name"),
        (region(label=7), "must be text"),
        (region(value={"ranges": [], "timelinelabels": ["a"]}), "must have ranges"),
        (region(value={"ranges": [{"start": 1, "end": 2}]}), "must have a label"),
        (region(value=None), "must be an object"),
        (region(type="choices"), "must be of the type"),
        (region(type="labels", value={"start": 0, "labels": ["a"]}), "number of seconds"),
        ("region", "must be an object"),
    ],
)
def test_a_wrong_region_is_one_fault_and_stops_no_other(reading, wrong, rule):
    found = reading(task(wrong, region()))
    assert [row.line for row in found.rows] == [2]
    (fault,) = found.faults
    assert rule in fault.rule
    assert (fault.line, bool(fault.next_step)) == (1, True)


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        (task(region(), data={"a": "x.mp4", "b": "y.mp4"}), "must name its video"),
        (task(region(), data={"video": 3}), "must name its video"),
        (task(region(), data=None), "must be an object"),
        (task(region(), data={"video": "tea.mp4", "fps": 0}), "number above 0"),
        (task(annotations=[7]), "must be an object"),
        (task(annotations=[], predictions=[7]), "must be an object"),
        (7, "must be an object"),
    ],
)
def test_a_wrong_task_is_one_fault_and_stops_no_other(reading, wrong, rule):
    found = reading(task(region()), wrong)
    assert [row.line for row in found.rows] == [1]
    assert rule in found.faults[0].rule


def test_an_object_is_no_list_of_tasks(tmp_path):
    path = tmp_path / "export.json"
    path.write_text(json.dumps(task(region())))
    with pytest.raises(InvalidFile, match="must be a list of tasks"):
        read(path)


def test_the_example_of_the_documentation_is_written(tmp_path):
    guess = mark(8.4, 9, "stir", confidence=0.75)
    write([labelled_video(*TEA.marks, guess, fps=25.0)], tmp_path / "a.json")
    (written,) = json.loads((tmp_path / "a.json").read_text())
    assert written["data"] == {"video": "tea.mp4", "fps": 25.0}
    first, second = written["annotations"][0]["result"]
    assert first["value"] == region()["value"]
    assert second["value"]["ranges"] == [{"start": 126, "end": 210}]
    (prediction,) = written["predictions"]
    assert (prediction["score"], prediction["result"][0]["score"]) == (0.75, 0.75)


def test_uneven_frames_are_written_by_their_own_times_and_name_no_rate(tmp_path):
    video = labelled_video(
        mark(2, 5, "pour"), fps=25.0, frame_times_us=[0, 10**6, 2 * 10**6, 5 * 10**6]
    )
    write([video], tmp_path / "a.json")
    (written,) = json.loads((tmp_path / "a.json").read_text())
    assert written["data"] == {"video": "tea.mp4"}
    assert written["annotations"][0]["result"][0]["value"]["ranges"] == [{"start": 3, "end": 3}]


def test_without_frames_nothing_is_written(tmp_path):
    with pytest.raises(InvalidData, match="need the frame rate"):
        write([TEA], tmp_path / "a.json")
    assert list(tmp_path.iterdir()) == []
