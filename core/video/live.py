"""Frames as they come: from a file, a pipe or a camera, sampled by the one rule of the program.

Sample k shows the last frame at or before k/rate seconds; it is known as soon as a later frame
comes. A pipe and a camera have no end that is known beforehand, so nothing is probed and nothing is
kept.
"""

import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError
from numpy.typing import NDArray

from core.errors import UnreadableVideo
from core.types import SECOND
from core.video.picture import Painter
from core.video.source import ALLOWED, Shown, Source, best_stream, ticks_to_us

STDIN = "-"


def watch(where: str, rate: float) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield grid time in microseconds and picture (RGB uint8 [h, w, 3]) of every sample.

    Args:
        where: A file, a named pipe, a camera (`/dev/video0`), or `-` for standard input, which must
            be a format that can be read from its beginning on (MPEG-TS, Matroska, fragmented mp4).
        rate: Samples a second.

    Raises:
        UnreadableVideo: It cannot be opened, has no pictures, or breaks off.
    """
    with _opened(where) as (frames, aspect):
        painter = Painter(aspect)
        for time_us, frame in sampled(frames, rate):
            yield time_us, painter.rgb(frame)


def sampled(frames: Iterator[Shown], rate: float) -> Iterator[Shown]:
    """Yield for every sample its grid time and the frame shown there."""
    number, last = 0, None
    for time_us, frame in frames:
        while last is not None and (due := int(number * SECOND // rate)) < time_us:
            yield due, last
            number += 1
        last, last_us = frame, time_us
    if last is not None:
        while (due := int(number * SECOND // rate)) <= last_us:  # pyright: ignore[reportPossiblyUnboundVariable]
            yield due, last
            number += 1


@contextmanager
def _opened(where: str) -> Iterator[tuple[Iterator[Shown], Any]]:
    """Open what is watched; yields its frames and the shape of its pixels."""
    path = Path(where)
    if where != STDIN and path.is_file():
        with Source(path) as source:
            yield source.frames(), source.stream.sample_aspect_ratio
        return
    try:
        with _live(where, path) as container:
            stream = best_stream(container)
            if stream is None or stream.codec_context is None:
                raise UnreadableVideo("What is watched must have pictures; this has none", where)
            yield _frames(container, stream), stream.sample_aspect_ratio
    except (FFmpegError, OSError) as problem:
        raise UnreadableVideo(
            f"What is watched must be a video that can be read ({problem})",
            where,
            "Give a file, a named pipe, a camera such as /dev/video0, or - for standard input.",
        ) from problem


@contextmanager
def _live(where: str, path: Path) -> Iterator[Any]:
    if path.exists() and stat.S_ISCHR(path.stat().st_mode):
        with av.open(where, format="v4l2") as camera:
            yield camera
        return
    pipe = nullcontext(sys.stdin.buffer) if where == STDIN else path.open("rb")
    with pipe as file, av.open(file, options=dict(ALLOWED)) as container:
        yield container


def _frames(container: Any, stream: Any) -> Iterator[Shown]:
    """Yield frames that have a time, each later than the one before."""
    origin = last = None
    for frame in container.decode(stream):
        ticks = frame.dts if frame.pts is None else frame.pts
        if ticks is None or (last is not None and ticks <= last):
            continue
        origin, last = ticks if origin is None else origin, ticks
        yield ticks_to_us(ticks - origin, stream.time_base), frame
