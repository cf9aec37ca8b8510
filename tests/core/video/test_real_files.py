"""Difficult files of other projects, each with what must be found in it."""

import json
from functools import cache
from itertools import permutations

import numpy as np
import pytest
from PIL import Image

from core.errors import UnreadableVideo
from core.types import grid_us
from core.video import frame_at, make_proxy, probe, sample
from core.video.cuts import SIZE, find_cuts, shot_cuts

pytestmark = pytest.mark.realdata

# name: container, codec, frames, (width, height), rotation, constant, offset in µs, playable
GOOD = {
    "decord_flipping_a_pancake.mkv": ("matroska", "h264", 310, (426, 240), 0, True, 0, False),
    "decord_video_90.mov": ("mov", "h264", 3, (320, 568), 90, True, 0, True),
    "decord_video_180.mov": ("mov", "h264", 3, (568, 320), 180, True, 0, True),
    "gradio_av1-video.mp4": ("mp4", "av1", 375, (960, 540), 0, True, 0, True),
    "gradio_bad_video_sample.mp4": ("mp4", "mpeg4", 15, (50, 50), 0, True, 0, False),
    "gradio_playable_but_bad_container.mkv": ("ogg", "theora", 150, (480, 270), 0, True, 0, False),
    "gradio_video_sample.webm": ("webm", "vp9", 150, (480, 270), 0, True, 7000, True),
    "hiera_goat.mp4": ("mp4", "mpeg4", 150, (256, 256), 0, True, 0, False),
    "moviepy___temp__.mp4": ("mp4", "h264", 5, (1, 1), 0, True, 0, False),
    "moviepy_media_-video-with-dash-.mp4": ("mp4", "h264", 5, (1, 1), 0, True, 0, False),
    "moviepy_media_fire2.mp4": ("mp4", "h264", 25, (1280, 720), 180, False, 0, True),
    "moviepy_media_no_duration.webm": ("webm", "vp9", 74, (1280, 720), 0, False, 0, True),
    "spotlight_sea-360p.avi": ("avi", "h264", 152, (640, 360), 0, True, 0, False),
    "spotlight_sea-360p.mpg": ("mpeg", "mpeg1video", 153, (640, 360), 0, True, 533_366, False),
    "torchcodec_h264_10bits.mp4": ("mp4", "h264", 30, (200, 200), 0, True, 0, False),
    "torchcodec_h265_video.mp4": ("mp4", "hevc", 10, (128, 128), 0, True, 0, False),
    "torchcodec_nasa_13013.mp4": ("mp4", "h264", 390, (480, 270), 0, True, 0, False),
    "torchcodec_var_fps_video.mp4": ("mp4", "h264", 300, (128, 128), 0, False, 0, False),
}  # fmt: skip
DAMAGED = {"decord_corrupted.mp4"}
UNREADABLE = {
    "moviepy_first_vid.mp4": "must have pictures",
    "moviepy_media_doc_medias_result.webm": "must not be empty",
    "spotlight_audio_only_gs-16b-2c-44100hz.mp4": "must have pictures",
}


@pytest.fixture(scope="module")
def odd(realdata):
    return realdata / "odd_videos"


@pytest.fixture(scope="module")
def found(odd):
    """Return what is found in a file; each is probed once."""
    return cache(lambda name: probe(odd / name))


def published_us(path):
    frames = json.loads(path.read_text())
    return np.array([round(float(frame["pts_time"]) * 1e6) for frame in frames])


def test_every_file_has_an_expected_outcome(odd):
    files = {path.name for path in odd.iterdir() if path.suffix != ".json"}
    assert files == {*GOOD, *DAMAGED, *UNREADABLE}


@pytest.mark.parametrize("name", GOOD)
def test_good_files_have_these_facts(found, name):
    info = found(name)
    assert GOOD[name] == (
        info.container, info.codec, info.frame_count, (info.width, info.height),
        info.rotation, info.timing == "constant", info.offset_us, info.playable,
    )  # fmt: skip
    assert (info.health, info.usable_us) == ("good", info.duration_us)


@pytest.mark.parametrize("name", UNREADABLE)
def test_unreadable_files_say_why(odd, name):
    with pytest.raises(UnreadableVideo, match=UNREADABLE[name]):
        probe(odd / name)


def test_one_of_fifty_packets_does_not_decode(found):
    info = found("decord_corrupted.mp4")
    assert (info.health, info.frame_count, info.playable) == ("damaged", 49, False)
    assert info.usable_us < info.duration_us == 5_000_000


def test_timestamps_are_the_published_ones(odd, found):
    """Of two video tracks the better is taken, which the other project calls stream 3."""
    name = "torchcodec_nasa_13013.mp4"
    truth = published_us(odd / f"{name}.stream3.all_frames_info.json")
    info = found(name)
    assert np.abs(info.pts_us - truth).max() <= 1
    assert info.duration_us == 13_013_000


def test_sampled_frames_are_the_last_at_or_before_the_published_times(odd):
    name = "torchcodec_nasa_13013.mp4"
    truth = published_us(odd / f"{name}.stream3.all_frames_info.json")
    times = grid_us(13_013_000, 4)
    taken = np.array([time for time, _ in sample(odd / name, times, size=(64, 64))])
    assert np.abs(taken - truth[np.searchsorted(truth, times, "right") - 1]).max() <= 1


@pytest.mark.parametrize("name", GOOD)
def test_what_is_found_is_what_sampling_gives(odd, found, name):
    info = found(name)
    taken = list(sample(odd / name, info.pts_us, size=(64, 64)))
    assert [time for time, _ in taken] == info.pts_us.tolist()
    assert frame_at(odd / name, 0)[1].shape == (info.height, info.width, 3)


def test_frames_of_an_avi_file_come_at_even_times(found):
    """FFmpeg makes presentation times up that run back; the rate in the header is doubled."""
    info = found("spotlight_sea-360p.avi")
    assert set(np.diff(info.pts_us).tolist()) <= {33_366, 33_367}
    assert info.fps == pytest.approx(29.97, abs=0.01)


@pytest.mark.parametrize("name", ["torchcodec_h265_video.mp4", "spotlight_sea-360p.avi"])
def test_proxies_keep_the_clock(odd, found, tmp_path, name):
    make_proxy(odd / name, tmp_path / "proxy.mp4")
    info = probe(tmp_path / "proxy.mp4")
    assert info.playable
    assert np.array_equal(info.pts_us, found(name).pts_us)


def test_phone_clips_are_good_and_variable(realdata):
    clips = sorted((realdata / "gmdcsa24").glob("*/*/*.mp4"))
    found = {str(path): probe(path) for path in clips}
    assert len(found) == 9
    for info in found.values():
        assert (info.health, info.timing) == ("good", "variable")
        assert 3_000_000 < info.duration_us < 13_000_000


def test_phone_clips_are_played_themselves_where_their_frames_are_not_reordered(realdata):
    """Of the first phone's clips Chromium shows 3 to 5 frames wrong, of the second's none."""
    clips = sorted((realdata / "gmdcsa24").glob("*/*/*.mp4"))
    for path in clips:
        assert probe(path).playable is ("Subject_2" in path.parts)


def test_only_the_film_with_two_shots_has_a_cut(realdata, odd):
    """At 8.008 s, from a person before a mirror to a wide view; all others are one shot."""
    films = [*(realdata / "gmdcsa24").glob("*/*/*.mp4"), *(odd / n for n in GOOD)]
    found = {path.name: shot_cuts(path).tolist() for path in films}
    assert {name for name, cuts in found.items() if cuts} == {"torchcodec_nasa_13013.mp4"}
    assert found["torchcodec_nasa_13013.mp4"] == [8_008_000]


def test_the_cut_between_two_real_films_is_found(odd, realdata):
    rooms = [realdata / "gmdcsa24" / f"Subject_{n}" / "Fall" / "13.mp4" for n in (1, 2)]
    names = ["decord_flipping_a_pancake.mkv", "gradio_av1-video.mp4", "hiera_goat.mp4",
             "spotlight_sea-360p.avi", "gradio_video_sample.webm"]  # fmt: skip
    parts = [_beginning(path) for path in (*rooms, *(odd / name for name in names))]
    for before, after in permutations(parts, 2):
        film = [*before, *after]
        found = find_cuts((40_000 * k, picture) for k, picture in enumerate(film))
        assert found.tolist() == [40_000 * len(before)]


def _beginning(path):
    """Return small pictures of the first 1.6 seconds."""
    pictures = (picture for _, picture in sample(path, grid_us(1_600_000, 25), size=(160, 90)))
    return [np.asarray(Image.fromarray(picture).resize(SIZE)) for picture in pictures]
