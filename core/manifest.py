"""Labelled videos as JSON: what a job is given, frozen."""

from pathlib import Path
from typing import Any

from core.types import LabelledVideo, Segment


def video_as_json(video: LabelledVideo) -> dict[str, Any]:
    """Return a labelled video as plain JSON values."""
    return {
        "name": video.name,
        "path": str(video.path),
        "content_hash": video.content_hash,
        "duration_us": video.duration_us,
        "segments": [[s.start_us, s.end_us, s.label] for s in video.segments],
        "ignored": [list(span) for span in video.ignored],
        "split": video.split,
        "goal": video.goal,
    }


def video_from_json(values: dict[str, Any]) -> LabelledVideo:
    """Read what `video_as_json` wrote."""
    return LabelledVideo(
        name=values["name"],
        path=Path(values["path"]),
        content_hash=values["content_hash"],
        duration_us=values["duration_us"],
        segments=tuple(Segment(a, b, label) for a, b, label in values["segments"]),
        ignored=tuple((a, b) for a, b in values["ignored"]),
        split=values["split"],
        goal=values["goal"],
    )
