"""Small real data for the tests, and the populated dump of the present schema.

`python -m tests.storage.samples` writes `tests/schemas/<schema>.sql`. Do that once, before a new
migration is written; a dump of an old schema is never written again.
"""

import sqlite3
import sys
import tempfile
import uuid
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from core.types import Progress
from storage import (
    annotations,
    imports,
    jobs,
    labels,
    library,
    operations,
    projects,
    runs,
    statistics,
)
from storage.annotations import SegmentEdit
from storage.database import Database
from storage.imports import ImportBatch, NewSegment
from storage.jobs import CurvePoint, Ending, NewJob
from storage.labels import NewLabel
from storage.library import VideoFacts
from storage.operations import Operation
from storage.proposals import ProposalAnswer
from storage.runs import Metric, NewRun, StoredPrediction
from storage.states import Health, JobState, RunState, SegmentKind

FOLDER = Path("/videos/kitchen")
SCHEMAS = Path(__file__).parent.parent / "schemas"


@dataclass(frozen=True)
class Sample:
    """Ids of a project with three probed videos and three labels."""

    project: int
    videos: tuple[int, ...]
    label_set: int
    labels: dict[str, int]


def facts(content: str = "a", **other: object) -> VideoFacts:
    values = {"duration_us": 60_000_000, "width": 640, "height": 360, "fps": 25.0, **other}
    return VideoFacts(
        content_hash=content * 64, size_bytes=1000, mtime_ns=1, health=Health.GOOD, **values
    )


def edit(
    label_id: int | None, start_s: float = 1, end_s: float = 2, **other: object
) -> SegmentEdit:
    values = {"id": str(uuid.uuid4()), **other}
    return SegmentEdit(
        start_us=int(start_s * 1e6), end_us=int(end_s * 1e6), label_id=label_id, **values
    )


def make_sample(database: Database) -> Sample:
    project = projects.create_project(database, "kitchen").id
    names = ("make_tea", "make_juice", "make_toast")
    added = library.add_videos(
        database, project, folder=FOLDER, paths=[FOLDER / f"{name}.mp4" for name in names]
    )
    letters = zip(added.new, "abc", strict=True)
    library.record_facts(database, {video: facts(letter) for video, letter in letters})
    label_set = labels.create_label_set(database, project, "steps").id
    named = [NewLabel(f"add {noun}", "add", noun) for noun in ("sugar", "salt", "milk")]
    return Sample(project, added.new, label_set, labels.add_labels(database, label_set, named))


def fill(database: Database) -> None:
    """Put at least one row into every table."""
    sample = make_sample(database)
    tea, juice, toast = sample.videos
    sugar, salt, milk = sample.labels.values()
    library.set_splits(database, sample.project, {tea: "train", juice: "val", toast: "test"})
    library.set_goals(database, sample.project, {tea: "make tea"})
    first = edit(sugar, 1, 3, note="größer als '1; DROP TABLE'")
    annotations.save_segments(
        database, tea, [first, edit(salt, 4, 6), edit(None, 6, 7, kind=SegmentKind.IGNORE)]
    )
    annotations.delete_segments(database, tea, {first.id: 1})
    step = NewSegment(juice, 0, 2_000_000, milk, track="left", confidence=0.5, note="a step")
    part = NewSegment(juice, 0, 1_000_000, salt, parent_id=step.id)
    point = NewSegment(toast, 500_000, 500_000, salt, SegmentKind.POINT)
    imported = [part, step, point, NewSegment(toast, 0, 1_000_000, salt)]
    batch = ImportBatch(token="t", source="coin.json", format="coin", segments=imported)
    imports.import_segments(database, sample.project, batch)
    labels.archive_label(database, milk)
    job = jobs.enqueue(database, NewJob(sample.project, "train", "cpu", {"epochs": 3})).id
    jobs.claim(database, "cpu")
    jobs.set_process(database, job, 4242, 1.5)
    jobs.report(database, job, Progress(1, 10, "training", {"loss": 0.5}))
    curve = [CurvePoint(1, "loss", 0.5), CurvePoint(2, "loss", float("nan"))]
    jobs.add_curve_points(database, job, curve)
    jobs.finish(database, job, Ending(JobState.DONE, 0, result={"steps": 10}))
    run = runs.create_run(
        database,
        NewRun(
            project_id=sample.project,
            classifier="gad",
            task="online",
            backbone="nano",
            data_hash="f" * 64,
            job_id=job,
            label_set_id=sample.label_set,
            label_set_revision=1,
        ),
    ).id
    runs.put_metrics(database, run, [Metric("test", "top1", 0.86, 0.84, 0.88, 36)])
    prediction = StoredPrediction(tea, f"runs/{run}/predictions/a.safetensors", 240, 4.8, 1.0, 1.0)
    runs.put_predictions(database, run, [prediction])
    runs.set_state(database, run, RunState.READY)
    back = replace(first, version=2)
    left, right = replace(back, end_us=2_000_000), edit(salt, 2, 3)
    done = Operation(id=str(uuid.uuid4()), name="split", edits=[left, right])
    operations.perform(database, tea, done)
    taken_back = [replace(back, version=3), replace(right, version=1, deleted=True)]
    undo = Operation(id=str(uuid.uuid4()), name="undo", edits=taken_back, undoes=done.id)
    operations.perform(database, tea, undo)
    no = [ProposalAnswer(str(uuid.uuid4()), run, True)]
    operations.perform(database, tea, Operation(id=str(uuid.uuid4()), name="reject", answers=no))
    statistics.put(database, statistics.key_of("confusion", {"run": run}), "confusion", {"n": 3})


def dump(path: Path) -> str:
    """Return the whole database as SQL."""
    with closing(sqlite3.connect(path)) as connection:
        return "\n".join(connection.iterdump()) + "\n"


def load(script: Path, path: Path) -> None:
    """Make a database from a dump."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script.read_text(encoding="utf-8"))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gad.sqlite"
        with Database(path) as database:
            database.migrate()
            fill(database)
        with closing(sqlite3.connect(path)) as connection:
            (version,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        target = SCHEMAS / f"{version}.sql"
        if target.exists():
            sys.exit(f"'{target}' exists; the dump of a released schema is never written again.")
        target.write_text(dump(path), encoding="utf-8")


if __name__ == "__main__":
    main()
