"""A copy of a video that every browser plays, on the same clock as the original."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import av
from av.container import OutputContainer

from core.errors import Stopped, UnreadableVideo
from core.types import SECOND, Progress, Report, nobody_listens
from core.video.files import replacing, shown_name
from core.video.picture import Painter, Size
from core.video.sound import Sound
from core.video.source import Shown, Source, ticks_to_us
from core.video.writing import CLOCK, MP4_OPTIONS, add_h264, planned_rate, tag_as, timed

FULL_HD = (1920, 1080)
_REPORT_EVERY = 30
_MESSAGE = "Making a playable copy"


def make_proxy(
    source: Path,
    target: Path,
    *,
    bound: Size = FULL_HD,
    threads: int = 1,
    report: Report = nobody_listens,
) -> None:
    """Write a playable copy of `source` to `target`, all or nothing.

    It starts at 0, and every frame that decodes stands at its own time on our clock, to the
    microsecond. Rotation and pixel shape are applied; sound becomes AAC.

    Args:
        source: The original.
        target: The new MP4 file; it appears when it is complete.
        bound: Width and height that the picture is shrunk into.
        threads: Decoding threads, 0 for one per core; see `sample`. Encoding uses all cores.
        report: Hears microseconds of video; returning True stops.

    Raises:
        Stopped: `report` asked for it; nothing is left behind.
        UnreadableVideo: the file cannot be opened, or no frame of it decodes.
    """
    with (
        Source(source, threads=threads) as video,
        replacing(target) as beside,
        av.open(str(beside), "w", format="mp4", options=MP4_OPTIONS) as output,
    ):
        frames = video.frames()
        begin = next(frames, None)
        if begin is None:
            raise UnreadableVideo(
                "A video must have a frame that decodes",
                shown_name(source),
                "Copy it again from where it came.",
            )
        total_us = video.container.duration or 0
        end_us = _copy(video, chain([begin], _heard(frames, total_us, report)), output, bound)
    report(Progress(end_us, end_us, _MESSAGE))


def _heard(frames: Iterator[Shown], total_us: int, report: Report) -> Iterator[Shown]:
    """Pass frames on, and tell `report` from time to time how far they are."""
    for count, shown in enumerate(frames):
        if count % _REPORT_EVERY == 0 and report(
            Progress(shown[0], max(total_us, shown[0]), _MESSAGE)
        ):
            raise Stopped("The playable copy")
        yield shown


def _copy(video: Source, frames: Iterator[Shown], output: OutputContainer, bound: Size) -> int:
    """Encode pictures and sound; return when the last frame ends."""
    painter = Painter(video.stream.sample_aspect_ratio, bound=bound)
    _, first = begin = next(frames)
    picture = painter.yuv(first)
    rate = planned_rate(video.stream.guessed_rate)
    size = picture.width, picture.height
    stream = add_h264(output, CLOCK, size, rate=rate, crf=23)
    tag_as(stream, picture)
    start_us = ticks_to_us(video.origin or 0, video.time_base)
    with Sound(video.path, output, start_us) as sound:
        time_us = lasts_us = 0
        for time_us, frame in chain([begin], frames):
            output.mux(stream.encode(timed(painter.yuv(frame), time_us)))
            sound.until(time_us)
            lasts_us = ticks_to_us(frame.duration, video.time_base) if video.timed else 0
        lasts_us = lasts_us or int(SECOND / rate)
        for packet in stream.encode():
            if packet.pts == time_us:
                packet.duration = lasts_us  # no next frame tells when the last one ends
            output.mux(packet)
        sound.finish(time_us + lasts_us)
    return time_us + lasts_us
