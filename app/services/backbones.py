"""The backbones that this machine can use, and why it cannot use the others. torch is not asked."""

from typing import Any

from app.services.machine import training_memory_gb
from core.backbones import BACKBONES
from core.backbones.entries import Entry
from core.backbones.places import cached


def list_backbones() -> list[dict[str, Any]]:
    """Return every backbone of the registry as a page shows it; `why_not` is '' where usable.

    Sizes are in GB. `here` says whether its weights are on this machine, `fits` whether it has the
    memory to train it.
    """
    room, where = training_memory_gb()
    return [_shown(name, entry, room, where) for name, entry in BACKBONES.items()]


def _shown(name: str, entry: Entry, room: float, where: str) -> dict[str, Any]:
    here = entry.hub is None or cached(entry) is not None
    fits, why_not = entry.memory_gb <= room, ""
    if not fits:
        why_not = f"needs {entry.memory_gb:g} GB of {where}, {room:.0f} GB are there"
    elif not here:
        consent = "after accepting its terms " if entry.gated else ""
        why_not = f"not on this machine: fetch it {consent}with '{entry.download_command}'"
    return {
        "name": name,
        "hub": entry.hub,
        "licence": entry.licence,
        "gated": entry.gated,
        "parameters": entry.parameters,
        "download_gb": entry.download_gb,
        "memory_gb": entry.memory_gb,
        "note": entry.note,
        "here": here,
        "fits": fits,
        "why_not": why_not,
    }
