"""Features from elsewhere: read as they are, in half precision, or refused with a reason."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from core.errors import InvalidConfig, InvalidData, InvalidFile, MissingArtifact
from core.feature_files import FeatureFolder, content_hash, open_array, read_features
from core.types import LabelledVideo, grid_us


def video(name: str, frames: int, rate: float = 4, hashed: str = "0") -> LabelledVideo:
    return LabelledVideo(name, Path("/videos") / name, hashed, int(frames * 1_000_000 // rate))


@pytest.fixture
def folder(tmp_path) -> FeatureFolder:
    np.save(tmp_path / "a.npy", np.arange(60, dtype=np.float32).reshape(20, 3))
    save_file({"x": np.ones((8, 3), np.float16)}, tmp_path / "b.safetensors")
    (tmp_path / "features.json").write_text('{"rate": 4}')
    return FeatureFolder.open(tmp_path)


def test_a_folder_says_rate_and_shape(folder):
    assert (folder.rate, folder.tokens, folder.width) == (4.0, 1, 3)


def test_a_video_finds_its_array_by_its_name_on_the_grid(folder):
    found = folder.load(video("cam/a.mp4", 20))
    assert found.features.dtype == np.float16
    np.testing.assert_array_equal(found.features[:, 0, 0], np.arange(0, 60, 3))
    np.testing.assert_array_equal(found.time_us, grid_us(5_000_000, 4))
    assert folder.load(video("b.mkv", 8)).features.shape == (8, 1, 3)


def test_several_tokens_a_frame_stay_apart(tmp_path):
    array = np.random.default_rng(0).normal(size=(6, 2, 5))
    np.save(tmp_path / "a.npy", array)
    folder = FeatureFolder.open(tmp_path, rate=1)
    found = folder.load(video("a.mp4", 6, rate=1))
    np.testing.assert_array_equal(found.features, array.astype(np.float16))


@pytest.mark.parametrize("frames", [18, 19, 21, 22])
def test_two_frames_too_many_or_too_few_are_cut(folder, frames):
    found = folder.load(video("a.mp4", frames))
    assert len(found) == len(found.features) == min(20, frames)


def test_more_than_two_are_a_fault(folder):
    with pytest.raises(InvalidFile, match="these are 20 frames for 23"):
        folder.load(video("a.mp4", 23))


def test_a_video_without_features_is_named(folder):
    with pytest.raises(MissingArtifact, match=r"1 of 2 have none .* such as 'c'.*Extract them too"):
        folder.check([video("a.mp4", 20), video("c.mp4", 20)])


def test_two_videos_never_share_an_array(folder):
    with pytest.raises(InvalidData, match="'a' is the name of 2 videos"):
        folder.check([video("day/a.mp4", 20), video("night/a.mp4", 20)])


def test_another_rate_is_refused(folder):
    folder.check([video("a.mp4", 20)], 4.0)
    with pytest.raises(InvalidConfig, match="2 frames/s were asked of 4"):
        folder.check([video("a.mp4", 20)], 2.0)


def test_features_that_changed_since_their_import_are_refused(folder, tmp_path):
    path = tmp_path / "a.npy"
    made = LabelledVideo("a", path, content_hash(path), 5_000_000)
    folder.load(made)
    np.save(path, np.zeros((20, 3), np.float32))
    with pytest.raises(InvalidFile, match=r"changed since.*Import its folder again"):
        folder.load(made)


BAD = {
    "objects": (np.array([[{}, 1]], object), "without Python objects"),
    "text": (np.array([["a", "b"]]), "floating-point numbers"),
    "whole numbers": (np.ones((4, 3), np.int64), "floating-point numbers"),
    "one axis": (np.ones(4), r"\[4\]"),
    "four axes": (np.ones((1, 2, 3, 4)), r"\[1, 2, 3, 4\]"),
    "no frame": (np.ones((0, 3)), r"\[0, 3\]"),
    "NaN": (np.array([[1.0], [np.nan]]), "frame 1 is not"),
    "too large for half precision": (np.array([[1.0], [2.0], [1e5]]), "frame 2 is not"),
}


@pytest.mark.parametrize("what", BAD)
def test_an_array_that_is_no_features_is_refused(tmp_path, what):
    array, why = BAD[what]
    np.save(tmp_path / "x.npy", array, allow_pickle=what == "objects")
    with pytest.raises(InvalidFile, match=why) as refused:
        read_features(tmp_path / "x.npy")
    assert refused.value.next_step


@pytest.mark.parametrize("content", [b"", b"no array", b"\x93NUMPY\x01\x00", b"\x80\x04N."])
@pytest.mark.parametrize("name", ["x.npy", "x.safetensors"])
def test_a_damaged_file_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidFile, match=name):
        open_array(tmp_path / name)


@pytest.mark.fault
def test_an_archive_of_arrays_is_refused(tmp_path):
    np.savez(tmp_path / "x.npz", a=np.ones(3))
    (tmp_path / "x.npz").rename(tmp_path / "x.npy")
    with pytest.raises(InvalidFile, match="an archive of arrays"):
        open_array(tmp_path / "x.npy")


def test_a_file_of_two_tensors_is_refused(tmp_path):
    save_file({"a": np.ones((2, 3)), "b": np.ones((2, 3))}, tmp_path / "x.safetensors")
    with pytest.raises(InvalidFile, match="2 tensors"):
        open_array(tmp_path / "x.safetensors")


def test_an_array_of_another_width_is_refused(folder, tmp_path):
    np.save(tmp_path / "wide.npy", np.ones((8, 4)))
    with pytest.raises(InvalidFile, match=r"must be \[frames, 1, 3\].*\[8, 1, 4\]"):
        folder.load(video("wide.mp4", 8))


@pytest.mark.parametrize(
    "said",
    [None, {}, {"rate": 0}, {"rate": "4"}, {"rate": True}, {"fps": 999}, {"rate": np.nan}, [4]],
)
def test_a_rate_must_be_said_and_be_one(tmp_path, said):
    np.save(tmp_path / "a.npy", np.ones((2, 3)))
    if said is not None:
        (tmp_path / "features.json").write_text(json.dumps(said))
    with pytest.raises(InvalidFile, match=r"features\.json") as refused:
        FeatureFolder.open(tmp_path)
    assert "rate" in refused.value.sentence


def test_a_folder_without_arrays_or_that_is_gone_is_refused(tmp_path):
    with pytest.raises(InvalidFile, match=r"one \.npy or \.safetensors for every video"):
        FeatureFolder.open(tmp_path)
    with pytest.raises(MissingArtifact, match=r"is not\. Bring it back"):
        FeatureFolder.open(tmp_path / "gone")
