"""Files of indices and scores: what is right comes back, what is wrong is one sentence."""

import io
import json
import zipfile

import numpy as np
import pytest

from analysis import frame_files
from analysis.frame_files import read_indices, read_scores
from core.errors import InvalidData, InvalidFile

TRUTH = {"tea": np.array([0, 1, -100]), "a/cup é": np.zeros(0, int)}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_indices_are_read_as_they_are_written(tmp_path, encoding):
    path = tmp_path / "truth.json"
    rows = {name: row.tolist() for name, row in TRUTH.items()}
    path.write_text(json.dumps(rows, ensure_ascii=False), encoding)
    found = read_indices(path)
    assert {name: row.tolist() for name, row in found.items()} == rows
    assert all(row.dtype == np.int64 for row in found.values())


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "must be JSON"),
        ("{'tea': [0]}", "must be JSON"),
        (b"\x80\x04]\x94.", "must be JSON"),
        ("[" * 200_000, "must be JSON"),
        ('{"tea": [' + "9" * 5000 + "]}", "must be JSON"),
        ("[[0, 1]]", "holds an object"),
        ("{}", "holds an object"),
        ('{"tea": 0}', "'tea' has none"),
        ('{"tea": {"0": 1}}', "'tea' has none"),
        ('{"tea": [0, -1]}', "'tea' has -1 for frame 1"),
        ('{"tea": [0, 99999999999999999999999]}', "has 99999999999999999999 for frame 1"),
        ('{"tea": [0, 1.0]}', "has none for frame 1"),
        ('{"tea": [true]}', "has none for frame 0"),
        ('{"tea": [NaN]}', "has none for frame 0"),
        ('{"tea": [[[[]]]]}', "has none for frame 0"),
    ],
)
def test_a_wrong_file_of_indices_is_one_sentence(tmp_path, text, rule):
    path = tmp_path / "truth.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InvalidFile, match=rule) as caught:
        read_indices(path)
    assert caught.value.next_step
    assert len(str(caught.value)) < 500


def test_a_file_must_be_there_and_small_enough(tmp_path):
    with pytest.raises(InvalidFile, match="must be there"):
        read_indices(tmp_path)
    large = tmp_path / "large.json"
    with large.open("wb") as file:
        file.truncate(frame_files.MOST_JSON + 1)  # a hole: takes no space
    with pytest.raises(InvalidFile, match="at most 128 MiB"):
        read_indices(large)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_scores_of_the_videos_are_read_and_others_are_not(tmp_path, save):
    rows = {"tea": np.array([[0, 1], [2, -np.inf], [4, 5]], "f4"), "a/cup é": np.zeros((0, 2))}
    save(tmp_path / "s.npz", other=np.array(["text"]), **rows)
    found = read_scores(tmp_path / "s.npz", TRUTH)
    assert found.keys() == rows.keys()
    assert all((found[name] == rows[name]).all() for name in rows)


def header(shape, descr="'<f8'"):
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}".encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def whole_file() -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, tea=np.random.default_rng(0).normal(size=(3, 2)))
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"", b"text", whole_file()[:100], whole_file()[:70] + b"?" * 9 + whole_file()[79:]],
    ids=["empty", "text", "cut", "damaged"],
)
def test_a_file_that_is_no_archive_is_one_sentence(tmp_path, content):
    (tmp_path / "s.npz").write_bytes(content)
    with pytest.raises(InvalidFile, match=r"must be an \.npz file"):
        read_scores(tmp_path / "s.npz", {"tea": np.zeros(3, int)})


@pytest.mark.parametrize(
    "member",
    [header("(99999999999999, 99)"), header("(3, 2)"), header("(-3, 2)"), header("((((", "["),
     header("(3, 2)", "'|O'"), b"\x93NUMPY", header("(3, 2)", "'|V0'")],
)  # fmt: skip
def test_a_member_that_is_no_array_is_one_sentence(tmp_path, member):
    with zipfile.ZipFile(tmp_path / "s.npz", "w") as file:
        file.writestr("tea.npy", member)
    with pytest.raises(InvalidData):
        read_scores(tmp_path / "s.npz", {"tea": np.zeros(3, int)})


@pytest.mark.parametrize(
    ("rows", "rule"),
    [
        ({"other": np.zeros((3, 2))}, "Every video needs scores: 'tea', 'cup'"),
        ({"tea": np.zeros((3, 2)), "cup": np.zeros((2, 2))}, r"shape \[3, classes\]: 'cup'"),
        ({"tea": np.zeros((3, 2)), "cup": np.zeros((3, 4))}, "the same classes: .*2 and 4"),
        ({"tea": np.zeros(3), "cup": np.zeros((3, 4))}, r"'tea' has shape \[3\]"),
        ({"tea": np.zeros((3, 0)), "cup": np.zeros((3, 0))}, r"shape \[3, 0\]"),
        ({"tea": np.full((3, 2), "1"), "cup": np.zeros((3, 2))}, "of <U1"),
        ({"tea": np.ones((3, 2)), "cup": np.full((3, 2), np.nan)}, "'cup' has one in frame 0"),
        ({"tea": np.array([[{}]]), "cup": np.zeros((3, 2))}, "nothing pickled"),
    ],
)
def test_wrong_scores_are_one_sentence(tmp_path, rows, rule):
    np.savez(tmp_path / "s.npz", **rows)
    with pytest.raises(InvalidData, match=rule) as caught:
        read_scores(tmp_path / "s.npz", {"tea": np.zeros(3, int), "cup": np.zeros(3, int)})
    assert caught.value.next_step


@pytest.mark.fault
def test_an_archive_that_unpacks_to_more_than_fits_is_not_unpacked(tmp_path):
    path = tmp_path / "s.npz"
    with zipfile.ZipFile(path, "w") as file:
        for name in "abc":
            file.writestr(f"{name}.npy", header("(3, 2)"))
    data = path.read_bytes()
    first, *entries = data.split(b"PK\x01\x02")
    size = (2**32 - 2).to_bytes(4, "little")  # each member claims to unpack to four GiB
    path.write_bytes(b"PK\x01\x02".join([first, *(e[:20] + size + e[24:] for e in entries)]))
    with pytest.raises(InvalidFile, match="at most 8 GiB"):
        read_scores(path, {"a": np.zeros(3, int)})
