"""Videos to measure with: textured, moving, grainy; each frame carries its number in blocks."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image

FPS = 30
SIZE = (1280, 720)
"""Width and height."""

_BITS = 12
_BLOCK = 80  # pixels on a side
_GRAIN = 12


def write_numbered(path: Path, frames: Sequence[int], begin: int = 0) -> None:
    """Write H.264 in mp4, as x264 does by default: frame `n` is shown at n / 30 s.

    Args:
        path: The file.
        frames: Ascending numbers of the frames that it has, from 0; gaps make the rate vary.
        begin: Where on its way the camera begins, in frames.
    """
    rng = np.random.default_rng(0)
    width, height = SIZE
    world = _world(rng)
    grain = rng.integers(0, _GRAIN, (height + 64, width + 64), np.uint8)
    with av.open(str(path), "w") as output:
        options = {"preset": "veryfast", "crf": "23"}
        stream = cast(VideoStream, output.add_stream("libx264", rate=FPS, options=options))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in frames:
            # A camera that circles over the world.
            turn = (begin + number) / 95
            x, y = int(width / 2 * (1 + np.cos(1.3 * turn))), int(height / 2 * (1 + np.sin(turn)))
            right, down = rng.integers(0, 64, 2)
            luma = world[y : y + height, x : x + width]
            luma = luma + grain[down : down + height, right : right + width]
            for bit in range(_BITS):
                here = slice(bit * _BLOCK, (bit + 1) * _BLOCK)
                luma[:_BLOCK, here] = 235 if number >> bit & 1 else 16
            colour = world[y // 2 : y // 2 + height // 2, x // 2 : x // 2 + width // 2] // 2 + 70
            planes = np.concatenate([luma.ravel(), colour.ravel(), 255 - colour.ravel()])
            frame = VideoFrame.from_ndarray(planes.reshape(-1, width), format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            output.mux(stream.encode(frame))
        output.mux(stream.encode())


def number_in(picture: NDArray[np.uint8]) -> int:
    """Return the number that a frame carries, from a picture [h, w, 3] of any size."""
    side = _BLOCK * picture.shape[1] / SIZE[0]
    rows = slice(int(side * 0.3), int(side * 0.7) + 1)
    number = 0
    for bit in range(_BITS):
        columns = slice(int(side * (bit + 0.3)), int(side * (bit + 0.7)) + 1)
        number |= int(picture[rows, columns].mean() > 120) << bit
    return number


def _world(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return a texture of twice the size, coarse and fine, from 25 to 185."""
    width, height = 2 * SIZE[0], 2 * SIZE[1]
    total = np.full((height, width), 25, np.float32)
    for cell, contrast in ((4, 20), (16, 60), (80, 80)):
        drawn = Image.fromarray(rng.integers(0, 256, (height // cell, width // cell), np.uint8))
        wide = drawn.resize((width, height), Image.Resampling.BICUBIC)
        total += np.asarray(wide, np.float32) * (contrast / 255)
    return total.astype(np.uint8)
