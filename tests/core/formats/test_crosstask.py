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

TASKS = "105222\nMake Tea\nhttps://example.org/tea\n2\nfill kettle,pour water\n\n"


@pytest.fixture
def reading(tmp_path):
    """Write the annotations of a video and the tasks, and read them."""

    def read_it(text, tasks=TASKS, name="105222_t_ea.csv"):
        (tmp_path / "annotations").mkdir()
        if tasks:
            (tmp_path / "tasks_primary.txt").write_text(tasks)
        path = tmp_path / "annotations" / name
        path.write_bytes(text.encode())
        return read(path, "crosstask")

    return read_it


@given(videos("crosstask", LABELS.filter(lambda label: "," not in label)))
def test_what_was_written_comes_back_but_for_the_declared_losses(written):
    check_round_trip("crosstask", written, "annotations/*.csv")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_row_is_a_step_of_the_task_in_the_name_of_the_file(end, reading, tmp_path):
    found = reading(f"1,2.0,5.0{end}{end}2,5.0,8.4{end}")
    assert found.faults == ()
    assert [(row.line, row.video) for row in found.rows] == [(1, "t_ea"), (3, "t_ea")]
    assert {row.goal for row in found.rows} == {"Make Tea"}
    assert [row.marks for row in found.rows] == [(found,) for found in TEA.marks]
    assert recognise(tmp_path / "annotations" / "105222_t_ea.csv") == "crosstask"


def test_several_tasks_stand_in_blocks(reading):
    more = "1\nPour\n-\n1\npour milk\n\n\n" + TASKS.strip()
    assert reading("2,5,8.4", more).rows[0].marks == (mark(5, 8.4, "pour water"),)


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ("3,1,2", "go from 1 to 2"),
        ("0,1,2", "go from 1 to 2"),
        ("1,2,1", "end after it starts"),
        ("1,2,1.1.1", "in seconds"),
        ("1,-2,1", "written 'step,start,end'"),
        ("1,2", "written 'step,start,end'"),
        ("fill kettle,2,3", "written 'step,start,end'"),
        ("1" * 5_000 + ",2,3", "written 'step,start,end'"),
    ],
)
def test_a_bad_row_is_a_fault_and_its_neighbours_are_kept(row, rule, reading):
    found = reading(f"1,2,5\n{row}\n2,5,8.4\n")
    assert [row.line for row in found.rows] == [1, 3]
    (fault,) = found.faults
    assert (fault.line, rule in fault.rule) == (2, True)


@pytest.mark.parametrize(
    ("tasks", "rule"),
    [
        ("", "which must lie beside the folder of the annotations"),
        ("1\nMake Tea\n-\n1\nstir\n", "must name the task 105222"),
        ("105222\nMake Tea\n-\n3\nfill kettle,pour water\n", "A task is five lines.*line 6"),
        ("105222\nMake Tea\n2\nfill kettle,pour water\n", "A task is five lines"),
        ("105222\n" + "x" * 201 + "\n-\n1\nstir\n", "at most 200 characters"),
        ("105222\nMake Tea\n-\n1\nmore\nstir\n", "A task is five lines"),
        (TASKS + TASKS, "A task is five lines.*line 12"),
    ],
)
def test_steps_without_names_are_refused(tasks, rule, reading):
    with pytest.raises(InvalidFile, match=rule) as caught:
        reading("1,2,5\n", tasks)
    assert caught.value.next_step


def test_a_file_whose_name_has_no_task_is_refused(reading):
    with pytest.raises(InvalidFile, match="the name of its task and video"):
        reading("1,2,5\n", name="tea.csv")


def test_a_goal_comes_back_and_none_stays_none(tmp_path):
    other = labelled_video(mark(1, 2.5, "stir"), name="milk.mp4")
    write("crosstask", [TEA, other], tmp_path / "out")
    readings = [read(path) for path in (tmp_path / "out" / "annotations").iterdir()]
    goals = {(row.video, row.goal) for reading in readings for row in reading.rows}
    assert goals == {("tea", "make tea"), ("milk", "")}


def test_a_folder_holds_annotations_tasks_and_videos(tmp_path):
    other = labelled_video(mark(1, 2.5, "stir"), name="b/milk.mp4")
    write("crosstask", [TEA, other, labelled_video(name="empty.mp4")], tmp_path / "out")
    files = {
        str(path.relative_to(tmp_path / "out")): path.read_text()
        for path in (tmp_path / "out").rglob("*.*")
    }
    assert files == {
        "annotations/1_tea.csv": "1,2.0,5.0\n2,5.0,8.4\n",
        "annotations/2_milk.csv": "1,1.0,2.5\n",
        "tasks_primary.txt": "1\nmake tea\n-\n2\nfill kettle,pour water\n\n"
        "2\ntask without a name\n-\n1\nstir\n",
        "videos.csv": "1,tea,-\n2,milk,-\n",
    }


@pytest.mark.fault
@pytest.mark.parametrize(
    "videos",
    [
        [labelled_video(mark(1, 2, "cut, then wash"))],
        [labelled_video(mark(1, 2, "cut"), name="a,b.mp4")],
        [labelled_video(mark(1, 2, "cut"), name=f"{folder}/tea.mp4") for folder in "ab"],
        [labelled_video(mark(1, 2, "cut"), name="=1+1.mp4")],
        [labelled_video(mark(1, 2, "cut"), name="-1+1.mp4")],
    ],
    ids=["step", "video", "twice", "formula", "difference"],
)
def test_a_name_that_the_files_cannot_say_is_refused(videos, tmp_path):
    with pytest.raises(InvalidData, match=r"without commas|the same name|formula") as caught:
        write("crosstask", videos, tmp_path / "out")
    assert caught.value.next_step
    assert not list(tmp_path.iterdir())
