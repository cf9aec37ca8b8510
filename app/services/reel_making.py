"""The pictures of a highlight reel: clips of any videos, in one size, with text burnt in.

All frames are decoded by our own reader; moviepy is given finished pictures and never a file.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from moviepy import VideoClip
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from core.errors import Stopped
from core.types import SECOND, Progress, Report
from core.video.files import replacing
from core.video.frames import frame_at, sample
from core.video.picture import Size

RATE = 25
LARGEST: Size = (1280, 720)
_SMALLEST: Size = (640, 360)  # below, the text could not be read
_STEP_US = SECOND // RATE
_FONTS = ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "Arial Unicode.ttf", "arial.ttf")
_LEFT_OUT = "..."

Picture = NDArray[np.uint8]


def make(clips: Sequence[Mapping[str, Any]], target: Path, report: Report) -> dict[str, Any]:
    """Write the reel, all or nothing.

    Raises:
        Stopped: The person asked to stop; nothing is left.
        UnreadableVideo: A file cannot be decoded.
    """
    size = _size(clips)
    total = sum(len(_times(clip)) for clip in clips)
    pictures = _Pictures(clips, size, report, total)
    with replacing(target) as beside:
        video = VideoClip(pictures.at, duration=total / RATE)
        try:
            video.write_videofile(
                str(beside), fps=RATE, codec="libx264", audio=False, logger=None, preset="veryfast",
                threads=2, ffmpeg_params=["-movflags", "+faststart", "-f", "mp4"],
            )  # fmt: skip
        except OSError:
            # The signal that asks to stop reaches ffmpeg too, which may end before we notice.
            if report(Progress(pictures.drawn, total)):
                raise Stopped("The reel") from None
            raise
    return {"clips": len(clips), "frames": total, "width": size[0], "height": size[1]}


def _times(clip: Mapping[str, Any]) -> list[int]:
    """Return the times of a clip's frames; there is always one."""
    return list(range(clip["start_us"], clip["end_us"], _STEP_US))


def _size(clips: Sequence[Mapping[str, Any]]) -> Size:
    """Return an even size that holds the largest picture, within the limits."""
    width, height = _SMALLEST
    for path in {clip["path"] for clip in clips}:
        _, picture = frame_at(Path(path), 0, size=LARGEST)
        width, height = max(width, picture.shape[1]), max(height, picture.shape[0])
    return width + width % 2, height + height % 2


class _Pictures:
    """Gives pictures in ascending order of time; moviepy asks for the first one twice."""

    def __init__(
        self, clips: Sequence[Mapping[str, Any]], size: Size, report: Report, total: int
    ) -> None:
        self._report, self._total = report, total
        self._coming = _drawn(clips, size)
        self._number, self._last = 0, next(self._coming)

    @property
    def drawn(self) -> int:
        return self._number + 1

    def at(self, seconds: float) -> Picture:
        wanted = min(round(seconds * RATE), self._total - 1)
        while self._number < wanted:
            self._number, self._last = self._number + 1, next(self._coming)
            if self._report(Progress(self.drawn, self._total, "drawing")):
                raise Stopped("The reel")
        return self._last


def _drawn(clips: Sequence[Mapping[str, Any]], size: Size) -> Iterator[Picture]:
    """Yield the pictures of all clips."""
    for clip in clips:
        text, beneath = _caption(clip["lines"], size)
        for _, picture in sample(Path(clip["path"]), _times(clip), size=size):
            canvas = _letterboxed(picture, size)
            canvas.paste(text, (0, size[1] - text.height), beneath)
            yield np.asarray(canvas)


def _letterboxed(picture: Picture, size: Size) -> Image.Image:
    """Return a picture in the middle of a black one, as large as it can be."""
    image = Image.fromarray(picture)
    factor = min(size[0] / image.width, size[1] / image.height)
    fitted = max(1, round(image.width * factor)), max(1, round(image.height * factor))
    if fitted != image.size:
        image = image.resize(fitted, Image.Resampling.BICUBIC)
    canvas = Image.new("RGB", size)
    canvas.paste(image, ((size[0] - fitted[0]) // 2, (size[1] - fitted[1]) // 2))
    return canvas


def _caption(lines: Sequence[str], size: Size) -> tuple[Image.Image, Image.Image]:
    """Return the text of a clip on black, and how strongly it covers the picture."""
    points = max(12, size[1] // 26)
    font, plain = _font(points)
    step, edge = round(points * 1.35), points // 2
    text = Image.new("RGB", (size[0], min(size[1], len(lines) * step + edge)))
    draw = ImageDraw.Draw(text)
    beneath = Image.new("L", text.size, 150)
    on_top = ImageDraw.Draw(beneath)
    for number, line in enumerate(lines):
        place, known = (edge, edge // 2 + number * step), ascii_of(line) if plain else line
        shown = _fitting(known, font, size[0] - 2 * edge)
        draw.text(place, shown, font=font, fill="white")
        on_top.text(place, shown, font=font, fill=255)
    return text, beneath


def _font(points: int) -> tuple[Any, bool]:
    """Return a font of the system, or Pillow's own, and whether it has ASCII letters alone."""
    for name in _FONTS:
        with suppress(OSError):
            return ImageFont.truetype(name, points), False
    return ImageFont.load_default(points), True


def ascii_of(text: str) -> str:
    """Return text without accents; other letters become question marks."""
    apart = unicodedata.normalize("NFKD", text)
    kept = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return kept.encode("ascii", "replace").decode()


def _fitting(line: str, font: Any, width: int) -> str:
    """Return a line on one line, its end left out where it is too long."""
    line = " ".join(line.split())
    if font.getlength(line) <= width:
        return line
    while line and font.getlength(line + _LEFT_OUT) > width:
        line = line[:-1]
    return line + _LEFT_OUT
