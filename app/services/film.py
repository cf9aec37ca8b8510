"""What a timeline shows of a film, made when it is asked for: its filmstrip, its shot cuts."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.services import Studio
from app.services.media import is_kept, newest_job
from core.errors import MissingArtifact, StudioError
from storage import jobs, library
from storage.artifacts import cache_file
from storage.library import Video
from storage.states import JobState

if TYPE_CHECKING:
    from core.video.strip import Grid

_STRIP = {"strip": 1}
_CUTS = {"cuts": 1}


def strip(studio: Studio, video_id: int) -> dict[str, Any]:
    """Return whether a video's filmstrip is there, and its grid; its making begins where it is not.

    A video without pictures has none: it is ready, with no tile.

    Raises:
        StudioError: It could not be made; the sentence of the job that tried.
    """
    video = library.video_by_id(studio.database, video_id)
    if not _has_pictures(video):
        return {"ready": True, "count": 0, "columns": 0, "width": 0, "height": 0}
    grid = _grid(video)
    target = _strip_of(studio, video, grid)
    if not target.is_file():
        _want(studio, video, "strip", target, priority=4, grid=asdict(grid))
    return {"ready": target.is_file(), **asdict(grid)}


def strip_file(studio: Studio, video_id: int) -> Path | None:
    """Return the filmstrip of a video, None where there is none yet."""
    video = library.video_by_id(studio.database, video_id)
    path = _strip_of(studio, video, _grid(video)) if _has_pictures(video) else None
    return path if path is not None and is_kept(studio, path) else None


def cuts(studio: Studio, video_id: int) -> dict[str, Any]:
    """Return whether a video's shot cuts are known, and when they are; else a search begins.

    Raises:
        StudioError: They could not be found; the sentence of the job that tried.
    """
    video = library.video_by_id(studio.database, video_id)
    if not _has_pictures(video):
        return {"ready": True, "cuts": []}
    target = cache_file(
        studio.directory.derived, video.content_hash or "", made_with=_CUTS, suffix=".npy"
    )
    if target.is_file():
        return {"ready": True, "cuts": np.load(target, allow_pickle=False).tolist()}
    _want(studio, video, "cuts", target, priority=0)
    return {"ready": False, "cuts": []}


def _has_pictures(video: Video) -> bool:
    return bool(video.content_hash and video.frame_count) and not video.is_features


def _grid(video: Video) -> "Grid":
    from core.video.strip import grid_of  # PyAV takes a second to import

    return grid_of((video.width or 1, video.height or 1), video.frame_count or 0)


def _strip_of(studio: Studio, video: Video, grid: "Grid") -> Path:
    made_with = _STRIP | asdict(grid)
    return cache_file(
        studio.directory.derived, video.content_hash or "", made_with=made_with, suffix=".jpg"
    )


def _want(
    studio: Studio, video: Video, kind: str, target: Path, *, priority: int, **more: Any
) -> None:
    """Queue the making of a file unless that is going on; say why where it was tried in vain."""
    spec: Mapping[str, Any] = {
        "kind": kind,
        "video": video.id,
        "source": video.path,
        "target": str(target),
        "duration_us": video.duration_us,
        **more,
    }
    job = newest_job(studio, video.project_id, spec)
    if job is None or job.state is JobState.DONE:  # whose file was deleted since
        jobs.enqueue(studio.database, jobs.NewJob(video.project_id, kind, "media", spec, priority))
    elif job.state.is_finished and job.error:
        raise StudioError(job.error["rule"], job.error["value"], job.error["next"])
    elif job.state.is_finished:
        raise MissingArtifact(
            "Making this was stopped", f"'{video.name}'", "Press Resume in the list of jobs."
        )
