"""Clips of a video as files of their own: the frames of each interval, at their own times."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from core.errors import Stopped, UnreadableVideo
from core.types import Progress, Report, nobody_listens
from core.video.files import replacing, shown_name
from core.video.picture import Painter
from core.video.source import Shown, Source
from core.video.writing import CLOCK, MP4_OPTIONS, add_h264, planned_rate, tag_as, timed

_CRF = 18  # others learn from it: like the original to the eye
_NEVER = 2**62


@dataclass(frozen=True, slots=True)
class Cut:
    """An interval `[start_us, end_us)` of a video, and the new MP4 file for it."""

    start_us: int
    end_us: int
    target: Path


def cut_clips(
    source: Path, cuts: Sequence[Cut], *, threads: int = 1, report: Report = nobody_listens
) -> None:
    """Write clips without sound, each all or nothing, in one pass through the video.

    A clip has the frames that begin within its interval, encoded anew and as far apart as they are;
    the first stands at 0. An interval in which none begins has the one that is shown then.

    Args:
        source: The video.
        cuts: What to cut; intervals may overlap.
        threads: Decoding threads, 0 for one per core; see `sample`.
        report: Hears how many clips are finished; returning True stops.

    Raises:
        Stopped: `report` asked for it; finished clips stay.
        UnreadableVideo: the file cannot be opened, or no frame of it decodes.
    """
    waiting = sorted(cuts, key=lambda cut: cut.start_us, reverse=True)
    running: list[_Clip] = []
    with Source(source, threads=threads) as video, ExitStack() as unfinished:
        painter = Painter(video.stream.sample_aspect_ratio)
        rate = planned_rate(video.stream.guessed_rate)
        for time_us, frame, until_us in _shown(video):
            while waiting and waiting[-1].start_us < until_us:
                running.append(_Clip(waiting.pop(), rate))
                unfinished.push(running[-1].leave)
            picture = painter.yuv(frame) if running else frame
            for clip in running:
                if time_us >= clip.cut.start_us or clip.cut.end_us <= until_us:
                    clip.add(picture, time_us)
            for clip in [one for one in running if one.cut.end_us <= until_us]:
                clip.finish()
                running.remove(clip)
                done = len(cuts) - len(waiting) - len(running)
                if report(Progress(done, len(cuts), "Cutting clips")):
                    raise Stopped("Cutting clips")
            if not waiting and not running:
                break


def _shown(video: Source) -> Iterator[tuple[int, VideoFrame, int]]:
    """Yield when each frame begins, the frame, and when it ends; the last one never does."""
    last: Shown | None = None
    for shown in video.frames():
        if last is not None:
            yield *last, shown[0]
        last = shown
    if last is None:
        raise UnreadableVideo(
            "A video must have a frame that decodes",
            shown_name(video.path),
            "Copy it again from where it came.",
        )
    yield *last, _NEVER


class _Clip:
    """A clip that is being written; its file is begun with its first frame."""

    def __init__(self, cut: Cut, rate: Fraction) -> None:
        self.cut, self._rate = cut, rate
        self._files = ExitStack()
        self._begun: tuple[OutputContainer, VideoStream] | None = None
        self._first_us = self._last_us = 0

    def add(self, picture: VideoFrame, time_us: int) -> None:
        """Write a frame that begins at a time of the video."""
        if self._begun is None:
            self._begun = self._begin(picture)
            self._first_us = time_us
        output, stream = self._begun
        self._last_us = time_us
        output.mux(stream.encode(timed(picture, time_us - self._first_us)))

    def finish(self) -> None:
        """Write what is left, and put the file in place."""
        assert self._begun, "a clip has a frame"
        output, stream = self._begun
        for packet in stream.encode():
            if packet.pts == self._last_us - self._first_us:
                # No next frame tells when the last one ends.
                packet.duration = self.cut.end_us - max(self._last_us, self.cut.start_us)
            output.mux(packet)
        self._files.close()
        self._begun = None  # an encoder is large

    def leave(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove what is not finished."""
        self._files.__exit__(kind, error, trace)

    def _begin(self, picture: VideoFrame) -> tuple[OutputContainer, VideoStream]:
        beside = self._files.enter_context(replacing(self.cut.target))
        output = self._files.enter_context(
            av.open(str(beside), "w", format="mp4", options=MP4_OPTIONS)
        )
        size = picture.width, picture.height
        stream = add_h264(output, CLOCK, size, rate=self._rate, crf=_CRF)
        tag_as(stream, picture)
        return output, stream
