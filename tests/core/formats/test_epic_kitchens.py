import csv
import time
from dataclasses import replace

import pytest
from hypothesis import given

from core.errors import InvalidFile
from core.formats import read, recognise, write
from tests.core.formats.round_trip import TEA, check_round_trip, labelled_video, mark, videos

HEADER = (
    "narration_id,participant_id,video_id,narration_timestamp,start_timestamp,stop_timestamp,"
    "start_frame,stop_frame,narration,verb,verb_class,noun,noun_class,all_nouns,all_noun_classes\n"
)
ROW = (
    "P01_01_0,P01,P01_01,00:00:01.900,00:00:02.00,00:00:05.00,50,125,fill kettle,fill,9,kettle,31,"
    "['kettle'],[31]\n"
)


@pytest.fixture
def reading(tmp_path):
    """Write a CSV, tables of classes beside it, and read it."""

    def read_it(text, **tables):
        for what, table in tables.items():
            (tmp_path / f"EPIC_100_{what}_classes.csv").write_text(table)
        (tmp_path / "epic.csv").write_text(text)
        return read(tmp_path / "epic.csv", "epic_kitchens")

    return read_it


def rows_of(path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@given(videos("epic_kitchens"))
def test_what_was_written_comes_back_but_for_the_declared_losses(written):
    check_round_trip("epic_kitchens", written)


def test_a_row_is_its_verb_and_noun_with_the_narration_as_note(reading, tmp_path):
    (row,) = reading(HEADER + ROW).rows
    assert (row.line, row.video, row.exact) == (2, "P01_01", False)
    assert row.marks == (mark(2, 5, "fill kettle", note="fill kettle"),)
    assert recognise(tmp_path / "epic.csv") == "epic_kitchens"


def test_columns_go_by_name(reading):
    text = "uid,noun,verb,stop_timestamp,start_timestamp,video_id\n7,kettle,fill,00:00:05.5,2,a\n"
    assert reading(text).rows[0].marks == (mark(2, 5.5, "fill kettle"),)


def test_tables_of_classes_beside_the_file_name_verbs_and_nouns(reading):
    tables = {"verb": "id,key\n9,pour\n", "noun": "id,key,category\n31,pan:dust,a\n"}
    text = (
        HEADER + ROW + ROW.replace(",9,", ",-1,").replace(",31,", ",,") + ROW.replace(",9,", ",8,")
    )
    found = reading(text, **tables)
    assert [row.marks[0].label for row in found.rows] == ["pour pan:dust", "fill kettle"]
    assert [(fault.line, fault.rule) for fault in found.faults] == [
        (4, "A class must stand in the table beside the file")
    ]


def test_a_broken_table_of_classes_is_refused(reading):
    with pytest.raises(InvalidFile, match="table of verb classes"):
        reading(HEADER + ROW, verb="id,key\n1\n")


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("00:00:05.00", "00:00:02.00", "end after it starts"),
        ("00:00:05.00", "soon", "written in seconds"),
        ("P01_01,00", ",00", "name its video"),
        (",fill,9,kettle,", ",,9,,", "must have a name"),
    ],
)
def test_a_bad_row_is_a_fault_and_its_neighbours_are_kept(old, new, rule, reading):
    found = reading(HEADER + ROW + ROW.replace(old, new) + ROW)
    assert [row.line for row in found.rows] == [2, 4]
    (fault,) = found.faults
    assert (fault.line, rule in fault.rule) == (3, True)


def test_the_file_has_the_published_columns(tmp_path):
    write("epic_kitchens", [replace(TEA, name="P01_01.mp4", fps=25.0)], tmp_path / "a.csv")
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert lines[:2] == [
        HEADER.strip(),
        "P01_01_0,P01,P01_01,,00:00:02.00,00:00:05.00,50,125,,fill,,kettle,,['kettle'],[]",
    ]


def test_frames_are_those_of_the_video_or_stay_empty(tmp_path):
    uneven = replace(TEA, frame_times_us=[0, 100_000, 2_100_000, 4_900_000, 8_000_000])
    write("epic_kitchens", [uneven, replace(TEA, name="b.mp4")], tmp_path / "a.csv")
    found = [(row["start_frame"], row["stop_frame"]) for row in rows_of(tmp_path / "a.csv")]
    assert found == [("2", "3"), ("3", "4"), ("", ""), ("", "")]


@pytest.mark.parametrize(
    ("label", "verb", "noun", "nouns"),
    [("stir", "stir", "", "[]"), ("put-down it's pan", "put-down", "it's pan", '["it\'s pan"]')],
)
def test_the_first_word_is_the_verb_and_the_rest_the_noun(label, verb, noun, nouns, tmp_path):
    write("epic_kitchens", [labelled_video(mark(3600.5, 7325.000001, label))], tmp_path / "a.csv")
    (row,) = rows_of(tmp_path / "a.csv")
    assert (row["verb"], row["noun"], row["all_nouns"]) == (verb, noun, nouns)
    assert (row["start_timestamp"], row["stop_timestamp"]) == ("01:00:00.50", "02:02:05.000001")


@pytest.mark.realdata
def test_the_public_validation_is_read_whole_in_seconds(realdata):
    path = realdata / "annotations" / "epic_kitchens_100" / "EPIC_100_validation.csv"
    began = time.perf_counter()
    found = read(path)
    assert time.perf_counter() - began < 10
    assert (recognise(path), len(found.rows), found.faults) == ("epic_kitchens", 9668, ())
    assert len({row.video for row in found.rows}) == 138


@pytest.mark.realdata
def test_the_public_validation_says_what_an_independent_parse_says(realdata):
    folder = realdata / "annotations" / "epic_kitchens_100"
    verbs, nouns = (
        {row["id"]: row["key"] for row in rows_of(folder / f"EPIC_100_{what}_classes.csv")}
        for what in ("verb", "noun")
    )
    expected = [
        (
            row["video_id"],
            row["narration"],
            f"{verbs[row['verb_class']]} {nouns[row['noun_class']]}",
        )
        for row in rows_of(folder / "EPIC_100_validation.csv")
    ]
    found = read(folder / "EPIC_100_validation.csv").rows
    assert [(row.video, row.marks[0].note, row.marks[0].label) for row in found] == expected


@pytest.mark.realdata
def test_the_public_validation_comes_back_from_our_file(realdata, tmp_path):
    found = read(realdata / "annotations" / "epic_kitchens_100" / "EPIC_100_validation.csv").rows
    by_video = {row.video: () for row in found}
    for row in found:
        by_video[row.video] += row.marks
    videos = [labelled_video(*marks, name=f"{video}.MP4") for video, marks in by_video.items()]
    write("epic_kitchens", videos, tmp_path / "a.csv")
    again = read(tmp_path / "a.csv").rows
    assert sorted((str(row.video), repr(row.marks)) for row in again) == sorted(
        (str(row.video), repr(row.marks)) for row in found
    )
