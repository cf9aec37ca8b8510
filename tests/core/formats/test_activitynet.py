import json
from dataclasses import replace

import pytest
from hypothesis import given

from core.errors import InvalidData, InvalidFile
from core.formats import read, recognise, write
from tests.core.formats.round_trip import TEA, check_round_trip, labelled_video, mark, videos

ANNOTATIONS = [
    {"segment": [2.0, 5.0], "label": "fill kettle"},
    {"segment": [5, 8.4], "label": "pour water"},
]
DATABASE = {
    "database": {"tea": {"duration": 20.0, "subset": "training", "annotations": ANNOTATIONS}}
}
MMACTION2 = {
    "tea": {"duration_second": 20.0, "duration_frame": 500, "annotations": ANNOTATIONS, "fps": 25}
}


@pytest.fixture
def reading(tmp_path):
    """Write JSON and read it."""

    def read_it(value, name="activitynet"):
        path = tmp_path / "labels.json"
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        return read(path, name)

    return read_it


def with_annotation(annotation) -> dict:
    return {"database": {"tea": {"annotations": [ANNOTATIONS[0], annotation, ANNOTATIONS[1]]}}}


@given(videos("activitynet"))
def test_what_was_written_comes_back_but_for_the_declared_losses(written):
    check_round_trip("activitynet", written)


@pytest.mark.parametrize("value", [DATABASE, MMACTION2], ids=["activitynet", "mmaction2"])
def test_both_dialects_say_the_same(value, reading, tmp_path):
    rows = reading(value).rows
    assert [(row.line, row.video, row.exact) for row in rows] == [
        (1, "tea", False),
        (2, "tea", False),
    ]
    assert [row.marks for row in rows] == [(found,) for found in TEA.marks]
    assert recognise(tmp_path / "labels.json") == "activitynet"


def test_a_taxonomy_before_the_database_does_not_hide_it(tmp_path):
    path = tmp_path / "labels.json"
    nodes = [{"nodeId": n, "nodeName": "n" * 90, "parentId": 0} for n in range(900)]
    path.write_text(json.dumps({"version": "VERSION 1.3", "taxonomy": nodes, **DATABASE}))
    assert recognise(path) == "activitynet"


@pytest.mark.parametrize(
    ("annotation", "rule"),
    [
        ({"segment": [5, 5], "label": "a"}, "end after it starts"),
        ({"segment": [-1, 5], "label": "a"}, "not be negative"),
        ({"segment": ["1", 5], "label": "a"}, "number of seconds"),
        ({"segment": [True, 5], "label": "a"}, "number of seconds"),
        ({"segment": [1, float("inf")], "label": "a"}, "number of seconds"),
        ({"segment": [1, 1e300], "label": "a"}, "below 1,000,000,000 s"),
        ({"segment": [1], "label": "a"}, "[start, end]"),
        ({"label": "a"}, "[start, end]"),
        ({"segment": [1, 5]}, "label must be text"),
        ({"segment": [1, 5], "label": " "}, "must have a name"),
        ("stir", "list of annotations"),
        (None, "list of annotations"),
    ],
)  # fmt: skip
def test_a_bad_annotation_is_a_fault_and_its_neighbours_are_kept(annotation, rule, reading):
    found = reading(with_annotation(annotation))
    assert [row.line for row in found.rows] == [1, 3]
    (fault,) = found.faults
    assert (fault.line, rule in fault.rule) == (2, True)


def test_background_and_ambiguous_are_what_they_are_everywhere(reading):
    found = reading({"database": {"tea": {"annotations": [
        {"segment": [0, 2], "label": "Background"}, {"segment": [8.4, 9], "label": "Ambiguous"}
    ]}}})  # fmt: skip
    assert [(row.segments, row.ignored) for row in found.rows] == [
        ((), ()),
        ((), ((8_400_000, 9_000_000),)),
    ]


def test_a_time_is_the_decimal_of_the_file_and_no_float(reading):
    text = '{"database": {"a": {"annotations": [{"segment": [1e-6, 0.0000025], "label": "b"}]}}}'
    assert reading(text).rows[0].marks == (mark(0.000001, 0.000002, "b"),)


def test_a_video_with_an_empty_list_was_looked_at(reading):
    found = reading({"database": {"tea": {"subset": "training", "annotations": []}}})
    assert [(row.video, row.marks) for row in found.rows] == [("tea", ())]


def test_a_testing_video_without_annotations_says_nothing(reading):
    hidden = {"subset": "testing", "annotations": []}
    shown = DATABASE["database"]["tea"]
    assert {row.video for row in reading({"database": {"a": hidden, "b": shown}}).rows} == {"b"}
    with pytest.raises(InvalidFile, match="all of its videos are of the testing subset"):
        reading({"database": {"a": hidden}})


@pytest.mark.parametrize("video", [{"subset": "training"}, "tea", {"annotations": {}}, [], None])
def test_a_video_without_a_list_is_a_fault(video, reading):
    found = reading({"database": {"tea": video, "milk": DATABASE["database"]["tea"]}})
    assert [row.line for row in found.rows] == [2, 3]
    assert [(one.line, "list of annotations" in one.rule) for one in found.faults] == [(1, True)]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "must be complete"),
        ('{"database": {', "must be complete"),
        ("[]", "must be an object"),
        ("{}", "'database' must be an object"),
        ('{"database": []}', "'database' must be an object"),
        ('{"database": {"a": {}, "a": {}}}', "'a' is there twice"),
        ('{"database": ' * 100_000, "ordinary size"),
        ('{"database": 1e99999999999999999999}', "ordinary size"),
        ('{"database": ' + "9" * 5_000 + "}", "ordinary size"),
    ],
)
def test_a_file_that_is_no_database_is_refused(text, rule, reading):
    with pytest.raises(InvalidFile, match=rule) as caught:
        reading(text)
    assert caught.value.next_step


@pytest.mark.parametrize("name", ["", " ", "a\0b", "a\ud800"])
def test_a_name_that_no_video_has_is_a_fault(name, reading):
    (fault,) = reading({"database": {name: {"annotations": ANNOTATIONS[:1]}}}).faults
    assert fault.sentence.startswith("A row must name its video")


def test_the_file_has_the_published_fields(tmp_path):
    video = replace(TEA, size=(1280, 720))
    write("activitynet", [video], tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text()) == {
        "version": "VERSION 1.3",
        "taxonomy": [],
        "database": {"tea": {
            "duration": 20.0, "subset": "training", "resolution": "1280x720", "url": "",
            "annotations": ANNOTATIONS,
        }},
    }  # fmt: skip


def test_only_a_test_video_without_segments_is_left_out(tmp_path):
    empty = [labelled_video(name=f"{split}.mp4", split=split) for split in ("train", "val", "test")]
    write("activitynet", [*empty, replace(TEA, split="test")], tmp_path / "a.json")
    rows = read(tmp_path / "a.json").rows
    assert [(row.video, len(row.marks)) for row in rows] == [
        ("train", 0), ("val", 0), ("tea", 1), ("tea", 1)
    ]  # fmt: skip


def test_videos_of_one_name_keep_their_folders_or_are_refused(tmp_path):
    videos = [labelled_video(name=name) for name in ("a/tea.mp4", "b/tea.mp4")]
    write("activitynet", videos, tmp_path / "a.json")
    assert list(json.loads((tmp_path / "a.json").read_text())["database"]) == ["a/tea", "b/tea"]
    with pytest.raises(InvalidData, match="must not have the same name: 'a/tea'"):
        write("activitynet", [videos[0], labelled_video(name="a/tea.avi")], tmp_path / "b.json")


def test_an_export_overwrites_nothing_and_leaves_nothing_half(tmp_path):
    target = tmp_path / "a.json"
    write("activitynet", [TEA], target)
    with pytest.raises(InvalidFile, match="overwrites nothing"):
        write("activitynet", [TEA], target)
    with pytest.raises(InvalidFile, match="folder that is there"):
        write("activitynet", [TEA], tmp_path / "none" / "a.json")
    assert list(tmp_path.iterdir()) == [target]
