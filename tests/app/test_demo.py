"""The demo project as a first start finds it; its videos come by a job."""

import pytest

from app.services import demo, experiments, library
from core.classifiers import CLASSIFIERS
from core.kitchen.demo import SPLIT_SIZES, demo_labels
from storage import jobs, projects
from tests.app.conftest import finish


def installed(studio) -> int:
    demo.install(studio)
    return next(p.id for p in projects.list_projects(studio.database) if p.name == demo.NAME)


def test_the_demo_is_there_at_once_with_labels_splits_and_runs(studio):
    project = installed(studio)
    rows = library.table(studio, project)
    splits = [row["split"] for row in rows]
    assert {split: splits.count(split) for split in SPLIT_SIZES} == SPLIT_SIZES
    assert library.classes(studio, project) == demo_labels().classes
    assert all(row["segments"] for row in rows)
    assert {run["classifier"] for run in experiments.list_runs(studio, project)} == set(CLASSIFIERS)


def test_a_second_start_makes_no_second_demo(studio):
    installed(studio)
    assert demo.install(studio) is None
    assert len(projects.list_projects(studio.database)) == 1
    assert len(jobs.list_jobs(studio.database)) == 1


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_all_videos_come_and_the_shipped_runs_predict_them(studio, runner):
    project = installed(studio)
    finish(runner, 600)
    assert {row["health"] for row in library.table(studio, project)} == {"good"}
    kinds = [job.kind for job in jobs.list_jobs(studio.database)]
    assert kinds.count("predict") == len(CLASSIFIERS)  # queued when the last video was there
    assert all(run["state"] == "ready" for run in experiments.list_runs(studio, project))
    assert demo.predict_shipped_runs(studio, project) == []
