"""The job that cuts the segments of videos into a folder of clips."""

from pathlib import Path
from typing import Any

from app.jobs.worker import JobContext
from app.services.clip_export import cut, videos_of


def run(context: JobContext) -> dict[str, Any]:
    """Cut every segment of the spec's videos; the folder appears whole, or not at all."""
    videos = videos_of(context.spec)
    cut(videos, Path(context.spec["target"]), context.report)
    return {"clips": sum(len(video.marks) for video in videos)}
