"""The sound of a proxy: whatever it was, it becomes AAC on the clock of the pictures."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.error import FFmpegError

from core.types import SECOND
from core.video.source import demuxed, open_input

_RATE = 48_000
_SAMPLES = 1024  # of an AAC frame


class Sound:
    """Copies the sound of a file into `output`, step by step with the pictures.

    A file without sound, or with sound that does not decode, gives a silent proxy.
    """

    def __init__(self, path: Path, output: OutputContainer, start_us: int) -> None:
        self._input = open_input(path)
        self._output, self._start_us = output, start_us
        self._from = cast(AudioStream | None, self._input.streams.best("audio"))
        self._to: AudioStream | None = None
        if self._from is not None and self._from.codec_context is not None:
            self._to = cast(AudioStream, output.add_stream("aac", rate=_RATE, layout="stereo"))
        self._frames = self._resampled()
        self._next = next(self._frames, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._input.close()

    def until(self, time_us: int) -> None:
        """Write the sound that begins before `time_us`, so that both streams advance together."""
        while self._next is not None and self._to is not None:
            begins_us = (self._next.pts or 0) * SECOND // _RATE
            if begins_us >= time_us:
                return
            self._output.mux(self._to.encode(self._next))
            self._next = next(self._frames, None)

    def finish(self, end_us: int) -> None:
        """Write what is left up to `end_us`, and what the encoder still holds."""
        self.until(end_us)
        if self._to is not None:
            self._output.mux(self._to.encode())

    def _resampled(self) -> Iterator[AudioFrame]:
        """Yield stereo frames whose pts counts samples from the first shown picture."""
        resampler = av.AudioResampler("fltp", "stereo", _RATE, frame_size=_SAMPLES)
        for frame in self._decoded():
            if frame.pts is None or frame.time_base is None:
                continue
            for part in resampler.resample(frame):
                if part.pts is None or part.time_base is None:
                    continue
                start = Fraction(self._start_us * _RATE, SECOND)
                part.pts = round(part.pts * part.time_base * _RATE - start)
                part.time_base = Fraction(1, _RATE)
                if part.pts >= 0:
                    yield part

    def _decoded(self) -> Iterator[AudioFrame]:
        if self._to is None or self._from is None:
            return
        try:
            for packet in demuxed(self._input, self._from):
                try:
                    yield from packet.decode()
                except FFmpegError:
                    continue
        except FFmpegError:
            return
