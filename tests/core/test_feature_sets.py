"""Published folders of features: what they say becomes sessions, the rest is refused."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from core.errors import InvalidData, InvalidFile
from core.feature_sets import at_frame, read, recognise
from core.tasks.online_detection import frame_targets
from core.types import LabelledVideo, LabelSet, grid_us
from tests.core.frame_targets import LABELS, NAMES, RATE, write_data_set


@pytest.fixture
def data(tmp_path) -> Path:
    return write_data_set(tmp_path / "TOY", train=2, test=1)


def say(root: Path, **entry) -> None:
    path = root / "data_info.json"
    said = json.loads(path.read_text())[root.name]
    path.write_text(json.dumps({root.name: {**said, **entry}}))


def target_of(root: Path, name: str = "video_train_0000") -> Path:
    return root / "target_perframe" / f"{name}.npy"


def only(root: Path, name: str = "video_train_0000"):
    (found,) = [s for s in read(root, "frame_targets").sessions if s.name == name]
    return found


def test_a_data_set_is_read_with_classes_splits_and_rate(data):
    found = read(data, recognise(data) or "")
    assert (found.name, found.classes) == ("TOY rgb_resnet", LABELS)
    assert (found.features.rate, found.features.width) == (RATE, 32)
    assert [s.split for s in found.sessions] == ["test", "train", "train"]
    assert (found.missing, found.faults, found.notes) == ((), (), ())


def test_every_frame_keeps_its_class(data):
    session = only(data)
    target = np.load(target_of(data))
    end = at_frame(session.frames, RATE)
    video = LabelledVideo(session.name, session.path, "", end, session.segments, session.ignored)
    dense = frame_targets(video, grid_us(end, RATE), LabelSet(LABELS))
    expected = target[:, :5].argmax(axis=1)
    expected[target[:, 5] == 1] = -100
    alone = target.sum(axis=1) == 1
    np.testing.assert_array_equal(dense[alone], expected[alone])


def test_things_at_once_become_overlapping_segments(data):
    at_once = [(s.start_us, s.end_us) for s in only(data).segments
               if s.start_us <= 10_000_000 and s.end_us >= 11_000_000]  # fmt: skip
    assert len(at_once) == 2


def test_the_ambiguous_becomes_an_ignored_span(data):
    assert only(data).ignored == ((5_000_000, 6_000_000),)


def test_indices_mean_the_same_as_one_hot_rows(data):
    path = target_of(data)
    target = np.load(path)
    target[40:44] = np.eye(6)[2]
    np.save(path, target)
    marked = only(data)
    np.save(path, target.argmax(axis=1))
    assert only(data).segments == marked.segments
    assert only(data).ignored == marked.ignored


def test_a_negative_ignored_index_is_an_ignored_span(data):
    say(data, ignore_index=-100)
    indices = np.zeros(80, np.int64)
    indices[:4], indices[8:12] = -100, 3
    np.save(target_of(data), indices)
    assert only(data).ignored == ((0, 1_000_000),)
    assert [s.label for s in only(data).segments] == ["stir tea"]


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32])
def test_marks_may_have_any_type_of_numbers(data, dtype):
    before = only(data)
    np.save(target_of(data), np.load(target_of(data)).astype(dtype))
    assert only(data) == before


@pytest.mark.parametrize("rate", [1, 2.5, 4, 24, 29.97])
@pytest.mark.parametrize("frames", [1, 7, 1000])
def test_a_session_lasts_exactly_as_long_as_its_frames(rate, frames):
    assert len(grid_us(at_frame(frames, rate), rate)) == frames


@pytest.mark.parametrize("cut", [1, 2])
def test_frames_that_only_one_side_has_are_cut_and_said(data, cut):
    np.save(target_of(data), np.load(target_of(data))[:-cut])
    found = only(data)
    assert found.frames == 80 - cut
    assert found.note == f"{cut} frames of the features were cut"


BAD_TARGETS = {
    "a longer target": (lambda t: np.concatenate([t, t[:3]]), "83 frames for 80"),
    "a column too few": (lambda t: t[:, :5], r"\[frames, 6\].*\[80, 5\]"),
    "probabilities": (lambda t: t * 0.5, "0.5 occurs"),
    "NaN": (lambda t: np.where(t == 1, np.nan, 0), "nan occurs"),
    "an index too large": (lambda t: t.argmax(1) + 5, "0 to 5"),
    "a negative index": (lambda t: t.argmax(1) - 1, "-1 occurs"),
    "fractions as indices": (lambda t: t.argmax(1) * 1.0, "float64"),
    "three axes": (lambda t: t[None], r"\[1, 80, 6\]"),
}


@pytest.mark.parametrize("what", BAD_TARGETS)
def test_a_target_that_marks_nothing_known_is_a_fault(data, what):
    change, why = BAD_TARGETS[what]
    np.save(target_of(data), change(np.load(target_of(data))))
    (fault,) = read(data, "frame_targets").faults
    assert fault.name == "video_train_0000"
    with pytest.raises(InvalidData, match=why):
        raise fault.error
    assert fault.error.next_step


def test_a_session_that_is_only_named_is_no_fault_and_half_a_session_is(data):
    for path in data.glob("*/video_test_0002.npy"):
        path.unlink()
    target_of(data).unlink()
    found = read(data, "frame_targets")
    assert found.missing == ("video_test_0002",)
    (fault,) = found.faults
    assert "'video_train_0000' is not in 'target_perframe'" in fault.error.sentence


def test_one_file_describes_many_data_sets_and_the_folder_says_which(data):
    said = json.loads((data / "data_info.json").read_text())
    said |= {"THUMOS": {**said["TOY"], "fps": 30}, "note": "ours"}
    (data / "data_info.json").unlink()
    (data.parent / "data_info.json").write_text(json.dumps(said))
    assert read(data, "frame_targets").features.rate == RATE
    assert recognise(data.parent) == "frame_targets"
    assert read(data.parent / "data_info.json", "frame_targets").name == "TOY rgb_resnet"
    other = data.rename(data.parent / "else")
    with pytest.raises(InvalidFile, match="'else'; it names 'TOY', 'THUMOS'"):
        read(other, "frame_targets")


def test_one_of_several_sorts_of_features_is_chosen_by_naming_it(data):
    shutil.copytree(data / "rgb_resnet", data / "flow")
    shutil.copytree(data / "target_perframe", data / "verb_perframe")
    with pytest.raises(InvalidFile, match=r"'flow', 'rgb_resnet'.*Name the folder of features"):
        read(data, "frame_targets")
    assert recognise(data / "flow") == "frame_targets"
    assert read(data / "flow", "frame_targets").name == "TOY flow"


@pytest.mark.parametrize("keys", [("training", "val", "Testing"),
                                  ("train_session_set", "val_session_set", "test_session_set"),
                                  ("train_sessions", "validation_set", "test_videos")])  # fmt: skip
def test_splits_and_rate_have_many_names(data, keys):
    names = ["video_train_0000", "video_train_0001", "video_test_0002"]
    splits = {key: [name] for key, name in zip(keys, names, strict=True)}
    entry = {"class_names": NAMES, "FPS": 4, **splits}
    (data / "data_info.json").write_text(json.dumps({"TOY": entry}))
    found = {s.name: s.split for s in read(data, "frame_targets").sessions}
    assert found == dict(zip(names, ("train", "val", "test"), strict=True))


BAD_INFO = {
    "no rate": ({"fps": None}, "Features need their rate"),
    "no split": ({"train_session_set": 3}, "'train_session_set' must be a list"),
    "no names": ({"class_names": "Background"}, "must be a list of texts"),
    "a wrong count": ({"num_classes": 22}, "is 22 for 6"),
    "names written alike": ({"class_names": [*NAMES[:5], "pour_milk"]}, "both written 'pour milk'"),
    "only background": ({"class_names": ["Background"], "num_classes": 1}, "at least one action"),
    "a leak": ({"test_session_set": ["video_train_0000"]}, "'video_train_0000' is"),
}


@pytest.mark.parametrize("what", BAD_INFO)
def test_a_description_that_breaks_a_rule_is_refused(data, what):
    entry, why = BAD_INFO[what]
    say(data, **entry)
    with pytest.raises(InvalidData, match=why) as refused:
        read(data, "frame_targets")
    assert refused.value.next_step


def test_a_session_in_val_and_test_counts_as_test_and_is_said(data):
    say(data, val_session_set=["video_test_0002"])
    found = read(data, "frame_targets")
    assert only(data, "video_test_0002").split == "test"
    assert found.notes == ("1 sessions are in 'val' and in 'test': they count as 'test'.",)


def test_targets_without_their_description_are_refused(data):
    (data / "data_info.json").unlink()
    assert recognise(data) == "frame_targets"
    with pytest.raises(InvalidFile, match=r"need data_info\.json"):
        read(data, "frame_targets")


def test_plain_features_become_sessions_without_labels(tmp_path):
    for name in ("b", "a"):
        np.save(tmp_path / f"{name}.npy", np.ones((6, 2, 3), np.float16))
    np.save(tmp_path / "broken.npy", np.full((6, 2, 3), np.nan))
    (tmp_path / "features.json").write_text('{"fps": 2}')
    assert recognise(tmp_path) == "features"
    found = read(tmp_path, "features")
    assert [(s.name, s.frames, s.segments) for s in found.sessions] == [("a", 6, ()), ("b", 6, ())]
    assert (found.features.rate, found.features.tokens) == (2.0, 2)
    assert [fault.name for fault in found.faults] == ["broken"]


def test_a_folder_of_annotations_is_no_folder_of_features(tmp_path):
    (tmp_path / "labels.csv").write_text("video,start,end,label\n")
    assert recognise(tmp_path) is None
    np.save(tmp_path / "a.npy", np.ones((2, 3)))
    assert recognise(tmp_path) is None
    assert recognise(tmp_path / "labels.csv") is None
    (tmp_path / "labels.csv").unlink()
    assert recognise(tmp_path) == "features"  # and its missing rate is said
