import json

import pytest
from hypothesis import given

from core.errors import InvalidFile
from core.formats import recognise
from core.formats.via import read, write
from tests.core.formats.round_trip import TEA, check_round_trip, labelled_video, mark, videos

ACTIVITY = {"aname": "Activity", "anchor_id": "FILE1_Z2_XY0", "type": 1, "desc": "", "options": {},
            "default_option_id": ""}  # fmt: skip
HEADER = (
    "# Exported using VGG Image Annotator (http://www.robots.ox.ac.uk/~vgg/software/via)\n"
    "# CSV_HEADER = metadata_id,file_list,temporal_segment_start,temporal_segment_end,metadata\n"
)
ROW = '"1_a","[""tea.mp4""]",2.0,5.083,"{""Activity"":""fill kettle""}"\n'


def entry(start=2.0, end=5.0, label="fill kettle", **said):
    return {"vid": "1", "flg": 0, "z": [start, end], "xy": [], "av": {"1": label}} | said


def project(*entries, attributes=(ACTIVITY,), **parts):
    numbered = {str(number): one for number, one in enumerate(attributes, start=1)}
    return {
        "project": {"pid": "x", "pname": "tea", "data_format_version": "3.1.1", "vid_list": ["1"]},
        "config": {},
        "attribute": numbered,
        "file": {"1": {"fid": "1", "fname": "tea.mp4", "type": 4, "loc": 1, "src": ""}},
        "view": {"1": {"fid_list": ["1"]}},
        "metadata": {f"1_{number}": one for number, one in enumerate(entries)},
    } | parts


@pytest.fixture
def reading(tmp_path):
    """Write a project, or the text of a CSV, and read it."""

    def reads(found):
        path = tmp_path / "via"
        path.write_text(found if isinstance(found, str) else json.dumps(found))
        assert recognise(path) == "via"
        return read(path)

    return reads


def said(reading):
    assert reading.faults == ()
    return [(m.start_us, m.end_us, m.label, m.track) for row in reading.rows for m in row.marks]


def test_an_entry_with_two_times_is_a_segment(reading):
    found = reading(project(entry(), entry(5, 8.4, "pour water")))
    assert said(found) == [
        (2_000_000, 5_000_000, "fill kettle", ""), (5_000_000, 8_400_000, "pour water", ""),
    ]  # fmt: skip
    assert [(row.video, row.line, row.exact) for row in found.rows] == [
        ("tea.mp4", 1, False), ("tea.mp4", 2, False),
    ]  # fmt: skip


def test_several_attributes_are_several_tracks(reading):
    hand = ACTIVITY | {"aname": "left hand"}
    entries = entry(av={"1": "pour", "2": "hold"}), entry(av={"1": "", "2": "rest"})
    assert said(reading(project(*entries, attributes=(ACTIVITY, hand)))) == [
        (2_000_000, 5_000_000, "pour", "Activity"), (2_000_000, 5_000_000, "hold", "left hand"),
        (2_000_000, 5_000_000, "rest", "left hand"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "value", "labels"),
    [(4, "2", ["stir"]), (3, "1", ["pour"]), (2, "1,2", ["pour", "stir"]), (1, "1", ["pour"])],
)
def test_a_value_that_was_chosen_is_the_text_of_its_option(reading, kind, value, labels):
    chosen = ACTIVITY | {"type": kind, "options": {"1": "pour", "2": "stir"}}
    found = said(reading(project(entry(label=value), attributes=(chosen,))))
    assert [label for _, _, label, _ in found] == labels


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        (entry(5, 2), "end after it starts"),
        (entry(-1, 2), "must not be negative"),
        (entry("2", 5), "number of seconds"),
        (entry(z=[2.0]), "two times in 'z'"),
        (entry(xy=[2, 10, 20, 50, 80]), "two times in 'z'"),
        (entry(label=""), "must have a label"),
        (entry(label=3), "must be text"),
        (entry(av={"9": "pour"}), "must be an object"),
        (entry(av=None), "must be an object"),
        (entry(vid="9"), "must be of one file"),
        (7, "must be an object"),
    ],
)
def test_a_wrong_entry_is_one_fault_and_stops_no_other(reading, wrong, rule):
    found = reading(project(wrong, entry()))
    assert [row.line for row in found.rows if row.marks] == [2]
    (fault,) = found.faults
    assert rule in fault.rule
    assert (fault.line, bool(fault.next_step)) == (1, True)


def test_an_option_that_is_not_there_and_a_view_of_two_files_are_faults(reading):
    chosen = ACTIVITY | {"type": 4, "options": {"1": "pour"}}
    (fault,) = reading(project(entry(label="2"), attributes=(chosen,))).faults
    assert "one of the options" in fault.rule
    (fault,) = reading(project(entry(), view={"1": {"fid_list": ["1", "1"]}})).faults
    assert "of one file" in fault.rule


def test_a_view_without_entries_was_looked_at(reading):
    (row,) = reading(project()).rows
    assert (row.video, row.marks, row.line) == ("tea.mp4", (), 1)


@pytest.mark.parametrize("part", ["metadata", "view", "file", "attribute"])
def test_a_project_without_a_part_is_refused(reading, part):
    with pytest.raises(InvalidFile, match=f"must have '{part}'") as caught:
        reading(project(entry(), **{part: []}))
    assert caught.value.next_step


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_the_csv_of_temporal_segments_is_read_by_its_lines(reading, ending):
    found = reading((HEADER + ROW + "\n" + ROW).replace("\n", ending))
    assert said(found) == [(2_000_000, 5_083_000, "fill kettle", "Activity")] * 2
    assert [(row.video, row.line) for row in found.rows] == [("tea.mp4", 3), ("tea.mp4", 5)]


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        (ROW.replace("5.083", "undefined"), "written in seconds"),
        (ROW.replace("5.083", "1.0"), "end after it starts"),
        (ROW.replace("2.0,", ""), "must have the cells"),
        (ROW.replace('""tea.mp4""', '""tea.mp4""'[:-2]), "must have the cells"),
        (ROW.replace('[""tea.mp4""]', '[""a"",""b""]'), "of one file"),
        (ROW.replace('""fill kettle""', '""""'), "must have a label"),
        (ROW.replace('""fill kettle""', "3"), "must be text"),
        (ROW.replace('{""Activity"":""fill kettle""}', "3"), "must be an object"),
    ],
)
def test_a_wrong_row_of_the_csv_is_one_fault(reading, wrong, rule):
    found = reading(HEADER + wrong + ROW)
    assert [row.line for row in found.rows] == [4]
    (fault,) = found.faults
    assert rule in fault.rule
    assert fault.line == 3


def test_the_example_of_the_documentation_is_written(tmp_path):
    left = mark(1, 2, "hold", track="left hand")
    write([labelled_video(*TEA.marks, left)], tmp_path / "tea.json")
    written = json.loads((tmp_path / "tea.json").read_text())
    assert written["attribute"]["1"] == ACTIVITY
    assert written["attribute"]["2"]["aname"] == "left hand"
    assert written["file"]["1"]["fname"] == "tea.mp4"
    entries = sorted(written["metadata"].values(), key=lambda one: one["z"])
    assert [(one["vid"], one["z"], one["av"]) for one in entries] == [
        ("1", [1.0, 2.0], {"2": "hold"}), ("1", [2.0, 5.0], {"1": "fill kettle"}),
        ("1", [5.0, 8.4], {"1": "pour water"}),
    ]  # fmt: skip


@given(videos("via"))
def test_what_is_written_is_read_back(written):
    check_round_trip("via", written)
