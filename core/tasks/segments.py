"""What tasks on segments share: a clip a segment, one question after its last frame."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from core.tasks import IGNORED, Clip, context_texts
from core.types import LabelledVideo, LabelSet, Segment


class SegmentTask(ABC):
    """One question a segment over K classes; a video without segments is one clip."""

    name: ClassVar[str]
    dense = False

    @abstractmethod
    def answer(self, video: LabelledVideo, segment: Segment) -> str | None:
        """Return the right answer after a segment, None where there is none."""

    def classes(self, labels: LabelSet) -> tuple[str, ...]:
        """Return the label set."""
        return labels.classes

    def target(self, video: LabelledVideo, segment: Segment, labels: LabelSet) -> int:
        """Return the class of the right answer, IGNORED where there is none in the label set."""
        answer = self.answer(video, segment)
        return labels.classes.index(answer) if answer in labels.classes else IGNORED

    def clips(
        self, video: LabelledVideo, time_us: NDArray[np.int64], labels: LabelSet, context: str
    ) -> list[Clip]:
        """Return one clip a segment; its context is that of its start."""
        if not len(time_us):
            return []
        if not video.segments:
            whole = np.array([len(time_us) - 1])
            span = (0, video.duration_us)
            return [Clip(0, len(time_us), whole, np.array([IGNORED]), ("",), span)]
        ordered = sorted(video.segments)
        texts = context_texts(context, video, [s.start_us for s in ordered])
        clips = []
        for segment, text in zip(ordered, texts, strict=True):
            first = int(np.searchsorted(time_us, segment.start_us, side="left"))
            last = int(np.searchsorted(time_us, segment.end_us, side="left"))
            # A segment between two samples is judged by the frame shown when it starts.
            first = min(first, len(time_us) - 1) if last > first else max(0, last - 1)
            last = max(last, first + 1)
            target = np.array([self.target(video, segment, labels)])
            span = (segment.start_us, segment.end_us)
            clips.append(Clip(first, last, np.array([last - 1]), target, (text,), span))
        return clips
