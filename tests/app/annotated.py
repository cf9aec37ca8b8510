"""Projects of videos that were looked at, without a file: all that annotations need."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from app.services import Studio
from core.types import SPLITS
from storage import library, projects
from tests.storage.samples import facts

NAMES = ("tea.mp4", "juice.mp4", "toast.mp4")


def make(
    studio: Studio,
    folder: Path,
    project: str = "kitchen",
    names: Sequence[str] = NAMES,
    **more: object,
) -> int:
    """Make a project of videos of a minute at 25 frames a second; they need not exist."""
    number = projects.create_project(studio.database, project).id
    paths = [folder / name for name in names]
    added = library.add_videos(studio.database, number, folder=folder, paths=paths)
    seen = {v: replace(facts(**more), content_hash=f"{v:064}") for v in added.new}
    library.record_facts(studio.database, seen)
    splits = zip(added.new, SPLITS, strict=False)
    library.set_splits(studio.database, number, dict(splits))
    return number


def ids(studio: Studio, project: int) -> dict[str, int]:
    found = library.list_videos(studio.database, project)
    return {Path(video.path).name: video.id for video in found}
