"""A proxy is the same video on the same clock, in a form that every browser plays."""

from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest

from core.errors import Stopped, UnreadableVideo
from core.video import frame_at, make_proxy, sample
from core.video.facts import examine
from core.video.info import DEFAULT_LIMITS
from tests.core.video.clips import VARIABLE, Clip, number_of


@pytest.mark.fault
def test_every_frame_keeps_its_time(copied, found, layout):
    _, info = copied(layout)
    assert info.pts_us.tolist() == layout.clip.times_us
    assert abs(info.duration_us - found(layout).duration_us) <= 1


@pytest.mark.fault
def test_a_proxy_plays_upright_from_zero(copied, layout):
    _, info = copied(layout)
    assert (info.playable, info.offset_us, info.rotation) == (True, 0, 0)
    assert (info.codec, info.pixel_format) == ("h264", "yuv420p")
    assert (info.width, info.height) == (round(160 * (layout.clip.aspect or 1)) // 2 * 2, 96)


def test_each_frame_shows_the_same_picture(written, copied, layout):
    (target, info), times = copied(layout), layout.clip.times_us
    assert [number_of(i) for _, i in sample(target, times)] == list(range(len(times)))
    (_, original), (_, copy) = frame_at(written(layout), times[7]), frame_at(target, times[7])
    assert np.abs(copy.astype(int) - original[: info.height, : info.width]).mean() < 5


def test_key_frames_come_every_15_frames(clip, tmp_path):
    make_proxy(clip, tmp_path / "proxy.mp4")
    with av.open(str(tmp_path / "proxy.mp4")) as container:
        keys = [i for i, p in enumerate(container.demux(video=0)) if p.size and p.is_keyframe]
    assert keys == [0, 15, 30, 45]


def test_a_large_picture_is_shrunk_into_the_bound(clip, tmp_path):
    make_proxy(clip, tmp_path / "proxy.mp4", bound=(100, 100))
    info = examine(tmp_path / "proxy.mp4", DEFAULT_LIMITS)
    assert (info.width, info.height) == (100, 60)


def test_sound_stays_with_its_picture(tmp_path):
    """Pictures begin at 1 s, sound at 1.5 s: half a second later, also in the proxy."""
    times = tuple(range(1000, 3000, 40))
    loud = replace(Clip(), times_ms=times, sound_from_ms=1500).write(tmp_path / "loud.mp4")
    make_proxy(loud, tmp_path / "proxy.mp4")
    with av.open(str(tmp_path / "proxy.mp4")) as container:
        heard = [(f.time, np.abs(f.to_ndarray()).max()) for f in container.decode(audio=0)]
    begins = next(time for time, loudness in heard if loudness > 0.1)
    assert begins == pytest.approx(0.5, abs=0.05)


def test_progress_reaches_the_end(clip, tmp_path):
    heard = []
    make_proxy(clip, tmp_path / "proxy.mp4", report=heard.append)
    assert [progress.done for progress in heard] == sorted(progress.done for progress in heard)
    assert heard[-1].done == heard[-1].total


def test_stopping_leaves_nothing_behind(long_clip, tmp_path):
    folder = tmp_path / "proxies"
    written = []

    def report(progress):
        written.append(len(list(folder.iterdir())))
        return progress.done > 20_000_000

    with pytest.raises(Stopped):
        make_proxy(long_clip, folder / "proxy.mp4", report=report)
    assert written[-1] == 1
    assert list(folder.iterdir()) == []


def test_a_failure_keeps_the_proxy_that_was_there(tmp_path):
    target, broken = tmp_path / "proxy.mp4", tmp_path / "broken.mp4"
    target.write_text("the old one")
    broken.write_text("no video")
    with pytest.raises(UnreadableVideo):
        make_proxy(broken, target)
    assert target.read_text() == "the old one"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["broken.mp4", "proxy.mp4"]


@pytest.mark.fault
def test_odd_sizes_lose_a_row_and_a_column(tmp_path):
    odd = replace(VARIABLE, size=(161, 97), pixels="yuv444p", aspect=Fraction(1))
    make_proxy(odd.write(tmp_path / "odd.mp4"), tmp_path / "proxy.mp4")
    info = examine(tmp_path / "proxy.mp4", DEFAULT_LIMITS)
    assert (info.width, info.height, info.playable) == (160, 96, True)
