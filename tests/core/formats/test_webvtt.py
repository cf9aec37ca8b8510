import pytest
from hypothesis import given

from core.errors import InvalidData, InvalidFile
from core.formats import recognise
from core.formats.webvtt import read, write
from tests.core.formats.round_trip import TEA, check_round_trip, labelled_video, mark, videos

HEADER = "WEBVTT\n\n"
CUE = "00:00:02.000 --> 00:00:05.000\nfill kettle\n"


@pytest.fixture
def reading(tmp_path):
    """Write `tea.vtt` and read it."""

    def reads(text):
        path = tmp_path / "tea.vtt"
        path.write_bytes(text.encode())
        assert recognise(path) == "webvtt"
        return read(path)

    return reads


def said(reading):
    assert reading.faults == ()
    return [(m.start_us, m.end_us, m.label) for row in reading.rows for m in row.marks]


def test_a_cue_is_a_segment_of_the_video_with_the_name_of_the_file(reading):
    found = reading(HEADER + "s1\n" + CUE + "\n00:05.000 --> 00:08.400 align:start\npour\nwater")
    assert said(found) == [
        (2_000_000, 5_000_000, "fill kettle"), (5_000_000, 8_400_000, "pour water"),
    ]  # fmt: skip
    assert [(row.video, row.line, row.exact) for row in found.rows] == [
        ("tea", 3, False), ("tea", 7, False),
    ]  # fmt: skip


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_notes_styles_regions_and_headers_say_nothing(reading, ending):
    text = (
        "\ufeffWEBVTT - made by hand\nKind: captions\n\nNOTE\na longer\nnote\n\nNOTE short\n\n"
        "STYLE\n::cue { color: red }\n\nREGION\nid:fred\n\n\n" + CUE
    )
    assert len(said(reading(text.replace("\n", ending)))) == 1


def test_markup_is_left_out_and_characters_are_meant(reading):
    text = HEADER + CUE.replace("fill kettle", "<v Ann>fill <b>R&amp;D</b> &lt;kettle&gt; a > b")
    assert said(reading(text)) == [(2_000_000, 5_000_000, "fill R&D <kettle> a > b")]


@pytest.mark.parametrize(
    ("cue", "rule"),
    [
        ("00:00:05.000 --> 00:00:02.000\npour", "end after it starts"),
        ("00:00:02.000 --> 00:00:02.000\npour", "end after it starts"),
        ("00:00:02,000 --> 00:00:05,000\npour", "begins with its times"),
        ("2.000 --> 5.000\npour", "written as HH:MM:SS.mmm"),
        ("00:00:02.0 --> 00:00:05.000\npour", "written as HH:MM:SS.mmm"),
        ("00:00:61.000 --> 00:02:05.000\npour", "written as HH:MM:SS.mmm"),
        ("00:00:02.000 --> 00:00:05.000", "must have a name"),
        ("00:00:02.000 --> 00:00:05.000\n<b></b>", "must have a name"),
        ("pour water", "begins with its times"),
        ("one\ntwo\n00:00:02.000 --> 00:00:05.000\npour", "begins with its times"),
        (CUE + CUE.strip(), "blank line must stand between"),
    ],
)
def test_a_wrong_cue_is_one_fault_and_stops_no_other(reading, cue, rule):
    found = reading(HEADER + cue + "\n\n" + CUE)
    assert len(found.rows) == 1
    (fault,) = found.faults
    assert rule in fault.rule
    assert (fault.line, bool(fault.next_step)) == (3, True)


def test_a_file_without_cues_says_that_the_video_was_looked_at(reading):
    (row,) = reading("WEBVTT").rows
    assert (row.video, row.marks) == ("tea", ())


def test_another_file_is_refused(tmp_path):
    path = tmp_path / "tea.srt"
    path.write_text("1\n" + CUE.replace(".", ","))
    with pytest.raises(InvalidFile, match="must begin with WEBVTT"):
        read(path)


def test_the_example_of_the_documentation_is_written(tmp_path):
    write([TEA], tmp_path / "cues")
    assert (tmp_path / "cues" / "tea.vtt").read_text() == (
        "WEBVTT\n\n00:00:02.000 --> 00:00:05.000\nfill kettle\n\n"
        "00:00:05.000 --> 00:00:08.400\npour water\n"
    )


def test_two_videos_of_one_name_are_not_written_over_each_other(tmp_path):
    pair = [labelled_video(mark(0, 1, "pour"), name=name) for name in ("a/tea.mp4", "b/tea.mp4")]
    with pytest.raises(InvalidData, match="must not have the same name"):
        write(pair, tmp_path / "cues")


@given(videos("webvtt"))
def test_what_is_written_is_read_back(written):
    check_round_trip("webvtt", written)
