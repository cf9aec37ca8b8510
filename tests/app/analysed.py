"""Four little videos, all of the test split, and runs with made-up answers about them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from app.jobs.runner import Runner
from app.services import Studio, importing, library
from storage import jobs, runs, training_data
from storage.states import JobState, RunState, StopRequest
from tests.app.conftest import finish
from tests.app.predicted import make_run, one_hot, predict, videos_of

LABELS = ("stir tea", "stir soup", "cut bread")
CLASSES = ("background", *LABELS)
RATE = 2.0


def fill(studio: Studio, folder: Path, table: Path, name: str = "little") -> int:
    """Add the videos, labelled by a table in which the second stirs soup; returns the project."""
    project = library.new_project(studio, name)
    runner = Runner(studio, ["cpu"])
    library.add_folder(studio, project, folder)
    finish(runner)
    lines = (folder / "labels.csv").read_text().splitlines()
    changed = [
        line.replace("stir tea", "stir soup") if line.startswith("first/1") else line
        for line in lines
    ]
    table.write_text("\n".join(changed))
    importing.commit_import(studio, project, [table], token=name)
    library.set_splits(studio, project, [v.id for v in videos_of(studio, project)], "test")
    return project


def add_run(studio: Studio, project: int, wrong: Sequence[tuple[int, int]]) -> int:
    """Add a run that answers class by class what is true, except true → said as `wrong` says."""
    with studio.database.write():  # as a whole, so that nobody begins to train
        run = make_run(studio, project, LABELS, rate=RATE)
        (job, *_) = jobs.list_jobs(studio.database, project, states=[JobState.QUEUED])
        jobs.request_stop(studio.database, job.id, StopRequest.KEEP)
    labelled = {v.name: v for v in training_data.labelled_videos(studio.database, project)}
    for video in videos_of(studio, project):
        said = truth_at(labelled[video.name])
        for number, (true, answer) in enumerate(wrong):
            places = np.flatnonzero(said == true)
            said[places[number % 2 :: 2]] = answer
        predict(studio, run, video, one_hot(said.tolist(), len(CLASSES)), rate=RATE)
    runs.set_state(studio.database, run, RunState.READY)
    return run


def truth_at(video) -> np.ndarray:
    """Return the class at every half second, of a labelled video of nine seconds."""
    times = np.arange(18) * 500_000
    truth = np.zeros(18, np.int64)
    for segment in video.segments:
        inside = (times >= segment.start_us) & (times < segment.end_us)
        truth[inside] = CLASSES.index(segment.label)
    return truth
