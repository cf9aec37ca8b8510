"""Highlight reels: a list of clips, one behind the other in a video, with what was said of them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.services import Studio
from app.services.media import is_kept
from app.services.results import MAX_RUNS, compare
from core.errors import InvalidData, MissingArtifact, UnknownName
from core.types import SECOND
from storage import jobs, library
from storage.jobs import NewJob
from storage.library import Video
from storage.states import JobState

KIND = "reel"
FILE = "reel.mp4"
MOST_CLIPS = 200
MOST_US = 600 * SECOND

_NO_ANSWER = "no answer"


def start(
    studio: Studio, project: int, clips: Sequence[Mapping[str, Any]], runs: Sequence[int]
) -> dict[str, Any]:
    """Queue the job that makes a reel.

    Args:
        studio: Where the project is.
        project: Its number.
        clips: What is shown: `video`, `start_us`, `end_us`, and a `text` of one's own.
        runs: Whose answers are written below the true label.

    Raises:
        InvalidData: There is no clip, there are too many, or a clip is outside of its video.
        MissingArtifact: A video file is gone.
    """
    _check(clips, runs)
    videos = {v.id: v for v in library.list_videos(studio.database, project)}
    lanes: dict[int, list[dict[str, Any]]] = {}
    shown = []
    for clip in clips:
        video = videos.get(clip["video"])
        if video is None:
            raise UnknownName("No video of this project", f"{clip['video']}", "Choose its clips.")
        _check_file(video, clip)
        if runs and video.id not in lanes:
            lanes[video.id] = compare(studio, video.id, list(runs))["lanes"]
        shown.append(
            {
                "path": video.path,
                "start_us": clip["start_us"],
                "end_us": clip["end_us"],
                "lines": lines_of(video, clip, lanes.get(video.id, ())),
            }
        )
    job = jobs.enqueue(
        studio.database, NewJob(project, KIND, "media", {"kind": KIND, "clips": shown})
    )
    return {"job": job.id, "clips": len(shown)}


def file_of(studio: Studio, job: int) -> Path:
    """Return the video that a job made.

    Raises:
        MissingArtifact: The job makes no reel, or has not finished one.
    """
    found = jobs.find_job(studio.database, job)
    path = studio.directory.job(job) / FILE
    if found.kind != KIND or found.state is not JobState.DONE or not is_kept(studio, path):
        raise MissingArtifact("This job has no finished reel", f"job {job}", "Make one.")
    return path


def lines_of(
    video: Video, clip: Mapping[str, Any], lanes: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Return what is written on a clip: what is true, what each run says, where it is from."""
    start, end = clip["start_us"], clip["end_us"]
    lines = [clip["text"]] if clip.get("text") else []
    truths = [_most(lane, "truth", start, end) for lane in lanes if "missing" not in lane]
    if known := [truth for truth in truths if truth]:
        lines.append(f"true: {known[0]}")
    lines += [
        f"{lane['name']}: {_most(lane, 'class', start, end) or _NO_ANSWER}"
        for lane in lanes
        if "missing" not in lane
    ]
    return [*lines, f"{video.name}   {_clock(start)} to {_clock(end)}"]


def _most(lane: Mapping[str, Any], key: str, start: int, end: int) -> str | None:
    """Return the class of most rows inside a clip."""
    spans = lane["span_us"] or [(time, time + 1) for time in lane["time_us"]]
    inside = [c for c, (a, b) in zip(lane[key], spans, strict=True) if a < end and b > start]
    counted = Counter(number for number in inside if number >= 0)
    return lane["classes"][counted.most_common(1)[0][0]] if counted else None


def _clock(time_us: int) -> str:
    minutes, rest = divmod(time_us, 60 * SECOND)
    return f"{minutes:02}:{rest / SECOND:05.2f}"


def _check(clips: Sequence[Mapping[str, Any]], runs: Sequence[int]) -> None:
    if not clips:
        raise InvalidData("A reel needs a clip at least", "none was given", "Choose some.")
    if len(clips) > MOST_CLIPS or len(runs) > MAX_RUNS:
        raise InvalidData(
            f"A reel has at most {MOST_CLIPS} clips and {MAX_RUNS} runs",
            f"{len(clips)} clips, {len(runs)} runs", "Choose fewer.",
        )  # fmt: skip
    length = sum(clip["end_us"] - clip["start_us"] for clip in clips)
    if length > MOST_US:
        raise InvalidData(
            f"A reel lasts at most {MOST_US // 60 // SECOND} minutes",
            f"{length / SECOND:.0f} s", "Choose fewer or shorter clips.",
        )  # fmt: skip


def _check_file(video: Video, clip: Mapping[str, Any]) -> None:
    if not 0 <= clip["start_us"] < clip["end_us"] <= (video.duration_us or 0):
        raise InvalidData(
            "A clip lies within its video, and ends after its start",
            f"{_clock(clip['start_us'])} to {_clock(clip['end_us'])} of '{video.name}'",
        )
    if video.is_features or not Path(video.path).is_file():
        raise MissingArtifact(
            "A reel is made from video files, and this one is not there", f"'{video.name}'",
            "Put it back, or leave its clips out.",
        )  # fmt: skip
