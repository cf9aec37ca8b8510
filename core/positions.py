"""Where the frames of an endless video stand: positions that never pass the decoder's last.

Frame t stands at `1 + t·k` (design section 3). Only `[start]` moves away, so a video that passes
the decoder's last position goes back by a constant: from then on all positions are that much
smaller, and the cached frames' keys are rotated back by it, which leaves all distances between
frames as they are. When that happens depends on the frame alone, so blocks of any size and streams
agree.
"""

from collections.abc import Iterator
from dataclasses import dataclass

_READOUTS = 64  # positions kept free for readouts behind the last frame


@dataclass(frozen=True, slots=True)
class Positions:
    """The positions of frames with `k` tokens each.

    `room` is the number of frames that stand below the decoder's last position; a longer video
    goes back by `step` frames at frame `room` and whenever it comes there again. A `room` of 0
    never goes back.
    """

    k: int
    room: int = 0

    @classmethod
    def of(cls, k: int, max_position: int, window: int) -> "Positions":
        """Return the positions under a decoder's limit; a window that fills it never goes back."""
        room = (max_position - _READOUTS) // k - 2
        return cls(k, room if room >= 2 * window else 0)

    @property
    def step(self) -> int:
        """Frames by which a video goes back."""
        return self.room // 2

    def turns_at(self, frame: int) -> bool:
        """Say whether the video goes back right before a frame."""
        return self.room > 0 and frame >= self.room and (frame - self.room) % self.step == 0

    def behind(self, frame: int) -> int:
        """Return by how much the positions around a frame are smaller than `1 + t·k`."""
        if not self.room or frame < self.room:
            return 0
        return self.step * (1 + (frame - self.room) // self.step) * self.k

    def blocks(self, first: int, count: int, size: int) -> Iterator[tuple[int, int]]:
        """Cut the `count` frames from `first` on into blocks in which nothing turns.

        Yields bounds counted from `first`; no block is longer than `size`.
        """
        start = 0
        while start < count:
            end = min(start + size, count)
            if self.room:
                here = first + start
                cycle = self.room if here < self.room else self.step
                since = here if here < self.room else (here - self.room) % self.step
                end = min(end, start + cycle - since)
            yield start, end
            start = end
