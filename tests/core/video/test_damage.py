"""Damaged files keep what decodes, and say where they stop to be whole."""

import re
from dataclasses import replace

import av
import numpy as np
import pytest

from core.errors import UnreadableVideo
from core.types import grid_us
from core.video import make_proxy, sample
from core.video.facts import examine
from core.video.info import DEFAULT_LIMITS, Limits
from tests.core.video.clips import LONG, Clip, number_of

FAST_START = {"movflags": "faststart"}


def place_of(path, number):
    """Return position and size of the packet of frame `number`."""
    with av.open(str(path)) as container:
        packets = sorted((p for p in container.demux(video=0) if p.size), key=lambda p: p.pts)
        return packets[number].pos, packets[number].size


def cut(path, number):
    """Break a file off in the middle of frame `number`."""
    place, size = place_of(path, number)
    path.write_bytes(path.read_bytes()[: place + size // 2])
    return path


def wipe(path, number):
    """Replace the data of frame `number` by rot."""
    place, size = place_of(path, number)
    data = bytearray(path.read_bytes())
    data[place : place + size] = b"\xa5" * size
    path.write_bytes(data)
    return path


@pytest.mark.fault
def test_a_truncated_fast_start_file_keeps_its_beginning(tmp_path):
    path = cut(replace(Clip(), muxing=FAST_START).write(tmp_path / "a.mp4"), 20)
    info = examine(path, DEFAULT_LIMITS)
    assert info.health == "damaged"
    assert re.search(r"ends early: 2\d of 50 frames are there", info.health_reason)
    assert 600_000 < info.usable_us <= info.duration_us < 900_000


def test_frames_that_do_not_decode_do_not_count(tmp_path):
    path = cut(replace(Clip(), muxing=FAST_START).write(tmp_path / "a.mp4"), 20)
    info = examine(path, DEFAULT_LIMITS)
    taken = [number_of(image) for _, image in sample(path, info.pts_us)]
    assert taken == [time // 40_000 for time in info.pts_us.tolist()]
    assert len(taken) == info.frame_count < 50


@pytest.mark.fault
def test_rot_in_the_middle_is_passed_over(clip):
    info = examine(wipe(clip, 25), DEFAULT_LIMITS)
    assert info.health == "damaged"
    assert info.usable_us <= 25 * 40_000
    assert info.duration_us == 2_000_000
    # The next group of pictures is whole again.
    assert [number_of(i) for _, i in sample(clip, [400_000, 1_200_000])] == [10, 30]


@pytest.mark.fault
def test_what_is_said_to_be_lost_is_what_sampling_leaves_out(clip):
    info = examine(wipe(clip, 20), DEFAULT_LIMITS)
    taken = [time for time, _ in sample(clip, grid_us(2_000_000, 50))]
    assert sorted(set(taken)) == info.pts_us.tolist()
    assert 800_000 not in taken


@pytest.mark.fault
def test_a_lost_frame_does_not_move_those_after_it_where_there_are_no_pts(tmp_path):
    path = replace(Clip(), options={"g": "10", "bf": "0"}).write(tmp_path / "a.avi")
    info = examine(wipe(path, 25), DEFAULT_LIMITS)
    assert info.frame_count == 49
    assert [number_of(i) for _, i in sample(path, [960_000, 1_200_000])] == [24, 30]


def test_a_truncated_matroska_file_misses_the_announced_end(tmp_path):
    info = examine(cut(LONG.write(tmp_path / "a.mkv"), 240), DEFAULT_LIMITS)
    assert info.health == "damaged"
    assert info.health_reason.startswith("The file ends early:")
    assert info.usable_us == info.duration_us < 30_000_000


def test_a_hole_in_a_container_ends_the_usable_span(tmp_path):
    path = LONG.write(tmp_path / "a.mkv")
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 3000] = bytes(3000)
    path.write_bytes(data)
    info = examine(path, DEFAULT_LIMITS)
    assert "damaged at" in info.health_reason
    assert 10_000_000 < info.usable_us < 30_000_000 < info.duration_us


def test_a_recording_that_begins_in_the_middle_is_good(tmp_path):
    path = LONG.write(tmp_path / "a.ts")
    path.write_bytes(path.read_bytes()[188 * 100 :])
    info = examine(path, DEFAULT_LIMITS)
    assert (info.health, info.pts_us[0]) == ("good", 0)
    ((_, first),) = sample(path, [0])
    assert number_of(first) % 10 == 0  # a key frame


def test_places_find_the_lost_end_of_a_long_video(tmp_path):
    path = cut(replace(LONG, muxing=FAST_START).write(tmp_path / "a.mp4"), 280)
    whole, places = examine(path, DEFAULT_LIMITS), examine(path, Limits(whole_pixels=0))
    assert places.health == whole.health == "damaged"
    assert np.array_equal(places.pts_us, whole.pts_us)


def test_a_doubtful_place_has_a_video_decoded_whole(tmp_path):
    path = wipe(LONG.write(tmp_path / "a.mp4"), 1)
    pixels = 80 * 48 * 400
    whole = examine(path, DEFAULT_LIMITS)
    assert whole.health == "damaged"
    assert examine(path, Limits(whole_pixels=pixels // 2)) == whole


def test_a_damaged_file_needs_a_proxy_that_plays_the_rest(tmp_path, clip):
    info = examine(wipe(clip, 25), DEFAULT_LIMITS)
    assert not info.playable
    make_proxy(clip, tmp_path / "proxy.mp4")
    proxy = examine(tmp_path / "proxy.mp4", DEFAULT_LIMITS)
    assert (proxy.health, proxy.playable) == ("good", True)
    assert np.array_equal(proxy.pts_us, info.pts_us)


def test_a_file_of_which_nothing_decodes_is_unreadable(tmp_path):
    path = replace(Clip(), times_ms=(0, 40), options={"bf": "0"}).write(tmp_path / "a.mp4")
    for number in (0, 1):
        wipe(path, number)
    with pytest.raises(UnreadableVideo, match="a frame that decodes"):
        examine(path, DEFAULT_LIMITS)
