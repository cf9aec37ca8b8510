"""What a training is given, and the rules that it must keep. No torch here."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from core.errors import InvalidData
from core.tasks import Task
from core.types import FrameFeatures, LabelledVideo, LabelSet

VideoWithFeatures = tuple[LabelledVideo, FrameFeatures]
_NOT_VALIDATED = "No validation video: the last checkpoint is kept."


@dataclass(frozen=True)
class TrainingData:
    """Labelled videos with their features; `val` may be empty.

    Of `test` nothing is learned; it is only looked at for videos and segments that leak into it.
    `about` is what the run should remember of its data: hashes, revision.
    """

    labels: LabelSet
    train: Sequence[VideoWithFeatures]
    val: Sequence[VideoWithFeatures] = ()
    about: dict[str, Any] = field(default_factory=dict)
    test: Sequence[VideoWithFeatures] = ()


def check_data(
    labels: LabelSet,
    train: Sequence[LabelledVideo],
    task: Task,
    *,
    elsewhere: Sequence[LabelledVideo] = (),
    validated: bool,
) -> list[str]:
    """Refuse data that cannot train anything; return warnings about the rest.

    Args:
        labels: The label set.
        train: Videos of the split 'train'.
        task: What is to be recognised.
        elsewhere: Videos of the other splits, in which untrained classes are counted.
        validated: Whether there is a validation video.

    Raises:
        InvalidData: No training video has a label, a class is not in the label set, or there is
            only one class.
    """
    if task.needs_goals and len({v.goal for v in train} & set(labels.goals)) < 2:
        raise InvalidData(
            "Task recognition needs training videos of at least two goals",
            f"{len(train)} videos there, goals: {', '.join(labels.goals) or 'none'}",
            "Import annotations that say what each video is about.",
        )
    if not task.needs_segments:
        return [] if validated else [_NOT_VALIDATED]
    if len(labels.classes) < 2:
        raise InvalidData(
            "Training needs at least two classes",
            f"the label set holds {len(labels.classes)}: {', '.join(labels.classes) or 'none'}",
            "Import annotations, or add labels.",
        )
    counts = Counter(segment.label for video in train for segment in video.segments)
    if foreign := counts.keys() - set(labels.classes):
        raise InvalidData(
            "Every segment's class must be in the label set",
            ", ".join(sorted(foreign)),
            "Add these labels, or remove the segments.",
        )
    if not counts:
        raise InvalidData(
            "Training needs at least one labelled video in the split 'train'",
            f"{len(train)} videos there, none with a segment",
            "Set the split of labelled videos to 'train' in the library.",
        )
    if not task.dense and len(counts) < 2:
        raise InvalidData(
            "Training needs segments of at least two classes",
            f"only '{next(iter(counts))}' occurs in the split 'train'",
            "Label more, or move videos to 'train'.",
        )
    warnings = []
    unseen = [name for name in labels.classes if not counts[name]]
    if unseen:
        needed = sum(s.label in unseen for video in elsewhere for s in video.segments)
        asked = f" ({needed} segments of the other splits need them)" if needed else ""
        warnings.append(f"No training example: {', '.join(unseen)}{asked}.")
    if not validated:
        warnings.append(_NOT_VALIDATED)
    return warnings
