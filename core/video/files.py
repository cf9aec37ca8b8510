"""Video files as files: what may be opened, how content is named, how a new one is put in place."""

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.errors import UnreadableVideo


def shown_name(path: Path) -> str:
    """Return a file's name for a sentence; names need not be valid text."""
    return f"'{path.name.encode(errors='replace').decode()}'"


def regular_file(path: Path) -> int:
    """Return the size of an ordinary, non-empty file without opening it.

    Raises:
        UnreadableVideo: it is anything else; a pipe or a device would hang whoever opens it.
    """
    try:
        found = path.stat()
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or str(problem)
        raise UnreadableVideo(
            "A video must be a file that can be reached",
            shown_name(path),
            f"{reason[:1].upper()}{reason[1:]}; check the path.",
        ) from None
    if not stat.S_ISREG(found.st_mode):
        raise UnreadableVideo(
            "A video must be an ordinary file", shown_name(path), "Choose a video file."
        )
    if found.st_size == 0:
        raise UnreadableVideo(
            "A video must not be empty", shown_name(path), "Copy it again from where it came."
        )
    return found.st_size


def content_hash(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give a place beside `target` to write to, and put it there when all went well.

    Nobody ever sees a half-written file, and what stood there before survives every failure.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name[:100]}.{os.getpid()}.part")
    try:
        yield beside
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        beside.replace(target)
    finally:
        with suppress(FileNotFoundError):
            beside.unlink()
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return  # Windows cannot open a folder
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
