import pytest

from core.errors import InvalidFile
from core.formats import read as read_any, recognise
from core.formats.gmdcsa24 import read
from core.formats.matching import match
from core.types import Segment

# The published header and rows, with their spaces, and without a line end after the last.
HEADER = "File Name,Length (seconds),Time of Recording,Attire,Description, Classes\n"
US = 1_000_000


def row(name, classes):
    return f"{name},06, Day (Light On), Full T-shirt & Trousers, Sitting; then walking, {classes}"


@pytest.fixture
def sheet(tmp_path):
    """Write `Subject_1/ADL.csv` and read it."""

    def reading(*rows):
        path = tmp_path / "Subject_1" / "ADL.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text(HEADER + "\n".join(rows))
        return read(path)

    return reading


def segments(reading):
    assert reading.faults == ()
    (found,) = reading.rows
    return [(one.start_us / US, one.end_us / US, one.label) for one in found.segments]


def test_a_row_names_a_file_in_the_folder_of_the_csv(sheet, tmp_path):
    (found,) = sheet(row("01.mp4", "Sitting[0 to 3]")).rows
    assert found.video == (tmp_path / "Subject_1" / "ADL" / "01.mp4").resolve()
    assert (found.exact, found.line) == (True, 2)
    assert found.segments == (Segment(0, 3 * US, "Sitting"),)


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        ("Sitting[0 to 0.5]; Sleeping[1.5 to 6]", [(0, 0.5, "Sitting"), (1.5, 6, "Sleeping")]),
        ("Reading[3 to 12]; Sitting[0 to 2]", [(0, 2, "Sitting"), (3, 12, "Reading")]),
        ("Reading[0 to 4]; Walking[0 to 4]", [(0, 4, "Reading"), (0, 4, "Walking")]),
        ("Standing[0 to 0.5; 4.2 to 6.5]", [(0, 0.5, "Standing"), (4.2, 6.5, "Standing")]),
        ("Falling (SW) [ 2.8 to 6] ; Sitting [0 to 2.9]; ",
         [(0, 2.9, "Sitting"), (2.8, 6, "Falling (SW)")]),
        ("Sitting[0 to 1];Walking[5 to 7]", [(0, 1, "Sitting"), (5, 7, "Walking")]),
    ],
)  # fmt: skip
def test_legitimate_ways_of_writing_are_read(sheet, classes, expected):
    assert segments(sheet(row("01.mp4", classes))) == expected


@pytest.mark.parametrize(
    ("classes", "rule", "value"),
    [
        ("Sitting[9.7 to 3]; Standing[0 to 0.5]", "end after it starts", "9.700 s to 3.000 s"),
        ("Falling (BW[5.9 to 10]; Walking[0 to 1]", "Brackets must be closed", "'Falling (BW'"),
        ("Falling (FW)[8 to 9]; Eating[0.9 4.6]", "'start to end'", "'0.9 4.6' of 'Eating'"),
        ("Falling (SW)[1.8 to 5]:; Walking[0 to 1]", "Name[start to end]", "]:; Walking"),
        ("Sitting[0 to 1; Walking[1 to 2]", "Name[start to end]", "'Sitting[0 to 1; W"),
        ("Sitting 0 to 1]", "Name[start to end]", "'Sitting 0 to 1]'"),
        ("Sitting:[0 to 1]", "Name[start to end]", "'Sitting:"),
        ("Sitting[]", "'start to end'", "'' of 'Sitting'"),
        ("Sitting[a to 1]", "in seconds", "'Sitting' at 'a'"),
        ("Sitting[-1 to 1]", "not be negative", "'-1'"),
        ("[0 to 1]", "Name[start to end]", "'[0 to 1]'"),
        (" [0 to 1]", "Name[start to end]", "'[0 to 1]'"),
        ("Sitting", "Name[start to end]", "'Sitting'"),
        ("", "name its classes", "an empty cell"),
    ],
)
def test_a_faulty_row_is_a_fault_as_a_whole(sheet, classes, rule, value):
    reading = sheet(row("01.mp4", "Walking[0 to 1]"), row("02.mp4", classes))
    assert [found.line for found in reading.rows] == [2]
    (fault,) = reading.faults
    assert (fault.line, fault.file.name) == (3, "ADL.csv")
    assert rule in fault.rule
    assert value in fault.value
    assert fault.next_step
    assert "line 3 of 'ADL.csv'" in fault.sentence


@pytest.mark.parametrize("name", ["", "..", "../Fall/01.mp4", "Fall\\01.mp4", "/tmp/01.mp4"])
def test_a_file_name_does_not_leave_its_folder(sheet, name):
    (fault,) = sheet(row(name, "Sitting[0 to 1]")).faults
    assert "must name a file in the folder 'ADL'" in fault.rule


def test_a_comma_in_the_description_is_a_fault_and_shifts_nothing(sheet):
    (fault,) = sheet("01.mp4,06,Day,Shirt,Sitting, then walking, Sitting[0 to 1]").faults
    assert (fault.rule, fault.value) == (
        "A row must have as many cells as the header, 6",
        "7 cells",
    )


def test_background_and_ambiguous_classes_are_no_segments(sheet):
    (found,) = sheet(row("01.mp4", "Background[0 to 1]; Ambiguous[1 to 2]; Sitting[2 to 3]")).rows
    assert [one.label for one in found.segments] == ["Sitting"]
    assert found.ignored == ((US, 2 * US),)


def test_the_same_file_name_in_two_folders_is_two_videos(tmp_path):
    videos, rows = {}, []
    for index, folder in enumerate(["Subject_1/ADL", "Subject_1/Fall", "Subject_2/ADL"]):
        videos[index] = tmp_path / folder / "01.mp4"
        videos[index].parent.mkdir(parents=True)
        path = (tmp_path / folder).with_suffix(".csv")
        path.write_text(HEADER + row("01.mp4", f"Class {index}[0 to 1]"))
        rows += read(path).rows
    matched = match(rows, videos)
    assert matched.missing == matched.faults == ()
    labels = {video: found[0].segments[0].label for video, found in matched.taken.items()}
    assert labels == {0: "Class 0", 1: "Class 1", 2: "Class 2"}


def test_a_file_without_its_columns_is_refused(tmp_path):
    path = tmp_path / "ADL.csv"
    path.write_text("File Name,Length\n01.mp4,6\n")
    with pytest.raises(InvalidFile, match="'classes' is not there"):
        read(path)


@pytest.mark.realdata
def test_the_published_files_have_80_rows_of_which_4_are_faulty(realdata):
    files = sorted((realdata / "gmdcsa24").glob("*/*.csv"))
    assert [recognise(path) for path in files] == ["gmdcsa24"] * 4
    readings = [read_any(path) for path in files]
    assert sum(len(one.rows) + len(one.faults) for one in readings) == 80
    faults = [
        (f"{one.file.parent.name}/{one.file.name}", one.line) for r in readings for one in r.faults
    ]
    assert faults == [
        ("Subject_1/Fall.csv", 6),
        ("Subject_2/ADL.csv", 7),
        ("Subject_2/Fall.csv", 12),
        ("Subject_2/Fall.csv", 20),
    ]


@pytest.mark.realdata
def test_the_9_clips_that_are_there_get_one_row_each(realdata):
    videos = {path: path for path in (realdata / "gmdcsa24").glob("*/*/*.mp4")}
    rows = [row for path in (realdata / "gmdcsa24").glob("*/*.csv") for row in read(path).rows]
    matched = match(rows, videos)
    assert len(matched.taken) == 9
    assert all(len(found) == 1 and found[0].segments for found in matched.taken.values())
    assert (len(matched.missing), matched.faults) == (67, ())
