"""Runs: trained models, what they were made from, how good they are, what they predicted."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import Conflict
from storage import tables
from storage.base import now_us
from storage.database import Database, fetch, upsert
from storage.names import clean_name, unknown_name
from storage.states import RunState

Classifier = Literal["generative", "discriminative", "gad"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """A run that is to be trained; without a name it gets that of its backbone and a number."""

    project_id: int
    classifier: Classifier
    task: str
    backbone: str
    data_hash: str
    name: str = ""
    job_id: int | None = None
    codec: str = "text"
    context: str = ""
    decoder: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    label_set_id: int | None = None
    label_set_revision: int | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure of a run on a split, with its interval and how many cases it rests on."""

    split: str
    key: str
    value: float | None
    low: float | None = None
    high: float | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class StoredPrediction:
    """Where a run's predictions for a video lie (from the data directory on), and their cost."""

    video_id: int
    path: str
    rows: int
    ms: float
    passes: float
    tokens: float


@dataclass(frozen=True, slots=True)
class Run:
    """A trained model. `folder` is a path from the data directory on."""

    id: int
    project_id: int
    job_id: int | None
    name: str
    classifier: Classifier
    task: str
    backbone: str
    codec: str
    context: str
    decoder: str
    config: dict[str, Any]
    folder: str
    state: RunState
    data_hash: str
    label_set_id: int | None
    label_set_revision: int | None
    created_us: int
    metrics: tuple[Metric, ...] = ()

    def metric(self, split: str, key: str) -> Metric | None:
        """Return one figure, or None where it was not measured."""
        return next((m for m in self.metrics if (m.split, m.key) == (split, key)), None)


def create_run(database: Database, new: NewRun) -> Run:
    """Create a run in state "training"; its name must be free in the project."""
    with database.write() as session:
        fetch(session, tables.Project, new.project_id)
        names = _names(session, new.project_id)
        name = clean_name("run", new.name) if new.name else _numbered(new.backbone, names)
        if name in names:
            raise Conflict("A run of this name exists", f"'{name}'", "Choose another name.")
        values = {key: getattr(new, key) for key in NewRun.__dataclass_fields__}
        row = tables.Run(**{**values, "name": name, "folder": ""})
        session.add(row)
        session.flush()
        row.folder = f"runs/{row.id}"
        return _value(row, ())


def set_state(database: Database, run_id: int, state: RunState) -> None:
    """Say how far a run has come; archived runs stay where they are."""
    with database.write() as session:
        fetch(session, tables.Run, run_id).state = state


def set_job(database: Database, run_id: int, job_id: int) -> None:
    """Say which job trains a run; a run without one was shipped."""
    with database.write() as session:
        fetch(session, tables.Run, run_id).job_id = job_id


def rename_run(database: Database, run_id: int, name: str) -> None:
    """Give a run another name."""
    name = clean_name("run", name)
    with database.write() as session:
        row = fetch(session, tables.Run, run_id)
        if name != row.name and name in _names(session, row.project_id):
            raise Conflict("A run of this name exists", f"'{name}'", "Choose another name.")
        row.name = name


def put_metrics(database: Database, run_id: int, metrics: Iterable[Metric]) -> None:
    """Keep figures of a run; one of the same split and key takes the former's place."""
    rows = [
        {
            "run_id": run_id,
            "split": metric.split,
            "key": metric.key,
            "value": _finite(metric.value),
            "low": _finite(metric.low),
            "high": _finite(metric.high),
            "count": metric.count,
        }
        for metric in metrics
    ]
    with database.write() as session:
        fetch(session, tables.Run, run_id)
        upsert(session, tables.RunMetric, rows)


def put_predictions(
    database: Database, run_id: int, predictions: Iterable[StoredPrediction]
) -> None:
    """Keep where predictions lie; those for a video that has some take their place."""
    rows = [
        {
            "run_id": run_id,
            "created_us": now_us(),
            **{name: getattr(each, name) for name in StoredPrediction.__dataclass_fields__},
        }
        for each in predictions
    ]
    with database.write() as session:
        fetch(session, tables.Run, run_id)
        upsert(session, tables.Prediction, rows)


def list_predictions(database: Database, run_id: int) -> tuple[StoredPrediction, ...]:
    """Return where a run's predictions lie, by video."""
    table = tables.Prediction
    columns = [getattr(table, name) for name in StoredPrediction.__dataclass_fields__]
    statement = sa.select(*columns).where(table.run_id == run_id).order_by(table.video_id)
    with database.read() as session:
        return tuple(StoredPrediction(*row) for row in session.execute(statement))


def list_runs(database: Database, project_id: int, *, archived: bool = False) -> tuple[Run, ...]:
    """Return the runs of a project with their figures, newest first; archived ones on request."""
    table = tables.Run
    statement = sa.select(table).where(table.project_id == project_id).order_by(table.id.desc())
    if not archived:
        statement = statement.where(table.state != RunState.ARCHIVED)
    with database.read() as session:
        return _with_metrics(session, session.scalars(statement).all())


def find_run(database: Database, project_id: int, name: str | int) -> Run:
    """Return a run of a project by its name or id, archived or not."""
    table = tables.Run
    key = table.id if isinstance(name, int) else table.name
    with database.read() as session:
        row = session.scalar(sa.select(table).where(table.project_id == project_id, key == name))
        if row is None:
            raise unknown_name("run", name, _names(session, project_id))
        return _with_metrics(session, [row])[0]


def _with_metrics(session: Session, rows: Sequence[tables.Run]) -> tuple[Run, ...]:
    table = tables.RunMetric
    projects = {row.project_id for row in rows}
    statement = (
        sa.select(table)
        .join(tables.Run, tables.Run.id == table.run_id)
        .where(tables.Run.project_id.in_(projects))
        .order_by(table.run_id, table.split, table.key)
    )
    by_run: dict[int, list[Metric]] = defaultdict(list)
    for metric in session.scalars(statement):
        values = (getattr(metric, name) for name in Metric.__dataclass_fields__)
        by_run[metric.run_id].append(Metric(*values))
    return tuple(_value(row, by_run.get(row.id, ())) for row in rows)


def _names(session: Session, project_id: int) -> set[str]:
    statement = sa.select(tables.Run.name).where(tables.Run.project_id == project_id)
    return set(session.scalars(statement))


def _numbered(backbone: str, taken: set[str]) -> str:
    # Archived runs count too, so that a name never comes to mean another run.
    stem = PurePosixPath(backbone).name
    number = 1 + len(taken)
    while f"{stem}-{number}" in taken:
        number += 1
    return f"{stem}-{number}"


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _value(row: tables.Run, metrics: Iterable[Metric]) -> Run:
    *fields, _ = Run.__dataclass_fields__
    return Run(*(getattr(row, name) for name in fields), metrics=tuple(metrics))
