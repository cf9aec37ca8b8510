from dataclasses import replace

import pytest

from core.types import LabelledVideo, Segment
from storage import annotations, labels, library, projects
from storage.database import Database
from storage.labels import NewLabel
from storage.projects import TRACKS_LEFT_OUT
from storage.states import Health, SegmentKind
from storage.training_data import data_hash, labelled_videos
from tests.storage.samples import FOLDER, Sample, edit, facts


def names(videos: list[LabelledVideo]) -> list[str]:
    return [video.name.rpartition("/")[2].removesuffix(".mp4") for video in videos]


def hash_now(database: Database, sample: Sample) -> str:
    classes = labels.classes(database, sample.label_set).classes
    return data_hash(labelled_videos(database, sample.project), classes)


@pytest.fixture
def labelled(database: Database, sample: Sample) -> Sample:
    sugar, salt, _ = sample.labels.values()
    spans = [edit(salt, 4, 6), edit(sugar, 1, 3), edit(None, 7, 8, kind=SegmentKind.IGNORE)]
    annotations.save_segments(database, sample.videos[0], spans)
    library.set_splits(database, sample.project, {sample.videos[0]: "train"})
    return sample


def test_a_job_gets_segments_by_name_and_ignored_spans_apart(
    database: Database, labelled: Sample
) -> None:
    (tea,) = labelled_videos(database, labelled.project, "train")
    assert tea.segments == (
        Segment(1_000_000, 3_000_000, "add sugar"),
        Segment(4_000_000, 6_000_000, "add salt"),
    )
    assert tea.ignored == ((7_000_000, 8_000_000),)
    assert (tea.name, tea.split, tea.duration_us) == ("kitchen/make_tea.mp4", "train", 60_000_000)


def test_points_are_no_targets_and_change_no_hash(database: Database, labelled: Sample) -> None:
    before = hash_now(database, labelled), labelled_videos(database, labelled.project)
    points = [edit(1, at, at, kind=SegmentKind.POINT) for at in (0, 2, 7.5)]
    annotations.save_segments(database, labelled.videos[0], points)
    assert (hash_now(database, labelled), labelled_videos(database, labelled.project)) == before


def test_videos_come_by_name_and_without_those_that_cannot_be_used(
    database: Database, labelled: Sample
) -> None:
    tea, _, toast = labelled.videos
    assert names(labelled_videos(database, labelled.project)) == [
        "make_juice",
        "make_tea",
        "make_toast",
    ]
    library.archive_videos(database, labelled.project, [tea])
    library.record_facts(database, {toast: replace(facts("c"), health=Health.UNREADABLE)})
    assert names(labelled_videos(database, labelled.project)) == ["make_juice"]


def test_a_damaged_video_ends_where_it_can_no_longer_be_decoded(
    database: Database, labelled: Sample
) -> None:
    damaged = replace(facts("a"), health=Health.DAMAGED, usable_us=4_500_000)
    library.record_facts(database, {labelled.videos[0]: damaged})
    (tea,) = labelled_videos(database, labelled.project, "train")
    assert tea.duration_us == 4_500_000
    assert [segment.end_us for segment in tea.segments] == [3_000_000, 4_500_000]
    assert tea.ignored == ()


def test_segments_of_an_archived_label_are_ignored_spans(
    database: Database, labelled: Sample
) -> None:
    labels.archive_label(database, labelled.labels["add salt"])
    (tea,) = labelled_videos(database, labelled.project, "train")
    assert [segment.label for segment in tea.segments] == ["add sugar"]
    assert tea.ignored == ((4_000_000, 6_000_000), (7_000_000, 8_000_000))


def test_segments_of_another_label_set_are_left_out(database: Database, labelled: Sample) -> None:
    verbs = labels.create_label_set(database, labelled.project, "verbs").id
    (add,) = labels.add_labels(database, verbs, [NewLabel("add")]).values()
    annotations.save_segments(database, labelled.videos[0], [edit(add, 1, 6)])
    (steps,) = labelled_videos(database, labelled.project, "train")
    (other,) = labelled_videos(database, labelled.project, "train", label_set_id=verbs)
    assert [segment.label for segment in steps.segments] == ["add sugar", "add salt"]
    assert [segment.label for segment in other.segments] == ["add"]


def test_the_hash_is_the_same_for_the_same_data(database: Database, labelled: Sample) -> None:
    first = hash_now(database, labelled)
    with Database(database.path, database.server) as again:
        assert hash_now(again, labelled) == first
    videos = labelled_videos(database, labelled.project)
    assert data_hash(reversed(videos), ["a"]) == data_hash(videos, ["a"])
    moved = [replace(video, path=video.path.parent / "elsewhere.mp4") for video in videos]
    assert data_hash(moved, ["a"]) == data_hash(videos, ["a"])


def test_every_edit_that_training_would_see_changes_the_hash(
    database: Database, labelled: Sample
) -> None:
    video = labelled.videos[0]
    hashes = [hash_now(database, labelled)]
    steps = [
        lambda: annotations.save_segments(database, video, [edit(1, 9, 10)]),
        lambda: annotations.save_segments(
            database, video, [edit(None, 11, 12, kind=SegmentKind.IGNORE)]
        ),
        lambda: labels.rename_label(database, labelled.labels["add salt"], "pour salt"),
        lambda: labels.add_labels(database, labelled.label_set, [NewLabel("stir")]),
        lambda: library.set_splits(database, labelled.project, {video: "test"}),
        lambda: library.set_goals(database, labelled.project, {video: "make tea"}),
        lambda: library.record_facts(database, {video: facts("z")}),
    ]
    for step in steps:
        step()
        hashes.append(hash_now(database, labelled))
    assert len(set(hashes)) == len(hashes)


def test_undoing_an_edit_brings_the_hash_back(database: Database, labelled: Sample) -> None:
    before = hash_now(database, labelled)
    made = edit(1, 9, 10)
    annotations.save_segments(database, labelled.videos[0], [made])
    annotations.delete_segments(database, labelled.videos[0], {made.id: 1})
    assert hash_now(database, labelled) == before


def test_a_project_without_labels_has_videos_without_segments(database: Database) -> None:
    project = projects.create_project(database, "bare").id
    added = library.add_videos(database, project, folder=FOLDER, paths=[FOLDER / "a.mp4"])
    assert labelled_videos(database, project) == []
    library.record_facts(database, {added.new[0]: facts("a")})
    assert [video.segments for video in labelled_videos(database, project)] == [()]


def test_tracks_that_are_left_out_are_not_learned_from(
    database: Database, labelled: Sample
) -> None:
    before = hash_now(database, labelled)
    salt = labelled.labels["add salt"]
    annotations.save_segments(database, labelled.videos[0], [edit(salt, 20, 22, track="second")])
    assert hash_now(database, labelled) != before
    projects.change_settings(database, labelled.project, {TRACKS_LEFT_OUT: ["second"]})
    assert hash_now(database, labelled) == before
