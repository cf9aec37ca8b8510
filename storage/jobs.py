"""The queue of jobs: one running job per slot, and no step that the states do not allow."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.orm import Session

from core.errors import Conflict, StudioError
from core.types import Progress
from storage import tables
from storage.base import now_us
from storage.database import Database, fetch, upsert
from storage.states import JobState, StopRequest


@dataclass(frozen=True, slots=True)
class NewJob:
    """Work to be queued; a higher priority goes first."""

    project_id: int
    kind: str
    slot: str
    spec: Mapping[str, Any] = field(default_factory=dict)
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stands. `error` holds rule, value and next step."""

    id: int
    project_id: int
    kind: str
    spec: dict[str, Any]
    state: JobState
    slot: str
    priority: int
    pid: int | None
    pid_start: float | None
    attempt: int
    stop_request: StopRequest | None
    heartbeat_us: int | None
    created_us: int
    started_us: int | None
    ended_us: int | None
    exit_code: int | None
    error: dict[str, str] | None
    progress: Progress | None
    result: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Ending:
    """How a job ended."""

    state: JobState
    exit_code: int | None = None
    error: StudioError | None = None
    result: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, order=True)
class CurvePoint:
    """One point of a learning curve; the value is None where it was not finite."""

    step: int
    name: str
    value: float | None


def enqueue(database: Database, job: NewJob) -> Job:
    """Put a job at the end of the queue of its slot."""
    with database.write() as session:
        fetch(session, tables.Project, job.project_id)
        row = tables.Job(
            project_id=job.project_id,
            kind=job.kind,
            spec=dict(job.spec),
            slot=job.slot,
            priority=job.priority,
        )
        session.add(row)
        session.flush()
        return _value(row)


def claim(database: Database, slot: str) -> Job | None:
    """Start the oldest queued job of the highest priority in a free slot; None if there is none.

    The slots that train on this machine, `cpu` and `gpu:N`, have one queue: whichever is free first
    takes the next job, also one that waited for a GPU that is there no longer. So have the numbered
    slots of another kind. It is one statement, so that no two callers can get the same job or slot.
    """
    table = tables.Job
    held = sa.select(table.id).where(table.slot == slot, table.state.in_(_ACTIVE))
    kind = slot.partition(":")[0]
    kinds = _HERE if kind in _HERE else (kind,)
    alike = [sa.or_(table.slot == each, table.slot.startswith(f"{each}:")) for each in kinds]
    first = (
        sa.select(table.id)
        .where(sa.or_(*alike), table.state == JobState.QUEUED, ~held.exists())
        .order_by(table.priority.desc(), table.id)
        .limit(1)
        .scalar_subquery()
    )
    statement = (
        sa.update(table)
        .where(table.id == first)
        .values(state=JobState.RUNNING, slot=slot, started_us=now_us(), heartbeat_us=None)
        .returning(table.id)
    )
    with database.write() as session:
        job_id = session.scalar(statement, execution_options={"synchronize_session": False})
        return None if job_id is None else _value(fetch(session, table, job_id))


def set_process(database: Database, job_id: int, pid: int, pid_start: float) -> None:
    """Remember the process of an active job; the start time tells it from a later namesake."""
    with database.write() as session:
        row = _active(session, job_id)
        row.pid, row.pid_start = pid, pid_start


def report(database: Database, job_id: int, progress: Progress | None = None) -> None:
    """Note a sign of life of an active job, and how far it has come."""
    with database.write() as session:
        row = _active(session, job_id)
        row.heartbeat_us = now_us()
        if progress is not None:
            row.progress = {
                "done": progress.done,
                "total": progress.total,
                "message": progress.message,
                "values": progress.values,
            }


def request_stop(database: Database, job_id: int, how: StopRequest) -> Job:
    """Ask a job to end early; one that has not begun is stopped at once.

    Asking again is allowed, and "discard" after "keep" wins.
    """
    with database.write() as session:
        row = fetch(session, tables.Job, job_id)
        if row.state is JobState.QUEUED:
            _move(row, JobState.STOPPED)
            row.ended_us = now_us()
        elif row.state is not JobState.STOPPING:
            _move(row, JobState.STOPPING)
        if row.stop_request is not StopRequest.DISCARD:
            row.stop_request = how
        return _value(row)


def finish(database: Database, job_id: int, ending: Ending) -> Job:
    """End an active job; finished work cannot change any more."""
    if not ending.state.is_finished:
        raise TypeError(f"{ending.state} is not an end")
    with database.write() as session:
        row = fetch(session, tables.Job, job_id)
        if not row.state.is_active:
            raise _not_allowed(row, ending.state)
        _move(row, ending.state)
        row.ended_us = now_us()
        row.exit_code = ending.exit_code
        row.error = ending.error.as_json()["error"] if ending.error else None
        row.result = dict(ending.result) if ending.result is not None else None
        return _value(row)


def put_first(database: Database, job_id: int) -> Job:
    """Let a queued job go before all others that wait."""
    table = tables.Job
    with database.write() as session:
        row = fetch(session, table, job_id)
        if row.state is not JobState.QUEUED:
            raise Conflict("Only a waiting job can be put first", f"job {job_id} is {row.state}")
        waiting = sa.select(sa.func.max(table.priority))
        waiting = waiting.where(table.state == JobState.QUEUED, table.id != job_id)
        highest = session.scalar(waiting)
        if highest is not None and highest >= row.priority:
            row.priority = highest + 1
        return _value(row)


def resume(database: Database, job_id: int, because: StudioError | None = None) -> Job:
    """Queue a lost, failed or stopped job again; it keeps its place, its curve and its folder.

    Where nobody asked for it, `because` tells a person why it was done.
    """
    with database.write() as session:
        row = fetch(session, tables.Job, job_id)
        _move(row, JobState.QUEUED)
        row.attempt += 1
        row.pid = row.pid_start = row.stop_request = row.heartbeat_us = None
        row.started_us = row.ended_us = row.exit_code = row.result = None
        row.error = because.as_json()["error"] if because else None
        return _value(row)


def find_job(database: Database, job_id: int, *, spec: bool = True) -> Job:
    """Return a job by its id; without its specification it is read much faster."""
    with database.read() as session:
        return _value(fetch(session, tables.Job, job_id), specs=spec)


def list_jobs(
    database: Database,
    project_id: int | None = None,
    *,
    states: Iterable[JobState] | None = None,
    limit: int | None = None,
    specs: bool = True,
) -> tuple[Job, ...]:
    """Return the jobs of a project, or of all, newest first.

    Without `specs`, which hold every segment of a training, they are read much faster.
    """
    statement = sa.select(tables.Job).order_by(tables.Job.id.desc()).limit(limit)
    if specs:
        statement = statement.options(orm.undefer(tables.Job.spec))
    if project_id is not None:
        statement = statement.where(tables.Job.project_id == project_id)
    if states is not None:
        statement = statement.where(tables.Job.state.in_(list(states)))
    with database.read() as session:
        return tuple(_value(row, specs=specs) for row in session.scalars(statement))


def add_curve_points(database: Database, job_id: int, points: Sequence[CurvePoint]) -> None:
    """Keep points of a job's curves; one of the same step and name takes the former's place.

    So a resumed job, which repeats the steps since its last checkpoint, leaves no double points.
    """
    with database.write() as session:
        fetch(session, tables.Job, job_id)
        rows = {
            (point.step, point.name): {
                "job_id": job_id,
                "step": point.step,
                "name": point.name,
                "value": _finite(point.value),
            }
            for point in points
        }
        upsert(session, tables.CurvePoint, list(rows.values()))


def curve(database: Database, job_id: int, after_step: int = -1) -> tuple[CurvePoint, ...]:
    """Return the points of a job's curves after a step, by step and name."""
    table = tables.CurvePoint
    statement = (
        sa.select(table.step, table.name, table.value)
        .where(table.job_id == job_id, table.step > after_step)
        .order_by(table.step, table.name)
    )
    with database.read() as session:
        return tuple(CurvePoint(*row) for row in session.execute(statement))


_HERE = ("cpu", "gpu")
_ACTIVE = tuple(state for state in JobState if state.is_active)


def _active(session: Session, job_id: int) -> tables.Job:
    row = fetch(session, tables.Job, job_id)
    if not row.state.is_active:
        raise Conflict("This job does not run", f"job {job_id} is {row.state}")
    return row


def _move(row: tables.Job, state: JobState) -> None:
    if not row.state.may_become(state):
        raise _not_allowed(row, state)
    row.state = state


def _not_allowed(row: tables.Job, state: JobState) -> Conflict:
    return Conflict(
        f"A job that is {row.state} cannot become {state}",
        f"job {row.id}",
        "Reload the page; it may show an old state.",
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _value(row: tables.Job, *, specs: bool = True) -> Job:
    values = {name: getattr(row, name) for name in Job.__dataclass_fields__ if name != "spec"}
    values["spec"] = row.spec if specs else {}
    told = row.progress
    values["progress"] = Progress(**told) if told else None
    return Job(**values)
