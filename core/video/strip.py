"""The filmstrip of a video: small pictures at even times in one image, as a timeline shows them."""

import io
import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import Stopped
from core.types import SECOND, Progress, Report, nobody_listens
from core.video.frames import sample
from core.video.picture import Painter, Size
from core.video.source import Source

HEIGHT = 54
MAX_TILES = 120
_COLUMNS = 12
_WIDEST = 4 * HEIGHT
_SEEKING_US = 2 * SECOND  # tiles closer together are reached sooner by reading through
_MESSAGE = "Making a filmstrip"


@dataclass(frozen=True, slots=True)
class Grid:
    """How the tiles of a filmstrip lie in its image, row by row; sizes in pixels of one tile."""

    count: int
    columns: int
    width: int
    height: int = HEIGHT

    @property
    def rows(self) -> int:
        """How many rows of tiles the image has."""
        return math.ceil(self.count / self.columns)


def grid_of(size: Size, frames: int) -> Grid:
    """Return the grid for a video of a displayed size: no more tiles than it has frames."""
    width, height = size
    count = min(max(frames, 1), MAX_TILES)
    return Grid(count, min(count, _COLUMNS), min(max(1, round(HEIGHT * width / height)), _WIDEST))


def filmstrip(
    path: Path, duration_us: int, grid: Grid, *, report: Report = nobody_listens
) -> bytes:
    """Return a JPEG whose tile k shows the video at `(k + 0.5) / count` of its duration.

    Where tiles are seconds apart, a tile may show another frame of the time that it stands for, so
    that hours of video take seconds: the key frame before its middle, else its first frame.

    Args:
        path: The video file.
        duration_us: How long the video is.
        grid: How many tiles, and how large.
        report: Hears how many tiles are done; returning True stops.

    Raises:
        Stopped: `report` asked for it.
        UnreadableVideo: the file cannot be opened, or no frame of it decodes.
    """
    # Here, because probing starts a process that must not wait for Pillow.
    from PIL import Image

    image = Image.new("RGB", (grid.columns * grid.width, grid.rows * grid.height))
    for done, picture in enumerate(_pictures(path, duration_us, grid)):
        tile = Image.fromarray(picture).resize((grid.width, grid.height))
        row, column = divmod(done, grid.columns)
        image.paste(tile, (column * grid.width, row * grid.height))
        if report(Progress(done + 1, grid.count, _MESSAGE)):
            raise Stopped("The filmstrip")
    file = io.BytesIO()
    image.save(file, "JPEG", quality=80)
    return file.getvalue()


def _pictures(path: Path, duration_us: int, grid: Grid) -> Iterator[NDArray[np.uint8]]:
    """Yield one picture a tile; where seeking misleads, the file is read through from there on."""
    begun = 0
    if duration_us > grid.count * _SEEKING_US:
        with suppress(_Misled):
            for picture in _sought(path, duration_us, grid):
                yield picture
                begun += 1
    middles = [(2 * k + 1) * duration_us // (2 * grid.count) for k in range(begun, grid.count)]
    if middles:
        for _, picture in sample(path, middles, size=_bound(grid)):
            yield picture


class _Misled(Exception):
    """Seeking did not lead to the time that was sought."""


def _sought(path: Path, duration_us: int, grid: Grid) -> Iterator[NDArray[np.uint8]]:
    """Yield for each tile a frame of its time, after a jump to the key frame before its middle.

    Raises:
        _Misled: The jump led elsewhere.
    """
    with Source(path) as source:
        if not source.timed or next(source.frames(), None) is None:
            raise _Misled
        painter = Painter(source.stream.sample_aspect_ratio, bound=_bound(grid))
        edges = [k * duration_us // grid.count for k in range(grid.count + 1)]
        for start_us, end_us in pairwise(edges):
            frames = source.frames_from((start_us + end_us) // 2)
            found = next((shown for shown in frames if shown[0] >= start_us), None)
            if found is None or found[0] >= end_us:
                raise _Misled
            yield painter.rgb(found[1])


def _bound(grid: Grid) -> Size:
    return grid.width, grid.height
