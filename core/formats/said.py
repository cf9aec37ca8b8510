"""What tools for annotation say and how: marks of every kind, and the videos that they name."""

import os
import re
from dataclasses import replace
from pathlib import Path, PureWindowsPath
from urllib.parse import unquote

from core.formats.frames import FrameClock
from core.formats.json_files import video_of
from core.formats.marks import Mark
from core.formats.values import (
    BACKGROUND,
    NOTE_LIMIT,
    TRACK_LIMIT,
    label_of,
    labelled,
    line_of,
)

_UNLABELLED = "Ambiguous"
"""What an ignored span is called in a format that knows only labels; readers know it again."""


def said(
    start_us: int,
    end_us: int,
    text: str,
    *,
    track: str = "",
    key: str = "",
    parent: str = "",
    confidence: float | None = None,
    note: str = "",
) -> tuple[Mark, ...]:
    """Return an annotation as marks: none for background, an ignored span for an ambiguous one."""
    return tuple(
        replace(mark, track=track, key=key, parent=parent, confidence=confidence, note=note)
        for mark in labelled(start_us, end_us, label_of(text))
    )


def point(time_us: int, text: str, *, track: str = "", note: str = "") -> tuple[Mark, ...]:
    """Return a point event as marks: none for background."""
    label = label_of(text)
    if label.casefold() in BACKGROUND:
        return ()
    mark = Mark(start_us=time_us, end_us=time_us, label=label, kind="point", track=track, note=note)
    return (mark,)


def spoken(mark: Mark) -> str:
    """Return the label that a mark is written with."""
    return _UNLABELLED if mark.kind == "ignore" else mark.label


def named_video(text: str, file: Path) -> str:
    """Return the video that a tool names in its file, by a path of any machine or an address.

    A path that leads to a file from here is kept, and so is one below the file. Any other is of
    another machine: its last part remains, which may still mean exactly one video.
    """
    scheme, address, rest = text.strip().partition("://")
    path = scheme
    if address:
        bare = rest if scheme == "file" else re.split(r"[?#]", rest)[0]
        path = "/" + unquote(bare.partition("/")[2])
    path = video_of(path)
    parts = re.split(r"[/\\]", path)
    far = path.startswith(("/", "\\")) or PureWindowsPath(path).is_absolute() or ".." in parts
    if far and not os.path.isfile(file.parent / path):  # noqa: PTH113 (it never raises)
        return video_of(parts[-1])
    return path.removeprefix("./")


def frame_span(mark: Mark, clock: FrameClock) -> tuple[int, int]:
    """Return a mark in frames, the end exclusive; one shorter than a frame is that frame."""
    start, end = clock.frame(mark.start_us), clock.frame(mark.end_us)
    if start == end:
        inside = start > 0 and clock.time_us(start) > mark.start_us
        return (start - 1, end) if inside else (start, end + 1)
    return start, end


def track_of(text: str) -> str:
    """Return the name of a track in the spelling it is stored in."""
    return line_of(text, "The name of a track", TRACK_LIMIT)


def note_of(text: str) -> str:
    """Return a note in the spelling it is stored in."""
    return line_of(text, "A note", NOTE_LIMIT)
