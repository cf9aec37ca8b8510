"""The words that the database stores: what a row may be, and what may follow."""

from enum import StrEnum


class Health(StrEnum):
    """Whether a video can be decoded."""

    PENDING = "pending"
    GOOD = "good"
    DAMAGED = "damaged"
    UNREADABLE = "unreadable"


class SegmentKind(StrEnum):
    """What a segment says: an action, one moment, or that nothing there may be judged."""

    INTERVAL = "interval"
    POINT = "point"
    IGNORE = "ignore"


class SegmentSource(StrEnum):
    """Who made a segment."""

    HUMAN = "human"
    IMPORT = "import"
    SCRIPT = "script"
    PROPOSAL = "proposal"


class StopRequest(StrEnum):
    """How a job shall end early: with a usable run, or without one."""

    KEEP = "keep"
    DISCARD = "discard"


class RunState(StrEnum):
    """How far a trained model has come."""

    TRAINING = "training"
    READY = "ready"
    FAILED = "failed"
    ARCHIVED = "archived"


class JobState(StrEnum):
    """Where a job stands.

    QUEUED → RUNNING → DONE | FAILED | LOST;  RUNNING → STOPPING → STOPPED, or what came first;
    QUEUED → STOPPED when it was cancelled before it began;  LOST, FAILED, STOPPED → QUEUED by
    resuming.
    """

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    STOPPING = "STOPPING"
    DONE = "DONE"
    FAILED = "FAILED"
    STOPPED = "STOPPED"
    LOST = "LOST"

    @property
    def is_finished(self) -> bool:
        """Whether nothing more happens by itself."""
        return self in (JobState.DONE, JobState.FAILED, JobState.STOPPED, JobState.LOST)

    @property
    def is_active(self) -> bool:
        """Whether the job holds its slot."""
        return self in (JobState.RUNNING, JobState.STOPPING)

    @property
    def can_resume(self) -> bool:
        """Whether the job may be queued again."""
        return JobState.QUEUED in _FOLLOWERS[self]

    def may_become(self, following: "JobState") -> bool:
        """Return whether `following` is an allowed next state."""
        return following in _FOLLOWERS[self]


_FOLLOWERS: dict[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.STOPPED}),
    JobState.RUNNING: frozenset({JobState.STOPPING, JobState.DONE, JobState.FAILED, JobState.LOST}),
    # A job that was asked to stop may have finished, failed or died before it heard of it.
    JobState.STOPPING: frozenset({JobState.STOPPED, JobState.DONE, JobState.FAILED, JobState.LOST}),
    JobState.DONE: frozenset(),
    JobState.FAILED: frozenset({JobState.QUEUED}),
    JobState.STOPPED: frozenset({JobState.QUEUED}),
    JobState.LOST: frozenset({JobState.QUEUED}),
}
