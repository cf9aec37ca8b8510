"""The filmstrip: every tile shows its own time of the video, whatever the way to it."""

import io

import numpy as np
import pytest
from PIL import Image

from core.errors import Stopped
from core.video import strip
from core.video.strip import HEIGHT, MAX_TILES, Grid, filmstrip, grid_of
from tests.core.video.clips import LONG, Clip, number_of


def tiles(data: bytes, grid: Grid) -> list[np.ndarray]:
    """Cut the image of a filmstrip into its tiles."""
    image = np.asarray(Image.open(io.BytesIO(data)))
    assert image.shape == (grid.rows * grid.height, grid.columns * grid.width, 3)
    places = (divmod(k, grid.columns) for k in range(grid.count))
    high, wide = grid.height, grid.width
    return [image[y * high : (y + 1) * high, x * wide : (x + 1) * wide] for y, x in places]


def test_a_tile_shows_the_middle_of_its_time(clip):
    grid = grid_of((160, 96), 50)
    shown = [number_of(tile) for tile in tiles(filmstrip(clip, 2_000_000, grid), grid)]
    assert shown == list(range(50))


def test_fewer_tiles_show_the_frames_in_the_middle_of_each_part(clip):
    grid = Grid(count=5, columns=3, width=90)
    shown = [number_of(tile) for tile in tiles(filmstrip(clip, 2_000_000, grid), grid)]
    assert shown == [5, 15, 25, 35, 45]


def test_tiles_that_are_seconds_apart_are_reached_by_jumps(long_clip, monkeypatch):
    monkeypatch.setattr(strip, "sample", None)  # nothing is read through
    grid = Grid(count=16, columns=12, width=90)
    shown = [number_of(tile) for tile in tiles(filmstrip(long_clip, 40_000_000, grid), grid)]
    assert all(k * 25 <= number < (k + 1) * 25 for k, number in enumerate(shown))


@pytest.mark.parametrize("name", ["video.avi", "video.ts", "video.mkv"])
def test_where_jumps_mislead_the_file_is_read_through(tmp_path, name):
    path = LONG.write(tmp_path / name)
    grid = Grid(count=16, columns=12, width=90)
    shown = [number_of(tile) for tile in tiles(filmstrip(path, 40_000_000, grid), grid)]
    assert all(k * 25 <= number < (k + 1) * 25 for k, number in enumerate(shown))


def test_a_video_with_one_key_frame_shows_its_own_time_in_every_tile(tmp_path):
    path = Clip(LONG.times_ms, options={"g": "999"}).write(tmp_path / "one.mp4")
    grid = Grid(count=16, columns=12, width=90)
    shown = [number_of(tile) for tile in tiles(filmstrip(path, 40_000_000, grid), grid)]
    assert all(k * 25 <= number < (k + 1) * 25 for k, number in enumerate(shown))


def test_tiles_are_upright(tmp_path):
    path = Clip(rotation=90).write(tmp_path / "turned.mov")
    grid = grid_of((160, 96), 50)
    shown = [number_of(tile) for tile in tiles(filmstrip(path, 2_000_000, grid), grid)]
    assert shown == list(range(50))


@pytest.mark.parametrize(
    ("size", "frames", "expected"),
    [
        ((1920, 1080), 9000, Grid(MAX_TILES, 12, 96)),
        ((1080, 1920), 9000, Grid(MAX_TILES, 12, 30)),
        ((4000, 10), 3, Grid(3, 3, 4 * HEIGHT)),
        ((1, 900), 0, Grid(1, 1, 1)),
    ],
)
def test_the_grid_follows_the_shape_of_the_video(size, frames, expected):
    assert grid_of(size, frames) == expected


def test_a_filmstrip_stops_when_it_is_asked_to(clip):
    with pytest.raises(Stopped):
        filmstrip(clip, 2_000_000, grid_of((160, 96), 50), report=lambda p: p.done == 3)
