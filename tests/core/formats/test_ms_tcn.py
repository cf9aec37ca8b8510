import random
from itertools import pairwise

import pytest

from core.errors import InvalidData, InvalidFile
from core.formats import recognise
from core.formats.ms_tcn import read, write
from tests.core.formats.round_trip import TEA, labelled_video, mark


@pytest.fixture
def labels(tmp_path):
    """Write `rgb-01-1.txt` and return its path."""

    def writing(text):
        path = tmp_path / "rgb-01-1.txt"
        path.write_bytes(text.encode())
        return path

    return writing


def spans(reading):
    assert all(row.unit == "frames" and row.rate is None for row in reading.rows)
    return [(m.start_us, m.end_us, m.label) for row in reading.rows for m in row.marks]


@pytest.mark.parametrize("end", ["\n", "", "\r\n", "\n\n"])
def test_a_stretch_of_one_label_is_a_row_with_numbers_of_frames(labels, end):
    lines = ["SIL", "SIL", "fill_kettle", "fill_kettle", "pour", "background", "action_start"]
    reading = read(labels(("\r\n" if end == "\r\n" else "\n").join(lines) + end))
    assert spans(reading) == [(2, 4, "fill kettle"), (4, 5, "pour")]
    assert [row.line for row in reading.rows] == [1, 3, 5, 6, 7]
    assert {(row.video, row.exact) for row in reading.rows} == {("rgb-01-1", False)}


def test_stretches_of_any_length_are_found_where_they_stand(labels):
    rng = random.Random(3)
    runs = [(rng.choice("abcSIL"), rng.randint(1, 500)) for _ in range(300)]
    frames = [label for label, length in runs for _ in range(length)]
    found = spans(read(labels("\n".join(frames))))
    told = [""] * len(frames)
    for start, end, label in found:
        told[start:end] = [label] * (end - start)
    assert told == frames
    assert all(one[2] != other[2] for one, other in pairwise(found))


def test_background_alone_says_that_the_video_was_looked_at(labels):
    (row,) = read(labels("background\n" * 9)).rows
    assert (row.marks, row.line) == ((), 1)


def test_ambiguous_frames_are_an_ignored_span(labels):
    (row,) = read(labels("Ambiguous\n" * 9)).rows
    assert row.ignored == ((0, 9),)


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("", "must have a label"),
        ("_", "must have a name"),
        ("x" * 201, "at most 200"),
        ("a\0b", "control"),
    ],
)
def test_a_line_that_is_no_label_is_one_fault_and_stops_nothing(labels, line, rule):
    reading = read(labels(f"take\n{line}\n{line}\nput\n"))
    assert [(fault.line, rule in fault.rule) for fault in reading.faults] == [(2, True)]
    assert spans(reading) == [(0, 1, "take"), (3, 4, "put")]


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_a_file_without_frames_is_refused(labels, text):
    with pytest.raises(InvalidFile, match="a line for every frame"):
        read(labels(text))


@pytest.mark.parametrize(
    "text", ["0 take\n1 put\n", "a.txt\nb.txt\n", "1\n1\n1\n", "take\n", "take out\ntake out\n"]
)
def test_mappings_bundles_and_prose_are_no_frame_labels(labels, text):
    with pytest.raises(InvalidFile, match="supported format"):
        recognise(labels(text))


def test_the_folder_is_as_training_code_reads_it(tmp_path):
    tea = labelled_video(mark(0.2, 0.6, "pour"), mark(0.5, 0.8, "fill kettle"), name="a/tea.mp4",
                         fps=5.0, split="train")  # fmt: skip
    write([tea, labelled_video(name="b.mp4", fps=1.0, split="test")], tmp_path / "out")
    written = {p.relative_to(tmp_path / "out").as_posix(): p for p in tmp_path.rglob("*.*")}
    assert written["mapping.txt"].read_text() == "0 background\n1 fill_kettle\n2 pour\n"
    frames = ["background", "pour", "fill_kettle", "fill_kettle"] + ["background"] * 96
    assert written["groundTruth/tea.txt"].read_text().split("\n") == [*frames, ""]
    assert written["splits/train.split1.bundle"].read_text() == "tea.txt\n"
    assert written["splits/test.split1.bundle"].read_text() == "b.txt\n"
    assert len(written) == 5


def test_a_segment_shorter_than_a_frame_still_has_one(tmp_path):
    write([labelled_video(mark(2, 2.01, "blink"), fps=5.0)], tmp_path / "out")
    assert spans(read(tmp_path / "out/groundTruth/tea.txt")) == [(10, 11, "blink")]


def test_of_segments_that_start_together_the_shorter_is_in_front(tmp_path):
    marks = (mark(1, 4, "make tea"), mark(1, 2, "pour"), mark(3, 4, "stir"), mark(3, 4, "wipe"))
    write([labelled_video(*marks, fps=1.0)], tmp_path / "out")
    assert spans(read(tmp_path / "out/groundTruth/tea.txt")) == [
        (1, 2, "pour"), (2, 3, "make tea"), (3, 4, "stir")
    ]  # fmt: skip


@pytest.mark.parametrize("names", [("a b", "a_b"), ("SIL",), ("action start",), ("_",)])
def test_names_that_would_be_read_as_another_are_refused(tmp_path, names):
    marks = [mark(i, i + 1, name) for i, name in enumerate(names)]
    with pytest.raises(InvalidData, match="must differ from each other"):
        write([labelled_video(*marks, fps=5.0)], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_without_frames_there_is_no_export(tmp_path):
    with pytest.raises(InvalidData, match="frame rate"):
        write([TEA], tmp_path / "out")
