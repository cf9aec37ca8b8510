"""Videos and labels of a project: adding folders, labels, splits; what the library shows."""

import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from app.services import Studio
from app.services.media import SUFFIXES, proxy_of
from app.services.project_backbone import backbone_in
from app.services.tracks import left_out
from core.errors import InvalidData, UnknownName
from core.types import SPLITS, Split
from storage import jobs, labels, library, library_table, projects
from storage.labels import NewLabel
from storage.library import EVERYTHING, Video, VideoFacts, VideoFilter
from storage.states import Health

MAX_FILES = 20_000


def named_project(studio: Studio, name: str | int) -> int:
    """Return a project's id by its name or id; a new name makes a new project."""
    if isinstance(name, int):
        return projects.find_project(studio.database, name).id
    known = {project.name: project.id for project in projects.list_projects(studio.database)}
    return known[name] if name in known else new_project(studio, name)


def new_project(studio: Studio, name: str) -> int:
    """Make an empty project."""
    return projects.create_project(studio.database, name).id


def scan(folder: Path) -> list[Path]:
    """Return the video files below a folder.

    Links that lead out of it, pipes, devices and hidden folders are passed over.

    Raises:
        InvalidData: It is no folder, holds no video, or too many.
    """
    folder = folder.expanduser()
    if not folder.is_dir():
        raise InvalidData(
            "A folder is added by its path on this machine", f"'{folder}' is no folder",
            "Give the path of an existing folder.",
        )  # fmt: skip
    root = folder.resolve()
    found: list[Path] = []
    for place, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(place) / name
            if path.suffix.lower() in SUFFIXES and _is_inside(path, root):
                found.append(path)
    if not found:
        raise InvalidData(
            "A folder must hold videos", f"'{folder}' holds none of {', '.join(SUFFIXES)}",
            "Choose another folder.",
        )  # fmt: skip
    if len(found) > MAX_FILES:
        raise InvalidData(
            f"A folder may hold {MAX_FILES:,} videos at most", f"'{folder}' holds {len(found):,}",
            "Add its sub-folders one by one.",
        )  # fmt: skip
    return found


def _is_inside(path: Path, root: Path) -> bool:
    """Say whether a path is a regular file that really lies below `root`."""
    try:
        return path.resolve().is_relative_to(root) and stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False


def add_folder(studio: Studio, project: int, folder: Path) -> dict[str, Any]:
    """Add a folder's videos; files are looked at in a job of their own.

    Nothing is copied. A file that is there already is looked at again only if it changed.
    """
    paths = scan(folder)
    with studio.database.write():  # no video without the job that looks at it
        added = library.add_videos(studio.database, project, folder=folder.resolve(), paths=paths)
        ids = (*added.new, *added.known)
        videos = [library.find_video(studio.database, project, video) for video in ids]
        changed = [v for v in videos if v.health is Health.PENDING or _changed(v)]
        job = look_at(studio, project, changed)
    return {"found": len(paths), "new": len(added.new), "job": job}


def add_files(studio: Studio, project: int, paths: Sequence[Path]) -> dict[str, Any]:
    """Add single files, as the shell names them."""
    absolute = [path.expanduser().resolve() for path in paths]
    for path in absolute:
        if not path.is_file():
            raise InvalidData("A video must be a file", f"'{path}' is not there")
    found: dict[str, Any] = {"found": len(absolute), "new": 0, "job": None}
    videos = []
    with studio.database.write():
        for path in absolute:
            added = library.add_videos(studio.database, project, folder=path.parent, paths=[path])
            found["new"] += len(added.new)
            videos += [
                library.find_video(studio.database, project, i) for i in (*added.new, *added.known)
            ]
        changed = [v for v in videos if v.health is Health.PENDING or _changed(v)]
        found["job"] = look_at(studio, project, changed)
    return found


def _changed(video: Video) -> bool:
    try:
        status = Path(video.path).stat()
    except OSError:
        return False
    return (status.st_size, status.st_mtime_ns) != (video.size_bytes, video.mtime_ns)


def look_at(studio: Studio, project: int, videos: Iterable[Video]) -> int | None:
    """Queue a job that looks at files; None where there is nothing to look at."""
    items = [{"id": video.id, "path": video.path} for video in videos]
    if not items:
        return None
    spec = {
        "kind": "probe",
        "videos": items,
        "thumbs": str(studio.directory.thumbs),
        "derived": str(studio.directory.derived),
    }
    return jobs.enqueue(studio.database, jobs.NewJob(project, "probe", "media", spec)).id


def record_look(studio: Studio, video_id: int, path: Path, info: dict[str, Any]) -> None:
    """Keep what a look at a file found."""
    status = path.stat()
    known = {name: info[name] for name in VideoFacts.__dataclass_fields__ if name in info}
    known |= {
        "health": Health(info["health"]),
        "size_bytes": status.st_size,
        "mtime_ns": status.st_mtime_ns,
    }
    library.record_facts(studio.database, {video_id: VideoFacts(**known)})


def record_unreadable(studio: Studio, video_id: int, path: Path, error: dict[str, str]) -> None:
    """Keep why a file cannot be used; what was known of the same file stays known."""
    try:
        status = path.stat()
        size, changed = status.st_size, status.st_mtime_ns
    except OSError:
        size, changed = 0, 0
    video = library.video_by_id(studio.database, video_id)
    known: dict[str, Any] = {"content_hash": ""}
    # Nothing may be there: a drive that is away. When it is back, the file is looked at again.
    if video.content_hash and (size, changed) in ((0, 0), (video.size_bytes, video.mtime_ns)):
        known = {name: getattr(video, name) for name in VideoFacts.__dataclass_fields__}
    known |= {
        "size_bytes": size,
        "mtime_ns": changed,
        "health": Health.UNREADABLE,
        "health_reason": f"{error['rule']}.",
    }
    library.record_facts(studio.database, {video_id: VideoFacts(**known)})


# ---- what the page shows ----------------------------------------------------------------------


_SHOWN = (
    "id", "name", "duration_us", "segments", "split", "health", "health_reason", "codec", "width",
    "height", "timing", "playable", "fps", "goal", "usable_us",
)  # fmt: skip
COLUMNS = (*_SHOWN, "is_features")
"""What the library's table says of a video."""


def rows(studio: Studio, project: int, wanted: VideoFilter = EVERYTHING) -> list[tuple[Any, ...]]:
    """Return the wanted rows of the library's table, the values of `COLUMNS`."""
    codec = _SHOWN.index("codec")
    found = library_table.video_rows(studio.database, project, _SHOWN, wanted)
    return [(*row, row[codec] == library.FEATURES) for row in found]


def table(studio: Studio, project: int, wanted: VideoFilter = EVERYTHING) -> list[dict[str, Any]]:
    """Return the wanted rows of the library's table by column, by default all."""
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows(studio, project, wanted)]


def _row(video: Video) -> dict[str, Any]:
    return {name: getattr(video, name) for name in COLUMNS}


def overview(studio: Studio) -> list[dict[str, Any]]:
    """Return every project with its counts."""
    known = projects.list_projects(studio.database)
    counts = library_table.count_projects(studio.database)
    return [
        {
            "id": project.id,
            "name": project.name,
            "videos": counts[project.id].videos,
            "segments": counts[project.id].segments,
            "splits": {split: counts[project.id].splits.get(split, 0) for split in SPLITS},
            "labels": counts[project.id].labels,
            "backbone": backbone_in(project.settings),
        }
        for project in known
    ]


def document(studio: Studio, video_id: int) -> dict[str, Any]:
    """Return one video with the segments that models are judged by."""
    video = library.video_by_id(studio.database, video_id)
    unseen = left_out(studio, video.project_id)
    fields = ("id", "start_us", "end_us", "label", "kind")
    segments = [
        dict(zip(fields, values, strict=True))
        for *values, track in library_table.named_segments(studio.database, video_id)
        if track not in unseen
    ]
    return {"video": shown(studio, video), "segments": segments}


def player_facts(studio: Studio, video_id: int) -> dict[str, Any]:
    """Return one video as a player needs it, without its thousands of segments."""
    return shown(studio, library.video_by_id(studio.database, video_id))


def shown(studio: Studio, video: Video) -> dict[str, Any]:
    """Return a video as a player needs it."""
    has_proxy = proxy_of(studio, video).is_file()
    ready = video.playable or has_proxy
    return {
        **_row(video),
        "project_id": video.project_id,
        "frame_count": video.frame_count,
        "file_offset_us": video.offset_us,
        "offset_us": 0 if has_proxy else video.offset_us,
        "media": "none" if video.is_features else "ready" if ready else "proxy",
    }


# ---- labels and splits ---------------------------------------------------------------------------


def _label_set(studio: Studio, project: int) -> int:
    known = labels.list_label_sets(studio.database, project)
    return known[0].id if known else labels.create_label_set(studio.database, project, "labels").id


def classes(studio: Studio, project: int) -> tuple[str, ...]:
    """Return the names of a project's label set, without archived ones."""
    known = labels.list_label_sets(studio.database, project)
    return labels.classes(studio.database, known[0].id).classes if known else ()


def add_labels(studio: Studio, project: int, names: Iterable[str]) -> dict[str, int]:
    """Add labels that are not there yet; returns all ids by name. Verb and noun are guessed."""
    new = []
    for name in dict.fromkeys(names):
        verb, _, noun = name.partition(" ")
        new.append(NewLabel(name, verb=verb, noun=noun))
    return labels.add_labels(studio.database, _label_set(studio, project), new)


def set_splits(studio: Studio, project: int, videos: Iterable[int], split: Split | None) -> None:
    """Put videos into a split, or take them out of all."""
    if split not in (*SPLITS, None):
        raise UnknownName("Unknown split", f"'{split}'", f"Available: {', '.join(SPLITS)}.")
    library.set_splits(studio.database, project, dict.fromkeys(videos, split))
