"""Files that are whole or not there, and the places of files that can be computed again."""

import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def writing(path: Path, *, private: bool = False) -> Iterator[Path]:
    """Lend a temporary file beside `path` that takes its place when the block ends well.

    Who reads `path` sees the old file or the new one, also after a power cut. `private` files can
    be read by their owner only, from the first byte on.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    mode = 0o600 if private else 0o666  # the system takes its umask off
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
    try:
        yield temporary
        _sync(temporary)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_bytes(path: Path, content: bytes, *, private: bool = False) -> None:
    """Write a whole file at once, or leave what was there."""
    with writing(path, private=private) as temporary:
        temporary.write_bytes(content)


def write_json(path: Path, value: Any, *, private: bool = False) -> None:
    """Write `value` as indented JSON, or leave what was there."""
    text = json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False)
    write_bytes(path, f"{text}\n".encode(), private=private)


def digest(value: Any) -> str:
    """Return the SHA-256 of a JSON value, the same for equal values in every process."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def cache_file(folder: Path, content_hash: str, *, made_with: Any, suffix: str) -> Path:
    """Return where a file lies that was derived from some content with some settings.

    Other content or other settings give another path, so a cached file is never stale.
    """
    return folder / content_hash[:2] / f"{content_hash}-{digest(made_with)[:16]}{suffix}"


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the system can."""
    if os.name == "posix":  # Windows cannot open a folder and needs no such call
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _sync(path: Path) -> None:
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())
