"""A project's annotations as a file of another tool: what is lost is said first."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from app.services import Studio
from app.services.frame_times import frame_times
from core import formats
from core.errors import InvalidData
from core.formats.marks import Mark, MarkedVideo
from core.registry import check_name
from core.types import Split
from storage import annotations, labels, library
from storage.annotations import StoredSegment
from storage.library import Video


def statement(name: str) -> str:
    """Return what an export in a format loses, as a person reads it.

    Raises:
        UnknownName: There is no such format.
        InvalidData: It is only read.
    """
    check_name("annotation format", formats.FORMATS, name)
    if name not in formats.writable():
        raise InvalidData(
            "This format is read and not written", f"'{name}'",
            f"Choose one of {', '.join(formats.writable())}.",
        )  # fmt: skip
    return formats.losses(name).statement or "Nothing is lost."


def export(
    studio: Studio, project: int, name: str, target: Path, *, split: Split | None = None
) -> dict[str, Any]:
    """Write the annotations of a project, or of one split, in a format.

    The target, a file or for some formats a folder, appears whole or not at all.

    Raises:
        InvalidFile: The target is there already, or cannot be written.
        InvalidData: Something that the format cannot say and must not drop.
    """
    lost = statement(name)
    videos = marked_videos(studio, project, split)
    target = target.expanduser().absolute()
    formats.write(name, videos, target)
    return {
        "format": name,
        "target": str(target),
        "videos": len(videos),
        "segments": sum(len(video.marks) for video in videos),
        "lost": lost,
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
        _marked(video, names[video.id], of_video.get(video.id, ()), words)
        for video in wanted
        if video.duration_us is not None or video.id in of_video
    ]


def _marked(
    video: Video, name: str, segments: Sequence[StoredSegment], words: Mapping[int, str]
) -> MarkedVideo:
    if video.duration_us is None:
        raise InvalidData(
            "The length of a video that has segments must be known", f"'{video.name}'",
            "Put the file back and add its folder again, or archive it.",
        )  # fmt: skip
    times = frame_times(video)
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
