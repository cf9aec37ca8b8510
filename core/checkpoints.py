"""Folders that are whole or not there: written beside, fsynced, sealed by a manifest, renamed."""

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

MANIFEST = "MANIFEST.json"
_STAGING, _EARLIER = ".tmp", ".old"


def seal(target: Path, write: Callable[[Path], None]) -> None:
    """Fill a folder through `write` so that `target` is whole or absent, whatever happens.

    An earlier `target` is replaced only when the new one is whole; a failed attempt takes no room.
    """
    settle(target)
    staging, earlier = _beside(target, _STAGING), _beside(target, _EARLIER)
    staging.mkdir(parents=True)
    try:
        write(staging)
        _sign(staging)
        if target.exists():
            target.rename(earlier)
        staging.rename(target)
        _fsync(target.parent)
    except BaseException:
        with suppress(OSError):
            settle(target)
        raise
    shutil.rmtree(earlier, ignore_errors=True)


def settle(target: Path) -> None:
    """Finish what an interrupted `seal` left of a folder, or undo it."""
    staging, earlier = _beside(target, _STAGING), _beside(target, _EARLIER)
    if not target.exists():
        for left in (staging, earlier):
            if is_whole(left):
                left.rename(target)
                break
    for left in (staging, earlier):
        shutil.rmtree(left, ignore_errors=True)


def settle_all(folder: Path) -> None:
    """Settle every folder under one, as after a killed process."""
    left = [p for suffix in (_STAGING, _EARLIER) for p in folder.glob(f"*{suffix}")]
    for path in left:
        settle(path.with_suffix(""))


def is_whole(folder: Path) -> bool:
    """Say whether every file of a sealed folder is there, with its size and its hash."""
    try:
        entries = json.loads((folder / MANIFEST).read_text())
        return bool(entries) and all(
            (folder / name).stat().st_size == entry["size"]
            and _sha256(folder / name) == entry["sha256"]
            for name, entry in entries.items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def numbered(folder: Path) -> list[Path]:
    """Return the folders `checkpoint-<step>` under a folder, oldest first; no leftovers."""
    found = [p for p in folder.glob("checkpoint-*") if p.name[len("checkpoint-") :].isdigit()]
    return sorted(found, key=step_of)


def step_of(checkpoint: Path) -> int:
    """Return the step that a checkpoint's name says."""
    return int(checkpoint.name.rpartition("-")[2])


def find_checkpoint(
    folder: Path, fault_of: Callable[[Path], str] | None = None
) -> tuple[Path | None, list[str]]:
    """Find the newest good checkpoint under a folder; broken ones are set aside.

    Args:
        folder: Holds `checkpoint-<step>` folders.
        fault_of: Says what a whole checkpoint lacks, "" for nothing.

    Returns:
        The checkpoint, None where there is none, and a sentence for each that was set aside.
    """
    settle_all(folder)
    notes = []
    for path in reversed(numbered(folder)):
        fault = "files are missing or damaged" if not is_whole(path) else ""
        fault = fault or (fault_of(path) if fault_of else "")
        if not fault:
            return path, notes
        notes.append(f"{path.name} was not used: {fault}. It is kept as broken-{path.name}.")
        log.warning(notes[-1])
        aside = path.with_name(f"broken-{path.name}")
        shutil.rmtree(aside, ignore_errors=True)
        path.rename(aside)
    return None, notes


def _sign(folder: Path) -> None:
    """Write the manifest of a folder and see that all of it is on the disk."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    entries = {
        path.relative_to(folder).as_posix(): {"size": path.stat().st_size, "sha256": _sha256(path)}
        for path in files
    }
    manifest = folder / MANIFEST
    manifest.write_text(json.dumps(entries, indent=1))
    for path in [*files, manifest, folder]:
        _fsync(path)


def _beside(target: Path, suffix: str) -> Path:
    return target.with_name(f"{target.name}{suffix}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
