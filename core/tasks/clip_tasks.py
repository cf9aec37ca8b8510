"""The three clip tasks together, as the paper trains them on COIN: one model, three questions.

Step and next step are asked about the same clip in one pass; the task is asked about the whole
video. Classes are the label set, which step and next step share, and behind it the goals.
"""

from dataclasses import replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from core.tasks import IGNORED, Clip, Task
from core.tasks.next_step import NextStep
from core.tasks.step_recognition import StepRecognition
from core.tasks.task_recognition import TaskRecognition
from core.types import LabelledVideo, LabelSet, Span


class ClipTasks(Task):
    """Step recognition, next-step forecasting and task recognition in one run."""

    name: ClassVar[str] = "clip_tasks"
    needs_goals: ClassVar[bool] = True
    _parts = (StepRecognition(), NextStep(), TaskRecognition())

    @property
    def kinds(self) -> tuple[str, ...]:
        """The names of the three tasks."""
        return tuple(part.name for part in self._parts)

    def classes(self, labels: LabelSet) -> tuple[str, ...]:
        """Return the label set and the goals."""
        return (*labels.classes, *labels.goals)

    def choices(self, labels: LabelSet) -> tuple[range, ...]:
        """Return the label set for step and next step, the goals for the task."""
        steps = range(len(labels.classes))
        return steps, steps, range(len(steps), len(steps) + len(labels.goals))

    def answers(self, video: LabelledVideo, labels: LabelSet) -> dict[tuple[int, Span], int]:
        """Return the right classes of all three kinds."""
        return {
            (kind, span): target + choices.start if target != IGNORED else IGNORED
            for kind, (part, choices) in enumerate(
                zip(self._parts, self.choices(labels), strict=True)
            )
            for (_, span), target in part.answers(video, labels).items()
        }

    def clips(
        self, video: LabelledVideo, time_us: NDArray[np.int64], labels: LabelSet, context: str
    ) -> list[Clip]:
        """Return a clip a segment with two questions, and the whole video with one."""
        steps, nexts, tasks = (part.clips(video, time_us, labels, context) for part in self._parts)
        both = [_together(step, following) for step, following in zip(steps, nexts, strict=True)]
        first = self.choices(labels)[2].start
        return both + [
            replace(c, kind=c.kind + 2, target=np.where(c.target < 0, c.target, c.target + first))
            for c in tasks
        ]


def _together(step: Clip, following: Clip) -> Clip:
    """Ask both questions after the same frame."""
    return replace(
        step,
        asked=np.concatenate([step.asked, following.asked]),
        kind=np.concatenate([step.kind, following.kind + 1]),
        target=np.concatenate([step.target, following.target]),
        context=step.context + following.context,
    )
