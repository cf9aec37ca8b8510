"""Videos become frozen visual tokens: threads decode while the tower works on what came before."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from core.backbones.base import VisionTower
from core.reading_ahead import cores, read_ahead
from core.types import FrameFeatures, LabelledVideo, grid_us

_BATCH = 32
_STRETCH = 4  # batches that are worth a thread of their own

_Picture = tuple[int, int, NDArray[np.uint8]]
"""Index on the video's grid, time of the frame taken, and the tower's input picture."""


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A part of a video that one thread decodes: `[first, last)` of its grid."""

    video: int
    first: int
    last: int


class _Tokens:
    """The features of one video while their batches come."""

    def __init__(self, time_us: NDArray[np.int64]) -> None:
        self.time_us, self.pts_us = time_us, np.zeros_like(time_us)
        self.features: NDArray[np.float16] | None = None
        self.left = len(time_us)

    def add(self, first: int, pts_us: Sequence[int], rows: NDArray[np.float16]) -> None:
        if self.features is None:
            self.features = np.zeros((len(self.time_us), *rows.shape[1:]), np.float16)
        here = slice(first, first + len(rows))
        self.features[here], self.pts_us[here] = rows, pts_us
        self.left -= len(rows)

    @property
    def whole(self) -> FrameFeatures:
        assert self.features is not None and not self.left, "batches are still to come"
        return FrameFeatures(self.features, self.time_us, self.pts_us)


def encode_videos(
    videos: Sequence[LabelledVideo], rate: float, tower: VisionTower
) -> Generator[tuple[LabelledVideo, FrameFeatures | None]]:
    """Decode videos on their grids, run the tower, and yield after each batch of frames.

    A batch holds frames of one video and begins at a multiple of its size, so a video's features
    do not depend on what is encoded beside it. Memory: two batches of pictures a core, and the
    features of the videos at work. Close it (`contextlib.closing`) where it may be left early.

    Args:
        videos: What to encode.
        rate: Frames a second.
        tower: Where it stands, there it computes.

    Returns:
        The video that the batch belongs to, and its features if they are complete now.

    Raises:
        UnreadableVideo: A video cannot be decoded.
    """
    stretches = _stretches([len(grid_us(v.duration_us, rate)) for v in videos], cores())
    sources = [_pictures(videos[part.video], rate, part, tower) for part in stretches]
    tokens: dict[int, _Tokens] = {}
    with closing(read_ahead(sources, cores(), _BATCH)) as batches:
        for source, batch in batches:
            index = stretches[source].video
            if index not in tokens:
                tokens[index] = _Tokens(grid_us(videos[index].duration_us, rate))
            rows = encode_pictures(tower, [picture for _, _, picture in batch])
            tokens[index].add(batch[0][0], [pts_us for _, pts_us, _ in batch], rows)
            whole = tokens.pop(index).whole if not tokens[index].left else None
            yield videos[index], whole


def encode_pictures(
    tower: VisionTower, pictures: Sequence[NDArray[np.uint8]]
) -> NDArray[np.float16]:
    """Run the tower on a batch of prepared pictures. Shape: [B, k, d]."""
    device = next(tower.parameters()).device
    with _half_the_cores():
        return tower(torch.from_numpy(np.stack(pictures)).to(device)).half().cpu().numpy()


@contextmanager
def _half_the_cores() -> Iterator[None]:
    """Leave cores to those who decode: OpenMP's threads wait by spinning, and take them else."""
    before = torch.get_num_threads()
    torch.set_num_threads(min(before, max(1, cores() // 2)))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _stretches(lengths: Sequence[int], workers: int) -> list[_Stretch]:
    """Cut videos into whole batches, into as few stretches as give every thread one.

    A stretch begins at a key frame that may lie far before it, so none is short.
    """
    share = -(-workers // max(1, len(lengths)))
    found = []
    for video, length in enumerate(lengths):
        parts = min(share, -(-length // (_STRETCH * _BATCH)))
        step = -(-length // (parts * _BATCH)) * _BATCH
        found += [_Stretch(video, a, min(a + step, length)) for a in range(0, length, step)]
    return found


def _pictures(
    video: LabelledVideo, rate: float, part: _Stretch, tower: VisionTower
) -> Generator[_Picture]:
    # The kitchen trains towers where PyAV is not installed.
    from core.video import sample

    time_us = grid_us(video.duration_us, rate)[part.first : part.last]
    for index, (pts_us, frame) in enumerate(sample(video.path, time_us), part.first):
        yield index, pts_us, tower.prepare(frame)
