"""Videos without video files: rows whose path is an array of features."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from storage import tables
from storage.database import Database, fetch
from storage.library import FEATURES, VideoFacts
from storage.names import clean_text
from storage.states import Health


@dataclass(frozen=True, slots=True)
class NewFeatureVideo:
    """An array of features, as long as its frames: `frames` at `rate` frames a second."""

    name: str
    path: str
    content_hash: str
    size_bytes: int
    mtime_ns: int
    duration_us: int
    rate: float
    frames: int

    @property
    def facts(self) -> VideoFacts:
        """What a probe would have found."""
        return VideoFacts(
            content_hash=self.content_hash, size_bytes=self.size_bytes, mtime_ns=self.mtime_ns,
            health=Health.GOOD, duration_us=self.duration_us, usable_us=self.duration_us,
            codec=FEATURES, fps=self.rate, frame_count=self.frames,
        )  # fmt: skip


def add_feature_videos(
    database: Database, project_id: int, videos: Sequence[NewFeatureVideo]
) -> tuple[int, ...]:
    """Add videos that have features only; returns their ids in order. Their names must be new."""
    if not videos:
        return ()
    rows = [
        {
            "project_id": project_id,
            "name": clean_text("The name of a video", video.name),
            "path": video.path,
            **asdict(video.facts),
        }
        for video in videos
    ]
    with database.write() as session:
        fetch(session, tables.Project, project_id)
        statement = sa.insert(tables.Video).returning(tables.Video.id, sort_by_parameter_order=True)
        return tuple(session.scalars(statement, rows))
