"""Folders of features that become videos of a project: a layout is one module with two names.

recognises(folder)  whether a folder has this layout
read(folder)        the folder as a `FeatureSet`, whole or with its faults

What makes the whole folder unusable is raised; a session that cannot be used is a fault beside the
others. No video file is needed anywhere: a session lasts as long as its features.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import InvalidData
from core.feature_files import FeatureFolder
from core.registry import resolve
from core.types import SECOND, Segment, Span, Split

# The first that recognises a folder reads it: the particular before the general.
LAYOUTS = {
    "frame_targets": "core.feature_sets.frame_targets:read",
    "features": "core.feature_sets.plain:read",
}


@dataclass(frozen=True, slots=True)
class Session:
    """One array of features, checked: what it is, how long, and what happens in it.

    `frames` are those that count; `note` says what was done to make things fit.
    """

    name: str
    path: Path
    content_hash: str
    frames: int
    split: Split | None = None
    segments: tuple[Segment, ...] = ()
    ignored: tuple[Span, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class SessionFault:
    """A session that was not taken, and why."""

    name: str
    error: InvalidData


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """What a folder of features says. `missing` are sessions that it only names."""

    layout: str
    name: str
    features: FeatureFolder
    classes: tuple[str, ...]
    sessions: tuple[Session, ...]
    missing: tuple[str, ...] = ()
    faults: tuple[SessionFault, ...] = ()
    notes: tuple[str, ...] = ()


def recognise(folder: Path) -> str | None:
    """Return the layout of a folder, None where it has none."""
    try:
        for name in LAYOUTS:
            recognises: Callable[[Path], bool] = _member(name, "recognises")
            if recognises(folder):
                return name
    except PermissionError:  # whoever reads the folder as something else says so
        pass
    return None


def read(folder: Path, layout: str) -> FeatureSet:
    """Read a folder in a layout that recognised it.

    Raises:
        InvalidData: Nothing of it can be used; the message says why.
    """
    reader: Callable[[Path], FeatureSet] = _member(layout, "read")
    return reader(folder)


def at_frame(frame: int, rate: float) -> int:
    """Return where a frame begins in microseconds; the frame behind the last begins at the end."""
    return int(np.int64(frame) * SECOND // rate)


def _member(layout: str, attribute: str) -> Any:
    module = LAYOUTS[layout].partition(":")[0]
    return resolve("layout of features", {layout: f"{module}:{attribute}"}, layout)
