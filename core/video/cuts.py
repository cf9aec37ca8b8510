"""Shot cuts: where the picture is another one from one frame to the next, and stays so.

Two frames differ by how their colours are spread (histograms) and where they lie (the pictures
themselves, much shrunk), less where only the light changed (correlation). A cut is a difference
that stands out from those around it: moving cameras differ all the time. Frames on both sides of
a flash are alike, so it is none; neither is a fade, which has no first frame of the new shot.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import Stopped
from core.types import Progress, Report, nobody_listens
from core.video.picture import Painter
from core.video.source import Source

SIZE = (48, 27)
"""Width and height within which pictures are compared."""

_REACH = 6  # frames; a flash of one less is none
_AROUND = 15  # frames on either side with which a difference is compared
_LEAST = 0.14  # by how much two frames must differ more
_TIMES = 2.0  # than so many times the median around them
_SHARE = 0.7  # of the change from shortly before to shortly after; a fade is made of many steps
_WHOLE = 64.0  # grey levels by which two unrelated pictures differ
_BINS = 16
_CONTRAST = 4.0  # grey levels below which a picture has no structure to compare
_REPORT_EVERY = 100
_MESSAGE = "Looking for shot cuts"


def shot_cuts(
    path: Path, duration_us: int = 0, *, report: Report = nobody_listens
) -> NDArray[np.int64]:
    """Return when the first frame of each new shot of a video begins, in microseconds.

    Raises:
        Stopped: `report` asked for it.
        UnreadableVideo: the file cannot be opened.
    """
    return find_cuts(_small_pictures(path, duration_us, report))


def find_cuts(pictures: Iterable[tuple[int, NDArray[np.uint8]]]) -> NDArray[np.int64]:
    """Return the times of the pictures with which a new shot begins.

    Args:
        pictures: Ascending times, and small pictures of one size: RGB uint8 [h, w, 3].
    """
    times: list[int] = []
    rows: list[NDArray[np.float32]] = []
    before: deque[_Look] = deque(maxlen=_REACH)
    for time_us, picture in pictures:
        look = _Look(picture)
        times.append(time_us)
        rows.append(_differences(look, before))
        before.appendleft(look)
    if len(times) < 2:
        return np.empty(0, np.int64)
    differences, changes = np.stack(rows).transpose(2, 0, 1)
    sudden = changes[:, 0] > _SHARE * _across(changes)
    return np.array(times, np.int64)[sudden & _standing_out(_lasting(differences))]


def _small_pictures(
    path: Path, duration_us: int, report: Report
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    with Source(path) as source:
        painter = Painter(source.stream.sample_aspect_ratio, bound=SIZE)
        for count, (time_us, frame) in enumerate(source.frames()):
            if count % _REPORT_EVERY == 0 and report(
                Progress(time_us, max(duration_us, time_us), _MESSAGE)
            ):
                raise Stopped("Looking for shot cuts")
            yield time_us, painter.rgb(frame)


class _Look:
    """What is compared of a picture."""

    def __init__(self, picture: NDArray[np.uint8]) -> None:
        colours = picture.reshape(-1, 3).astype(np.float32)
        self.colours = colours
        self.spread = _histograms(colours)
        blocks = _pooled(picture.astype(np.float32))
        self.shape = blocks - blocks.mean()
        self.contrast = float(np.sqrt((self.shape**2).mean()))


def _pooled(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the means of blocks of three by three, which noise changes less than pixels."""
    height, width = (side - side % 3 for side in picture.shape[:2])
    if not height or not width:
        return picture
    return picture[:height, :width].reshape(height // 3, 3, width // 3, 3, 3).mean((1, 3))


def _histograms(colours: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how each channel is spread. Shape: [3 * bins], each channel sums to 1.

    A value between two bins counts in both, so that noise at their border changes nothing.
    """
    place = colours * ((_BINS - 1) / 255)
    low = np.minimum(place.astype(np.int64), _BINS - 2)
    part = place - low
    bins = low + np.arange(3) * _BINS
    size = 3 * _BINS
    found = np.bincount(bins.ravel(), (1 - part).ravel(), size)
    found += np.bincount(bins.ravel() + 1, part.ravel(), size)
    return (found / len(colours)).astype(np.float32)


def _differences(look: _Look, before: Iterable[_Look]) -> NDArray[np.float32]:
    """Return how a picture differs from those before it, the nearest first; infinite: none.

    Shape: [reach, 2], the difference from 0 to 1 and the mean change of a colour value.
    """
    found = np.full((_REACH, 2), np.inf, np.float32)
    for back, other in enumerate(before):
        found[back] = _difference(look, other)
    return found


def _difference(one: _Look, other: _Look) -> tuple[float, float]:
    spread = float(np.abs(one.spread - other.spread).sum()) / 6
    change = float(np.abs(one.colours - other.colours).mean())
    place = min(1.0, change / _WHOLE)
    both = max(one.contrast, _CONTRAST) * max(other.contrast, _CONTRAST)
    alike = float((one.shape * other.shape).mean()) / both
    return (spread + place) / 2 * min(1.0, 2 * (1 - max(alike, 0.0))), change


def _across(changes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return for each frame how one shortly before it changes to one shortly after it."""
    after = _REACH // 2 - 1
    apart = np.append(changes[after:, 2 * after], np.zeros(after, np.float32))
    return np.where(np.isfinite(apart), apart, 0)


def _lasting(differences: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return for each frame how far all just before it differ from it and all just after it."""
    lasting = differences[:, 0].copy()
    lasting[0] = 0
    for reach in range(2, _REACH + 1):
        for after in range(reach):
            apart = differences[after:, reach - 1]
            np.minimum(lasting[: len(apart)], apart, out=lasting[: len(apart)])
    return lasting


def _standing_out(lasting: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Say which differences are the largest nearby, and large for where they are."""
    padded = np.pad(lasting, _AROUND, mode="symmetric")
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * _AROUND + 1)
    near = around[:, _AROUND - _REACH // 2 : _AROUND + _REACH // 2 + 1]
    large = lasting > _LEAST + _TIMES * np.median(around, axis=1)
    return large & (lasting == near.max(axis=1))
