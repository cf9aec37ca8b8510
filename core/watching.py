"""One run looks at one video from moment to moment, as a person moves the playhead.

Frames enter as in a prediction, so that a moment is the one that the run was asked at; moving on
reads only the frames between, moving back begins anew.
"""

from dataclasses import dataclass, field

import numpy as np
import torch

from core.classifiers.base import Classifier
from core.errors import InvalidData
from core.frame_cache import FrameCache, Moments
from core.prediction import BLOCK
from core.tasks import Clip, Task
from core.types import FrameFeatures, LabelledVideo, LabelSet


@dataclass(frozen=True, slots=True)
class Question:
    """A question of a task: `clip`, the frame it is asked after, its kind and its class.

    `target` is the right class among all of the task, IGNORED where it is unknown.
    """

    clip: Clip
    frame: int
    kind: int
    target: int


def question_at(
    task: Task,
    video: LabelledVideo,
    features: FrameFeatures,
    labels: LabelSet,
    at: tuple[int, str],
) -> Question:
    """Return the question that stands at a time in microseconds, of a kind by name.

    Raises:
        InvalidData: Nothing of this kind is asked there.
    """
    time_us, what = at
    kind = task.kinds.index(what) if what in task.kinds else 0
    for clip in task.clips(video, features.time_us, labels, "none"):
        if not clip.span[0] <= time_us < clip.span[1]:
            continue
        rows = np.flatnonzero(clip.kind == kind)
        if task.dense:  # the last frame that was there by then
            last = int(np.searchsorted(features.time_us, time_us, side="right")) - 1
            rows = rows[max(0, last) : max(0, last) + 1]
        if len(rows):
            row = int(rows[0])
            return Question(clip, int(clip.asked[row]), kind, int(clip.target[row]))
    raise InvalidData(
        f"The run must be asked something at the moment ({task.kinds[kind].replace('_', ' ')})",
        f"nothing is at {time_us / 1e6:.2f} s of '{video.name}'",
        "Move the playhead into a segment of the ground truth.",
    )


@dataclass(slots=True)
class Watching:
    """The frames of a clip up to the moment asked last.

    Args:
        classifier: Reads the frames.
        features: Those of the video.
        clip: The stretch that it sees; a dense task's is the whole video.
        window: Frames that a readout sees.
    """

    classifier: Classifier
    features: FrameFeatures
    clip: Clip
    window: int
    _cache: FrameCache | None = field(default=None, init=False)

    @torch.inference_mode()
    def moment(self, frame: int) -> Moments:
        """Return the view of the past at a frame of the video, one row."""
        frames = torch.from_numpy(self.features.features[self.clip.first : self.clip.last])
        wanted = frame - self.clip.first + 1
        if self._cache is None or self._cache.frames > wanted:
            self._cache = FrameCache(self.classifier, self.window, frames.shape[1])
        cache, first = self._cache, self._cache.frames
        for start, end in cache.blocks(wanted - first, BLOCK):
            cache.forget()  # before, since the last frame needs what it sees
            cache.push(frames[first + start : first + end], None, [])
        return cache.moments(1)
