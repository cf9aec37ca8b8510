"""Whether the files of a frozen job are still those it was made of."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from core.errors import InvalidData, Stopped
from core.feature_files import content_hash
from core.types import LabelledVideo, Progress, Report, nobody_listens

_NAMED = 3


def check_unchanged(
    videos: Sequence[LabelledVideo],
    stamps: Path,
    *,
    is_read: Callable[[LabelledVideo], bool],
    report: Report = nobody_listens,
) -> None:
    """See that every video's file is there with the content that the job was made of.

    A file is hashed when its size or time differ from what an earlier check saw; at the first
    check, when nothing was read from it yet (what was read is stored under its hash).

    Args:
        videos: The videos of the job.
        stamps: Where sizes and times are remembered from check to check.
        is_read: Whether all that is needed of a video is stored already.
        report: May ask to stop.

    Raises:
        InvalidData: Files are gone or changed; says how many.
        Stopped: `report` asked to stop.
    """
    before = json.loads(stamps.read_text()) if stamps.is_file() else {}
    now: dict[str, list[int]] = {}
    gone, changed = [], []
    for done, video in enumerate(videos):
        path = str(video.path)
        try:
            status = video.path.stat()
            now[path] = [status.st_size, status.st_mtime_ns]
            same = before[path] == now[path] if path in before else is_read(video)
            if not same:
                if report(Progress(done, len(videos), f"checking {video.name}")):
                    raise Stopped("The check of the videos")
                if content_hash(video.path) != video.content_hash:
                    changed.append(video.name)
        except OSError:
            gone.append(video.name)
    if gone or changed:
        said = ((changed, "changed"), (gone, "cannot be read"))
        found = [f"{len(names)} {what} ({_some(names)})" for names, what in said if names]
        raise InvalidData(
            "A training uses the very videos that it was made of",
            f"of {len(videos)} videos {' and '.join(found)}",
            "Put the files back and press Resume, or start a new training on those of now.",
        )
    beside = stamps.with_suffix(".tmp")
    beside.write_text(json.dumps(now))
    beside.replace(stamps)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
