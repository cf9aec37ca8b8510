"""Which tracks of a project models learn from, and are judged by.

Tracks run side by side: hands, actors, levels, or a second annotator. A second opinion on the same
video is compared with the first, not learned from; such tracks are left out.
"""

from collections.abc import Iterable

from app.services import Studio
from core.errors import InvalidData
from storage import projects
from storage.segment_rules import clean_track

_MOST = 100


def left_out(studio: Studio, project: int) -> tuple[str, ...]:
    """Return the tracks that no model learns from and that no figure counts."""
    settings = projects.find_project(studio.database, project).settings
    return tuple(settings.get(projects.TRACKS_LEFT_OUT, ()))


def leave_out(studio: Studio, project: int, tracks: Iterable[str]) -> tuple[str, ...]:
    """Say which tracks are left out; all others count.

    Raises:
        InvalidData: Too many of them, or a name that no track may have.
    """
    names = sorted({clean_track(track) for track in tracks})
    if len(names) > _MOST:
        raise InvalidData(f"At most {_MOST} tracks may be left out", f"{len(names)} were named")
    projects.change_settings(studio.database, project, {projects.TRACKS_LEFT_OUT: names})
    return tuple(names)
