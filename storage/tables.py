"""The tables. Their classes never leave this package; functions return values instead.

Times of day are microseconds since 1970 (UTC) and are shown, never sorted by: order comes from ids.
No foreign key cascades, because no row that a person made is ever deleted.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.base import Base, now_us
from storage.states import Health, JobState, RunState, SegmentKind, SegmentSource, StopRequest


def _where(condition: str) -> dict[str, Any]:
    """Return what makes an index one of some rows only, in either database."""
    return dict.fromkeys(("sqlite_where", "postgresql_where"), sa.text(condition))


class Project(Base):
    """What belongs together: videos, label sets, runs."""

    __tablename__ = "project"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_us: Mapped[int] = mapped_column(sa.BigInteger, default=now_us)


class Video(Base):
    """A file that stays where it is; what the probe found; how it is used."""

    __tablename__ = "video"
    __table_args__ = (
        UniqueConstraint("project_id", "name"),
        UniqueConstraint("project_id", "path"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    name: Mapped[str]
    path: Mapped[str]
    content_hash: Mapped[str | None] = mapped_column(index=True)
    size_bytes: Mapped[int | None] = mapped_column(sa.BigInteger)
    mtime_ns: Mapped[int | None] = mapped_column(sa.BigInteger)
    duration_us: Mapped[int | None] = mapped_column(sa.BigInteger)
    width: Mapped[int | None]
    height: Mapped[int | None]
    rotation: Mapped[int] = mapped_column(default=0)
    offset_us: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    codec: Mapped[str] = mapped_column(default="")
    fps: Mapped[float | None]
    frame_count: Mapped[int | None]
    timing: Mapped[str] = mapped_column(default="")
    health: Mapped[Health] = mapped_column(default=Health.PENDING)
    health_reason: Mapped[str] = mapped_column(default="")
    usable_us: Mapped[int | None] = mapped_column(sa.BigInteger)
    playable: Mapped[bool | None]
    has_audio: Mapped[bool | None]
    split: Mapped[str | None]
    goal: Mapped[str] = mapped_column(default="")
    revision: Mapped[int] = mapped_column(default=0)
    archived: Mapped[bool] = mapped_column(default=False)
    created_us: Mapped[int] = mapped_column(sa.BigInteger, default=now_us)


class LabelSet(Base):
    """A closed list of action names."""

    __tablename__ = "label_set"
    __table_args__ = (UniqueConstraint("project_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    name: Mapped[str]
    revision: Mapped[int] = mapped_column(default=0)
    created_us: Mapped[int] = mapped_column(sa.BigInteger, default=now_us)


class Label(Base):
    """One action. Archived, never deleted, so that segments and runs keep what they refer to."""

    __tablename__ = "label"
    __table_args__ = (UniqueConstraint("label_set_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    label_set_id: Mapped[int] = mapped_column(ForeignKey("label_set.id"))
    name: Mapped[str]
    verb: Mapped[str] = mapped_column(default="")
    noun: Mapped[str] = mapped_column(default="")
    colour: Mapped[str] = mapped_column(default="")
    hotkey: Mapped[str] = mapped_column(default="")
    position: Mapped[int]
    archived: Mapped[bool] = mapped_column(default=False)


class AnnotationImport(Base):
    """One import of an annotation file; `token` is made by whoever asked for it."""

    __tablename__ = "annotation_import"

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"), index=True)
    token: Mapped[str] = mapped_column(unique=True)
    source: Mapped[str]
    format: Mapped[str]
    segments: Mapped[int]
    created_us: Mapped[int] = mapped_column(sa.BigInteger, default=now_us)
    undone_us: Mapped[int | None] = mapped_column(sa.BigInteger)


_LIVE = _where("deleted_us IS NULL")


class Segment(Base):
    """A span of a video, or a point. The id is made by the client: a repeated save is one row."""

    __tablename__ = "segment"
    __table_args__ = (
        CheckConstraint(
            "start_us >= 0 AND CASE kind WHEN 'point' THEN end_us = start_us"
            " ELSE end_us > start_us END",
            name="span",
        ),
        CheckConstraint("kind = 'ignore' OR label_id IS NOT NULL", name="labelled"),
        # Both count live segments without reading the rows themselves.
        Index("ix_segment_live_video_id_start_us", "video_id", "start_us", **_LIVE),
        Index("ix_segment_live_label_id", "label_id", **_LIVE),
    )

    id: Mapped[str] = mapped_column(sa.String(36), primary_key=True)
    video_id: Mapped[int] = mapped_column(ForeignKey("video.id"))
    label_id: Mapped[int | None] = mapped_column(ForeignKey("label.id"))
    start_us: Mapped[int] = mapped_column(sa.BigInteger)
    end_us: Mapped[int] = mapped_column(sa.BigInteger)
    track: Mapped[str] = mapped_column(default="")
    kind: Mapped[SegmentKind] = mapped_column(default=SegmentKind.INTERVAL)
    source: Mapped[SegmentSource] = mapped_column(default=SegmentSource.HUMAN)
    confidence: Mapped[float | None]
    note: Mapped[str] = mapped_column(default="")
    import_id: Mapped[int | None] = mapped_column(ForeignKey("annotation_import.id"), index=True)
    # Deferred: a step and its parts are written in any order.
    parent_id: Mapped[str | None] = mapped_column(
        ForeignKey("segment.id", deferrable=True, initially="DEFERRED"), index=True
    )
    version: Mapped[int] = mapped_column()
    deleted_us: Mapped[int | None] = mapped_column(sa.BigInteger)
    created_us: Mapped[int] = mapped_column(sa.BigInteger, default=now_us)
    updated_us: Mapped[int] = mapped_column(sa.BigInteger, default=now_us, onupdate=now_us)

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 (read once by SQLAlchemy)


class Change(Base):
    """One thing that a person did to labels, splits or segments; only ever added to.

    What was done on the Annotate page has an `operation`, an id that the page made; where it undid
    or redid another operation, that one's id.
    """

    __tablename__ = "change"
    __table_args__ = (
        # What is undone and redone is found in this index alone.
        Index(
            "ix_change_operations_of_video",
            *("video_id", "sequence", "operation", "undoes", "redoes"),
            **_where("operation IS NOT NULL"),
        ),
    )

    sequence: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    video_id: Mapped[int | None] = mapped_column(ForeignKey("video.id"), index=True)
    action: Mapped[str]
    detail: Mapped[dict[str, Any]]
    at_us: Mapped[int] = mapped_column(sa.BigInteger, default=now_us)
    operation: Mapped[str | None] = mapped_column(sa.String(36), index=True, unique=True)
    undoes: Mapped[str | None] = mapped_column(sa.String(36))
    redoes: Mapped[str | None] = mapped_column(sa.String(36))


class ProposalAnswer(Base):
    """What a person said to a proposal of a run; its id is made of the run and what it proposes."""

    __tablename__ = "proposal_answer"

    id: Mapped[str] = mapped_column(sa.String(36), primary_key=True)
    video_id: Mapped[int] = mapped_column(ForeignKey("video.id"), index=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"))
    rejected: Mapped[bool]
    created_us: Mapped[int] = mapped_column(sa.BigInteger, default=now_us)
    updated_us: Mapped[int] = mapped_column(sa.BigInteger, default=now_us, onupdate=now_us)


_HOLDS_SLOT = _where("state IN ('RUNNING', 'STOPPING')")


class Job(Base):
    """A piece of work in the queue, and the process that does it."""

    __tablename__ = "job"
    __table_args__ = (
        # "One GPU, one job" is a promise of the database, not of whoever claims.
        Index("ix_job_one_running_per_slot", "slot", unique=True, **_HOLDS_SLOT),
        Index("ix_job_queue", "state", "slot", "priority"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"), index=True)
    kind: Mapped[str]
    spec: Mapped[dict[str, Any]] = mapped_column(deferred=True)  # it may be megabytes
    state: Mapped[JobState] = mapped_column(default=JobState.QUEUED)
    slot: Mapped[str]
    priority: Mapped[int] = mapped_column(default=0)
    pid: Mapped[int | None]
    pid_start: Mapped[float | None]
    attempt: Mapped[int] = mapped_column(default=1)
    stop_request: Mapped[StopRequest | None]
    heartbeat_us: Mapped[int | None] = mapped_column(sa.BigInteger)
    created_us: Mapped[int] = mapped_column(sa.BigInteger, default=now_us)
    started_us: Mapped[int | None] = mapped_column(sa.BigInteger)
    ended_us: Mapped[int | None] = mapped_column(sa.BigInteger)
    exit_code: Mapped[int | None]
    error: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON(none_as_null=True))
    progress: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON(none_as_null=True))
    result: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON(none_as_null=True))


class CurvePoint(Base):
    """One point of a learning curve; NULL where the value was not finite."""

    __tablename__ = "curve_point"

    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"), primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[float | None]


class Run(Base):
    """One trained model: what it was made from, and where it lies."""

    __tablename__ = "run"
    __table_args__ = (UniqueConstraint("project_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id"), index=True)
    name: Mapped[str]
    classifier: Mapped[str]
    task: Mapped[str]
    backbone: Mapped[str]
    codec: Mapped[str]
    context: Mapped[str]
    decoder: Mapped[str]
    config: Mapped[dict[str, Any]]
    folder: Mapped[str]
    state: Mapped[RunState] = mapped_column(default=RunState.TRAINING)
    data_hash: Mapped[str]
    label_set_id: Mapped[int | None] = mapped_column(ForeignKey("label_set.id"))
    label_set_revision: Mapped[int | None]
    created_us: Mapped[int] = mapped_column(sa.BigInteger, default=now_us)


class RunMetric(Base):
    """One figure of a run on a split, with its interval; NULL where it is not defined."""

    __tablename__ = "run_metric"

    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"), primary_key=True)
    split: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[float | None]
    low: Mapped[float | None]
    high: Mapped[float | None]
    count: Mapped[int | None]


class Prediction(Base):
    """Where a run's predictions for one video lie, and what they cost."""

    __tablename__ = "prediction"

    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"), primary_key=True)
    video_id: Mapped[int] = mapped_column(ForeignKey("video.id"), primary_key=True, index=True)
    path: Mapped[str]
    rows: Mapped[int]
    ms: Mapped[float]
    passes: Mapped[float]
    tokens: Mapped[float]
    created_us: Mapped[int] = mapped_column(sa.BigInteger, default=now_us)


class Statistic(Base):
    """A computed result under the hash of its inputs; may be computed again at any time."""

    __tablename__ = "statistic"

    key: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(index=True)
    value: Mapped[dict[str, Any]]
    created_us: Mapped[int] = mapped_column(sa.BigInteger, default=now_us)
