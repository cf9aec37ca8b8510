"""Next-step forecasting: which action comes after this clip. One question after each segment."""

from collections.abc import Sequence
from typing import ClassVar

from core.tasks.segments import SegmentTask
from core.types import Segment


class NextStep(SegmentTask):
    """The answer is the label of the segment that starts next; after the last there is none."""

    name: ClassVar[str] = "next_step"

    def after(self, steps: Sequence[Segment]) -> Sequence[str | None]:
        """Return the label of each segment's successor."""
        return [step.label for step in steps[1:]] + [None] * bool(steps)
