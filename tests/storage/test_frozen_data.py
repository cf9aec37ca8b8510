from dataclasses import replace
from pathlib import Path

from core.manifest import video_as_json
from core.types import LabelledVideo, Segment
from storage import frozen_data, jobs
from storage.database import Database
from storage.frozen_data import Training
from storage.jobs import NewJob
from tests.storage.samples import Sample

ONE = LabelledVideo("one", Path("one"), "1" * 64, 9, (Segment(0, 3, "a"), Segment(3, 5, "b")),
                    ((5, 6),), "train", "tea")  # fmt: skip
TWO = LabelledVideo("two", Path("two"), "2" * 64, 9, (Segment(0, 3, "a"),), (), "test")


def train(database: Database, sample: Sample, run: int, *videos: LabelledVideo) -> int:
    """Queue a training as the page Train does."""
    spec = {"run": run, "labels": ["a", "b"], "videos": [video_as_json(v) for v in videos]}
    return jobs.enqueue(database, NewJob(sample.project, "train", "cpu", spec)).id


def test_what_was_frozen_is_read_back(database: Database, sample: Sample) -> None:
    train(database, sample, 71, TWO, ONE)
    found = frozen_data.frozen_data(database, 71)
    assert found is not None
    assert (found.classes, found.videos) == (("a", "b"), (TWO, ONE))


def test_of_a_shipped_run_nothing_is_known(database: Database, sample: Sample) -> None:
    jobs.enqueue(database, NewJob(sample.project, "predict", "cpu", {"run": 71, "videos": []}))
    assert frozen_data.frozen_data(database, 71) is None
    assert 71 not in frozen_data.trainings(database, sample.project)


def test_training_videos_and_segments_are_counted_by_run(
    database: Database, sample: Sample
) -> None:
    first = train(database, sample, 71, ONE, TWO)
    second = train(database, sample, 72, ONE, ONE)
    third = train(database, sample, 73, TWO, replace(TWO, split=None))
    found = frozen_data.trainings(database, sample.project)
    assert found[73] == Training(third, 0, 0)
    assert (found[71], found[72]) == (Training(first, 1, 2), Training(second, 2, 4))
