"""What GAD learns to write beside its answer: one function a context.

Each takes a video and the times at which questions are asked, and returns a text for each time;
an empty text is EOS alone. The whole video's labels are known in training, so a context may lie in
the past, in the future or in the present; none of them is needed at inference.
"""

import zlib

import numpy as np
from numpy.typing import NDArray

from core.tasks import BACKGROUND, IGNORED
from core.tasks.online_detection import frame_targets
from core.types import LabelledVideo, LabelSet

Times = NDArray[np.int64]


def previous_action(video: LabelledVideo, time_us: Times) -> tuple[str, ...]:
    """Return the label of the last segment that ended at or before each time.

    Whatever lay between does not matter; before the first end the text is empty (EOS alone). The
    whole observed past counts, unlike the official code's window.
    """
    return tuple(past[-1] if past else "" for past in _pasts(video, time_us))


def previous_three(video: LabelledVideo, time_us: Times) -> tuple[str, ...]:
    """Return the labels of the last three segments that ended, in their order."""
    return tuple(", ".join(past) for past in _pasts(video, time_us))


def next_action(video: LabelledVideo, time_us: Times) -> tuple[str, ...]:
    """Return the label of the first segment that starts after each time."""
    coming = sorted(video.segments)
    starts = np.array([s.start_us for s in coming], np.int64)
    places = np.searchsorted(starts, time_us, side="right")
    return tuple(coming[i].label if i < len(coming) else "" for i in places)


def current_label(video: LabelledVideo, time_us: Times) -> tuple[str, ...]:
    """Return what goes on at each time, by the rule of dense targets; empty in ignored spans."""
    names = tuple(sorted({s.label for s in video.segments}))
    going_on = frame_targets(video, time_us, LabelSet(names))
    return tuple("" if i == IGNORED else (BACKGROUND, *names)[i] for i in going_on)


def current_and_previous(video: LabelledVideo, time_us: Times) -> tuple[str, ...]:
    """Return current label and previous action, which is what the official code writes."""
    both = zip(current_label(video, time_us), previous_action(video, time_us), strict=True)
    return tuple(", ".join(filter(None, pair)) for pair in both)


def task_goal(video: LabelledVideo, time_us: Times) -> tuple[str, ...]:
    """Return what the whole video is about; empty where the data does not say."""
    return (video.goal,) * len(time_us)


def nothing(_: LabelledVideo, time_us: Times) -> tuple[str, ...]:
    """Return empty texts: EOS alone."""
    return ("",) * len(time_us)


def shuffled(video: LabelledVideo, time_us: Times) -> tuple[str, ...]:
    """Return the previous actions of the same video at times that have nothing to do with these.

    The control: the same texts, equally often, without what they say about the frame. The order is
    a function of the video alone.
    """
    texts = previous_action(video, time_us)
    rng = np.random.default_rng(zlib.crc32(video.name.encode()))
    return tuple(texts[i] for i in rng.permutation(len(texts)))


def _pasts(video: LabelledVideo, time_us: Times) -> list[list[str]]:
    """Return, for each time, the labels of the last three segments that ended by then, in order."""
    ended = sorted(video.segments, key=lambda s: (s.end_us, s.start_us))
    ends = np.array([s.end_us for s in ended], np.int64)
    counts = np.searchsorted(ends, time_us, side="right")
    labels = [s.label for s in ended]
    return [labels[max(0, count - 3) : count] for count in counts]
