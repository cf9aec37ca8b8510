"""ActivityNet, one JSON object: the annotations of every video in seconds.

`{"database": {"tea": {"duration": 20.0, "subset": "training", "annotations": [{"segment": [2.0,
5.0], "label": "fill kettle"}]}}}`; the dialect of MMAction2, which has the videos on top and
`duration_second` in each, is read too. The line of a row is the number of its annotation. Videos of
the testing subset without annotations say nothing: their labels are withheld, not absent.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.errors import InvalidData, InvalidFile
from core.formats import Reading
from core.formats.json_files import begins, parsed, read_lists, seconds_us, shown, text_in
from core.formats.marks import INTERVALS, Mark, MarkedVideo
from core.formats.values import label_of, labelled
from core.formats.writing import SUBSETS, ids_of, intervals, json_text, write_text
from core.types import SECOND

LAYOUT = (
    "a JSON file with 'database', its videos and their 'annotations' (also as MMAction2 has it)"
)

SUFFIXES = (".json",)

LOSSES = replace(
    INTERVALS,
    sentence="Goals and test videos without segments are not kept; videos without a split are "
    "written as training.",
)

_DATABASE = re.compile(r'"database"\s*:\s*\{|"taxonomy"\s*:\s*\[')


def recognises(head: bytes) -> bool:
    """Return whether the file begins as an object with a database, or as MMAction2 writes it."""
    text = begins(head)
    return bool(_DATABASE.search(text)) or ('"duration_second"' in text and '"annotations"' in text)


def read(path: Path) -> Reading:
    """Read the annotations of every video."""
    found = parsed(path)
    videos = found if _is_mmaction2(found) else database_of(found, path)
    said = {name: video for name, video in videos.items() if not _is_withheld(video)}
    if videos and not said:
        raise InvalidFile(
            "A file must have annotations, and all of its videos are of the testing subset without",
            path,
            next_step="Choose the file of the training or validation subset.",
        )
    lists = [(name, listed(video, "annotations")) for name, video in said.items()]
    return read_lists(path, lists, marks_of)


def _is_mmaction2(found: Mapping[str, Any]) -> bool:
    return any(isinstance(video, dict) and "duration_second" in video for video in found.values())


def database_of(found: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    """Return the videos of a file by name."""
    database = found.get("database")
    if not isinstance(database, dict):
        raise InvalidFile(
            "'database' must be an object with a video under each name",
            path,
            next_step="Choose another file or format.",
        )
    return database


def marks_of(annotation: Mapping[str, Any]) -> tuple[Mark, ...]:
    """Return what one annotation says: its segment, in seconds, and its label."""
    start_us, end_us = segment_us(annotation)
    return labelled(start_us, end_us, label_of(text_in(annotation.get("label"), "label")))


def segment_us(annotation: Mapping[str, Any]) -> tuple[int, int]:
    """Return start and end of an annotation."""
    segment = annotation.get("segment")
    if not isinstance(segment, list) or len(segment) != 2:
        raise InvalidData(
            "A segment is written as [start, end]", shown(segment), "Write two numbers of seconds."
        )
    return seconds_us(segment[0], "start"), seconds_us(segment[1], "end")


def listed(video: object, name: str) -> object:
    """Return the list that a video has under a name; what stands there instead as text."""
    found = video.get(name) if isinstance(video, dict) else str(video)
    return found if isinstance(found, list) else shown(found)


def _is_withheld(video: object) -> bool:
    return (
        isinstance(video, dict)
        and "testing" in str(video.get("subset")).lower()
        and not video.get("annotations")
    )


def write(videos: Sequence[MarkedVideo], target: Path) -> None:
    """Write one file, less the test videos without segments, whose labels would seem withheld."""
    said = [video for video in videos if video.split != "test" or intervals(video)]
    database = {name: _entry(video) for name, video in zip(ids_of(said), said, strict=True)}
    write_text(target, json_text({"version": "VERSION 1.3", "taxonomy": [], "database": database}))


def _entry(video: MarkedVideo) -> dict[str, Any]:
    size = {"resolution": f"{video.size[0]}x{video.size[1]}"} if video.size else {}
    return {
        "duration": video.duration_us / SECOND,
        "subset": SUBSETS[video.split],
        **size,
        "url": "",
        "annotations": [
            {"segment": written(mark), "label": mark.label} for mark in intervals(video)
        ],
    }


def written(mark: Mark) -> list[float]:
    """Return a mark's times as a file has them; a float of this size says every microsecond."""
    return [mark.start_us / SECOND, mark.end_us / SECOND]
