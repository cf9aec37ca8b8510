import csv
from dataclasses import replace
from pathlib import PureWindowsPath

import pytest
from hypothesis import given, strategies as st

from core.errors import InvalidData, InvalidFile, Stopped, UnreadableVideo
from core.formats.clip_folder import safe_name, write
from core.formats.marks import Mark, MarkedVideo
from core.video import probe
from tests.core.formats.round_trip import mark
from tests.core.video.clips import Clip

CLIP = Clip(times_ms=tuple(range(0, 1000, 100)))


@pytest.fixture
def video(tmp_path):
    """Write a video of ten frames in a folder and label it."""

    def labelling(name, *marks, **said):
        path = tmp_path / "videos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        CLIP.write(path)
        return MarkedVideo(name=name, path=path, duration_us=10**6, marks=marks, **said)

    return labelling


def table(folder):
    with (folder / "clips.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_segment_is_a_clip_in_the_folder_of_its_class(video, tmp_path):
    tea = video("a/tea.mp4", mark(0.2, 0.5, "pour"), mark(0.5, 0.9, "fill kettle"), split="val")
    write([tea, video("soup.mp4", mark(0.1, 0.9, "pour"))], tmp_path / "out")
    rows = table(tmp_path / "out")
    assert [tuple(row.values()) for row in rows] == [
        ("pour/a_tea_0.200_0.500.mp4", "pour", "a/tea.mp4", "0.2", "0.5", "val"),
        ("fill kettle/a_tea_0.500_0.900.mp4", "fill kettle", "a/tea.mp4", "0.5", "0.9", "val"),
        ("pour/soup_0.100_0.900.mp4", "pour", "soup.mp4", "0.1", "0.9", ""),
    ]
    found = [probe(tmp_path / "out" / row["path"]) for row in rows]
    assert [(len(one.pts_us), one.duration_us) for one in found] == [
        (3, 300_000), (4, 400_000), (8, 800_000)
    ]  # fmt: skip
    assert len(list((tmp_path / "out").rglob("*.*"))) == 4


def test_only_segments_become_clips(video, tmp_path):
    point = Mark(start_us=1, end_us=1, label="tick", kind="point")
    ignored = Mark(start_us=1, end_us=9, kind="ignore")
    write([video("a.mp4", point, ignored, mark(0, 1, "stir")), video("b.mp4")], tmp_path / "out")
    assert [row["label"] for row in table(tmp_path / "out")] == ["stir"]


def test_names_that_could_be_confused_get_folders_of_their_own(video, tmp_path):
    labels = [
        "CUT",
        "Cut",
        "cut",
        "a/b",
        "a:b",
        "../../up",
        "clips.csv",
        "con",
        "..",
        "x" * 300,
        "é" * 99,
    ]
    marks = [mark(0, 0.1, label) for label in labels]
    write([video("a.mp4", *marks, *marks[:1])], tmp_path / "out")
    rows = table(tmp_path / "out")
    assert [row["label"] for row in rows] == sorted([*labels, "CUT"])
    assert len({row["path"].casefold() for row in rows}) == len(rows)
    folders = {row["path"].split("/")[0] for row in rows}
    assert len({name.casefold() for name in folders}) == len(labels)
    assert all((tmp_path / "out" / row["path"]).is_file() for row in rows)
    assert {path.name for path in tmp_path.iterdir()} == {"videos", "out"}


@given(st.text() | st.sampled_from(["nul.txt", "a" * 999, "...", "a. ", "-x", "=1", "COM1"]))
def test_a_safe_name_is_one_part_of_a_path_on_every_system(text):
    name = safe_name(text)
    assert PureWindowsPath(name).parts == (name,)
    assert not PureWindowsPath(name).is_reserved()
    assert name not in ("", ".", "..")
    assert name[0] not in "-+=. "
    assert name[-1] not in ". "
    assert len(name.encode()) <= 101


def test_the_folder_appears_when_it_is_complete(video, tmp_path):
    good = video("a.mp4", mark(0, 0.5, "stir"), mark(0.5, 1, "stir"))
    lost = replace(good, name="b.mp4", path=tmp_path / "videos/lost.mp4")
    with pytest.raises(UnreadableVideo):
        write([good, lost], tmp_path / "out")
    heard = []
    with pytest.raises(Stopped):
        write([good, good], tmp_path / "out", report=lambda p: heard.append(p) or p.done == 3)
    assert [(one.done, one.total) for one in heard] == [(1, 4), (2, 4), (3, 4)]
    assert {path.name for path in tmp_path.iterdir()} == {"videos"}


def test_nothing_is_overwritten_and_nothing_is_no_export(video, tmp_path):
    with pytest.raises(InvalidFile, match="overwrites nothing"):
        write([video("a.mp4", mark(0, 1, "stir"))], tmp_path / "videos")
    with pytest.raises(InvalidData, match="needs a segment"):
        write([video("b.mp4")], tmp_path / "out")
