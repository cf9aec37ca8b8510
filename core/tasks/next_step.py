"""Next-step forecasting: which action comes after this clip. One question after each segment."""

from bisect import bisect_right
from typing import ClassVar

from core.tasks.segments import SegmentTask
from core.types import LabelledVideo, Segment


class NextStep(SegmentTask):
    """The answer is the label of the segment that starts next; after the last there is none."""

    name: ClassVar[str] = "next_step"

    def answer(self, video: LabelledVideo, segment: Segment) -> str | None:
        """Return the next segment's label."""
        ordered = sorted(video.segments)
        after = bisect_right(ordered, segment)
        return ordered[after].label if after < len(ordered) else None
