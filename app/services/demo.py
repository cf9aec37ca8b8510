"""The demo project: there at the first start, without network.

Labels are known before a picture is drawn; the videos are rendered by a job, and the shipped runs
predict them as soon as they are there (`python scripts/make_demo_runs.py WORK` made the runs).
"""

import json
import shutil
import uuid

from app.services import Studio
from app.services.experiments import predict
from app.services.library import add_labels, classes, set_splits
from core.classifiers import CLASSIFIERS
from core.kitchen import DEMO_RUNS
from core.kitchen.demo import demo_labels, demo_path, demo_scripts
from core.types import SPLITS
from storage import imports, jobs, library, projects, runs
from storage.imports import ImportBatch, NewSegment
from storage.jobs import NewJob
from storage.runs import NewRun
from storage.states import RunState, SegmentSource

NAME = "kitchen"


def install(studio: Studio) -> int | None:
    """Make the demo project unless it was ever made; returns the job that renders its videos."""
    if any(project.name == NAME for project in projects.list_projects(studio.database)):
        return None
    with studio.database.write():
        project = projects.create_project(studio.database, NAME, settings={"demo": True}).id
        ids = add_labels(studio, project, demo_labels().classes)
        plan = demo_scripts()
        paths = [demo_path(studio.directory.demo, script) for script, _ in plan]
        added = library.add_videos(
            studio.database, project, folder=studio.directory.demo, paths=paths
        )
        by_script = dict(zip((script.name for script, _ in plan), added.new, strict=True))
        segments = [
            NewSegment(by_script[script.name], s.start_us, s.end_us, ids[s.label])
            for script, _ in plan
            for s in script.segments
        ]
        batch = ImportBatch(
            token=str(uuid.uuid4()), source="kitchen scripts", format="script", segments=segments,
            made_by=SegmentSource.SCRIPT,
        )  # fmt: skip
        imports.import_segments(studio.database, project, batch)
        for split in SPLITS:
            mine = [by_script[script.name] for script, its in plan if its == split]
            set_splits(studio, project, mine, split)
        goals = {by_script[script.name]: script.task.name for script, _ in plan}
        library.set_goals(studio.database, project, goals)
        for name in CLASSIFIERS:
            _install_run(studio, project, name)
        spec = {
            "kind": "render",
            "folder": str(studio.directory.demo),
            "thumbs": str(studio.directory.thumbs),
            "derived": str(studio.directory.derived),
            "videos": by_script,
        }
        return jobs.enqueue(studio.database, NewJob(project, "render", "media", spec, 10)).id


def _install_run(studio: Studio, project: int, classifier: str) -> None:
    """Copy a shipped run into the data directory."""
    shipped = DEMO_RUNS / classifier
    if not (shipped / "run.json").is_file():
        return
    config = json.loads((shipped / "run.json").read_text())["config"]
    run = runs.create_run(
        studio.database,
        NewRun(
            project_id=project,
            classifier=config["classifier"],
            task=config["task"],
            backbone=config["backbone"],
            data_hash="",
            codec=config["codec"],
            context=config["context"] if classifier == "gad" else "",
            decoder=config["decoder"] if classifier == "generative" else "head",
            config=config,
        ),
    )
    shutil.copytree(shipped, studio.directory.run(run.id), dirs_exist_ok=True)


def predict_shipped_runs(studio: Studio, project: int) -> list[int]:
    """Queue the predictions of the shipped runs that have none yet; returns the jobs."""
    queued = []
    for run in reversed(runs.list_runs(studio.database, project)):
        shipped = run.job_id is None and run.state is RunState.TRAINING
        if shipped and classes(studio, project):
            queued.append(predict(studio, project, run))
    return queued
