import sys

import pytest

from core.errors import InvalidFile, StudioError, UnknownName
from core.formats import FORMATS, Fault, read, recognise, table, writable
from core.formats.source import quoted
from core.registry import resolve

# Formats that are written have their samples from `write`, see test_laws.
SAMPLES = {
    "gmdcsa24": "File Name,Length (seconds),Attire, Classes\n01.mp4,3,Shirt, Sitting[0 to 3]\n",
    "table": "video;start;end;label\n01.mp4;0;3;Sitting\n",
}


@pytest.mark.parametrize("name", SAMPLES)
def test_every_format_is_recognised_by_itself_and_first(name, tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text(SAMPLES[name])
    assert recognise(path) == name


@pytest.mark.parametrize("name", SAMPLES)
def test_a_format_that_is_named_reads_what_a_recognised_one_reads(name, tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text(SAMPLES[name])
    assert read(path) == read(path, name) == resolve("annotation format", FORMATS, name)(path)
    assert read(path).rows[0].segments[0].label == "Sitting"


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_module_has_the_names_of_the_contract(name):
    module = sys.modules[resolve("annotation format", FORMATS, name).__module__]
    assert isinstance(module.LAYOUT, str)
    assert all(suffix.startswith(".") for suffix in module.SUFFIXES)
    assert callable(module.recognises)
    assert (name in writable()) == hasattr(module, "LOSSES")


@pytest.mark.parametrize(
    "content", [b"", b"\x89PNG\r\n\x1a\n\0\0", b'{"video": 1}', b"a,b\n1,2\n", b"\xff" * 70_000]
)
def test_an_unknown_format_names_the_supported_ones(content, tmp_path):
    path = tmp_path / "labels.json"
    path.write_bytes(content)
    with pytest.raises(StudioError, match="supported format") as caught:
        recognise(path)
    assert all(f"'{name}'" in caught.value.next_step for name in FORMATS)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_mark_at_the_beginning_does_not_hide_the_format(encoding, tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text(SAMPLES["table"], encoding=encoding)
    assert recognise(path) == "table"


def test_a_long_file_is_recognised_by_its_beginning(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text(SAMPLES["table"] + "é.mp4;0;3;Sitting\n" * 10_000)
    assert recognise(path) == "table"


def test_a_table_without_one_column_is_told_which(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("video,start,end,narration\n")
    with pytest.raises(InvalidFile, match="'label' is not there"):
        read(path)


def test_an_unknown_name_of_a_format_suggests_the_nearest(tmp_path):
    with pytest.raises(UnknownName, match="Did you mean 'table'"):
        read(tmp_path / "labels.csv", "tabel")


def test_a_fault_without_a_value_is_still_a_sentence(tmp_path):
    fault = Fault(tmp_path / "a.csv", 3, "A rule", "", "Do this.")
    assert fault.sentence == "A rule: line 3 of 'a.csv'. Do this."


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a" * 70, "'" + "a" * 60 + "…'"),
        ("a\nb\0", r"'a\nb\x00'"),
        ("\ud800", r"'\ud800'"),
        ("\u202eé 茶", r"'\u202eé 茶'"),
    ],
)
def test_text_from_files_is_shown_as_one_short_line(text, shown):
    assert quoted(text) == shown


@pytest.mark.realdata
def test_published_tables_of_other_formats_are_not_taken_for_tables(realdata):
    annotations = realdata / "annotations"
    assert not table.recognises(next((annotations / "boris").glob("*.tsv")).read_bytes())
    with pytest.raises(InvalidFile, match="'label' is not there"):
        read(annotations / "epic_kitchens_100" / "EPIC_100_validation.csv", "table")
