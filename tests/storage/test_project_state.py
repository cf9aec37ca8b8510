"""The token changes with everything that the library's table shows, and with nothing else."""

from dataclasses import replace

from storage import annotations, labels, library, runs
from storage.imports import ImportBatch, NewSegment, import_segments
from storage.project_state import predicted_videos, project_state
from storage.runs import NewRun, StoredPrediction
from storage.states import Health
from tests.storage.samples import edit, facts


def changes(database, sample):
    """Name everything that a table shows, each with what changes it."""
    tea, juice, _ = sample.videos
    label = next(iter(sample.labels.values()))
    segment = NewSegment(juice, 0, 10, label)
    batch = ImportBatch(token="t", source="a.csv", format="table", segments=[segment])
    seen = replace(facts("b"), mtime_ns=2)
    return {
        "a segment": lambda: annotations.save_segments(database, tea, [edit(label)]),
        "an import": lambda: import_segments(database, sample.project, batch),
        "a split": lambda: library.set_splits(database, sample.project, {tea: "val"}),
        "a goal": lambda: library.set_goals(database, sample.project, {tea: "make tea"}),
        "a name": lambda: labels.rename_label(database, label, "another"),
        "a file": lambda: library.record_facts(database, {tea: seen}),
        "health": lambda: library.record_facts(
            database, {tea: replace(seen, health=Health.DAMAGED)}
        ),
        "a video": lambda: library.archive_videos(database, sample.project, [juice]),
    }


def test_the_token_differs_after_everything_that_a_table_shows(database, sample):
    seen = [project_state(database, sample.project)]
    for what, act in changes(database, sample).items():
        act()
        now = project_state(database, sample.project)
        assert now.revision not in [state.revision for state in seen], what
        assert project_state(database, sample.project) == now, what
        seen.append(now)
    assert (seen[0].videos, seen[-1].videos) == (3, 2)


def test_videos_that_nobody_looked_at_are_counted(database, sample, tmp_path):
    assert project_state(database, sample.project).waiting == 0
    library.add_videos(database, sample.project, folder=tmp_path, paths=[tmp_path / "new.mp4"])
    state = project_state(database, sample.project)
    assert (state.videos, state.waiting) == (4, 1)


def test_predicted_videos_are_those_of_the_runs_of_the_project(database, sample):
    before = project_state(database, sample.project).revision
    assert predicted_videos(database, sample.project) == frozenset()
    new = NewRun(
        project_id=sample.project, classifier="gad", task="online", backbone="nano", data_hash="f"
    )
    run = runs.create_run(database, new)
    prediction = StoredPrediction(sample.videos[1], "runs/1/a", 3, 1.0, 1.0, 0.0)
    runs.put_predictions(database, run.id, [prediction])
    assert predicted_videos(database, sample.project) == {sample.videos[1]}
    assert predicted_videos(database, sample.project + 1) == frozenset()
    assert project_state(database, sample.project).revision != before
