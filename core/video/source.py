"""An open video file, read in the order in which its frames are shown.

This is the one decoding loop of the program: probing, sampling and proxies all read through it,
so they agree on which frames exist and when. Its clock is a frame's pts minus the pts of the first
shown frame, rounded down to microseconds, so that the frame at k/30 s is never later than the grid
time `k * 1_000_000 // 30`.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from heapq import heapify, heappop, heappush
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from core.errors import UnreadableVideo
from core.types import SECOND
from core.video.files import regular_file, shown_name
from core.video.info import DEFAULT_LIMITS
from core.video.sparing import Sparing

Shown = tuple[int, VideoFrame]
"""Microseconds from the first shown frame, and the decoded frame."""

# An `ffconcat` or HLS text named .mp4 would open other files, a URL a connection.
ALLOWED = {
    "protocol_whitelist": "file",
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,ogg,gif,asf",
}

_INDEXED = ("mov", "matroska")  # containers whose list of key frames can be trusted
_BLIND_US = 10 * SECOND  # without a list, a jump pays only beyond the longest usual distance
_ASK_US = 2 * SECOND  # Matroska reads its list at the first seek, which is worth one early jump
_STEPS_BACK_US = (0, SECOND, 4 * SECOND, 16 * SECOND)


def ticks_to_us(ticks: int, time_base: Fraction) -> int:
    """Return a number of ticks in microseconds, rounded down."""
    return ticks * time_base.numerator * SECOND // time_base.denominator


def open_input(path: Path) -> InputContainer:
    """Open a local media file, and nothing else."""
    # An absolute path, so that a file named "concat:a" is not taken for a protocol. Titles in
    # the encoding of another decade are no reason to refuse a video.
    return av.open(str(path.absolute()), options=dict(ALLOWED), metadata_errors="replace")


def demuxed(container: InputContainer, *streams: Stream) -> Iterator[av.Packet]:
    """Yield the packets of some streams, or of all; the last ones are empty and flush."""
    # PyAV's flush stumbles over a stream that appeared on the way; all packets have come by then.
    with suppress(IndexError):
        yield from container.demux(*streams)


def video_streams(container: InputContainer) -> list[VideoStream]:
    """Return the video streams in the file's order; cover art is no video."""
    return [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]


def best_stream(container: InputContainer) -> VideoStream | None:
    """Return the stream that FFmpeg would play."""
    streams, best = video_streams(container), container.streams.best("video")
    if best in streams:
        return cast(VideoStream, best)
    return streams[0] if streams else None


class Source:
    """One video file, open for reading.

    Frames come from `frames`; `jump` goes on without decoding what lies between. Packets that do
    not decode, or whose picture has more than `max_pixels`, are passed over and counted in `lost`.
    Where only the frames shown at the ascending times `wanted_us` matter, others may be left out.
    """

    def __init__(
        self,
        path: Path,
        *,
        threads: int = 1,
        max_pixels: int = DEFAULT_LIMITS.max_pixels,
        wanted_us: Sequence[int] | None = None,
    ) -> None:
        self.path, self.threads, self.max_pixels = path, threads, max_pixels
        self.wanted_us = wanted_us
        self.origin: int | None = None
        self.lost = 0
        self._jumps = True
        self._keys: NDArray[np.int64] | None = None
        self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.container.close()

    def _open(self) -> None:
        regular_file(self.path)
        try:
            self.container = open_input(self.path)
        except MemoryError:
            raise
        except (FFmpegError, OSError) as problem:
            raise _not_a_video(self.path, problem) from problem
        try:
            self.stream = self._stream()
        except UnreadableVideo:
            self.container.close()
            raise

    def _reopen(self) -> None:
        self.container.close()
        self._open()

    def _stream(self) -> VideoStream:
        stream, name = best_stream(self.container), shown_name(self.path)
        if stream is None:
            raise UnreadableVideo("A video must have pictures; this file has none", name)
        # Decoding a stream without a codec context would crash the process (PyAV issue 2344).
        if stream.codec_context is None or stream.time_base is None:
            raise UnreadableVideo("The pictures of this file cannot be decoded", name, _CONVERT)
        self.time_base = stream.time_base
        # AVI has no presentation times; what FFmpeg makes up for them is wrong with B-frames.
        self.timed = self.container.format.name != "avi"
        # Only a single thread reports an error with the packet that it belongs to.
        stream.thread_count = self.threads if self.timed else 1
        if stream.thread_count != 1:
            stream.thread_type = "AUTO"
        stream.codec_context.options = {"max_pixels": str(self.max_pixels)}
        return stream

    @property
    def _indexed(self) -> bool:
        return self.container.format.name.startswith(_INDEXED)

    def time_us(self, ticks: int) -> int:
        """Return a timestamp of the stream on our clock."""
        return ticks_to_us(ticks - (self.origin or 0), self.time_base)

    def frames(self) -> Iterator[Shown]:
        """Yield what is shown from here on, each frame later than the one before."""
        last: int | None = None
        sparing = self._sparing()
        for ticks, frame in self._decoded(sparing):
            # Two frames at one time, or a clock that runs back, cannot be shown.
            if last is not None and ticks <= last:
                continue
            if sparing and sparing.misses(ticks):
                break
            last = ticks
            if self.origin is None:
                self.origin = ticks
            yield self.time_us(ticks), frame
        else:
            if not (sparing and sparing.misses(None)):
                return
        # The file is damaged. To read it through from the start, whole, is always right.
        self.wanted_us = None
        self._reopen()
        yield from (
            shown for shown in self.frames() if last is None or shown[0] > self.time_us(last)
        )

    def _sparing(self) -> Sparing | None:
        """Return what may be left out, where packets tell reliably what is shown when."""
        reliable = self.timed and self._indexed and self.stream.codec_context.name == "h264"
        if self.wanted_us is None or not reliable:
            return None
        return Sparing(self.wanted_us, self.time_us)

    def _decoded(self, sparing: Sparing | None) -> Iterator[tuple[int, VideoFrame]]:
        waiting: list[int] = []  # without pts, the i-th shown frame has the i-th smallest dts
        for packet in self._packets():
            if sparing and packet and self.origin is not None:
                self.stream.codec_context.skip_frame = sparing.skip(packet)
            dts = None if packet is None or self.timed else packet.dts
            if dts is not None:
                heappush(waiting, dts)
            try:
                frames = self.stream.decode(packet)
            except MemoryError:
                raise
            except FFmpegError:
                self.lost += packet is not None
                if dts is not None:
                    waiting.remove(dts)
                    heapify(waiting)
                continue
            for frame in frames:
                if self.timed:
                    ticks = frame.dts if frame.pts is None else frame.pts
                else:
                    ticks = heappop(waiting) if waiting else None
                if ticks is not None:
                    yield ticks, frame

    def _packets(self) -> "Iterator[av.Packet[VideoStream] | None]":
        """Yield packets to the end, or to where the file breaks off; then None, which flushes."""
        try:
            for packet in demuxed(self.container, self.stream):
                if packet.size:
                    yield packet
        except FFmpegError:
            self.lost += 1
        yield None

    def jump(self, now_us: int, target_us: int) -> Iterator[Shown] | None:
        """Return frames that begin at or before `target_us`, if that saves decoding; else None.

        A jump pays when the key frame before the target *and the one before that* lie after the
        frame at `now_us`: the list of key frames counts dts, which may be earlier than pts. Where
        the first frame after a jump is later than the target, it is tried from further back.
        """
        if not (self._jumps and self.timed):
            return None
        landings = self._landings(now_us, target_us)
        for landing_us in landings:
            frames = self.frames_from(landing_us)
            first = next(frames, None)
            if first is not None and first[0] <= target_us:
                return _chain(first, frames)
        if not landings:
            return None
        # Seeking misleads in this file (intra refresh, no true key frames). To read it through
        # from the start, once, is always right.
        self._jumps = False
        self._reopen()
        return self.frames()

    def frames_from(self, time_us: int) -> Iterator[Shown]:
        """Seek back from `time_us` to a key frame; yield frames from there on."""
        try:
            self.container.seek(self._ticks(time_us), stream=self.stream, backward=True)
        except FFmpegError:
            return
        whole = False
        for shown in self.frames():
            # Before the first key frame, pictures may lean on others that were jumped over.
            whole = whole or shown[1].key_frame
            if whole:
                yield shown
            elif shown[0] > time_us + _BLIND_US:
                return

    def _landings(self, now_us: int, target_us: int) -> list[int]:
        """Return the times to seek to, best first; none where reading on is as good."""
        keys = self._keyframes()
        if not len(keys):
            if target_us - now_us < (_ASK_US if self._keys is None else _BLIND_US):
                return []
            return [target_us - back for back in _STEPS_BACK_US if target_us - back > now_us]
        here, there = np.searchsorted(keys, [self._ticks(now_us), self._ticks(target_us)], "right")
        if there - here < 2:
            return []
        return [target_us, self.time_us(int(keys[there - 1]) - 1)]

    def _keyframes(self) -> NDArray[np.int64]:
        """Return the listed key frames in ticks; none while, or where, the list is unknown."""
        if self._keys is None:
            name = self.container.format.name
            entries = self.stream.index_entries if self._indexed else ()
            keys = np.array(sorted(e.timestamp for e in entries if e.is_keyframe), np.int64)
            if len(keys) < 2 and name.startswith("matroska"):
                return keys[:0]
            self._keys = keys
        return self._keys

    def _ticks(self, time_us: int) -> int:
        """Return the first tick that is not before `time_us` on our clock."""
        base = self.time_base
        return (self.origin or 0) - (-time_us * base.denominator // (base.numerator * SECOND))


_CONVERT = "If it plays elsewhere, convert it to mp4."


def _not_a_video(path: Path, problem: Exception) -> UnreadableVideo:
    if isinstance(problem, PermissionError):
        return UnreadableVideo(
            "A video must be a file that may be read", shown_name(path), "Change its permissions."
        )
    return UnreadableVideo("This is not a video that can be read", shown_name(path), _CONVERT)


def _chain(first: Shown, rest: Iterator[Shown]) -> Iterator[Shown]:
    yield first
    yield from rest
