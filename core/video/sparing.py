"""Frames that nobody asks for, and that no other frame leans on, need not be decoded.

An H.264 picture says whether others may lean on it (`nal_ref_idc`, ITU-T H.264 7.4.1), and the
decoder passes over those on which none does when it is told to. Here it is told so for packets
whose frame is not wanted. What is taken is the same to the bit: blind skipping would not be.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import Literal

from av import Packet

_REORDERED = 32
"""Packets remembered: H.264 shows a frame at most 16 places later than it is decoded."""


class Sparing:
    """One pass over a stream from which only the last frame at or before each time is wanted.

    Args:
        wanted_us: Ascending times on the source's clock.
        time_us: The source's clock: a timestamp of the stream in microseconds.
    """

    def __init__(self, wanted_us: Sequence[int], time_us: Callable[[int], int]) -> None:
        self._wanted, self._time_us = wanted_us, time_us
        self._seen: deque[tuple[int, int]] = deque(maxlen=_REORDERED)
        self._due: list[int] = []

    def skip(self, packet: Packet) -> Literal["NONREF", "DEFAULT"]:
        """Return what the decoder may pass over in the next packet (its `skip_frame`)."""
        if packet.pts is None or packet.is_discard:  # hidden by an edit list
            return "DEFAULT"
        return "NONREF" if self._spares(packet.pts) else "DEFAULT"

    def _spares(self, ticks: int) -> bool:
        """Say whether a frame is not wanted.

        So it is when a later one, which came before it, is not too late for the next wanted time.
        That one must then be shown: it stands for this one.
        """
        time_us = self._time_us(ticks)
        self._seen.append((time_us, ticks))
        place = bisect_left(self._wanted, time_us)
        if place == len(self._wanted):
            return True
        until = self._wanted[place]
        latest = max(seen for at_us, seen in self._seen if at_us <= until)
        if latest == ticks:
            return False
        heappush(self._due, latest)
        return True

    def misses(self, ticks: int | None) -> bool:
        """Say whether a frame that stood for another did not come before the one shown now.

        Args:
            ticks: The timestamp of the frame shown now, None at the end.
        """
        missed = False
        while self._due and (ticks is None or self._due[0] <= ticks):
            missed |= heappop(self._due) != ticks
        return missed
