import csv
import io
import os

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from core.errors import InvalidData, InvalidFile
from core.formats import Reading
from core.formats.marks import Mark, MarkedVideo
from core.formats.table import read, write
from core.types import Segment

HEADER = "video,start,end,label\n"
US = 1_000_000


@pytest.fixture
def table(tmp_path):
    """Write a file and read it."""

    def reading(content, **options) -> Reading:
        path = tmp_path / "labels.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read(path, **options)

    return reading


def only(reading):
    assert reading.faults == ()
    (row,) = reading.rows
    return row


def fault(reading):
    assert reading.rows == ()
    (found,) = reading.faults
    return found


def test_a_row_is_a_segment_of_a_video(table):
    row = only(table(HEADER + "tea.mp4,2.0,5.5,pour water\n"))
    assert (row.video, row.exact, row.line) == ("tea.mp4", False, 2)
    assert row.segments == (Segment(2 * US, 5_500_000, "pour water"),)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_separators_and_line_ends_are_found_out(table, delimiter, ending):
    lines = [["video", "start", "end", "label"], ["a.mp4", "0", "1", "stir"]]
    text = ending.join(delimiter.join(line) for line in lines) + ending
    assert only(table(text)).segments == (Segment(0, US, "stir"),)


@pytest.mark.fault
def test_a_byte_order_mark_does_not_hide_the_first_column(table):
    assert only(table(b"\xef\xbb\xbf" + HEADER.encode() + b"a,0,1,stir\n")).video == "a"


@pytest.mark.parametrize(
    "header",
    [
        "label,end,start,video",
        "Label , END,Start (s),VIDEO_ID",
        "action,stop_time,start_time,File Name",
        "label,end,start,video,begin",
    ],
)
def test_columns_go_by_name_in_any_order(table, header):
    extra = ",9" if header.endswith("begin") else ""
    row = only(table(f"{header}\nstir,2,1,tea.mp4{extra}\n"))
    assert (row.video, row.segments) == ("tea.mp4", (Segment(US, 2 * US, "stir"),))


def test_blank_lines_before_the_header_are_passed_over(table):
    assert only(table("\n , \n" + HEADER + "a,0,1,stir\n")).line == 4


@pytest.mark.fault
def test_a_decimal_comma_is_understood_between_semicolons(table):
    row = only(table("video;start;end;label\na;1,5;00:00:02,25;stir\n"))
    assert row.segments == (Segment(1_500_000, 2_250_000, "stir"),)


def test_a_quoted_decimal_comma_between_commas_is_a_fault(table):
    assert "start '1,5'" in fault(table(HEADER + 'a,"1,5",2,stir\n')).value


def test_quoted_cells_hold_separators_and_quotes(table):
    row = only(table(HEADER + '"a, b.mp4",0, 1, "put ""it"" down"\n'))
    assert (row.video, row.segments[0].label) == ("a, b.mp4", 'put "it" down')


def test_a_column_that_is_not_used_may_run_over_lines(table):
    row = only(table('remark,video,start,end,label\n"one\ntwo",a,0,1,stir\n'))
    assert (row.video, row.line) == ("a", 2)


def test_a_quote_that_meets_one_further_down_swallows_no_rows(table):
    reading = table(HEADER + 'a,0,1,"stir\nb,0,1,pour\nc,0,1,chop"\n')
    assert [row.video for row in reading.rows] == ["b", "c"]
    assert [one.line for one in reading.faults] == [2]


def test_background_is_a_row_without_segments_and_ambiguous_one_with_a_span(table):
    reading = table(HEADER + "a,0,1,SIL\na,1,2,Ambiguous\n")
    assert [(row.segments, row.ignored) for row in reading.rows] == [
        ((), ()),
        ((), ((US, 2 * US),)),
    ]


@pytest.mark.fault
@pytest.mark.parametrize("label", ["NA", "None", "null", "007", "nan"])
def test_a_label_that_looks_like_nothing_is_text(table, label):
    assert only(table(HEADER + f"a,0,1,{label}\n")).segments[0].label == label


@pytest.mark.fault
@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("a,2,1,stir", "end after it starts"),
        ("a,1,1,stir", "end after it starts"),
        ("a,-1,1,stir", "not be negative"),
        ("a,nan,1,stir", "in seconds"),
        ("a,0,inf,stir", "in seconds"),
        ("a,0,1_000,stir", "in seconds"),
        ("a,0,٣,stir", "in seconds"),
        ("a,0,1e308,stir", "in seconds"),
        ("a,,1,stir", "in seconds"),
        ("a,0,1,", "must have a name"),
        ("a,0,1, \u200b ", "must have a name"),
        (f"a,0,1,{'x' * 10_240}", "at most 200 characters"),
        (" ,0,1,stir", "name its video"),
        ("a,0,1", "as many cells"),
        ("a,0,1,stir,well", "as many cells"),
        ("a,0,1,st\0ir", "must be text"),
        ('a,0,1,"stir', "complete"),
        ('a,0,1,"stir"well', "complete"),
        (f"a,0,1,{'x' * 200_000}", "complete"),
    ],
)
def test_a_bad_row_is_a_fault_and_its_neighbours_are_kept(table, line, rule):
    reading = table(HEADER + f"a,0,1,before\n{line}\na,0,1,after\n")
    assert [row.segments[0].label for row in reading.rows] == ["before", "after"]
    (found,) = reading.faults
    assert rule in found.rule
    assert (found.line, found.file.name) == (3, "labels.csv")


def test_a_fault_is_a_sentence_of_rule_value_place_and_next_step(table):
    assert fault(table(HEADER + "a,2,1,stir\n")).sentence == (
        "A segment must end after it starts: 'stir', 2.000 s to 1.000 s in line 2 of "
        "'labels.csv'. Correct the times."
    )


def test_lines_are_counted_as_an_editor_counts_them(table):
    reading = table("note," + HEADER + '\n"two\nlines",a,0,1,pour\n , , , ,\nok,a,2,1,stir\n')
    assert [row.line for row in reading.rows] == [3]
    assert [one.line for one in reading.faults] == [6]


@pytest.mark.fault
def test_an_unclosed_quote_costs_one_row_however_long_the_file(table):
    reading = table(HEADER + 'a,0,1,"stir\n' + "a,0,1,pour\n" * 500)
    assert (len(reading.rows), [one.line for one in reading.faults]) == (500, [2])


def test_a_header_alone_is_a_table_without_rows(table):
    assert table(HEADER) == Reading((), ())


@pytest.mark.fault
@pytest.mark.parametrize("content", ["", "\n\n", " , ,\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(table, content):
    with pytest.raises(InvalidFile, match="begin with a line of column names"):
        table(content)


@pytest.mark.fault
@pytest.mark.parametrize(
    ("header", "missing"),
    [
        ("video,start,end", "'label' is not there"),
        ("video,start_ms,end_ms,label", "'start', 'end' is not there"),
        ("a.mp4,0,1,stir", "'video', 'start', 'end', 'label' is not there"),
    ],
)
def test_missing_columns_are_named_with_those_that_are_there(table, header, missing):
    with pytest.raises(InvalidFile, match=missing) as caught:
        table(header + "\na,0,1,2\n")
    assert f"'{header.split(',')[1]}'" in caught.value.next_step


@pytest.mark.fault
@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("video,start,start,end,label", "'start' and 'start'"),
        ("video,start,end,class,action", "'class' and 'action'"),
    ],
)
def test_two_columns_for_one_thing_are_refused(table, header, names):
    with pytest.raises(InvalidFile, match=names):
        table(header + "\n")


@pytest.mark.fault
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEADER.encode() + "a,0,1,rühren\n".encode("cp1252"), "must be UTF-8.*line 2"),
        (HEADER.encode() + b"a,0,1,ok\na,0,1,\xed\xa0\x80\n", "must be UTF-8.*line 3"),
        (HEADER.encode("utf-16"), "this is UTF-16"),
    ],
)
def test_another_encoding_is_refused_with_its_line(table, content, message):
    with pytest.raises(InvalidFile, match=message) as caught:
        table(content)
    assert "UTF-8" in caught.value.next_step


@pytest.mark.fault
def test_the_number_of_rows_is_limited(table):
    rows = HEADER + "a,0,1,stir\na,2,1,stir\na,0,1,stir\n"
    assert len(table(rows, row_limit=3).rows) == 2
    with pytest.raises(InvalidFile, match=r"at most 2 rows.*line 4"):
        table(rows, row_limit=2)


def test_a_huge_file_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "labels.csv"
    path.touch()
    os.truncate(path, 257 * 2**20)
    with pytest.raises(InvalidFile, match="at most 256 MiB"):
        read(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_does_not_hang_the_reader(tmp_path):
    os.mkfifo(tmp_path / "labels.csv")
    with pytest.raises(InvalidFile, match="a file that exists"):
        read(tmp_path / "labels.csv")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InvalidFile, match="a file that exists"):
        read(tmp_path / "labels.csv")


FULL = "video,start,end,label,track,kind,confidence,note\n"


@pytest.mark.parametrize(
    ("line", "mark"),
    [
        ("a,1,2,stir,left,,0.5,sure",
         Mark(start_us=US, end_us=2 * US, label="stir", track="left", confidence=0.5, note="sure")),
        ("a,1,1,ring,,Point,,", Mark(start_us=US, end_us=US, label="ring", kind="point")),
        ("a,1,2,,,ignore,,", Mark(start_us=US, end_us=2 * US, kind="ignore")),
        ("a,1,2,stir,,interval,1,", Mark(start_us=US, end_us=2 * US, label="stir", confidence=1)),
        ('a,1,2,stir,,,,"two\nlines"',
         Mark(start_us=US, end_us=2 * US, label="stir", note="two lines")),
    ],
)  # fmt: skip
def test_more_columns_say_track_kind_confidence_and_note(table, line, mark):
    assert only(table(f"{FULL}{line}\n")).marks == (mark,)


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("a,1,2,ring,,point,,", "A point must have one time"),
        ("a,1,1,stir,,interval,,", "end after it starts"),
        ("a,1,2,stir,,verb,,", "A kind is interval, point or ignore"),
        ("a,1,2,stir,,,1.5,", "number from 0 to 1"),
        (f"a,1,2,stir,{'x' * 101},,,", "A track may have at most 100"),
        ("a,1,2,,,point,,", "must have a name"),
    ],
)
def test_a_bad_cell_of_another_column_is_a_fault(table, line, rule):
    assert rule in fault(table(f"{FULL}{line}\n")).rule


def test_a_decimal_comma_counts_for_confidences_too(table):
    row = only(table(f"{FULL.replace(',', ';')}a;1,5;2;stir;;;0,25;\n"))
    assert row.marks[0].confidence == 0.25


@pytest.mark.parametrize("text", ["=cmd|'/c calc'!A1", "+1", "-1", "@SUM(A1)", "'=1", "''-x"])
@pytest.mark.fault
def test_no_cell_that_is_written_is_a_formula_and_each_comes_back(tmp_path, text):
    mark = Mark(start_us=0, end_us=US, label=text, track=text, note=text)
    video = MarkedVideo(name=f"{text}.mp4", path=tmp_path, duration_us=US, marks=(mark,))
    path = tmp_path / "labels.csv"
    write([video], path)
    with path.open(newline="") as file:
        assert all(cell[:1] not in ("=", "+", "-", "@") for row in csv.reader(file) for cell in row)
    row = only(read(path))
    assert (row.video, row.marks) == (video.name, (mark,))


@pytest.mark.parametrize("name", [" tea.mp4", "two\nlines.mp4"])
def test_a_name_that_a_table_cannot_say_is_refused(tmp_path, name):
    mark = Mark(start_us=0, end_us=US, label="stir")
    video = MarkedVideo(name=name, path=tmp_path, duration_us=US, marks=(mark,))
    with pytest.raises(InvalidData, match="names videos in one line"):
        write([video], tmp_path / "labels.csv")


SHARED_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=9)


@SHARED_FOLDER
@given(
    st.lists(st.tuples(WORDS, st.integers(0, 10**10), st.integers(1, 10**10), WORDS), max_size=8),
    st.sampled_from(",;\t"),
)
def test_what_the_csv_module_writes_is_read_back(table, rows, delimiter):
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(["video", "start", "end", "label"])
    for video, start, length, label in rows:
        writer.writerow(
            [video, f"{start / US:.6f}", f"{(start + length) / US:.6f}", "the " + label]
        )
    reading = table(out.getvalue())
    assert reading.faults == ()
    assert [row.video for row in reading.rows] == [video for video, *_ in rows]
    assert [(row.segments[0].start_us, row.segments[0].end_us) for row in reading.rows] == [
        (start, start + length) for _, start, length, _ in rows
    ]


@SHARED_FOLDER
@given(
    st.lists(
        st.sampled_from(['"', ",", "\n", "\r", "a", "1", "-", ":", "\0", "é", " "]), max_size=60
    )
)
def test_any_body_is_rows_and_faults(table, pieces):
    reading = table(HEADER + "".join(pieces))
    lines = [one.line for one in (*reading.rows, *reading.faults)]
    assert len(set(lines)) == len(lines)
    assert all(one.sentence.isprintable() for one in reading.faults)


@SHARED_FOLDER
@given(st.binary(max_size=80))
def test_any_bytes_are_a_reading_or_a_refusal(table, content):
    for whole in (content, HEADER.encode() + content):
        try:
            table(whole)
        except InvalidFile as error:
            assert error.next_step
