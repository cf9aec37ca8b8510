"""What tasks on segments share: a clip a segment, one question after its last frame."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
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
    def answers(self, steps: Sequence[Segment]) -> Sequence[str | None]:
        """Return the right answer after each of a video's segments, None where there is none."""

    def classes(self, labels: LabelSet) -> tuple[str, ...]:
        """Return the label set."""
        return labels.classes

    def targets(self, video: LabelledVideo, labels: LabelSet) -> list[tuple[Segment, int]]:
        """Return a video's segments in order with the class of the right answer, or IGNORED."""
        steps = sorted(video.segments)
        index = {name: i for i, name in enumerate(labels.classes)}
        answers = [index.get(a, IGNORED) if a else IGNORED for a in self.answers(steps)]
        return list(zip(steps, answers, strict=True))

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
        targets = self.targets(video, labels)
        texts = context_texts(context, video, [segment.start_us for segment, _ in targets])
        clips = []
        for (segment, target), text in zip(targets, texts, strict=True):
            first = int(np.searchsorted(time_us, segment.start_us, side="left"))
            last = int(np.searchsorted(time_us, segment.end_us, side="left"))
            # A segment between two samples is judged by the frame shown when it starts.
            first = min(first, len(time_us) - 1) if last > first else max(0, last - 1)
            last = max(last, first + 1)
            span = (segment.start_us, segment.end_us)
            asked, answer = np.array([last - 1]), np.array([target])
            clips.append(Clip(first, last, asked, answer, (text,), span))
        return clips
