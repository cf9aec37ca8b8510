"""Online action detection: which action, or background, is going on at each frame."""

import numpy as np
from numpy.typing import NDArray

from core.tasks import BACKGROUND, IGNORED, Clip, Task, context_texts
from core.types import LabelledVideo, LabelSet


class OnlineDetection(Task):
    """One question a frame over K + 1 classes; background is class 0."""

    name = "online_detection"
    dense = True

    def classes(self, labels: LabelSet) -> tuple[str, ...]:
        """Return background and the label set."""
        return (BACKGROUND, *labels.classes)

    def clips(
        self, video: LabelledVideo, time_us: NDArray[np.int64], labels: LabelSet, context: str
    ) -> list[Clip]:
        """Return the whole video as one clip with a question at every frame."""
        if not len(time_us):
            return []
        frames = np.arange(len(time_us))
        target = frame_targets(video, time_us, labels)
        texts = context_texts(context, video, time_us)
        span = (0, video.duration_us)
        return [Clip(0, len(time_us), frames, np.zeros_like(frames), target, texts, span)]


def frame_targets(
    video: LabelledVideo, time_us: NDArray[np.int64], labels: LabelSet
) -> NDArray[np.int64]:
    """Return the class of every frame: 0 background, 1 + index of an action, IGNORED. Shape: [T].

    A frame belongs to the half-open segments that hold its grid time. Where several do, the one
    that started last wins, then the shorter, then the lower class index. A class that is not in the
    label set is IGNORED: something happens there, but nothing of the list. Times ascend.
    """
    target = np.zeros(len(time_us), np.int64)
    index = {name: 1 + i for i, name in enumerate(labels.classes)}
    found = [(s.start_us, -s.end_us, -index.get(s.label, IGNORED)) for s in video.segments]
    spans = [(start, -end, -value) for start, end, value in sorted(found)]
    spans += [(start, end, IGNORED) for start, end in video.ignored]
    start, end, value = np.array(spans, np.int64).reshape(-1, 3).T
    edges = np.searchsorted(time_us, [start, end])
    for first, last, each in zip(*edges.tolist(), value.tolist(), strict=True):
        target[first:last] = each  # later ones overwrite
    return target


def contested_frames(video: LabelledVideo, time_us: NDArray[np.int64]) -> int:
    """Return how many frames lie in several segments, so that the rule above decided them."""
    count = np.zeros(len(time_us), np.int64)
    for segment in video.segments:
        count += (time_us >= segment.start_us) & (time_us < segment.end_us)
    return int((count > 1).sum())
