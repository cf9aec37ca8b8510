"""What a training job is given: the labelled videos of a project, frozen, with their hash."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.types import LabelledVideo, Segment, Span, Split
from storage import tables
from storage.artifacts import digest
from storage.database import Database, fetch
from storage.json_values import elements_of, text_of
from storage.projects import TRACKS_LEFT_OUT
from storage.states import Health, SegmentKind


def labelled_videos(
    database: Database,
    project_id: int,
    split: Split | None = None,
    *,
    label_set_id: int | None = None,
) -> list[LabelledVideo]:
    """Return the decodable videos of a project (or of one split), by name, with their segments.

    Only segments of one label set count, by default the project's first, and none of the tracks
    that the project leaves out. A damaged video ends where
    it can no longer be decoded, and segments end with their video. Segments of an archived label
    become ignored spans: something happens there, but nothing of the list.
    """
    table = tables.Video
    statement = sa.select(table).where(
        table.project_id == project_id,
        table.archived.is_(False),
        table.health.in_((Health.GOOD, Health.DAMAGED)),
        table.content_hash.is_not(None),
        table.duration_us.is_not(None),
    )
    if split is not None:
        statement = statement.where(table.split == split)
    with database.read() as session:
        if label_set_id is None:
            label_set_id = _first_label_set(session, project_id)
        spans = _spans(session, project_id, label_set_id)
        videos = session.scalars(statement.order_by(table.name))
        return [_frozen(row, spans.get(row.id, ())) for row in videos]


def data_hash(videos: Iterable[LabelledVideo], classes: Iterable[str]) -> str:
    """Return a hash of everything that training learns from.

    Paths are left out, since a moved file with the same content is the same data.
    """
    return digest(
        {
            "classes": list(classes),
            "videos": [
                [
                    video.name,
                    video.content_hash,
                    video.duration_us,
                    video.split,
                    video.goal,
                    [[each.start_us, each.end_us, each.label] for each in video.segments],
                    [list(span) for span in video.ignored],
                ]
                for video in sorted(videos, key=lambda video: video.name)
            ],
        }
    )


def trained_on(database: Database, run_id: int) -> frozenset[str] | None:
    """Return the content hashes of the videos that a run learned from, as they were frozen.

    None where no job trained it here: it was shipped.
    """
    job = tables.Job
    video = elements_of(job.spec, "videos")
    statement = (
        sa.select(text_of(video.c.value, "content_hash"))
        .select_from(job, video)
        .where(
            job.kind == "train",
            text_of(job.spec, "run") == str(run_id),
            text_of(video.c.value, "split") == "train",
        )
    )
    with database.read() as session:
        return frozenset(session.scalars(statement)) or None


_LabelledSpan = tuple[int, int, str | None]
"""Start, end and label; None where the span is to be ignored."""


def _first_label_set(session: Session, project_id: int) -> int | None:
    table = tables.LabelSet
    return session.scalar(sa.select(sa.func.min(table.id)).where(table.project_id == project_id))


def _spans(
    session: Session, project_id: int, label_set_id: int | None
) -> dict[int, list[_LabelledSpan]]:
    """Return the live segments of a project by video, in the order of their start."""
    segment, label, video = tables.Segment, tables.Label, tables.Video
    left_out = fetch(session, tables.Project, project_id).settings.get(TRACKS_LEFT_OUT, ())
    statement = (
        sa.select(
            segment.video_id,
            segment.start_us,
            segment.end_us,
            segment.kind,
            label.name,
            label.archived,
        )
        .join(video, video.id == segment.video_id)
        .outerjoin(label, label.id == segment.label_id)
        .where(
            video.project_id == project_id,
            segment.deleted_us.is_(None),
            segment.track.not_in(left_out),
            sa.or_(segment.label_id.is_(None), label.label_set_id == label_set_id),
        )
        .order_by(segment.video_id, segment.start_us, segment.end_us, segment.id)
    )
    spans: dict[int, list[_LabelledSpan]] = defaultdict(list)
    for video_id, start_us, end_us, kind, name, archived in session.execute(statement):
        ignored = kind is SegmentKind.IGNORE or archived
        spans[video_id].append((start_us, end_us, None if ignored else name))
    return spans


def _frozen(row: tables.Video, spans: Iterable[_LabelledSpan]) -> LabelledVideo:
    duration_us = row.duration_us if row.usable_us is None else row.usable_us
    segments: list[Segment] = []
    ignored: list[Span] = []
    for start_us, end_us, label in spans:
        end_us = min(end_us, duration_us or 0)
        if start_us >= end_us:
            continue  # a point, or a segment behind the end
        if label is None:
            ignored.append((start_us, end_us))
        else:
            segments.append(Segment(start_us, end_us, label))
    return LabelledVideo(
        name=row.name,
        path=Path(row.path),
        content_hash=row.content_hash or "",
        duration_us=duration_us or 0,
        segments=tuple(segments),
        ignored=tuple(ignored),
        split=_split(row.split),
        goal=row.goal,
    )


def _split(word: str | None) -> Split | None:
    match word:
        case "train" | "val" | "test":
            return word
    return None
