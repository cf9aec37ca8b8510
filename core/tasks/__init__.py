"""Tasks: which questions are asked about a video, and what the answers are.

A dense task asks at every frame; a clip task asks after each clip. Background belongs to the dense
task, not to the label set: it has K + 1 classes, with background at index 0. A task may ask several
*kinds* of questions; each kind has its own learned tokens and chooses among its own classes.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from core.registry import resolve
from core.types import LabelledVideo, LabelSet, Span

TASKS = {
    "online_detection": "core.tasks.online_detection:OnlineDetection",
    "step_recognition": "core.tasks.step_recognition:StepRecognition",
    "next_step": "core.tasks.next_step:NextStep",
    "task_recognition": "core.tasks.task_recognition:TaskRecognition",
    "clip_tasks": "core.tasks.clip_tasks:ClipTasks",
}
CONTEXTS = {
    "previous_action": "core.tasks.contexts:previous_action",
    "previous_three": "core.tasks.contexts:previous_three",
    "next_action": "core.tasks.contexts:next_action",
    "current_label": "core.tasks.contexts:current_label",
    "current_and_previous": "core.tasks.contexts:current_and_previous",
    "task_goal": "core.tasks.contexts:task_goal",
    "shuffled": "core.tasks.contexts:shuffled",
    "none": "core.tasks.contexts:nothing",
}
BACKGROUND = "background"
IGNORED = -100
"""Target of a frame that has none."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A stretch of frames, `[first, last)` on the video's grid, and the questions asked about it.

    `asked` int [Q] are the frames after which a question is asked, ascending, `kind` int [Q] which
    of the task's kinds it is, `target` int [Q] its classes (IGNORED where unknown), `context` the
    texts that GAD learns to write there.
    """

    first: int
    last: int
    asked: NDArray[np.int64]
    kind: NDArray[np.int64]
    target: NDArray[np.int64]
    context: tuple[str, ...]
    span: Span


class Task(ABC):
    """The contract of a task."""

    name: ClassVar[str]
    dense: ClassVar[bool] = False
    needs_segments: ClassVar[bool] = True
    needs_goals: ClassVar[bool] = False
    """Whether it asks what whole videos are about."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of questions that it asks."""
        return (self.name,)

    @abstractmethod
    def classes(self, labels: LabelSet) -> tuple[str, ...]:
        """Return the output classes of all kinds in order."""

    def choices(self, labels: LabelSet) -> tuple[range, ...]:
        """Return the classes that each kind of question chooses among."""
        return (range(len(self.classes(labels))),)

    @abstractmethod
    def clips(
        self, video: LabelledVideo, time_us: NDArray[np.int64], labels: LabelSet, context: str
    ) -> list[Clip]:
        """Return the video's clips with their questions; empty where it has none."""

    def answers(self, video: LabelledVideo, labels: LabelSet) -> dict[tuple[int, Span], int]:
        """Return the right class of every question of a clip task: (kind, span) → class."""
        raise NotImplementedError("a dense task is asked by frames")


def ask_whole(video: LabelledVideo, frames: int, target: int, text: str = "") -> Clip:
    """Return the whole video as one clip with one question after its last frame."""
    return Clip(
        0, frames, np.array([frames - 1]), np.zeros(1, np.int64), np.array([target]), (text,),
        (0, video.duration_us),
    )  # fmt: skip


def load_task(name: str) -> Task:
    """Return a task by name."""
    return resolve("task", TASKS, name)()


def context_texts(
    name: str, video: LabelledVideo, time_us: Sequence[int] | NDArray[np.int64]
) -> tuple[str, ...]:
    """Return the context text at each time."""
    return resolve("context", CONTEXTS, name)(video, np.asarray(time_us))
