"""A project's annotations as a file of another tool: what is lost is said first."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from app.services import Studio
from app.services.clip_export import CLIPS, LOSSES as CLIP_LOSSES, cut, start_clips
from app.services.frame_times import frame_times
from core import formats
from core.errors import InvalidData
from core.formats.loss_counts import census, lost, off_grid
from core.formats.marks import Losses, Mark, MarkedVideo
from core.registry import check_name
from core.types import Report, Split, nobody_listens
from storage import annotations, labels, library
from storage.annotations import StoredSegment
from storage.library import Video
from storage.projects import find_project

TITLES: Mapping[str, str] = {
    "table": "Table (CSV)",
    "activitynet": "ActivityNet",
    "activitynet_results": "ActivityNet results",
    "boris": "BORIS",
    "coin": "COIN, as the GAD loader reads it",
    "crosstask": "CrossTask",
    "cvat": "CVAT",
    "elan": "ELAN",
    "epic_kitchens": "EPIC-KITCHENS-100",
    "gmdcsa24": "GMDCSA24",
    "goalstep": "Ego4D GoalStep",
    "label_studio": "Label Studio",
    "ms_tcn": "MS-TCN, a label per frame",
    "thumos": "THUMOS'14",
    "via": "VIA 3",
    "webvtt": "WebVTT",
    CLIPS: "Folder of clips, cut from the videos",
}
"""What a person calls the formats that are written."""

_FOLDERS = frozenset(
    {CLIPS, "coin", "crosstask", "cvat", "elan", "gmdcsa24", "ms_tcn", "thumos", "webvtt"}
)
"""Formats that are written as a folder of files."""


def writable() -> tuple[str, ...]:
    """Return the names of all that can be written: the formats, and the folder of clips."""
    return (*formats.writable(), CLIPS)


def losses(name: str) -> Losses:
    """Return what an export in a format loses.

    Raises:
        UnknownName: There is no such format.
        InvalidData: It is only read.
    """
    if name == CLIPS:
        return CLIP_LOSSES
    check_name("annotation format", {**formats.FORMATS, CLIPS: ""}, name)
    if name not in formats.writable():
        raise InvalidData(
            "This format is read and not written", f"'{name}'",
            f"Choose one of {', '.join(writable())}.",
        )  # fmt: skip
    return formats.losses(name)


def statement(name: str) -> str:
    """Return what an export in a format loses, as a person reads it."""
    return losses(name).statement or "Nothing is lost."


def plan(studio: Studio, project: int, split: Split | None = None) -> dict[str, Any]:
    """Return what every format would write of a project or a split, and lose of what is there."""
    videos = marked_videos(studio, project, split)
    counts = census(videos)
    grids = {losses(name).grid_us for name in writable()} - {1}
    rounded = {grid: off_grid(videos, grid) for grid in grids}
    name = re.sub(r"[^\w.-]+", "-", find_project(studio.database, project).name).strip("-.")
    return {
        "videos": len(videos),
        "segments": sum(len(video.marks) for video in videos),
        "formats": [
            {
                "name": each,
                "title": TITLES[each],
                "folder": each in _FOLDERS,
                "statement": statement(each),
                "lost": lost(counts, losses(each)),
                "segments": _written(counts, losses(each)),
                "rounded": rounded.get(losses(each).grid_us, 0),
                "target": str(Path.home() / f"{name or 'annotations'}-{each}{_suffix(each)}"),
            }
            for each in TITLES
        ],
    }


def _written(counts: Mapping[str, int], losses: Losses) -> int:
    """Return how many marks a format takes: all, less points and ignored spans it cannot say."""
    lost = losses.points * counts["points"] + losses.ignored * counts["ignored"]
    return counts["marks"] - lost


def _suffix(name: str) -> str:
    return "" if name in _FOLDERS else formats.suffix(name)


def start(
    studio: Studio, project: int, name: str, target: Path, *, split: Split | None = None
) -> dict[str, Any]:
    """Write a file as `export` does; a folder of clips takes long and becomes a job.

    Raises:
        InvalidData: The target is no whole path, or what `export` raises.
    """
    if not target.expanduser().is_absolute():
        raise InvalidData(
            "An export goes to a path on this machine", f"'{target}' is not a whole one",
            "Begin with / or ~.",
        )  # fmt: skip
    if name == CLIPS:
        return start_clips(studio, project, marked_videos(studio, project, split), target)
    return export(studio, project, name, target, split=split)


def export(
    studio: Studio,
    project: int,
    name: str,
    target: Path,
    *,
    split: Split | None = None,
    report: Report = nobody_listens,
) -> dict[str, Any]:
    """Write the annotations of a project, or of one split, in a format.

    The target, a file or for some formats a folder, appears whole or not at all. `report` hears
    of clips, which take long.

    Raises:
        InvalidFile: The target is there already, or cannot be written.
        InvalidData: Something that the format cannot say and must not drop.
    """
    told = statement(name)
    videos = marked_videos(studio, project, split)
    target = target.expanduser().absolute()
    if name == CLIPS:
        cut(videos, target, report)
    else:
        formats.write(name, videos, target)
    return {
        "format": name,
        "target": str(target),
        "videos": len(videos),
        "segments": _written(census(videos), losses(name)),
        "lost": told,
    }


def marked_videos(studio: Studio, project: int, split: Split | None = None) -> list[MarkedVideo]:
    """Return the videos of a project that are not archived, by name, with all their segments.

    Raises:
        InvalidData: There are none, or nobody has looked at one that has segments.
    """
    known = library.list_videos(studio.database, project)
    names = _telling_names(known)
    wanted = [video for video in known if split in (None, video.split)]
    if not wanted:
        raise InvalidData("An export needs videos", "there are none", "Add some, or split them.")
    of_video = annotations.segments_of_project(studio.database, project)
    words = {
        label.id: label.name
        for label_set in labels.list_label_sets(studio.database, project)
        for label in labels.list_labels(studio.database, label_set.id, archived=True)
    }
    return [
        _marked(studio, video, names[video.id], of_video.get(video.id, ()), words)
        for video in wanted
        if video.duration_us is not None or video.id in of_video
    ]


def _marked(
    studio: Studio,
    video: Video,
    name: str,
    segments: Sequence[StoredSegment],
    words: Mapping[int, str],
) -> MarkedVideo:
    if video.duration_us is None:
        raise InvalidData(
            "The length of a video that has segments must be known", f"'{video.name}'",
            "Put the file back and add its folder again, or archive it.",
        )  # fmt: skip
    times = frame_times(studio, video)
    there = {segment.id for segment in segments}
    return MarkedVideo(
        name=name,
        path=Path(video.path),
        duration_us=video.duration_us,
        marks=tuple(_mark(segment, there, words) for segment in segments),
        fps=video.fps,
        size=(video.width, video.height) if video.width and video.height else None,
        split=video.split,
        goal=video.goal,
        frame_times_us=None if isinstance(times, int | float) else times,
    )


def _mark(segment: StoredSegment, there: set[str], words: Mapping[int, str]) -> Mark:
    above = segment.parent_id
    return Mark(
        start_us=segment.start_us,
        end_us=segment.end_us,
        label=words[segment.label_id] if segment.label_id is not None else "",
        kind=segment.kind.value,
        track=segment.track,
        key=segment.id,
        parent=above if above is not None and above in there else "",
        confidence=segment.confidence,
        note=segment.note,
    )


def _telling_names(videos: Sequence[Video]) -> dict[int, str]:
    """Return a name for each video by which an import finds it and no other one.

    Where a name is also the end of another video's path, it begins further up.
    """
    paths = {video.id: PurePath(video.path).parts for video in videos}
    ends: dict[int, Counter[tuple[str, ...]]] = {}

    def shared(parts: tuple[str, ...], length: int) -> bool:
        if length not in ends:
            ends[length] = Counter(path[-length:] for path in paths.values())
        return ends[length][parts[-length:]] > 1

    found = {}
    for video in videos:
        parts, name = paths[video.id], PurePath(video.name)
        length = len(name.parts)
        while length < len(parts) and parts[-length:] == name.parts and shared(parts, length):
            length += 1
            name = PurePath(*parts[-length:])
        found[video.id] = name.as_posix()
    return found
