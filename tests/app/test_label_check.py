"""Labels held against runs: made-up answers whose mistakes are known, and one trained for real."""

import numpy as np
import pytest

from app.services import experiments, library as services
from app.services.label_check import changed, doubtful
from app.services.tracks import leave_out
from core.errors import InvalidData, MissingArtifact
from core.types import SECOND, grid_us
from storage import annotations, labels, library
from storage.annotations import list_segments
from storage.states import SegmentKind
from tests.app import annotated
from tests.app.conftest import finish, settings
from tests.app.predicted import label_names, make_run, one_hot, predict, videos_of
from tests.storage.samples import edit

CLASSES = ("cut bread", "stir tea", "wash cup")


@pytest.fixture
def made(studio, tmp_path):
    """Three videos of a minute with an action every five seconds; the first trains."""
    project = annotated.make(studio, tmp_path)
    ids = services.add_labels(studio, project, CLASSES)
    rng = np.random.default_rng(0)
    for video in videos_of(studio, project):
        edits = [edit(ids[CLASSES[rng.integers(3)]], 5 * k + 0.2, 5 * k + 4.3) for k in range(12)]
        annotations.save_segments(studio.database, video.id, edits)
    return project, ids


def answer_of(studio, video, wrong=(), rate=2.0, sure=0.9):
    """Return answers that follow the labels but for some segments, which get the next class."""
    grid = grid_us(video.duration_us, rate)
    said = np.zeros(len(grid), np.int64)
    names = label_names(studio, video.project_id)
    for number, each in enumerate(list_segments(studio.database, video.id)):
        label = (CLASSES.index(names[each.label_id]) + (number in wrong)) % 3 + 1
        said[(grid >= each.start_us) & (grid < each.end_us)] = label
    return one_hot(said, 4, sure)


def train_videos(studio, project):
    return [video for video in videos_of(studio, project) if video.split == "train"]


def test_labels_that_a_run_contradicts_are_doubtful_with_what_it_suggests(studio, made):
    project, ids = made
    run = make_run(studio, project, CLASSES, trained_on=train_videos(studio, project))
    for video in videos_of(studio, project):
        predict(studio, run, video, answer_of(studio, video, wrong=(3, 7)))
    found = doubtful(studio, project, run)
    learned = train_videos(studio, project)[0].id
    expected = {
        each.id: each
        for video in videos_of(studio, project) if video.id != learned
        for number, each in enumerate(list_segments(studio.database, video.id)) if number in (3, 7)
    }  # fmt: skip
    assert {each["segment"] for each in found} == expected.keys()
    for each in found:
        assert each["version"] == expected[each["segment"]].version
        assert each["confidence"] == pytest.approx(0.1 / 3, abs=1e-3)
        assert each["suggestion_confidence"] == pytest.approx(0.9, abs=1e-3)
        assert ids[each["label"]] == each["label_id"] == expected[each["segment"]].label_id
        assert ids[each["suggestion"]] == each["suggestion_id"] != each["label_id"]
    assert doubtful(studio, project, run, limit=1) == found[:1]


def test_a_shipped_run_learned_from_the_split_train(studio, made):
    project, _ = made
    run = make_run(studio, project, CLASSES)
    for video in videos_of(studio, project):
        predict(studio, run, video, answer_of(studio, video, wrong=(1,)))
    videos = {each["video"] for each in doubtful(studio, project, run)}
    assert videos == {v.id for v in videos_of(studio, project) if v.split != "train"}


def test_without_an_unseen_predicted_label_the_answer_says_what_to_do(studio, made):
    project, _ = made
    videos = videos_of(studio, project)
    run = make_run(studio, project, CLASSES, trained_on=videos)
    predict(studio, run, videos[0], answer_of(studio, videos[0]))
    with pytest.raises(MissingArtifact, match="outside the split 'train'"):
        doubtful(studio, project, run)
    with pytest.raises(InvalidData, match="step recognition"):
        doubtful(studio, project, make_run(studio, project, CLASSES, task="next_step"))


def test_deleted_segments_points_unknown_labels_and_tracks_left_out_are_not_judged(studio, made):
    project, ids = made
    run = make_run(studio, project, CLASSES[:2])
    video = next(v for v in videos_of(studio, project) if v.split == "test")
    versions = {each.id: each.version for each in list_segments(studio.database, video.id)}
    annotations.delete_segments(studio.database, video.id, versions)
    bread, _, wash = ids.values()
    old = services.add_labels(studio, project, ["dry cup"])["dry cup"]
    shown = edit(bread, 20, 90)  # beyond the end of the video
    others = [edit(wash, 0, 5), edit(old, 5, 9), edit(bread, 2, 2, kind=SegmentKind.POINT),
              edit(bread, 30, 40, track="left out")]  # fmt: skip
    leave_out(studio, project, ["left out"])
    annotations.save_segments(studio.database, video.id, [shown, *others])
    labels.archive_label(studio.database, old)
    predict(studio, run, video, one_hot([2] * 120, 3, 0.8))
    assert [each["segment"] for each in doubtful(studio, project, run)] == [shown.id]


def test_a_run_on_clips_is_held_against_exactly_its_clips(studio, made):
    project, ids = made
    run = make_run(studio, project, CLASSES, task="step_recognition")
    video = next(v for v in videos_of(studio, project) if v.split == "test")
    segments = list_segments(studio.database, video.id)
    spans = np.array([[each.start_us, each.end_us] for each in segments])
    spans[4] += 1  # moved since
    names = {number: name for name, number in ids.items()}
    own = np.array([CLASSES.index(names[each.label_id]) for each in segments])
    predict(studio, run, video, one_hot((own + 1) % 3, 3, 0.7), spans)
    found = doubtful(studio, project, run)
    assert {each["segment"] for each in found} == {s.id for s in segments} - {segments[4].id}
    assert {each["confidence"] for each in found} == {0.15}


def test_what_changed_between_two_runs_is_repaired_or_broken(studio, made):
    project, ids = made
    before, after = (make_run(studio, project, CLASSES, rate=rate) for rate in (2.0, 4.0))
    video = videos_of(studio, project)[0]
    predict(studio, before, video, answer_of(studio, video, wrong=(0, 3, 5)))
    predict(studio, after, video, answer_of(studio, video, wrong=(5, 8), rate=4.0), rate=4.0)
    found = changed(studio, project, before, after)
    segments = list_segments(studio.database, video.id)
    assert [each["segment"] for each in found["repaired"]] == [segments[0].id, segments[3].id]
    assert [each["segment"] for each in found["broken"]] == [segments[8].id]
    (broken,) = found["broken"]
    assert ids[broken["label"]] == segments[8].label_id
    assert broken["before"] == broken["label"] != broken["after"]
    assert {each["after"] == each["label"] for each in found["repaired"]} == {True}
    with pytest.raises(MissingArtifact, match="Predict with both"):
        changed(studio, project, before, make_run(studio, project, CLASSES))


@pytest.mark.training
def test_a_trained_run_is_checked_on_the_videos_it_has_not_seen(
    studio, runner, project, tiny_folder
):
    started = experiments.fine_tune(
        studio, project, settings(tiny_folder, classifier="discriminative", rate=2.0)
    )
    finish(runner)
    found = doubtful(studio, project, started["run"])
    (unseen,) = [v for v in library.list_videos(studio.database, project) if v.split == "test"]
    there = {each.id: each for each in list_segments(studio.database, unseen.id)}
    assert {each["video"] for each in found} <= {unseen.id}
    for each in found:
        segment = there[each["segment"]]
        assert (each["start_us"], each["version"]) == (segment.start_us, segment.version)
        assert each["suggestion"] != each["label"]
        assert 0 <= each["confidence"] <= each["suggestion_confidence"] <= 1
    # When each action of the unseen video is called the other, it contradicts the others.
    ids = services.add_labels(studio, project, ["stir tea", "cut bread"]).values()
    edits = [
        edit(sum(ids) - s.label_id, s.start_us / SECOND, s.end_us / SECOND, id=s.id, version=1)
        for s in there.values()
    ]
    annotations.save_segments(studio.database, unseen.id, edits)
    again = {each["segment"] for each in doubtful(studio, project, started["run"])}
    assert again == there.keys() - {each["segment"] for each in found}
