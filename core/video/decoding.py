"""Does a video decode? All of it where it is short, at a few places where it is long."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain, islice

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from core.types import SECOND
from core.video.packets import Packets
from core.video.source import Shown, Source

_PLACES = 8
_FRAMES_AT_A_PLACE = 8
_STEPS_BACK_US = (0, 2 * SECOND, 20 * SECOND)
_DOUBTFUL = 10  # a doubtful video may be this much longer and is still decoded whole


@dataclass(frozen=True, slots=True)
class Decoded:
    """What decoding showed.

    `times_us` are the frames that exist, int64 [n] ascending; `harmed_us` those that are missing
    or marred; `promised_us` the times of `Packets.ticks` on our clock. `first` is the first frame,
    `origin` its timestamp in the stream.
    """

    times_us: NDArray[np.int64]
    harmed_us: NDArray[np.int64]
    promised_us: NDArray[np.int64]
    first: VideoFrame
    origin: int


@dataclass(slots=True)
class _Look:
    """Frames that were decoded one after another, without their pictures."""

    times: list[int] = field(default_factory=list)
    marred: list[int] = field(default_factory=list)
    failures: int = 0

    def against(self, due: NDArray[np.int64], *, at_end: bool) -> tuple[set[int], set[int]]:
        """Return which frames of this stretch are due but missing, and which were not due."""
        if not self.times:
            return set(), set()
        first, last = np.searchsorted(due, self.times[0]), np.searchsorted(due, self.times[-1])
        promised = set(due[first:].tolist() if at_end else due[first : last + 1].tolist())
        return promised - set(self.times), set(self.times) - promised


def decode(source: Source, packets: Packets, whole_pixels: int) -> Decoded | None:
    """Return which frames a video has; None if none decodes.

    A video of more than `whole_pixels` is read at its beginning, at its end and at places between.
    Where the frames there are exactly those that the packets promise, the packets are believed.
    """
    pixels = packets.count * source.stream.width * source.stream.height
    if pixels <= whole_pixels:
        return _everything(source, packets)
    decoded, doubtful = _places(source, packets)
    if doubtful and pixels <= whole_pixels * _DOUBTFUL:
        with Source(source.path, max_pixels=source.max_pixels) as again:
            return _everything(again, packets)
    return decoded


def _everything(source: Source, packets: Packets) -> Decoded | None:
    frames = source.frames()
    begin = next(frames, None)
    if begin is None or source.origin is None:
        return None
    look = _look(source, chain([begin], frames))
    promised = _promised_us(source, packets)
    # Fields, hidden frames and the like are packets without a frame of their own; only where
    # something failed does such a packet count as a lost frame.
    missing = {*promised[promised >= 0].tolist()} - {*look.times} if source.lost else ()
    harmed = _times([*look.marred, *missing])
    return Decoded(_times(look.times), harmed, promised, begin[1], source.origin)


def _places(source: Source, packets: Packets) -> tuple[Decoded | None, bool]:
    """Decode at a few places; return what the packets and they say, and whether they differ."""
    frames = source.frames()
    begin = next(frames, None)
    if begin is None or source.origin is None:
        return None, False
    promised = _promised_us(source, packets)
    due = _times(promised[promised >= 0].tolist())
    looks = [_look(source, islice(chain([begin], frames), _FRAMES_AT_A_PLACE))]
    if source.timed and len(due):  # without presentation times one cannot begin in the middle
        for k in range(1, _PLACES):
            there = source.frames_from(int(due[-1]) * k // _PLACES)
            looks.append(_look(source, islice(there, _FRAMES_AT_A_PLACE)))
        looks.append(_look_at_end(source, int(due[-1])))
    gone, unforeseen, harmed = set[int](), set[int](), set[int]()
    for look in looks:
        at_end = source.timed and look is looks[-1]
        missing, more = look.against(due, at_end=at_end)
        gone, unforeseen = gone | missing, unforeseen | more
        harmed |= {*look.marred, *(missing if look.failures else ())}
    doubtful = bool(gone or unforeseen or harmed) or not all(look.times for look in looks)
    times = _times({*due.tolist()} - gone | unforeseen) if gone or unforeseen else due
    return Decoded(times, _times(harmed), promised, begin[1], source.origin), doubtful


def _look(source: Source, shown: Iterable[Shown]) -> _Look:
    """Note what comes, and what fails after the first frame; keep no picture."""
    look, lost = _Look(), source.lost
    for time_us, frame in shown:
        if not look.times:
            lost = source.lost  # failures before a first key frame come from jumping there
        look.times.append(time_us)
        if frame.is_corrupt:
            look.marred.append(time_us)
    look.failures = source.lost - lost
    return look


def _look_at_end(source: Source, end_us: int) -> _Look:
    """Look at the last frames, from further back where the last key frame does not decode."""
    look = _Look()
    for back_us in _STEPS_BACK_US:
        look = _look(source, source.frames_from(max(0, end_us - back_us)))
        if look.times:
            break
    return look


def _promised_us(source: Source, packets: Packets) -> NDArray[np.int64]:
    """Return the packets' times on our clock, in their order; those before the start below 0."""
    return np.array([source.time_us(ticks) for ticks in packets.ticks.tolist()], np.int64)


def _times(values: Iterable[int]) -> NDArray[np.int64]:
    return np.array(sorted(set(values)), np.int64)
