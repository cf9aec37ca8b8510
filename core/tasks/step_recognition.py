"""Step recognition: which action does this clip show. One question after each segment."""

from typing import ClassVar

from core.tasks.segments import SegmentTask
from core.types import LabelledVideo, Segment


class StepRecognition(SegmentTask):
    """The answer is the segment's own label."""

    name: ClassVar[str] = "step_recognition"

    def answer(self, video: LabelledVideo, segment: Segment) -> str | None:
        """Return the segment's label."""
        return segment.label
