"""Tables whose columns a person names."""

import csv
import random

import pytest

from core.errors import InvalidConfig, InvalidFile, UnknownName
from core.formats.columns import ColumnMapping, glance, read_columns

BASE = {"video": "File", "start": "t0", "end": "t1", "label": "Action"}


def table(tmp_path, text: str, name: str = "odd.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


def said(reading):
    return [(str(r.video), m.start_us, m.end_us, m.label) for r in reading.rows for m in r.marks]


@pytest.mark.parametrize(
    ("header", "row", "guess", "unit"),
    [
        ("File,t0,t1,Action", "a.mp4,1,2,x", BASE, "seconds"),
        ("clip;onset;duration;behavior", "a;1,5;2;x",
         {"video": "clip", "start": "onset", "length": "duration", "label": "behavior"}, "seconds"),
        ("media\tstart_frame\tend_frame\tlabel", "a\t1\t2\tx",
         {"video": "media", "start": "start_frame", "end": "end_frame", "label": "label"},
         "frames"),
        ("begin,where,what,start (ms),stop", "1,b.mp4,x,3,4",
         {"video": "where", "start": "begin", "end": "stop"}, "seconds"),
        ("from,to,event,note", "0:01,0:02,x,y",
         {"start": "from", "end": "to", "label": "event", "note": "note"}, "clock"),
    ],
)  # fmt: skip
def test_columns_and_unit_are_guessed_from_names_and_cells(tmp_path, header, row, guess, unit):
    seen = glance(table(tmp_path, f"{header}\n{row}\n"))
    assert (dict(seen.guess), seen.unit, seen.header) == (guess, unit, True)


def test_without_a_line_of_names_columns_have_numbers_and_are_guessed_by_their_cells(tmp_path):
    path = table(tmp_path, "a.mp4,3,9,stir\nb.mp4,1,2,cut\n")
    seen = glance(path)
    assert (seen.names, seen.header) == (("column 1", "column 2", "column 3", "column 4"), False)
    found = read_columns(path, ColumnMapping(seen.guess, seen.unit, header=False))
    assert said(found) == [
        ("a.mp4", 3_000_000, 9_000_000, "stir"),
        ("b.mp4", 10**6, 2 * 10**6, "cut"),
    ]
    assert glance(path, header=True).names == ("a.mp4", "3", "9", "stir")


@pytest.mark.parametrize(
    "text", ["", "\n\n", "video,start\n", "one column\n1\n", "this is, no table\n"]
)
def test_what_has_no_rows_or_no_columns_is_no_table(tmp_path, text):
    assert glance(table(tmp_path, text)) is None


def test_columns_of_one_name_or_none_are_told_apart_by_their_number(tmp_path):
    path = table(tmp_path, "time,,time,label\n1,2,3,x\n")
    assert glance(path).names == ("column 1", "column 2", "column 3", "label")
    chosen = ColumnMapping({"start": "column 1", "end": "column 3", "label": "label"})
    assert said(read_columns(path, chosen)) == [("odd", 10**6, 3 * 10**6, "x")]


@pytest.mark.parametrize(
    ("unit", "cell", "expected"),
    [
        ("seconds", "1.5", 1_500_000), ("seconds", "00:00:01.5", 1_500_000),
        ("milliseconds", "1500.0004", 1_500_000), ("frames", "12", 12), ("frames", "12.0", 12),
        ("clock", "0:01.5", 1_500_000), ("clock", "00:00:01.5", 1_500_000),
        ("clock", "90:00", 5_400_000_000),
    ],
)  # fmt: skip
def test_times_are_read_in_the_unit_that_was_chosen(tmp_path, unit, cell, expected):
    path = table(tmp_path, f"File,t0,t1,Action\na,{cell},,x\n")
    columns = {name: column for name, column in BASE.items() if name != "end"}
    (row,) = read_columns(path, ColumnMapping(columns, unit)).rows
    assert (row.unit, row.marks[0].start_us) == ("frames" if unit == "frames" else "us", expected)
    assert (row.marks[0].kind, row.marks[0].end_us) == ("point", expected)


@pytest.mark.parametrize(
    ("unit", "cell"),
    [
        ("seconds", "-1"), ("seconds", "nan"), ("milliseconds", "0:01"), ("milliseconds", "inf"),
        ("frames", "1.5"), ("frames", "-3"), ("clock", "12"), ("clock", "1:2:3:4"), ("frames", ""),
    ],
)  # fmt: skip
def test_a_time_of_another_unit_is_the_fault_of_its_line(tmp_path, unit, cell):
    path = table(tmp_path, f"File,t0,t1,Action\na,{cell},9,x\n")
    (fault,) = read_columns(path, ColumnMapping(BASE, unit)).faults
    assert (fault.line, cell in fault.value) == (2, True)


def test_a_length_is_added_to_the_start(tmp_path):
    path = table(tmp_path, "File,t0,took,Action\na,1000,500,x\n")
    columns = {"video": "File", "start": "t0", "length": "took", "label": "Action"}
    (found,) = said(read_columns(path, ColumnMapping(columns, "milliseconds")))
    assert found == ("a", 1_000_000, 1_500_000, "x")


def test_a_mapping_needs_start_and_label_and_one_kind_of_end(tmp_path):
    with pytest.raises(InvalidConfig, match="'label' has none"):
        ColumnMapping({"start": "t0"})
    with pytest.raises(InvalidConfig, match="both are"):
        ColumnMapping({**BASE, "length": "took"})
    with pytest.raises(UnknownName, match="Did you mean 'frames'"):
        ColumnMapping(BASE, "frame")  # pyright: ignore[reportArgumentType]
    with pytest.raises(UnknownName, match="role of a column"):
        ColumnMapping({**BASE, "verb": "Action"})
    with pytest.raises(InvalidFile, match="'t1' is not"):
        read_columns(table(tmp_path, "File,t0,Action\na,1,x\n"), ColumnMapping(BASE))


def test_a_table_of_any_order_of_columns_reads_like_the_plain_one(tmp_path):
    rng = random.Random(0)
    for delimiter in ",;\t":
        labels = ["stir, tea", "a;b", "=x"]
        rows = [
            (f"v{rng.randrange(3)}.mp4", a, a + rng.randrange(1, 9), rng.choice(labels))
            for a in range(20)
        ]
        order = rng.sample(range(4), 4)
        path = tmp_path / f"{ord(delimiter)}.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file, delimiter=delimiter)
            writer.writerows([row[i] for i in order] for row in [tuple(BASE.values()), *rows])
        assert said(read_columns(path, ColumnMapping(BASE))) == [
            (v, a * 10**6, b * 10**6, label) for v, a, b, label in rows
        ]
