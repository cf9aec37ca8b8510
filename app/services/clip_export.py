"""The folder of clips for other trainers: cut here, or in a job that shows how far it is."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.services import Studio
from core.errors import InvalidData, InvalidFile
from core.formats import clip_folder
from core.formats.clip_folder import LOSSES as LOSSES
from core.formats.marks import Mark, MarkedVideo
from core.types import Report, nobody_listens
from storage import jobs
from storage.jobs import NewJob

CLIPS = "clip_folder"
"""What an export of clips is called beside the formats."""

_NAMED = 5


def cut(videos: Sequence[MarkedVideo], target: Path, report: Report = nobody_listens) -> None:
    """Write the folder, all or nothing; `report` hears how many clips are finished."""
    _check(videos)
    clip_folder.write(videos, target, threads=0, report=report)


def start_clips(
    studio: Studio, project: int, videos: Sequence[MarkedVideo], target: Path
) -> dict[str, Any]:
    """Queue the job that writes the folder.

    Raises:
        InvalidData: There is nothing to cut, or a video file is gone.
        InvalidFile: The target is there already.
    """
    target = target.expanduser().absolute()
    _check(videos)
    if target.exists():
        raise InvalidFile(
            "An export overwrites nothing, and this is there already", target,
            next_step="Choose another name, or move it away.",
        )  # fmt: skip
    spec = {"kind": "clips", "target": str(target), "videos": [_as_json(v) for v in videos]}
    job = jobs.enqueue(studio.database, NewJob(project, "clips", "media", spec))
    clips = sum(len(video["marks"]) for video in spec["videos"])
    return {
        "job": job.id, "format": CLIPS, "target": str(target), "videos": len(videos),
        "segments": clips,
    }  # fmt: skip


def videos_of(spec: Mapping[str, Any]) -> list[MarkedVideo]:
    """Return the videos of a job as `start_clips` wrote them."""
    return [
        MarkedVideo(
            name=video["name"],
            path=Path(video["path"]),
            duration_us=video["duration_us"],
            split=video["split"],
            marks=tuple(Mark(start_us=a, end_us=b, label=label) for a, b, label in video["marks"]),
        )
        for video in spec["videos"]
    ]


def _as_json(video: MarkedVideo) -> dict[str, Any]:
    return {
        "name": video.name,
        "path": str(video.path),
        "duration_us": video.duration_us,
        "split": video.split,
        "marks": [[m.start_us, m.end_us, m.label] for m in video.marks if m.kind == "interval"],
    }


def _check(videos: Sequence[MarkedVideo]) -> None:
    """Raise unless there is a segment, and every file with segments is there."""
    with_segments = [v for v in videos if any(mark.kind == "interval" for mark in v.marks)]
    if not with_segments:
        raise InvalidData("A folder of clips needs a segment at least", "", "Label something.")
    gone = [video.name for video in with_segments if not video.path.is_file()]
    if gone:
        shown = ", ".join(gone[:_NAMED]) + (" …" if len(gone) > _NAMED else "")
        raise InvalidData(
            "Clips are cut from video files, and some are not there", shown,
            "Put them back, archive them, or choose another split.",
        )  # fmt: skip
