"""Numbers of frames and times, both ways: frame i starts at its presentation time.

The exclusive end frame n ends where frame n starts, and the one after the last at the video's end.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from core.errors import InvalidData
from core.formats.marks import MarkedVideo
from core.formats.source import quoted
from core.types import SECOND

FrameTimes = Sequence[int] | float
"""The presentation time of every frame in microseconds, or frames a second."""

_SAME_RATE = 0.01
"""Rates closer than this, in frames a second, are one rate that was written with fewer digits."""


@dataclass(frozen=True, slots=True)
class FrameClock:
    """When the frames of a video start: at `times_us`, else evenly at `rate` a second."""

    rate: float
    duration_us: int | None = None
    times_us: Sequence[int] | None = None

    def time_us(self, frame: int) -> int:
        """Return when a frame starts; frames after the last go on at the rate."""
        if self.times_us is not None and frame < len(self.times_us):
            return self.times_us[frame]
        count, end_us = self._end()
        if frame < count:
            return round(frame * SECOND / self.rate)
        return end_us + round((frame - count) * SECOND / self.rate)

    def frame(self, time_us: int) -> int:
        """Return the frame whose start is nearest; the video's end is that of one more frame."""
        if self.times_us is None:
            return round(time_us * self.rate / SECOND)
        after = bisect_left(self.times_us, time_us)
        if not after:
            return 0
        before, following = self.times_us[after - 1], self.time_us(after)
        return after if following - time_us <= time_us - before else after - 1

    def _end(self) -> tuple[int, int]:
        """Return the number of frames, and the end of the last one."""
        if self.times_us is not None:
            count, last = len(self.times_us), self.times_us[-1]
            guess = last + round(SECOND / self.rate)
            return count, guess if self.duration_us is None else self.duration_us
        if self.duration_us is None:
            return 0, 0
        return round(self.duration_us * self.rate / SECOND), self.duration_us


def make_clock(times: FrameTimes, duration_us: int | None = None) -> FrameClock:
    """Return the clock of a video whose frame times, or whose frame rate, are known.

    Raises:
        InvalidData: The rate is no number above 0, or there is no frame.
    """
    if isinstance(times, int | float):
        check_rate(times)
        return FrameClock(float(times), duration_us)
    if not len(times):
        raise InvalidData("A video must have frames", "there are none", "Check the file.")
    span_us = duration_us or times[-1] - times[0]
    return FrameClock(len(times) * SECOND / span_us if span_us else 1.0, duration_us, times)


def check_rate(rate: float) -> None:
    """Raise `InvalidData` unless a frame rate is a number above 0."""
    if not (isfinite(rate) and rate > 0):
        raise InvalidData("A frame rate is a number above 0", rate, "Correct it.")


def clock_of(video: MarkedVideo) -> FrameClock:
    """Return the clock by which a writer numbers the frames of a video.

    Raises:
        InvalidData: Neither its frame times nor its frame rate are known.
    """
    times = video.frame_times_us if video.frame_times_us is not None else video.fps
    if times is None:
        raise InvalidData(
            "Numbers of frames need the frame rate of the video",
            quoted(video.name),
            "Let the studio look at the video first, or choose a format of times.",
        )
    return make_clock(times, video.duration_us)


def clock_for(
    named: float | None, own: FrameTimes | None, duration_us: int | None
) -> FrameClock | None:
    """Return the clock of frame numbers that a file gives at the rate `named`.

    A rate that is the video's own, or none, means the video's own frames; another one means frames
    that were taken evenly from the video. None: nothing is known.
    """
    clock = None if own is None else make_clock(own, duration_us)
    if named is None or (clock is not None and abs(named - clock.rate) <= _SAME_RATE):
        return clock
    return make_clock(named, duration_us)
