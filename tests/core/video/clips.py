"""Small videos whose frames carry their number as bright blocks, so that each can be told apart."""

import struct
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from av.video.frame import PictureType

BITS = 10
COLUMNS = 5


def picture(number: int, size: tuple[int, int] = (160, 96)) -> np.ndarray:
    """RGB uint8 [h, w, 3]: two rows of five blocks, bright where the number has a bit."""
    width, height = size
    bits = np.array([number >> bit & 1 for bit in range(BITS)]).reshape(2, COLUMNS)
    blocks = np.kron(bits, np.ones((height // 2, width // COLUMNS)))
    return np.repeat((30 + 200 * blocks).astype(np.uint8)[..., None], 3, axis=2)


def number_of(image: np.ndarray) -> int:
    """The number that `picture` drew, from the middle of each block."""
    height, width = image.shape[:2]
    grey = image.mean(axis=2)
    number = 0
    for bit in range(BITS):
        row, column = divmod(bit, COLUMNS)
        y, x = height * (2 * row + 1) // 4, width * (2 * column + 1) // (2 * COLUMNS)
        number |= int(grey[y - 2 : y + 3, x - 2 : x + 3].mean() > 130) << bit
    return number


@dataclass(frozen=True)
class Clip:
    """A video to be made: frame `i` is shown at `times_ms[i]`, in its displayed `size`."""

    times_ms: tuple[int, ...] = tuple(range(0, 2000, 40))
    size: tuple[int, int] = (160, 96)
    codec: str = "libx264"
    pixels: str = "yuv420p"
    options: dict[str, str] = field(default_factory=lambda: {"g": "10", "bf": "2"})
    muxing: dict[str, str] = field(default_factory=dict)
    rotation: int = 0
    aspect: Fraction | None = None
    sound_from_ms: int | None = None
    format: str | None = None
    title: str = ""
    header_rate: int | None = None  # what the header claims; by default the truth

    @property
    def times_us(self) -> list[int]:
        """The frames' times on our clock."""
        return [1000 * (time - self.times_ms[0]) for time in self.times_ms]

    def write(self, path: Path) -> Path:
        with av.open(str(path), "w", format=self.format, options=self.muxing) as output:
            output.metadata["title"] = self.title
            stream = self._stream(output)
            if self.sound_from_ms is not None:
                tone = output.add_stream("aac", rate=48000, layout="mono")
                write_tone(output, tone, self.sound_from_ms)
            for number, time in enumerate(self.times_ms):
                stored = np.rot90(picture(number, self.size), self.rotation // 90)
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(stored))
                frame = frame.reformat(format=self.pixels)
                frame.pts, frame.time_base = time, Fraction(1, 1000)
                frame.pict_type = PictureType.NONE
                output.mux(stream.encode(frame))
            output.mux(stream.encode())
        return path

    def _stream(self, output):
        shown_ms = self.times_ms[-1] - self.times_ms[0]
        rate = Fraction(self.header_rate or Fraction(1000 * (len(self.times_ms) - 1), shown_ms))
        fast = {"preset": "ultrafast"} if self.codec.startswith("libx26") else {}
        stream = output.add_stream(self.codec, rate=rate, options=fast | self.options)
        stream.width, stream.height = self.size[::-1] if self.rotation % 180 else self.size
        stream.pix_fmt, stream.thread_count = self.pixels, 1
        # MPEG-2 and AVI count whole frames, others milliseconds.
        ticks = rate if self.evenly_spaced else Fraction(1000)
        stream.codec_context.time_base = 1 / ticks
        if self.rotation:
            stream.set_display_rotation(-self.rotation)
        if self.aspect:
            stream.codec_context.sample_aspect_ratio = self.aspect
            stream.sample_aspect_ratio = self.aspect
        return stream

    @property
    def evenly_spaced(self) -> bool:
        return len({b - a for a, b in pairwise(self.times_ms)}) == 1


VARIABLE = Clip(times_ms=(0, 40, 80, 400, 440, 933, 960, 1500, 1533, 1566, 1999))
"""Gaps of 27 to 539 ms."""

LONG = Clip(times_ms=tuple(range(0, 40_000, 100)), size=(80, 48))
"""Forty seconds, a key frame every second."""


def write_tone(output, stream, begin_ms: int, seconds: float = 1.0) -> None:
    samples = np.sin(np.arange(int(48000 * seconds)) / 20).astype(np.float32)[None]
    for start in range(0, samples.shape[1] - 1023, 1024):
        part = np.ascontiguousarray(samples[:, start : start + 1024])
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 48000, begin_ms * 48 + start
        frame.time_base = Fraction(1, 48000)
        output.mux(stream.encode(frame))
    output.mux(stream.encode())


def show_only(path: Path, begin_ms: int, end_ms: int) -> None:
    """Make the edit list of an mp4 hide what lies outside, as a cut without encoding does."""
    data = bytearray(path.read_bytes())
    edit = data.index(b"elst") + 12  # version and flags, count
    (media,) = struct.unpack_from(">i", data, edit + 4)
    (movie_rate,) = struct.unpack_from(">I", data, data.index(b"mvhd") + 16)
    (media_rate,) = struct.unpack_from(">I", data, data.index(b"mdhd") + 16)
    lasts = (end_ms - begin_ms) * movie_rate // 1000
    struct.pack_into(">Ii", data, edit, lasts, media + begin_ms * media_rate // 1000)
    path.write_bytes(data)
