"""What is watched live is sampled as a file is, whatever it comes through."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from core.errors import UnreadableVideo
from core.types import grid_us
from core.video import sample
from core.video.live import sampled, watch
from tests.core.video.clips import Clip

RATE = 4.0


def grid_of(path) -> list[np.ndarray]:
    times = grid_us(1_960_000, RATE)  # to the last frame of two seconds at 25 a second
    return [picture for _, picture in sample(path, times)]


def test_a_file_is_sampled_as_on_the_grid(clip):
    found = [*watch(str(clip), RATE)]
    assert [time_us for time_us, _ in found] == [*range(0, 1_960_000, 250_000)]
    for (_, picture), slow in zip(found, grid_of(clip), strict=True):
        np.testing.assert_array_equal(picture, slow)


def test_a_named_pipe_gives_what_the_file_gives(tmp_path):
    stream = Clip().write(tmp_path / "clip.ts")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(stream.read_bytes()))
    writer.start()
    found = [picture for _, picture in watch(str(pipe), RATE)]
    writer.join()
    np.testing.assert_array_equal(np.stack(found), np.stack(grid_of(stream)))


def test_standard_input_gives_what_the_file_gives(clip):
    script = (
        "from core.video.live import watch\nprint([(t, int(p.sum())) for t, p in watch('-', 4.0)])"
    )
    with clip.open("rb") as file:
        run = subprocess.run(
            [sys.executable, "-c", script], stdin=file, capture_output=True, text=True, check=True
        )
    expected = [(t, int(p.sum())) for t, p in watch(str(clip), RATE)]
    assert run.stdout.strip() == str(expected)


def test_a_sample_is_the_last_frame_that_is_not_later():
    rng = np.random.default_rng(0)
    times = np.unique(np.concatenate([[0], rng.integers(0, 5_000_000, 60)])).tolist()
    found = [*sampled(((t, t) for t in times), 7.0)]  # pyright: ignore
    grid = [k * 1_000_000 // 7 for k in range(40) if k * 1_000_000 // 7 <= times[-1]]
    assert found == [(at, max(t for t in times if t <= at)) for at in grid]


@pytest.mark.parametrize("where", ["/nowhere/at/all.mp4", "/dev/null"])
def test_what_is_no_video_is_said_to_be_none(where):
    with pytest.raises(UnreadableVideo, match="watched"):
        [*watch(where, RATE)]
