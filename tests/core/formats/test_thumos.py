import pytest
from hypothesis import given

from core.errors import InvalidData, InvalidFile
from core.formats import read, recognise, write
from tests.core.formats.round_trip import (
    LABELS,
    TEA,
    check_round_trip,
    labelled_video,
    mark,
    videos,
)


@pytest.fixture
def reading(tmp_path):
    """Write a file of one class and read it."""

    def read_it(text, name="Diving_val.txt"):
        path = tmp_path / name
        path.write_bytes(text.encode())
        return read(path, "thumos")

    return read_it


@given(videos("thumos", LABELS.filter(lambda label: not set(label) & set("/\\"))))
def test_what_was_written_comes_back_but_for_the_declared_losses(written):
    check_round_trip("thumos", written)


@pytest.mark.parametrize("space", [" ", "  "])
@pytest.mark.parametrize("end", ["\n", "\r\n", " \n"])
def test_a_row_is_a_segment_of_the_class_in_the_name_of_the_file(space, end, reading, tmp_path):
    found = reading(f"video_1{space}2.0 5.0{end}{end}video_2{space}5 8.4{end}")
    assert found.faults == ()
    assert [(row.line, row.video, row.marks) for row in found.rows] == [
        (1, "video_1", (mark(2, 5, "Diving"),)),
        (3, "video_2", (mark(5, 8.4, "Diving"),)),
    ]
    assert recognise(tmp_path / "Diving_val.txt") == "thumos"


def test_ambiguous_spans_are_ignored_ones(reading):
    (row,) = reading("video_1  2.0 5.0\n", "Ambiguous_test.txt").rows
    assert (row.segments, row.ignored) == ((), ((2_000_000, 5_000_000),))


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ("video_1 5.0 2.0", "end after it starts"),
        ("video_1 1.1.1 2.0", "in seconds"),
        ("video_1 2.0", "written 'video start end'"),
        ("video 1  2.0 3.0", "written 'video start end'"),
        ("video_1 -1 2.0", "written 'video start end'"),
        ("video_1,1,2.0", "written 'video start end'"),
    ],
)
def test_a_bad_row_is_a_fault_and_its_neighbours_are_kept(row, rule, reading):
    found = reading(f"a 1.0 2.0\n{row}\nb 1.0 2.0\n")
    assert [row.line for row in found.rows] == [1, 3]
    (fault,) = found.faults
    assert (fault.line, rule in fault.rule) == (2, True)


@pytest.mark.parametrize(
    "name", ["Diving.txt", "_val.txt", "val.txt", "Diving_train.txt", " _val.txt"]
)
def test_a_file_whose_name_has_no_class_is_refused(name, reading):
    with pytest.raises(InvalidFile) as caught:
        reading("video_1 1.0 2.0\n", name)
    assert caught.value.next_step


def test_a_folder_holds_a_file_for_each_class_and_subset(tmp_path):
    ignored = mark(8.96, 9.14, "", kind="ignore")
    test = labelled_video(mark(1, 2, "pour water"), ignored, name="milk.mp4", split="test")
    write("thumos", [TEA, test], tmp_path / "out")
    assert {path.name: path.read_text() for path in (tmp_path / "out").iterdir()} == {
        "fill kettle_val.txt": "tea  2.0 5.0\n",
        "pour water_val.txt": "tea  5.0 8.4\n",
        "pour water_test.txt": "milk  1.0 2.0\n",
        "Ambiguous_test.txt": "milk  9.0 9.1\n",
    }


@pytest.mark.parametrize(
    ("video", "rule"),
    [
        (labelled_video(mark(1, 2, "open/close")), "the name of a file"),
        (labelled_video(mark(1, 2, "茶" * 100)), "the name of a file"),
        (labelled_video(mark(1, 2, "stir"), name="my tea.mp4"), "a name without spaces"),
        (labelled_video(mark(1.06, 1.14, "stir")), "must not vanish"),
    ],
)
def test_what_the_files_cannot_say_is_refused(video, rule, tmp_path):
    with pytest.raises(InvalidData, match=rule) as caught:
        write("thumos", [video], tmp_path / "out")
    assert caught.value.next_step
    assert not list(tmp_path.iterdir())
