"""Frames that nobody asks for are not decoded; what is taken is the same to the bit."""

from dataclasses import replace

import numpy as np
import pytest

from core.types import grid_us
from core.video import sample
from core.video.picture import Painter
from core.video.source import Source
from tests.core.video.clips import LONG, VARIABLE, Clip
from tests.core.video.test_damage import wipe

LEANING = "b-adapt=0:scenecut=0:bframes=3:b-pyramid=normal:keyint=50"


def coded(clip: Clip, parameters: str) -> Clip:
    return replace(clip, options={"x264-params": parameters})


def read_through(path, times_us):
    """The slow reference: decode all there is, then look for the last frame that is not later."""
    with Source(path) as source:
        painter = Painter(source.stream.sample_aspect_ratio)
        frames = [(time, painter.rgb(frame)) for time, frame in source.frames()]
    return [max((f for f in frames if f[0] <= t), default=frames[0]) for t in times_us]


def assert_same(path, times_us, threads=1):
    taken = list(sample(path, times_us, threads=threads))
    expected = read_through(path, times_us)
    assert [time for time, _ in taken] == [time for time, _ in expected]
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(taken, expected, strict=True))


@pytest.mark.parametrize("threads", [1, 0])
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize(
    "parameters",
    [LEANING, "bframes=0", "bframes=16:b-adapt=0:ref=16:b-pyramid=strict", "open-gop=1:keyint=12"],
)
def test_what_is_taken_is_the_same_to_the_bit(tmp_path, suffix, parameters, threads):
    rng = np.random.default_rng(0)
    for number, clip in enumerate((Clip(), VARIABLE, LONG)):
        path = coded(clip, parameters).write(tmp_path / f"{number}.{suffix}")
        end_us = clip.times_us[-1]
        for rate in (0.2, 2, 4, 20):
            assert_same(path, grid_us(end_us + 200_000, rate), threads)
        assert_same(path, np.sort(rng.integers(-100_000, end_us + 100_000, 9)), threads)


@pytest.mark.parametrize(("rate", "share"), [(1, 0.65), (2.5, 0.8), (10, 1.0)])
def test_frames_nobody_asks_for_are_not_decoded(tmp_path, rate, share):
    path = coded(LONG, LEANING).write(tmp_path / "a.mp4")  # half of its frames carry no other
    with Source(path, wanted_us=grid_us(40_000_000, rate).tolist()) as source:
        decoded = sum(1 for _ in source.frames())
    assert decoded <= share * 400
    assert decoded == 400 or share < 1


@pytest.mark.parametrize("number", range(9, 30))
def test_a_lost_frame_that_stood_for_others_brings_them_back(tmp_path, number):
    path = wipe(coded(Clip(), LEANING).write(tmp_path / "a.mp4"), number)
    for rate in (2, 4, 7):
        assert_same(path, grid_us(2_000_000, rate))
