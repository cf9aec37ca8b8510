"""Step recognition: which action does this clip show. One question after each segment."""

from collections.abc import Sequence
from typing import ClassVar

from core.tasks.segments import SegmentTask
from core.types import Segment


class StepRecognition(SegmentTask):
    """The answer is the segment's own label."""

    name: ClassVar[str] = "step_recognition"

    def after(self, steps: Sequence[Segment]) -> Sequence[str | None]:
        """Return the segments' labels."""
        return [step.label for step in steps]
