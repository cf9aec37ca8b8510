"""A project as large as they come, made in seconds: what speed is measured on."""

import random
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from core.types import SECOND, SPLITS
from storage import labels, projects, tables
from storage.base import now_us
from storage.database import Database, batches
from storage.states import Health, SegmentKind, SegmentSource

_STEP_US = 2 * SECOND


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is; `longest` segments are those of the first video alone."""

    videos: int = 10_000
    segments: int = 1_000_000
    labels: int = 3_806
    longest: int = 20_000


@dataclass(frozen=True, slots=True)
class LargeProject:
    """Where it is: the project, its label set, and the video with the most segments."""

    project: int
    label_set: int
    longest: int


def make_large_project(database: Database, size: Size, name: str = "large") -> LargeProject:
    """Make a project whose rows are random, but the same in every new database."""
    project = projects.create_project(database, name).id
    rng = random.Random(project)
    label_set = labels.create_label_set(database, project, "labels").id
    with database.write() as session:
        connection = session.connection()

        def insert(table: type[Any], rows: Iterable[dict[str, Any]]) -> None:
            for batch in batches(rows, 20_000):  # below the ORM, which would take minutes
                connection.execute(sa.insert(table), batch)

        insert(tables.Label, _labels(label_set, size))
        insert(tables.Video, _videos(project, size))
        label_ids = session.scalars(
            sa.select(tables.Label.id).where(tables.Label.label_set_id == label_set)
        ).all()
        video_ids = session.scalars(
            sa.select(tables.Video.id)
            .where(tables.Video.project_id == project)
            .order_by(tables.Video.id)
        ).all()
        insert(tables.Segment, _segments(video_ids, label_ids, size, rng))
    return LargeProject(project, label_set, video_ids[0])


def _labels(label_set: int, size: Size) -> Iterator[dict[str, Any]]:
    for number in range(size.labels):
        verb, noun = f"verb{number % 97}", f"noun{number // 97}"
        yield {
            "label_set_id": label_set,
            "name": f"{verb} {noun}",
            "verb": verb,
            "noun": noun,
            "position": number,
        }


def _videos(project: int, size: Size) -> Iterator[dict[str, Any]]:
    for number in range(size.videos):
        name = f"kitchen/P{number % 37:02}/P{number % 37:02}_{number:05}.mp4"
        yield {
            "project_id": project,
            "name": name,
            "path": f"/videos/{name}",
            "content_hash": f"{number:064x}",
            "size_bytes": 50_000_000 + number,
            "mtime_ns": number,
            "duration_us": (1 + _share(number, size)) * _STEP_US,
            "width": 1920,
            "height": 1080,
            "codec": "h264",
            "fps": 30.0,
            "timing": "constant",
            "health": Health.DAMAGED if number % 50 == 49 else Health.GOOD,
            "split": (*SPLITS, None)[number % 4],
            "playable": True,
            "has_audio": True,
        }


def _share(number: int, size: Size) -> int:
    """Return how many segments a video has."""
    if size.videos == 1:
        return size.segments
    if number == 0:
        return min(size.longest, size.segments)
    rest, others = max(0, size.segments - size.longest), size.videos - 1
    return rest // others + (number <= rest % others)


def _segments(
    videos: Iterable[int], label_ids: Sequence[int], size: Size, rng: random.Random
) -> Iterator[dict[str, Any]]:
    now = now_us()
    for number, video in enumerate(videos):
        for index in range(_share(number, size)):
            start = index * _STEP_US + rng.randrange(SECOND)
            yield {
                "id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
                "video_id": video,
                "label_id": label_ids[rng.randrange(len(label_ids))],
                "start_us": start,
                "end_us": start + rng.randrange(SECOND // 10, SECOND),
                "kind": SegmentKind.INTERVAL,
                "source": SegmentSource.IMPORT,
                "version": 1,
                "created_us": now,
                "updated_us": now,
            }
