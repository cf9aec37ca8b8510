"""How far two people agree who labelled the same videos, each on a track."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from analysis.significance import Interval
from analysis.tracks import RATE, Compared, Track, agreement, compare
from app.services import Studio
from app.services.predictions import end_of
from core.errors import MissingArtifact
from core.types import grid_us
from storage import library
from storage.library import Video
from storage.names import unknown_name
from storage.segment_queries import TrackSpan, spans_of_tracks, tracks


def of_video(studio: Studio, video_id: int, first: str, second: str) -> dict[str, Any]:
    """Return how far two tracks of a video agree: kappa from −1 to 1, F1 in percent by IoU.

    Raises:
        UnknownName: The project has no such track.
        MissingArtifact: The video has nothing on one of them.
    """
    video = library.video_by_id(studio.database, video_id)
    ((_, found),) = _compared(studio, video.project_id, [video], first, second)
    return _figures(found)


def of_project(studio: Studio, project: int, first: str, second: str) -> dict[str, Any]:
    """Return the same over all videos that have both tracks, and for each of them.

    Figures over the project carry their interval over videos.

    Raises:
        UnknownName: The project has no such track.
        MissingArtifact: No video has both.
    """
    videos = library.list_videos(studio.database, project)
    found = _compared(studio, project, videos, first, second)
    whole = agreement([compared for _, compared in found])
    return {
        "first": first,
        "second": second,
        "rate": RATE,
        "kappa": _spread(whole.kappa),
        "f1": {percent: _spread(each) for percent, each in whole.f1.items()},
        "frames": sum(compared.frames for _, compared in found),
        "first_segments": sum(compared.segments[0] for _, compared in found),
        "second_segments": sum(compared.segments[1] for _, compared in found),
        "videos": [
            {"video": video.id, "name": video.name, **_figures(compared)}
            for video, compared in found
        ],
    }


def _compared(
    studio: Studio, project: int, videos: Iterable[Video], first: str, second: str
) -> list[tuple[Video, Compared]]:
    """Compare two tracks of the videos that have something on both."""
    known = tracks(studio.database, project)
    for name in (first, second):
        if name not in known:
            raise unknown_name("track", name, known)
    spans = spans_of_tracks(studio.database, project, (first, second))
    found = []
    for video in videos:
        both = spans.get((video.id, first)), spans.get((video.id, second))
        if both[0] and both[1]:
            one, other = (_track(each, end_of(video)) for each in both if each)
            found.append((video, compare(one, other, grid_us(end_of(video), RATE))))
    if not found:
        raise MissingArtifact(
            "Two tracks are compared on videos that have both",
            f"none has '{first}' and '{second}'",
            "Label a video on the second track as well.",
        )
    return found


def _track(spans: Sequence[TrackSpan], end_us: int) -> Track:
    """Return what lies in the video; actions without times there have none to compare."""
    inside = [(s.start_us, min(s.end_us, end_us), s.label_id) for s in spans if s.start_us < end_us]
    actions = np.array([span for span in inside if span[2] is not None], np.int64).reshape(-1, 3)
    ignored = np.array([span[:2] for span in inside if span[2] is None], np.int64).reshape(-1, 2)
    return Track(actions[:, 0], actions[:, 1], actions[:, 2], ignored)


def _figures(found: Compared) -> dict[str, Any]:
    alone = agreement([found])
    return {
        "kappa": alone.kappa.value,
        "f1": {percent: each.value for percent, each in alone.f1.items()},
        "frames": found.frames,
        "first_segments": found.segments[0],
        "second_segments": found.segments[1],
    }


def _spread(found: Interval) -> dict[str, float | None]:
    return {"value": found.value, "low": found.low, "high": found.high}
