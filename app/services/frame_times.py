"""When the frames of a video are shown: found by one look at its file, and kept by content."""

import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, overload

import numpy as np
from numpy.typing import NDArray

from app.services import Studio
from app.services.library import record_look
from core.errors import Conflict, MissingArtifact
from core.feature_sets import at_frame
from core.formats.frames import FrameTimes
from storage.artifacts import cache_file, writing
from storage.library import Video, video_by_id

if TYPE_CHECKING:
    from core.video import VideoInfo

_MADE_WITH = {"frames": 1}
_looking = threading.Lock()


class TimesInFile(Sequence[int]):
    """When the frames of a file start, in microseconds, read when they are asked for.

    Only numbers of frames need them, and reading them may take a look at the whole file.
    """

    def __init__(self, studio: Studio, video: Video) -> None:
        self._studio, self._video = studio, video

    @cached_property
    def _times(self) -> list[int]:
        return shown_us(self._studio, self._video)[:-1].tolist()

    def __len__(self) -> int:
        return len(self._times)

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> list[int]: ...
    def __getitem__(self, index: int | slice) -> int | list[int]:
        return self._times[index]


def frame_times(studio: Studio, video: Video) -> FrameTimes | None:
    """Return the frame rate of a video, or where it varies the times; None: not known."""
    if video.timing == "variable" and not video.is_features:
        return TimesInFile(studio, video)
    return video.fps


def frame_clock(studio: Studio, video_id: int) -> NDArray[np.int64]:
    """Return `shown_us` of a video by its id.

    Where the file had to be looked at again, what is known of it today is recorded.
    """
    video = video_by_id(studio.database, video_id)
    info = _look_if_unknown(studio, video)
    if info is not None:
        record_look(studio, video_id, Path(video.path), info.as_json())
    return shown_us(studio, video)


def shown_us(studio: Studio, video: Video) -> NDArray[np.int64]:
    """Return when each frame of a video starts, and when the last one ends. Shape: int64 [n + 1].

    A video that was added before its frame times were kept is looked at again, once.

    Raises:
        Conflict: The file is another one since it was looked at.
        MissingArtifact: Nobody looked at the file yet.
        UnreadableVideo: The file cannot be read.
    """
    if video.is_features and video.fps and video.frame_count is not None:
        rate = video.fps
        return np.array([at_frame(k, rate) for k in range(video.frame_count + 1)], np.int64)
    if not video.content_hash:
        raise MissingArtifact(
            "Nobody looked at this video yet", f"'{video.name}'",
            "Wait until the look at its folder is done, then ask again.",
        )  # fmt: skip
    _look_if_unknown(studio, video)
    kept = _file(studio.directory.derived, video.content_hash)
    return np.load(kept, allow_pickle=False)


def keep_frame_times(folder: Path, info: "VideoInfo") -> None:
    """Keep when the frames of a file are shown, in a folder of derived files."""
    kept = _file(folder, info.content_hash)
    if not kept.is_file():
        with writing(kept) as beside, beside.open("wb") as file:
            np.save(file, np.append(info.pts_us, info.duration_us), allow_pickle=False)


def _file(folder: Path, content_hash: str) -> Path:
    return cache_file(folder, content_hash, made_with=_MADE_WITH, suffix=".npy")


def _look_if_unknown(studio: Studio, video: Video) -> "VideoInfo | None":
    """Look at a file whose frame times are not kept; returns what was found, None if they are."""
    folder, content = studio.directory.derived, video.content_hash
    if video.is_features or not content or _file(folder, content).is_file():
        return None
    with _looking:  # whoever asks meanwhile waits for this look instead of taking another
        if _file(folder, content).is_file():
            return None
        from core.video import probe  # PyAV takes a second to import

        info = probe(Path(video.path))
        if info.content_hash != content:
            raise Conflict(
                "The file is another one since it was looked at", f"'{video.name}'",
                "Add its folder again, so that it is looked at anew.",
            )  # fmt: skip
        keep_frame_times(folder, info)
        return info
