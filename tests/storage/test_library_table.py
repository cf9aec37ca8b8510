"""What the library shows of many videos, against obvious SQL and loaded rows, on random data."""

import random

import pytest
import sqlalchemy as sa

from core.errors import UnknownName
from storage import annotations, labels, library, library_table, projects
from storage.annotations import list_segments
from storage.database import Database
from storage.large_project import LargeProject, Size, make_large_project
from storage.library import VideoFilter
from storage.states import Health

SMALL = Size(videos=30, segments=300, labels=12, longest=60)
FIELDS = ("id", "name", "split", "health", "segments", "archived")


@pytest.fixture
def large(database: Database) -> LargeProject:
    """A project like a large one, with deleted segments, archived videos and archived labels."""
    rng = random.Random(4)
    made = make_large_project(database, SMALL)
    other = make_large_project(database, Size(3, 20, 4, 5), "other")
    for number in rng.sample(range(made.longest, made.longest + 30), 9):
        gone = {each.id: 1 for each in list_segments(database, number) if rng.random() < 0.5}
        annotations.delete_segments(database, number, gone)
    videos = [video.id for video in library.list_videos(database, made.project)]
    library.archive_videos(database, made.project, rng.sample(videos, 5))
    for label in labels.list_labels(database, made.label_set)[:3]:
        labels.archive_label(database, label.id)
    labels.create_label_set(database, other.project, "a second one")
    return made


def count(database: Database, statement: str) -> int:
    with database.read() as session:
        return session.scalar(sa.text(statement)) or 0


def test_a_large_project_has_the_size_that_was_asked_for(database: Database) -> None:
    made = make_large_project(database, SMALL)
    (first, *others) = library.list_videos(database, made.project)
    assert len(others) == 29
    assert first.segments == 60
    assert first.segments + sum(video.segments for video in others) == 300
    assert {video.segments for video in others} <= {8, 9}
    assert len(labels.list_labels(database, made.label_set)) == 12
    assert max(s.end_us for s in list_segments(database, made.longest)) <= (first.duration_us or 0)


def test_projects_are_counted_as_obvious_queries_count_them(
    database: Database, large: LargeProject
) -> None:
    empty = projects.create_project(database, "empty").id
    found = library_table.count_projects(database)
    for project in (large.project, large.project + 1, empty):
        videos = f"FROM video WHERE project_id = {project} AND NOT archived"
        segments = f"FROM segment WHERE deleted_us IS NULL AND video_id IN (SELECT id {videos})"
        of_set = f"SELECT min(id) FROM label_set WHERE project_id = {project}"
        used = f"FROM label WHERE NOT archived AND label_set_id = ({of_set})"
        assert found[project].videos == count(database, f"SELECT count(*) {videos}")
        assert found[project].segments == count(database, f"SELECT count(*) {segments}")
        assert found[project].labels == count(database, f"SELECT count(*) {used}")
        for split, number in found[project].splits.items():
            where = f"AND split = '{split}'" if split else "AND split IS NULL"
            assert number == count(database, f"SELECT count(*) {videos} {where}")
    assert found[empty].splits == {}


@pytest.mark.parametrize(
    "wanted",
    [
        VideoFilter(),
        VideoFilter(search="P0", split="val"),
        VideoFilter(health=Health.DAMAGED),
        VideoFilter(archived=True),
        VideoFilter(order="segments", descending=True),
        VideoFilter(order="split", limit=7, offset=5),
        VideoFilter(order="id", descending=True, offset=20, limit=100),
    ],
)
def test_rows_are_what_loading_every_video_shows(
    database: Database, large: LargeProject, wanted: VideoFilter
) -> None:
    every = library.list_videos(database, large.project, VideoFilter(archived=wanted.archived))
    fitting = [
        video
        for video in every
        if wanted.search in video.name
        and wanted.split in (None, video.split)
        and wanted.health in (None, video.health)
    ]
    found = library_table.video_rows(database, large.project, FIELDS, wanted)
    assert library_table.count_videos(database, large.project, wanted) == len(fitting)
    by_order = sorted(
        sorted(fitting, key=lambda video: video.name),
        key=lambda video: getattr(video, wanted.order) or "",
        reverse=wanted.descending,
    )[wanted.offset :][: wanted.limit]
    assert found == [tuple(getattr(video, name) for name in FIELDS) for video in by_order]
    assert found == [
        tuple(getattr(video, name) for name in FIELDS)
        for video in library.list_videos(database, large.project, wanted)
    ]


def test_named_segments_are_the_live_ones_with_the_names_of_their_labels(
    database: Database, large: LargeProject
) -> None:
    names = {
        each.id: each.name for each in labels.list_labels(database, large.label_set, archived=True)
    }
    for video in range(large.longest, large.longest + 30):
        assert library_table.named_segments(database, video) == [
            (s.id, s.start_us, s.end_us, names[s.label_id or 0], s.kind, s.track)
            for s in list_segments(database, video)
        ]


def test_classes_are_the_labels_that_are_not_archived_in_their_order(
    database: Database, large: LargeProject
) -> None:
    listed = labels.list_labels(database, large.label_set)
    labels.order_labels(
        database, large.label_set,
        [each.id for each in labels.list_labels(database, large.label_set, archived=True)][::-1],
    )  # fmt: skip
    found = labels.classes(database, large.label_set).classes
    assert found == tuple(each.name for each in listed)[::-1]
    assert len(found) == 9


def test_an_order_that_is_no_field_is_refused(database: Database, large: LargeProject) -> None:
    with pytest.raises(UnknownName, match="Unknown order of videos: 'size'"):
        library_table.video_rows(database, large.project, ("id",), VideoFilter(order="size"))
