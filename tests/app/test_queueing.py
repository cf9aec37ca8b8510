"""What to label next, over a project whose figures are known."""

from dataclasses import replace

import numpy as np
import pytest

from app.services import library as services
from app.services.queueing import queue
from app.services.tracks import leave_out
from core.errors import InvalidData
from core.types import SECOND
from storage import annotations, library
from storage.states import Health, SegmentKind
from tests.app import annotated
from tests.app.predicted import label_names, make_run, one_hot, predict, videos_of
from tests.storage.samples import edit, facts

CLASSES = ("cut bread", "stir tea")


@pytest.fixture
def made(studio, tmp_path):
    names = ("a.mp4", "b.mp4", "c.mp4", "d.mp4", "e.mp4")
    project = annotated.make(studio, tmp_path, names=names)
    services.add_labels(studio, project, CLASSES)
    videos = videos_of(studio, project)
    library.record_facts(studio.database, {videos[4].id: facts("e", codec="features")})
    return project, videos


def scores(found):
    return [(each["name"].split("/")[-1], each["score"], each["why"]) for each in found]


def test_by_coverage_videos_without_segments_come_first(studio, made):
    project, (a, b, c, d, _) = made
    label = next(iter(label_names(studio, project)))
    annotations.save_segments(studio.database, a.id, [
        edit(label, 0, 20), edit(label, 10, 30), edit(label, 12, 15, track="second"),
        edit(None, 57, 70, kind=SegmentKind.IGNORE), edit(label, 0, 60, track="left out"),
    ])  # fmt: skip
    point = edit(label, 5, 5, kind=SegmentKind.POINT)
    annotations.save_segments(studio.database, b.id, [edit(label, 0, 54), point])
    annotations.save_segments(
        studio.database, c.id, [edit(label, 0, 54), gone := edit(label, 54, 60)]
    )
    annotations.delete_segments(studio.database, c.id, {gone.id: 1})
    leave_out(studio, project, ["left out"])
    found = queue(studio, project, "coverage")
    assert scores(found) == [
        ("d.mp4", 1.0, "It has no segment yet."),
        ("a.mp4", 0.45, "45 % of it is not labelled."),
        ("b.mp4", 0.1, "10 % of it is not labelled."),
        ("c.mp4", 0.1, "10 % of it is not labelled."),
    ]
    assert [each["segments"] for each in found] == [0, 5, 2, 1]
    assert found[0]["video"] == d.id


def test_only_videos_that_can_be_watched_are_queued(studio, made):
    project, (a, b, *_) = made
    broken = replace(facts("a"), health=Health.UNREADABLE)
    library.record_facts(studio.database, {a.id: broken})
    library.archive_videos(studio.database, project, [b.id])
    assert [each["name"][-5:] for each in queue(studio, project, "coverage")] == ["c.mp4", "d.mp4"]


def test_by_uncertainty_those_come_first_of_which_a_run_is_least_sure(studio, made):
    project, (a, b, c, *_) = made
    run = make_run(studio, project, CLASSES)
    predict(studio, run, a, one_hot([0] * 120, 3, 0.99))
    predict(studio, run, b, one_hot([1] * 120, 3, 0.5))
    alone = np.full((120, 3), -np.inf, np.float32)
    alone[:, 1] = 0
    predict(studio, run, c, alone)
    found = scores(queue(studio, project, "uncertainty", [run]))
    entropy = -(0.5 * np.log(0.5) + 0.5 * np.log(0.25)) / np.log(3)
    assert found[0][:2] == ("b.mp4", round(entropy, 4))
    assert found[0][2] == "Mean entropy is 95 % of the greatest possible."
    assert [name for name, *_ in found] == ["b.mp4", "a.mp4", "c.mp4", "d.mp4"]
    assert [score for _, score, _ in found[2:]] == [None, None]
    assert "scores its own answer alone" in found[2][2]
    assert found[3][2].startswith("There is no prediction of it by")


def test_by_disagreement_those_come_first_about_which_runs_differ(studio, made):
    project, (a, b, *_) = made
    one = make_run(studio, project, CLASSES)
    other = make_run(studio, project, CLASSES[::-1], rate=4.0)
    for video, differing in ((a, 30), (b, 90)):
        predict(studio, one, video, one_hot([1] * 120, 3))
        said = [2] * (240 - 2 * differing) + [1] * (2 * differing)  # 2 is the same label there
        predict(studio, other, video, one_hot(said, 3), rate=4.0)
    found = scores(queue(studio, project, "disagreement", [one, other]))
    assert found[:2] == [
        ("b.mp4", 0.75, "The runs differ at 75 % of the frames."),
        ("a.mp4", 0.25, "The runs differ at 25 % of the frames."),
    ]
    assert [score for _, score, _ in found[2:]] == [None, None]


def test_runs_on_clips_are_compared_on_their_clips(studio, made):
    project, (a, *_) = made
    runs = [make_run(studio, project, CLASSES, task="step_recognition") for _ in range(2)]
    spans = np.array([[0, 5], [5, 9], [9, 12]]) * SECOND
    for run, said in zip(runs, ([0, 1, 0], [0, 1, 1]), strict=True):
        predict(studio, run, a, one_hot(said, 2), spans)
    found = queue(studio, project, "disagreement", runs)
    assert scores(found)[0] == ("a.mp4", 0.3333, "The runs differ at 33 % of the clips.")
    mixed = [runs[0], make_run(studio, project, CLASSES)]
    with pytest.raises(InvalidData, match="runs of one task"):
        queue(studio, project, "disagreement", mixed)


@pytest.mark.parametrize(("by", "count"), [("uncertainty", 0), ("disagreement", 1)])
def test_an_order_that_needs_runs_says_so(studio, made, by, count):
    project, _ = made
    run = make_run(studio, project, CLASSES)
    with pytest.raises(InvalidData, match="Choose runs"):
        queue(studio, project, by, [run, run][: 2 * count])
