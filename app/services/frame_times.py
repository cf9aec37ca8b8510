"""When the frames of a video start, as numbers of frames in annotation files need it."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import overload

from core.formats.frames import FrameTimes
from storage.library import Video


class TimesInFile(Sequence[int]):
    """The presentation times of a file's frames in microseconds, read when they are asked for.

    Only numbers of frames need them, and reading them takes a look at the whole file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def _times(self) -> list[int]:
        from core.video import probe  # PyAV takes a second to import

        return probe(self.path).pts_us.tolist()

    def __len__(self) -> int:
        return len(self._times)

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> list[int]: ...
    def __getitem__(self, index: int | slice) -> int | list[int]:
        return self._times[index]


def frame_times(video: Video) -> FrameTimes | None:
    """Return the frame rate of a video, or where it varies the times; None: not known."""
    if video.timing == "variable" and not video.is_features:
        return TimesInFile(Path(video.path))
    return video.fps
