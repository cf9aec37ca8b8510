"""What GAD learns to write beside its answer: one function a context."""

import numpy as np
from numpy.typing import NDArray

from core.types import LabelledVideo


def previous_action(video: LabelledVideo, time_us: NDArray[np.int64]) -> tuple[str, ...]:
    """Return the label of the last segment that ended at or before each time.

    Whatever lay between does not matter; before the first end the text is empty (EOS alone). The
    whole observed past counts, unlike the official code's window.
    """
    ended = sorted(video.segments, key=lambda s: (s.end_us, s.start_us))
    ends = np.array([s.end_us for s in ended], np.int64)
    last = np.searchsorted(ends, time_us, side="right") - 1
    return tuple(ended[i].label if i >= 0 else "" for i in last)


def nothing(_: LabelledVideo, time_us: NDArray[np.int64]) -> tuple[str, ...]:
    """Return empty texts: EOS alone."""
    return ("",) * len(time_us)
