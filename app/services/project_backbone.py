"""Which backbone a project trains with, and whether a backbone can see its videos."""

from collections.abc import Iterable, Mapping
from typing import Any

from app.services import Studio
from core.backbones.feature_settings import feature_folder
from core.errors import InvalidConfig
from core.feature_files import is_feature_file
from core.types import LabelledVideo
from storage import projects

_SETTING = "backbone"


def backbone_of(studio: Studio, project: int) -> str:
    """Return the backbone that a project trains with where nothing else is asked for."""
    return backbone_in(projects.find_project(studio.database, project).settings)


def backbone_in(settings: Mapping[str, Any]) -> str:
    """Return the backbone that the settings of a project name."""
    return settings.get(_SETTING, "nano")


def set_backbone(studio: Studio, project: int, backbone: str) -> None:
    """Make a backbone, a name or the path of a folder, the one of a project."""
    projects.change_settings(studio.database, project, {_SETTING: backbone})


def check_sees(backbone: str, videos: Iterable[LabelledVideo], rate: float | None) -> None:
    """Refuse a backbone that cannot see some of the videos, before anything is queued.

    Raises:
        InvalidConfig: It looks at pictures where there are none, or its features have another rate.
        StudioError: It has no features of some videos.
    """
    folder = feature_folder(backbone)
    if folder is not None:
        folder.check(videos, rate)
    elif bare := [video.name for video in videos if is_feature_file(video.path)]:
        raise InvalidConfig(
            "Videos without video files need a backbone of features",
            f"'{backbone}' looks at pictures, and '{bare[0]}' has none",
            "Take the project's own backbone.",
        )
