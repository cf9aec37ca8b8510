import random

import pytest

from core.errors import InvalidFile
from core.formats import read as read_any, recognise
from core.formats.fifty_salads import read

TICKS = [1000 + 33 * frame for frame in range(100)]


@pytest.fixture
def sequence(tmp_path):
    """Write `01-1-activityAnnotation.txt` in a folder, and its timestamps."""

    def writing(*lines, timestamps="ann-ts/timestamps", ticks=TICKS):
        path = tmp_path / "ann-ts/activityAnnotations/01-1-activityAnnotation.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes("\r\n".join(lines).encode())
        if timestamps:
            place = tmp_path / timestamps / "timestamps-01-1.txt"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text("".join(f"{t} rgb/{i:05}.png\n" for i, t in enumerate(ticks)))
        return path

    return writing


def spans(reading, track):
    assert reading.faults == ()
    marks = [mark for row in reading.rows for mark in row.marks if mark.track == track]
    return [(m.start_us, m.end_us, m.label) for m in marks]


def line(start, end, name):
    return f"{TICKS[start]} {TICKS[end]} {name}"


LINES = (
    line(2, 90, "cut_and_mix_ingredients"),
    line(10, 20, "cut_tomato_core"),
    line(30, 40, "cut_tomato_prep"),
    line(5, 10, "cut_tomato_prep"),
    line(20, 25, "cut_tomato_post"),
    line(40, 41, "add_oil_core"),
)


BESIDE = "ann-ts/activityAnnotations"


@pytest.mark.parametrize("place", ["ann-ts/timestamps", BESIDE, f"{BESIDE}/timestamps"])
def test_ticks_become_frames_on_a_track_for_each_granularity(sequence, place):
    path = sequence(*LINES, "", timestamps=place)
    assert recognise(path) == "fifty_salads"
    reading = read(path)
    assert [row.line for row in reading.rows] == [1, 2, 3, 4, 5, 6]
    assert {(row.video, row.unit, row.rate) for row in reading.rows} == {
        ("rgb-01-1", "frames", None)
    }
    assert spans(reading, "high") == [(2, 90, "cut and mix ingredients")]
    assert spans(reading, "low")[0] == (10, 20, "cut tomato core")
    assert len(spans(reading, "low")) == 5
    assert spans(reading, "mid") == [
        (30, 40, "cut tomato"),
        (5, 25, "cut tomato"),
        (40, 41, "add oil"),
    ]


def test_an_activity_has_the_frames_from_its_start_until_before_its_end(sequence):
    rng = random.Random(5)
    pairs = [sorted(rng.sample(range(TICKS[0], TICKS[-1]), 2)) for _ in range(50)]
    pairs = [(start, end) for start, end in pairs if end - start > 33]
    path = sequence(*(f"{start} {end} add_oil_prep" for start, end in pairs))
    expected = [[i for i, tick in enumerate(TICKS) if start <= tick < end] for start, end in pairs]
    found = [list(range(start, end)) for start, end, _ in spans(read(path), "low")]
    assert found == expected


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("1033 1033 add_oil_prep", "a frame at least"),
        ("1099 1033 add_oil_prep", "a frame at least"),
        ("1034 1035 add_oil_prep", "a frame at least"),
        ("900 1033 add_oil_prep", "within the timestamps"),
        ("1033 99999 add_oil_prep", "within the timestamps"),
        ("1033 add_oil_prep", "written as 'start end activity'"),
        ("1033 10.5 add_oil_prep", "written as 'start end activity'"),
        ("1033 1066 add oil", "written as 'start end activity'"),
        ("1033 1066 _", "must have a name"),
    ],
)
def test_a_line_that_breaks_a_rule_is_one_fault_and_stops_nothing(sequence, text, rule):
    reading = read(sequence(LINES[0], text, LINES[1]))
    assert [row.line for row in reading.rows] == [1, 3]
    (fault,) = reading.faults
    assert (fault.line, rule in fault.rule) == (2, True)
    assert fault.next_step


def test_ticks_without_their_timestamps_are_refused_with_the_reason(sequence):
    path = sequence(*LINES, timestamps=None)
    with pytest.raises(InvalidFile, match=r"mean nothing without 'timestamps-01-1\.txt'") as caught:
        read_any(path)
    assert "Put the folder 'timestamps'" in caught.value.next_step


@pytest.mark.parametrize("ticks", [[1000, 1000], [1000, 900], [1000, "x"], [1000, -1]])
def test_timestamps_that_do_not_go_on_are_refused(sequence, ticks):
    with pytest.raises(InvalidFile, match="later than the one before") as caught:
        read(sequence(*LINES, ticks=ticks))
    assert caught.value.line == 2


@pytest.mark.realdata
def test_the_published_files_are_refused_for_want_of_timestamps(realdata):
    files = sorted((realdata / "annotations/50salads").rglob("*-activityAnnotation.txt"))
    assert len(files) == 54
    for path in files:
        with pytest.raises(InvalidFile, match="ticks of its depth camera"):
            read_any(path)


@pytest.mark.realdata
def test_the_published_lines_are_taken_but_for_the_one_without_length(realdata, sequence):
    files = sorted((realdata / "annotations/50salads").rglob("*-activityAnnotation.txt"))
    lines = [path.read_text().splitlines() for path in files]
    ticks = [sorted({int(t) for one in found for t in one.split()[:2]}) for found in lines]
    readings = [read(sequence(*found, ticks=own)) for found, own in zip(lines, ticks, strict=True)]
    faults = [fault for reading in readings for fault in reading.faults]
    assert [fault.rule for fault in faults] == ["An activity must have a frame at least"]
    assert "84274167 to 84274167" in faults[0].value
    marks = [mark for reading in readings for row in reading.rows for mark in row.marks]
    low = {mark.label for mark in marks if mark.track == "low"}
    assert (len(low), len({m.label for m in marks if m.track == "mid"})) == (51, 17)
    assert {mark.label for mark in marks if mark.track == "high"} == {
        "cut and mix ingredients", "prepare dressing", "serve salad"
    }  # fmt: skip
    assert sum(mark.track != "mid" for mark in marks) == sum(map(len, lines)) - 1
