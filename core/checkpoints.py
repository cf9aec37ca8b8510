"""Folders that are whole or not there: written beside, fsynced, sealed by a manifest, renamed."""

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger(__name__)

MANIFEST = "MANIFEST.json"


def seal(target: Path, write: Callable[[Path], None]) -> None:
    """Fill a folder through `write` so that `target` is whole or absent, whatever happens.

    An earlier `target` is replaced only when the new one is whole.
    """
    staging = target.with_name(f"{target.name}.tmp")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    write(staging)
    files = [path for path in sorted(staging.rglob("*")) if path.is_file()]
    entries = {
        path.relative_to(staging).as_posix(): {"size": path.stat().st_size, "sha256": _sha256(path)}
        for path in files
    }
    manifest = staging / MANIFEST
    manifest.write_text(json.dumps(entries, indent=1))
    for path in [*files, manifest, staging]:
        _fsync(path)
    old = target.with_name(f"{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    staging.rename(target)
    _fsync(target.parent)
    shutil.rmtree(old, ignore_errors=True)


def is_whole(folder: Path) -> bool:
    """Say whether every file of a sealed folder is there, with its size and its hash."""
    try:
        entries = json.loads((folder / MANIFEST).read_text())
        return bool(entries) and all(
            (folder / name).stat().st_size == entry["size"]
            and _sha256(folder / name) == entry["sha256"]
            for name, entry in entries.items()
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def find_checkpoint(folder: Path) -> str | None:
    """Return the newest whole checkpoint under a folder; broken ones are set aside."""
    numbered = [
        p for p in folder.glob("checkpoint-*") if p.name.removeprefix("checkpoint-").isdigit()
    ]
    for path in sorted(numbered, key=lambda p: int(p.name.rpartition("-")[2]), reverse=True):
        if is_whole(path):
            return str(path)
        log.warning("checkpoint %s is not whole; an earlier one is used", path)
        path.rename(path.with_name(f"broken-{path.name}"))
    return None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
