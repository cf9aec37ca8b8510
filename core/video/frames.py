"""Frames at given times: one pass through the file, memory that does not grow."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import UnreadableVideo
from core.video.files import shown_name
from core.video.picture import Painter, Size
from core.video.source import Source

Sample = tuple[int, NDArray[np.uint8]]
"""Time of the frame taken in microseconds, and its picture: RGB uint8 [h, w, 3] as displayed."""


def sample(
    path: Path,
    times_us: Sequence[int] | NDArray[np.int64],
    *,
    size: Size | None = None,
    rotation: bool = True,
    threads: int = 1,
) -> Iterator[Sample]:
    """Yield for each time the last frame that is shown at or before it.

    A time before the first frame gets the first, one after the end the last. Where a frame is
    shown at several times, the same array comes again; copy it before changing it.

    Args:
        path: The video file.
        times_us: Ascending times in microseconds from the first shown frame.
        size: Width and height that the picture must fit into, keeping its shape.
        rotation: Whether the file's rotation is applied.
        threads: Decoding threads, 0 for one per core. With several, a damaged file may lose
            more frames than with one.

    Raises:
        UnreadableVideo: the file cannot be opened, or no frame of it decodes.
    """
    times = np.asarray(times_us, np.int64)
    assert np.all(np.diff(times) >= 0), "times must ascend"
    with Source(path, threads=threads, wanted_us=times.tolist()) as source:
        aspect = source.stream.sample_aspect_ratio
        painter = Painter(aspect, bound=size, rotation=rotation)
        frames = source.frames()
        current = next(frames, None)
        if current is None:
            raise UnreadableVideo(
                "A video must have a frame that decodes",
                shown_name(path),
                "Copy it again from where it came.",
            )
        ahead = next(frames, None)
        drawn: Sample | None = None
        for time_us in times.tolist():
            if ahead is not None and ahead[0] <= time_us:
                jumped = source.jump(ahead[0], time_us)
                if jumped is not None:
                    frames, current = jumped, next(jumped)
                    ahead = next(frames, None)
            while ahead is not None and ahead[0] <= time_us:
                current, ahead = ahead, next(frames, None)
            if drawn is None or drawn[0] != current[0]:
                drawn = current[0], painter.rgb(current[1])
            yield drawn


def frame_at(path: Path, time_us: int, *, size: Size | None = None) -> Sample:
    """Return the frame that is shown at `time_us`, and its own time."""
    return next(sample(path, [time_us], size=size))


def thumbnail(path: Path, time_us: int, width: int) -> bytes:
    """Return the frame that is shown at `time_us` as a JPEG of at most that width."""
    # Here, because probing starts a process that must not wait for Pillow.
    from PIL import Image

    _, picture = frame_at(path, time_us, size=(width, 4 * width))
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=85)
    return file.getvalue()
