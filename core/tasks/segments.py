"""What tasks on segments share: a clip a segment, one question after its last frame."""

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.tasks import IGNORED, Clip, Task, ask_whole, context_texts
from core.types import LabelledVideo, LabelSet, Segment, Span


class SegmentTask(Task):
    """One question a segment over K classes; a video without segments is one clip."""

    @abstractmethod
    def after(self, steps: Sequence[Segment]) -> Sequence[str | None]:
        """Return the right answer after each of a video's segments, None where there is none."""

    def classes(self, labels: LabelSet) -> tuple[str, ...]:
        """Return the label set."""
        return labels.classes

    def targets(self, video: LabelledVideo, labels: LabelSet) -> list[tuple[Segment, int]]:
        """Return a video's segments in order with the class of the right answer, or IGNORED."""
        steps = sorted(video.segments)
        index = {name: i for i, name in enumerate(labels.classes)}
        answers = [index.get(a, IGNORED) if a else IGNORED for a in self.after(steps)]
        return list(zip(steps, answers, strict=True))

    def answers(self, video: LabelledVideo, labels: LabelSet) -> dict[tuple[int, Span], int]:
        """Return the right class after each segment."""
        targets = self.targets(video, labels)
        return {(0, (step.start_us, step.end_us)): target for step, target in targets}

    def clips(
        self, video: LabelledVideo, time_us: NDArray[np.int64], labels: LabelSet, context: str
    ) -> list[Clip]:
        """Return one clip a segment; its context is that of its start."""
        if not len(time_us):
            return []
        if not video.segments:
            return [ask_whole(video, len(time_us), IGNORED)]
        targets = self.targets(video, labels)
        texts = context_texts(context, video, [segment.start_us for segment, _ in targets])
        return [
            _clip(segment, time_us, target, text)
            for (segment, target), text in zip(targets, texts, strict=True)
        ]


def _clip(segment: Segment, time_us: NDArray[np.int64], target: int, text: str) -> Clip:
    first = int(np.searchsorted(time_us, segment.start_us, side="left"))
    last = int(np.searchsorted(time_us, segment.end_us, side="left"))
    # A segment between two samples is judged by the frame shown when it starts.
    first = min(first, len(time_us) - 1) if last > first else max(0, last - 1)
    last = max(last, first + 1)
    asked, kind, answer = np.array([last - 1]), np.zeros(1, np.int64), np.array([target])
    return Clip(first, last, asked, kind, answer, (text,), (segment.start_us, segment.end_us))
