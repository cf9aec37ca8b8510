"""What is played and shown of a video: its file, its playable copy, its thumbnail."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.services import Studio
from core.errors import MissingArtifact
from storage import jobs, library
from storage.jobs import Job
from storage.library import Video
from storage.states import Health

SUFFIXES = {
    ".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/quicktime", ".webm": "video/webm",
    ".mkv": "video/x-matroska", ".avi": "video/x-msvideo", ".mpg": "video/mpeg",
    ".mpeg": "video/mpeg", ".ts": "video/mp2t", ".ogv": "video/ogg",
}  # fmt: skip
"""Files that a folder's scan takes, and how they are served."""

_LAST_JOBS = 100


def proxy_of(studio: Studio, video: Video) -> Path:
    """Return where a video's playable copy is, or would be."""
    return studio.directory.proxies / f"{video.content_hash}.mp4"


def media_file(studio: Studio, video_id: int) -> tuple[Path, str]:
    """Return the file to play for a video: itself, or its playable copy.

    Raises:
        MissingArtifact: There is none, it is gone, or its copy is still being made.
    """
    video = library.video_by_id(studio.database, video_id)
    if video.is_features:
        raise MissingArtifact("This video has features and no video file", f"'{video.name}'")
    proxy = proxy_of(studio, video)
    if is_kept(studio, proxy):
        return proxy, "video/mp4"
    path = Path(video.path)
    if video.playable and _is_video(path):
        return path, SUFFIXES[path.suffix.lower()]
    if not _is_video(path):
        raise MissingArtifact(
            "The video file is gone", f"'{video.name}'", "Put it back, or archive it."
        )
    raise MissingArtifact("A playable copy is not made yet", f"'{video.name}'", "Wait a moment.")


def is_kept(studio: Studio, path: Path) -> bool:
    """Say whether a file of the data directory is there and no link leads out of it."""
    return path.is_file() and path.resolve().is_relative_to(studio.directory.root.resolve())


def _is_video(path: Path) -> bool:
    """Say whether a file is there, and has the name of a video also where links lead to."""
    return path.is_file() and {path.suffix.lower(), path.resolve().suffix.lower()} <= set(SUFFIXES)


def want_proxy(studio: Studio, video_id: int) -> int | None:
    """Queue the making of a playable copy where one is needed; returns the job."""
    video = library.video_by_id(studio.database, video_id)
    unneeded = video.playable or video.is_features or video.health is Health.UNREADABLE
    if unneeded or proxy_of(studio, video).is_file():
        return None
    spec = {
        "kind": "proxy",
        "video": video_id,
        "source": video.path,
        "target": str(proxy_of(studio, video)),
    }
    job = newest_job(studio, video.project_id, spec)
    if job is not None and not job.state.is_finished:
        return job.id
    return jobs.enqueue(
        studio.database, jobs.NewJob(video.project_id, "proxy", "media", spec, 5)
    ).id


def newest_job(studio: Studio, project: int, spec: Mapping[str, Any]) -> Job | None:
    """Return the newest of a project's last jobs that does just this."""
    last = jobs.list_jobs(studio.database, project, limit=_LAST_JOBS)
    return next((job for job in last if job.spec == spec), None)


def thumbnail(studio: Studio, video_id: int) -> Path | None:
    """Return the thumbnail of a video, None where there is none yet."""
    video = library.video_by_id(studio.database, video_id)
    path = studio.directory.thumbs / f"{video.content_hash}.jpg"
    return path if video.content_hash and is_kept(studio, path) else None
