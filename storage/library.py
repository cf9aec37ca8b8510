"""The videos of a project: files that stay where they are."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePath
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import InvalidData, UnknownName
from core.types import SPLITS, Split
from storage import tables
from storage.changes import record
from storage.database import Database, batches, fetch
from storage.names import clean_text, unknown_name
from storage.states import Health

FEATURES = "features"
"""The codec of a video that has features and no video file; its path is that of its features."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFacts:
    """What a probe found in a video file."""

    content_hash: str
    size_bytes: int
    mtime_ns: int
    health: Health
    health_reason: str = ""
    duration_us: int | None = None
    usable_us: int | None = None
    width: int | None = None
    height: int | None = None
    rotation: int = 0
    offset_us: int = 0
    codec: str = ""
    fps: float | None = None
    frame_count: int | None = None
    timing: str = ""
    playable: bool | None = None
    has_audio: bool | None = None


@dataclass(frozen=True, slots=True)
class Video:
    """A video as the library shows it. The fields of the probe are None until it was read."""

    id: int
    project_id: int
    name: str
    path: str
    content_hash: str | None
    size_bytes: int | None
    mtime_ns: int | None
    duration_us: int | None
    width: int | None
    height: int | None
    rotation: int
    offset_us: int
    codec: str
    fps: float | None
    frame_count: int | None
    timing: str
    health: Health
    health_reason: str
    usable_us: int | None
    playable: bool | None
    has_audio: bool | None
    split: Split | None
    goal: str
    revision: int
    archived: bool
    segments: int

    @property
    def is_features(self) -> bool:
        """Whether it has features and no video file: nothing to play, nothing to decode."""
        return self.codec == FEATURES


@dataclass(frozen=True, slots=True)
class AddedVideos:
    """What became of the files of a folder: new rows, and rows that were there."""

    new: tuple[int, ...]
    known: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFilter:
    """Which videos of a project are wanted; the default is all that are not archived, by name.

    `order` is a field of `Video`; equal ones follow by name.
    """

    search: str = ""
    split: Split | None = None
    health: Health | None = None
    archived: bool = False
    order: str = "name"
    descending: bool = False
    limit: int | None = None
    offset: int = 0


EVERYTHING = VideoFilter()


def add_videos(
    database: Database, project_id: int, *, folder: Path, paths: Iterable[Path]
) -> AddedVideos:
    """Add files that lie in `folder`; one that the project has already is only counted.

    A video's name is its path from the folder's parent on; where that is taken by another file,
    from as far up as it needs to differ. An archived video that is added again comes back.
    """
    with database.write() as session:
        table = tables.Video
        existing = session.execute(
            sa.select(table.path, table.id, table.name).where(table.project_id == project_id)
        ).all()
        by_path = {path: video_id for path, video_id, _ in existing}
        names = {name for _, _, name in existing}
        new, known = [], []
        for path in dict.fromkeys(_storable(path) for path in paths):
            if path in by_path:
                known.append(by_path[path])
            else:
                name = _free_name(PurePath(path), folder.absolute(), names)
                names.add(name)
                new.append({"project_id": project_id, "name": name, "path": path})
        for ids in batches(known):
            session.execute(sa.update(table).where(table.id.in_(ids)).values(archived=False))
        ids = (
            session.scalars(
                sa.insert(table).returning(table.id, sort_by_parameter_order=True), new
            ).all()
            if new
            else ()
        )
        return AddedVideos(tuple(ids), tuple(known))


def record_facts(database: Database, facts: Mapping[int, VideoFacts]) -> None:
    """Store what the probe found, by video id.

    Where a file's content has changed, the video's revision grows, since what was derived from it
    no longer fits.
    """
    with database.write() as session:
        for video_id, found in facts.items():
            row = fetch(session, tables.Video, video_id)
            if row.content_hash not in (None, found.content_hash):
                row.revision += 1
            for field, value in asdict(found).items():
                setattr(row, field, value)


def list_videos(
    database: Database, project_id: int, wanted: VideoFilter = EVERYTHING
) -> tuple[Video, ...]:
    """Return the wanted videos of a project, each with the number of its segments."""
    with database.read() as session:
        rows = session.execute(select_videos(project_id, wanted, _FIELDS))
        return tuple(Video(*row) for row in rows)


def find_video(database: Database, project_id: int, name: str | int) -> Video:
    """Return a video of a project by its name or id, archived or not."""
    table = tables.Video
    key = table.id if isinstance(name, int) else table.name
    with database.read() as session:
        row = session.execute(
            _select(_FIELDS).where(table.project_id == project_id, key == name)
        ).one_or_none()
        if row is None:
            known = session.scalars(sa.select(table.name).where(table.project_id == project_id))
            raise unknown_name("video", name, known)
        return Video(*row)


def video_by_id(database: Database, video_id: int) -> Video:
    """Return a video of any project, archived or not."""
    with database.read() as session:
        row = session.execute(_select(_FIELDS).where(tables.Video.id == video_id)).one_or_none()
    if row is None:
        raise UnknownName("Unknown video", str(video_id), "Reload the library.")
    return Video(*row)


def set_splits(database: Database, project_id: int, splits: Mapping[int, Split | None]) -> None:
    """Put videos, by id, into splits."""
    for split in splits.values():
        if split is not None and split not in SPLITS:
            raise unknown_name("split", split, SPLITS)
    with database.write() as session:
        rows = _videos_of(session, project_id, splits)
        moved = [row for row in rows if row.split != splits[row.id]]
        before = {row.name: row.split for row in moved}
        for row in moved:
            row.split = splits[row.id]
        if moved:
            detail = {"before": before, "after": {row.name: row.split for row in moved}}
            record(session, "set splits", detail, project_id=project_id, video_id=None)


def set_goals(database: Database, project_id: int, goals: Mapping[int, str]) -> None:
    """Say, by video id, what is done in a video as a whole."""
    with database.write() as session:
        for row in _videos_of(session, project_id, goals):
            after = clean_text("A goal", goals[row.id])
            if after != row.goal:
                detail = {"before": row.goal, "after": after}
                record(session, "set goal", detail, project_id=project_id, video_id=row.id)
                row.goal = after


def archive_videos(
    database: Database, project_id: int, video_ids: Sequence[int], *, archived: bool = True
) -> None:
    """Take videos out of sight and out of training, or bring them back; nothing is deleted."""
    with database.write() as session:
        for row in _videos_of(session, project_id, video_ids):
            row.archived = archived


_FIELDS = tuple(Video.__dataclass_fields__)


def select_videos(
    project_id: int, wanted: VideoFilter, fields: Sequence[str]
) -> sa.Select[*tuple[Any, ...]]:
    """Select some fields of the wanted videos of a project, in their order."""
    table = tables.Video
    statement = _select(fields).where(
        table.project_id == project_id, table.archived == wanted.archived
    )
    if wanted.search:
        statement = statement.where(table.name.icontains(wanted.search, autoescape=True))
    if wanted.split is not None:
        statement = statement.where(table.split == wanted.split)
    if wanted.health is not None:
        statement = statement.where(table.health == wanted.health)
    if wanted.order not in _FIELDS:
        raise unknown_name("order of videos", wanted.order, _FIELDS)
    first = _field(wanted.order)
    # Both kinds of database shall say alike where an unknown value stands.
    first = first.desc().nulls_last() if wanted.descending else first.asc().nulls_first()
    statement = statement.order_by(first, table.name)
    return statement.limit(wanted.limit).offset(wanted.offset)


def _select(fields: Sequence[str]) -> sa.Select[*tuple[Any, ...]]:
    return sa.select(*(_field(name).label(name) for name in fields))


def _field(name: str) -> Any:
    """Return a column of `Video`; the segments are counted, not loaded."""
    segment, table = tables.Segment, tables.Video
    if name != "segments":
        return getattr(table, name)
    live = sa.and_(segment.video_id == table.id, segment.deleted_us.is_(None))
    return sa.select(sa.func.count()).where(live).correlate(table).scalar_subquery()


def _videos_of(session: Session, project_id: int, video_ids: Iterable[int]) -> list[tables.Video]:
    wanted = set(video_ids)
    table = tables.Video
    rows: list[tables.Video] = []
    for ids in batches(sorted(wanted)):
        statement = sa.select(table).where(table.project_id == project_id, table.id.in_(ids))
        rows.extend(session.scalars(statement.order_by(table.id)))
    missing = wanted - {row.id for row in rows}
    if missing:
        raise UnknownName(
            "Unknown video", min(missing), "Reload the page; it may show another project."
        )
    return rows


def _storable(path: Path) -> str:
    text = str(path.absolute())
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidData(
            "A file name must be valid UTF-8", ascii(text), "Rename the file and add it again."
        ) from None
    return text


def _free_name(path: PurePath, folder: Path, taken: set[str]) -> str:
    parts = path.parts
    start = len(folder.parent.parts) if path.is_relative_to(folder) else len(parts) - 1
    while start > 0:
        name = PurePath(*parts[start:]).as_posix()
        if name not in taken:
            return name
        start -= 1
    return path.as_posix()
