"""What writers share: names of videos, times as text, and files that appear whole or not at all."""

import json
import os
import shutil
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from core.errors import InvalidData, InvalidFile
from core.formats.marks import Mark, MarkedVideo
from core.formats.source import quoted
from core.types import SECOND, Split


def ids_of(videos: Sequence[MarkedVideo], *, flat: bool = False) -> list[str]:
    """Return what a file calls each video: its name without folders and suffix.

    Where two would be called the same, all keep their folders.

    Args:
        videos: The videos of one export.
        flat: Whether the names become those of files, so that folders cannot be kept.

    Raises:
        InvalidData: Two videos cannot be told apart, or a name is not one line of text.
    """
    long = [video.name.removesuffix(video.path.suffix) for video in videos]
    names = [PurePosixPath(name).name for name in long]
    if len(set(names)) < len(names) and not flat:
        names = long
    for name, count in Counter(names).items():
        if name != name.strip() or not name.isprintable() or not name:
            raise InvalidData(
                "A video must have a name of one line, without spaces around",
                quoted(name),
                "Rename the video.",
            )
        if count > 1:
            raise InvalidData(
                "Two videos of an export must not have the same name",
                quoted(name),
                "Rename one of them, or export them apart.",
            )
    return names


def intervals(video: MarkedVideo) -> list[Mark]:
    """Return the intervals of a video in the order of time."""
    found = [mark for mark in video.marks if mark.kind == "interval"]
    return sorted(found, key=lambda mark: (mark.start_us, mark.end_us, mark.label))


SUBSETS: Mapping[Split | None, str] = {
    "train": "training", "val": "validation", "test": "testing", None: "training"
}  # fmt: skip
"""What ActivityNet and COIN call the splits; a video without one may be trained on."""


def seconds(time_us: int) -> str:
    """Return microseconds as seconds in decimals, exactly: `2.0`, `5.083333`."""
    whole, rest = divmod(time_us, SECOND)
    return f"{whole}.{f'{rest:06}'.rstrip('0') or '0'}"


def json_text(value: Mapping[str, Any] | Sequence[Any]) -> str:
    """Return a JSON file in one line, as such files are published."""
    return json.dumps(value, ensure_ascii=False) + "\n"


def write_text(target: Path, text: str) -> None:
    """Write a file in UTF-8, its lines ending as on any system."""
    target.write_text(text, encoding="utf-8", newline="\n")


def write_folder(target: Path, files: Mapping[str, str]) -> None:
    """Make a folder; `files` gives the text of each path in it."""
    target.mkdir()
    for name, text in files.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)


@contextmanager
def new_target(target: Path) -> Iterator[Path]:
    """Give a path beside `target` that takes its place in the end, or goes without a trace.

    Raises:
        InvalidFile: The target is there already, its folder is not, or it cannot be written.
    """
    if os.path.lexists(target):
        raise InvalidFile(
            "An export overwrites nothing, and this is there already", target,
            next_step="Choose another name, or move it away.",
        )  # fmt: skip
    if not target.parent.is_dir():
        raise InvalidFile(
            "An export goes into a folder that is there", target, next_step="Make the folder first."
        )
    beside = target.with_name(f".{target.stem}-{uuid.uuid4().hex}{target.suffix}")
    try:
        yield beside
        beside.replace(target)
    except OSError as error:
        raise InvalidFile(
            f"An export must be written whole ({error.strerror})", target,
            next_step="Check that its folder may be written to and has room.",
        ) from error  # fmt: skip
    finally:
        if beside.is_dir():
            shutil.rmtree(beside, ignore_errors=True)
        else:
            beside.unlink(missing_ok=True)
