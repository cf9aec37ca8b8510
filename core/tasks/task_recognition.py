"""Task recognition: what is the whole video about. One question after its last frame."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from core.tasks import IGNORED, Clip, Task, ask_whole, context_texts
from core.types import LabelledVideo, LabelSet, Span


class TaskRecognition(Task):
    """The classes are the goals that videos have; a video without one is not learned from."""

    name: ClassVar[str] = "task_recognition"
    needs_segments: ClassVar[bool] = False
    needs_goals: ClassVar[bool] = True

    def classes(self, labels: LabelSet) -> tuple[str, ...]:
        """Return the goals."""
        return labels.goals

    def answers(self, video: LabelledVideo, labels: LabelSet) -> dict[tuple[int, Span], int]:
        """Return the video's goal."""
        known = video.goal in labels.goals
        goal = labels.goals.index(video.goal) if known else IGNORED
        return {(0, (0, video.duration_us)): goal}

    def clips(
        self, video: LabelledVideo, time_us: NDArray[np.int64], labels: LabelSet, context: str
    ) -> list[Clip]:
        """Return the whole video; its context is that of its end."""
        if not len(time_us):
            return []
        (target,) = self.answers(video, labels).values()
        (text,) = context_texts(context, video, [video.duration_us])
        return [ask_whole(video, len(time_us), target, text)]
