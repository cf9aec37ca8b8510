"""The sampling rule: the last frame at or before each time, on the clock of the first frame."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from core.errors import UnreadableVideo
from core.types import grid_us
from core.video import frame_at, sample, thumbnail, write_mp4
from core.video.source import Source
from tests.core.video.clips import LONG, Clip, number_of, picture, show_only

LEGAL = tuple(range(0, 40_000, 40))
"""MPEG-2 has no 10 frames a second."""


def expected(clip, times_us):
    """The slow reference: look for the last frame that is not later."""
    return [max([i for i, t in enumerate(clip.times_us) if t <= time] or [0]) for time in times_us]


def numbers(path, times_us):
    return [number_of(image) for _, image in sample(path, times_us)]


@pytest.mark.fault
def test_each_time_gets_the_last_frame_at_or_before_it(written, layout):
    times = grid_us(2_200_000, 7.5)
    taken = list(sample(written(layout), times))
    frames = expected(layout.clip, times)
    assert [number_of(image) for _, image in taken] == frames
    assert [time for time, _ in taken] == [layout.clip.times_us[i] for i in frames]


def test_a_frame_a_microsecond_later_is_not_taken(clip):
    assert numbers(clip, [39_999, 40_000, 40_001]) == [0, 1, 1]


def test_frames_at_thirtieths_stand_on_the_grid_of_30(tmp_path):
    """Rounded up, 66,666.7 microseconds would be later than the grid's 66,666."""
    path = tmp_path / "a.mp4"
    write_mp4(path, (picture(i) for i in range(30)), 30)
    assert numbers(path, grid_us(1_000_000, 30)) == list(range(30))


def test_times_outside_get_the_first_and_the_last_frame(clip):
    before, after = sample(clip, [-5_000_000, 90_000_000])
    assert (before[0], number_of(before[1])) == (0, 0)
    assert (after[0], number_of(after[1])) == (1_960_000, 49)


def test_a_frame_shown_twice_is_drawn_once(clip):
    pictures = [image for _, image in sample(clip, [0, 10_000, 39_999, 40_000])]
    assert pictures[0] is pictures[1] is pictures[2]
    assert pictures[3] is not pictures[2]


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "ts", "flv", "avi"])
def test_sparse_times_get_the_frames_that_reading_on_gives(tmp_path, suffix):
    path = LONG.write(tmp_path / f"long.{suffix}")
    rng = np.random.default_rng(0)
    for count in (1, 2, 5, 9):
        times = np.sort(rng.integers(0, 41_000_000, count))
        assert numbers(path, times) == expected(LONG, times)


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("open.mp4", "libx264", {"x264-params": "open-gop=1:keyint=10:bframes=3"}),
        ("refresh.mp4", "libx264", {"x264-params": "intra-refresh=1:keyint=10"}),
        ("refresh.ts", "libx264", {"x264-params": "intra-refresh=1:keyint=10"}),
        ("long groups.ts", "libx264", {"g": "150", "bf": "2"}),
        ("mpeg2.ts", "mpeg2video", {"g": "10", "bf": "2"}),
        ("part 2.ts", "mpeg4", {"g": "100"}),
        ("open.hevc.mp4", "libx265", {"x265-params": "open-gop=1:keyint=10:log-level=none"}),
    ],
)
def test_jumps_are_exact_where_pictures_lean_on_earlier_ones(tmp_path, name, codec, options):
    leaning = replace(LONG, times_ms=LEGAL, codec=codec, options=options)
    path = leaning.write(tmp_path / name)
    times = [100_000, 13_000_000, 13_070_000, 25_900_000, 39_950_000]
    assert numbers(path, times) == expected(leaning, times)


def test_a_far_time_is_reached_from_the_key_frame_before_it(long_clip):
    with Source(long_clip) as source:
        now_us, _ = next(source.frames())
        jumped = source.jump(now_us, 35_450_000)
        assert jumped is not None
        assert next(jumped)[0] == 35_000_000


def test_a_near_time_is_reached_by_reading_on(long_clip):
    with Source(long_clip) as source:
        now_us, _ = next(source.frames())
        assert source.jump(now_us, 1_700_000) is None


@pytest.mark.fault
def test_the_clock_starts_at_the_first_frame_that_an_edit_list_shows(clip):
    show_only(clip, 400, 2000)
    taken = [(time, number_of(image)) for time, image in sample(clip, [0, 400_000])]
    assert taken == [(0, 10), (400_000, 20)]


def test_stored_pictures_come_unturned_on_request(tmp_path):
    path = replace(Clip(), rotation=90).write(tmp_path / "turned.mp4")
    ((_, stored),) = sample(path, [120_000], rotation=False)
    ((_, upright),) = sample(path, [120_000])
    assert upright.shape == (96, 160, 3)
    assert np.array_equal(np.rot90(stored, -1), upright)


@pytest.mark.parametrize(
    ("bound", "size"), [((80, 80), (80, 48)), ((999, 24), (40, 24)), ((999, 999), (160, 96))]
)
@pytest.mark.parametrize("rotation", [0, 90])
def test_a_bound_shrinks_the_displayed_picture_and_keeps_its_shape(tmp_path, bound, size, rotation):
    path = replace(Clip(), rotation=rotation).write(tmp_path / "clip.mp4")
    _, image = frame_at(path, 280_000, size=bound)
    assert image.shape == (size[1], size[0], 3)
    assert number_of(image) == 7


@pytest.mark.fault
def test_a_change_of_resolution_on_the_way_is_scaled_to_the_first(tmp_path):
    # The first part begins at 80 ms, to have room for its B-frames.
    small = replace(Clip(), times_ms=tuple(range(2080, 4080, 40)), size=(80, 48))
    path = Clip().write(tmp_path / "a.ts")
    path.write_bytes(path.read_bytes() + small.write(tmp_path / "b.ts").read_bytes())
    taken = [image for _, image in sample(path, [1_000_000, 3_000_000])]
    assert [image.shape for image in taken] == [(96, 160, 3)] * 2
    assert [number_of(image) for image in taken] == [25, 25]


def test_wide_pixels_are_made_square(written, layout):
    _, image = frame_at(written(layout), 0)
    aspect = layout.clip.aspect or 1
    assert image.shape[:2] == (96, round(160 * aspect))


def test_threads_change_nothing(clip):
    times = grid_us(2_000_000, 10)
    assert all(
        a[0] == b[0] and np.array_equal(a[1], b[1])
        for a, b in zip(sample(clip, times), sample(clip, times, threads=0), strict=True)
    )


def test_a_thumbnail_is_a_jpeg_of_the_frame_at_that_time(clip):
    image = Image.open(io.BytesIO(thumbnail(clip, 840_000, 100)))
    assert (image.format, image.size) == ("JPEG", (100, 60))
    assert number_of(np.asarray(image)) == 21


def test_times_must_ascend(clip):
    with pytest.raises(AssertionError, match="ascend"):
        next(sample(clip, [2, 1]))


@pytest.mark.fault
def test_a_file_that_is_no_video_is_refused(tmp_path):
    path = tmp_path / "notes.mp4"
    path.write_text("buy sugar")
    with pytest.raises(UnreadableVideo, match=r"'notes\.mp4'"):
        frame_at(path, 0)
