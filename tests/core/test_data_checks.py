"""What a sceptic finds in labelled data before anything is trained."""

from dataclasses import replace

import numpy as np
import pytest

from core.data_checks import data_checks
from core.run_folder import load_run
from core.training import train
from core.training_data import TrainingData
from core.types import FrameFeatures, LabelledVideo, Segment
from tests.core.conftest import toy_video
from tests.core.test_ladder import LABELS, config


def shown(**splits) -> str:
    return "\n".join(data_checks(splits, {}))


def many(count: int, first: int = 0):
    return [toy_video(f"{i}.mp4", seed=i) for i in range(first, first + count)]


def test_good_data_needs_no_word():
    assert shown(train=many(4), val=many(2, 30), test=many(2, 20)) == ""


@pytest.mark.fault
def test_one_file_in_two_splits_is_a_leak():
    (video, features), *_ = train = many(3)
    copied = (replace(video, name="copy.mp4", split="test"), features)
    assert "Leak: 1 videos are in two splits: 0.mp4 (train) and copy.mp4 (test)." in shown(
        train=train, test=[copied, *many(2, 20)]
    )


@pytest.mark.fault
def test_a_clip_cut_out_of_a_training_video_is_a_leak():
    (video, features), *_ = train = many(3)
    segment = video.segments[1]
    first = segment.start_us // 250_000
    noise = np.random.default_rng(1).normal(0, 0.002, features.features.shape)  # encoded again
    values = (features.features + noise).astype(np.float16)[first:]
    times = features.time_us[: len(values)]
    moved = Segment(0, segment.end_us - segment.start_us, segment.label)
    clip = LabelledVideo("clip.mp4", video.path, "c" * 64, int(times[-1]), (moved,))
    said = shown(train=train, test=[(clip, FrameFeatures(values, times, times)), *many(2, 20)])
    assert "Leak: 1 segments of 'test' look the same as one of 'train'" in said
    assert f"'{segment.label}' at {segment.start_us / 1e6:.1f} s of 0.mp4 (train)" in said


@pytest.mark.fault
def test_small_and_lopsided_splits_are_named():
    (video, features), other = toy_video("a.mp4", seed=1), toy_video("b.mp4", seed=2)
    salt = tuple(s for s in video.segments if s.label == "add salt")
    stir = next(s for s in video.segments if s.label == "stir tea")
    said = shown(
        train=[(replace(video, segments=(*salt, stir)), features)],
        val=[(replace(video, segments=salt, content_hash="1"), features)] * 2,
        test=[(replace(other[0], segments=()), other[1])] * 2,
    )
    assert "Only one training segment: stir tea." in said
    assert "The split 'val' knows one class only: add salt." in said
    assert "The split 'test' has 2 videos, but no segment." in said
    assert "The split 'test' is one video" in shown(train=many(3), test=many(1, 9))


@pytest.mark.fault
def test_segments_that_no_frame_sees_and_labels_that_are_long_are_named():
    video, features = toy_video("a.mp4")
    between = Segment(10_000, 200_000, "add salt")
    given = [(replace(video, segments=(between, *video.segments)), features)]
    assert "1 segments lie between two frames" in shown(train=given)
    (said,) = data_checks({}, {"short": 3, "put the lid on the pan": 17, "longer still": 30})
    assert said.startswith("2 labels are written with more than 16 tokens ('longer still' with 30)")


@pytest.mark.training
def test_what_was_found_is_in_the_forecast_and_in_the_run(tiny_folder, tmp_path):
    told, train_videos = [], many(3)
    leaked = [(replace(train_videos[0][0], split="test"), train_videos[0][1])]
    given = TrainingData(LABELS, train_videos, test=leaked)
    train(config(tiny_folder, steps=1), given, tmp_path, forecast=told.append)
    assert any("Leak: 1 videos" in check for check in told[0].checks)
    assert any("Leak: 1 videos" in text for text in load_run(tmp_path).about["warnings"])
