"""New video files: H.264 in MP4 that every browser plays and seeks quickly."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.container import OutputContainer
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from core.errors import InvalidData
from core.types import SECOND
from core.video.files import replacing
from core.video.picture import Size, even

# The index in front, so that playing starts before the whole file has come.
MP4_OPTIONS = {"movflags": "+faststart"}
CLOCK = Fraction(1, SECOND)  # on which frames keep their own times, evenly spaced or not
_TAGS = ("colorspace", "color_range", "color_trc", "color_primaries")
_BT601 = 6  # ISO/IEC 23001-8: SMPTE 170M, what the conversion from RGB below computes


def add_h264(
    output: OutputContainer, time_base: Fraction, size: Size, *, rate: Fraction, crf: int
) -> VideoStream:
    """Add a video stream: yuv420p, a key frame at least every 15 frames.

    Without B-frames the first frame stands at 0 in every player; with them it is an edit list
    that says so, which not every reader follows.
    """
    options = {"preset": "veryfast", "crf": str(crf), "g": "15", "bf": "0"}
    stream = cast(VideoStream, output.add_stream("libx264", rate=rate, options=options))
    stream.width, stream.height = even(size)
    stream.pix_fmt = "yuv420p"
    stream.codec_context.time_base = stream.time_base = time_base
    return stream


def tag_as(stream: VideoStream, picture: VideoFrame) -> None:
    """Say that the colours of a stream are those of a picture."""
    for tag in _TAGS:
        setattr(stream.codec_context, tag, getattr(picture, tag))


def planned_rate(guessed: Fraction | None) -> Fraction:
    """Return a sane rate: for x264 to plan with, frames keep their times."""
    return min(max(guessed or Fraction(25), Fraction(1)), Fraction(120)).limit_denominator(1001)


def timed(frame: VideoFrame, time_us: int) -> VideoFrame:
    """Return a frame that is to be shown at a time of `CLOCK`."""
    frame.pts, frame.time_base = time_us, CLOCK
    # x264 would take the original's kinds of pictures for orders.
    frame.pict_type = PictureType.NONE
    return frame


def write_mp4(path: Path, frames: Iterable[NDArray[np.uint8]], fps: int, *, crf: int = 23) -> None:
    """Write pictures as a video, all or nothing.

    Args:
        path: The file; it appears when it is complete.
        frames: RGB uint8 [h, w, 3], all of one size; odd sides lose a row or column.
        fps: Frames per second.
        crf: Quality of x264: 18 looks like the original, 28 is small.

    Raises:
        InvalidData: there is no frame.
    """
    with (
        replacing(path) as beside,
        av.open(str(beside), "w", format="mp4", options=MP4_OPTIONS) as output,
    ):
        stream: VideoStream | None = None
        reformatter = VideoReformatter()
        for index, picture in enumerate(frames):
            if stream is None:
                size = picture.shape[1], picture.shape[0]
                stream = add_h264(output, Fraction(1, fps), size, rate=Fraction(fps), crf=crf)
                stream.thread_count = 1
                stream.codec_context.colorspace = _BT601
                stream.codec_context.color_range = ColorRange.MPEG
            frame = reformatter.reformat(
                VideoFrame.from_ndarray(np.ascontiguousarray(picture)),
                stream.width,
                stream.height,
                format="yuv420p",
                dst_colorspace=Colorspace.ITU601,
                dst_color_range=ColorRange.MPEG,
                threads=1,
            )
            frame.pts = index
            output.mux(stream.encode(frame))
        if stream is None:
            raise InvalidData("A video needs at least one frame", f"'{path.name}'")
        output.mux(stream.encode())
