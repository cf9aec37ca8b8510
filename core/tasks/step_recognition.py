"""Step recognition: which action does this clip show. One question after each segment."""

import numpy as np
from numpy.typing import NDArray

from core.tasks import IGNORED, Clip, context_texts
from core.types import LabelledVideo, LabelSet


class StepRecognition:
    """One question a segment over K classes; a video without segments is one clip."""

    name = "step_recognition"
    dense = False

    def classes(self, labels: LabelSet) -> tuple[str, ...]:
        """Return the label set."""
        return labels.classes

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
        known = {name: i for i, name in enumerate(labels.classes)}
        texts = context_texts(context, video, [s.start_us for s in ordered])
        clips = []
        for segment, text in zip(ordered, texts, strict=True):
            first = int(np.searchsorted(time_us, segment.start_us, side="left"))
            last = int(np.searchsorted(time_us, segment.end_us, side="left"))
            # A segment between two samples is judged by the frame shown when it starts.
            first = min(first, len(time_us) - 1) if last > first else max(0, last - 1)
            last = max(last, first + 1)
            target = np.array([known.get(segment.label, IGNORED)])
            span = (segment.start_us, segment.end_us)
            clips.append(Clip(first, last, np.array([last - 1]), target, (text,), span))
        return clips
