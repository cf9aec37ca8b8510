"""Written videos are read back frame by frame, and appear whole or not at all."""

import av
import numpy as np
import pytest

from core.errors import InvalidData
from core.types import grid_us
from core.video import sample, write_mp4
from core.video.facts import examine
from core.video.info import DEFAULT_LIMITS
from tests.core.video.clips import number_of, picture


@pytest.fixture
def film(tmp_path):
    path = tmp_path / "folder" / "film.mp4"
    write_mp4(path, (picture(i) for i in range(40)), 12)
    return path


def test_what_was_written_is_read_back(film):
    taken = list(sample(film, grid_us(40_000_000 // 12, 12)))
    assert [number_of(image) for _, image in taken] == list(range(40))
    errors = [np.abs(image.astype(int) - picture(i)).mean() for i, (_, image) in enumerate(taken)]
    assert max(errors) < 4


def test_it_plays_in_browsers_at_its_rate_from_zero(film):
    info = examine(film, DEFAULT_LIMITS)
    assert (info.playable, info.offset_us, info.fps, info.timing) == (True, 0, 12.0, "constant")
    assert info.pts_us.tolist() == [k * 1_000_000 // 12 for k in range(40)]


def test_colours_survive(tmp_path):
    colours = [(200, 40, 40), (40, 200, 40), (40, 40, 200), (200, 200, 40)]
    frames = [np.full((64, 64, 3), colour, np.uint8) for colour in colours]
    write_mp4(tmp_path / "a.mp4", frames, 4)
    taken = sample(tmp_path / "a.mp4", grid_us(1_000_000, 4))
    for (_, image), colour in zip(taken, colours, strict=True):
        assert np.abs(image.mean(axis=(0, 1)) - colour).max() < 6


def test_a_film_begins_with_its_index_and_has_short_groups(film):
    data = film.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(film)) as container:
        keys = [i for i, p in enumerate(container.demux(video=0)) if p.size and p.is_keyframe]
    assert keys == [0, 15, 30]


def test_a_failing_source_of_frames_leaves_nothing(tmp_path):
    def frames():
        yield from (picture(i) for i in range(100))
        assert list(tmp_path.iterdir()) != []
        raise RuntimeError("the renderer failed")

    with pytest.raises(RuntimeError, match="renderer"):
        write_mp4(tmp_path / "a.mp4", frames(), 12)
    assert list(tmp_path.iterdir()) == []


def test_a_film_needs_a_frame(tmp_path):
    with pytest.raises(InvalidData, match="at least one frame"):
        write_mp4(tmp_path / "a.mp4", [], 12)
    assert list(tmp_path.iterdir()) == []


def test_the_same_frames_give_the_same_file(film, tmp_path):
    write_mp4(tmp_path / "again.mp4", (picture(i) for i in range(40)), 12)
    assert (tmp_path / "again.mp4").read_bytes() == film.read_bytes()
