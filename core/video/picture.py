"""A decoded frame as it is displayed: square pixels, turned upright, no larger than wanted."""

from fractions import Fraction

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter
from numpy.typing import NDArray

Size = tuple[int, int]
"""Width and height."""


def turn_of(frame: VideoFrame) -> int:
    """Return by how many degrees the stored picture is turned clockwise to be displayed."""
    return round(-frame.rotation / 90) * 90 % 360


def turned(array: NDArray[np.uint8], degrees: int) -> NDArray[np.uint8]:
    """Return an image [h, w, ...] turned clockwise by a multiple of 90 degrees."""
    return np.ascontiguousarray(np.rot90(array, -(degrees // 90)))


def square_pixels(size: Size, aspect: Fraction | None) -> Size:
    """Return the size with square pixels; like browsers, widen or heighten, never shrink."""
    width, height = size
    if not aspect or aspect == 1:
        return size
    return (round(width * aspect), height) if aspect > 1 else (width, round(height / aspect))


def within(size: Size, bound: Size | None) -> Size:
    """Return the largest size of the same shape inside `bound`, never larger than `size`."""
    if bound is None:
        return size
    factor = min(bound[0] / size[0], bound[1] / size[1], 1.0)
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def even(size: Size) -> Size:
    """Return the nearest size below with even sides, which yuv420p needs."""
    return max(2, size[0] - size[0] % 2), max(2, size[1] - size[1] % 2)


class Painter:
    """Turns the frames of one video into pictures of one size.

    The first frame decides on the size: a video that changes its resolution on the way is scaled
    to what it began with.
    """

    def __init__(
        self, aspect: Fraction | None, *, bound: Size | None = None, rotation: bool = True
    ) -> None:
        self.aspect, self.bound, self.rotation = aspect, bound, rotation
        self._size: Size | None = None
        self._reformatter = VideoReformatter()

    def rgb(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """Return RGB uint8 [h, w, 3] as displayed."""
        picture = self._scaled(frame, "rgb24").to_ndarray().astype(np.uint8, copy=False)
        return turned(picture, self._turn(frame))

    def yuv(self, frame: VideoFrame) -> VideoFrame:
        """Return a yuv420p frame as displayed, its colours tagged as in the original."""
        flat, turn = self._scaled(frame, "yuv420p"), self._turn(frame)
        if not turn:
            return flat
        upright = VideoFrame.from_ndarray(_turned_planes(flat, turn), format="yuv420p")
        for tag in ("colorspace", "color_range", "color_trc", "color_primaries"):
            setattr(upright, tag, getattr(flat, tag))
        return upright

    def _turn(self, frame: VideoFrame) -> int:
        return turn_of(frame) if self.rotation else 0

    def _scaled(self, frame: VideoFrame, pixels: str) -> VideoFrame:
        if self._size is None:
            stored, bound = square_pixels((frame.width, frame.height), self.aspect), self.bound
            if bound and self._turn(frame) % 180:
                bound = bound[1], bound[0]
            self._size = within(stored, bound)
        width, height = self._size if pixels == "rgb24" else even(self._size)
        shrinks = width * height < frame.width * frame.height
        return self._reformatter.reformat(
            frame,
            width,
            height,
            format=pixels,
            interpolation=Interpolation.AREA if shrinks else Interpolation.BICUBIC,
            # Full-range yuv420p would be another pixel format, which not every player knows.
            dst_color_range=ColorRange.MPEG if pixels == "yuv420p" else None,
            threads=1,
        )


def _turned_planes(frame: VideoFrame, degrees: int) -> NDArray[np.uint8]:
    """Turn the three planes of a yuv420p frame. Shape: [h * 3 / 2, w], as PyAV takes it."""
    width, height = frame.width, frame.height
    flat = frame.to_ndarray().astype(np.uint8, copy=False).reshape(-1)
    luma, chroma = width * height, width * height // 4
    planes = (
        flat[:luma].reshape(height, width),
        flat[luma : luma + chroma].reshape(height // 2, width // 2),
        flat[luma + chroma :].reshape(height // 2, width // 2),
    )
    joined = np.concatenate([turned(plane, degrees).reshape(-1) for plane in planes])
    return joined.reshape(-1, height if degrees % 180 else width)
