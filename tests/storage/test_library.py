import os
from pathlib import Path

import pytest

from core.errors import InvalidData, UnknownName
from storage import annotations, library, projects
from storage.database import Database
from storage.library import VideoFilter
from storage.states import Health
from tests.storage.samples import FOLDER, Sample, edit, facts


def names(database: Database, project: int, **wanted: object) -> list[str]:
    found = library.list_videos(database, project, VideoFilter(**wanted))
    return [video.name.rpartition("/")[2] for video in found]


def test_adding_a_folder_again_adds_only_what_is_new(database: Database, sample: Sample) -> None:
    paths = [FOLDER / "make_tea.mp4", FOLDER / "make_soup.mp4", FOLDER / "make_soup.mp4"]
    added = library.add_videos(database, sample.project, folder=FOLDER, paths=paths)
    assert (len(added.new), added.known) == (1, sample.videos[:1])
    assert len(library.list_videos(database, sample.project)) == 4


@pytest.mark.fault
def test_equal_file_names_in_different_folders_stay_apart(database: Database) -> None:
    project = projects.create_project(database, "cameras").id
    for folder in (Path("/a/day"), Path("/b/day"), Path("/c/b/day")):
        paths = [folder / "cam1" / "x.mp4", folder / "cam2" / "x.mp4"]
        library.add_videos(database, project, folder=folder, paths=paths)
    found = [video.name for video in library.list_videos(database, project)]
    assert found == [
        "b/day/cam1/x.mp4",
        "b/day/cam2/x.mp4",
        "c/b/day/cam1/x.mp4",
        "c/b/day/cam2/x.mp4",
        "day/cam1/x.mp4",
        "day/cam2/x.mp4",
    ]


def test_ids_come_back_in_the_order_of_the_paths(database: Database) -> None:
    project = projects.create_project(database, "many").id
    paths = [FOLDER / f"{number}.mp4" for number in range(300, 0, -1)]
    added = library.add_videos(database, project, folder=FOLDER, paths=paths)
    found = [library.find_video(database, project, video).path for video in added.new[::50]]
    assert found == [str(path) for path in paths[::50]]


def test_a_file_name_that_is_no_text_is_named_and_nothing_is_added(
    database: Database, sample: Sample
) -> None:
    broken = Path(os.fsdecode(b"/videos/kitchen/\xff.mp4"))
    with pytest.raises(InvalidData, match=r"must be valid UTF-8.*Rename the file"):
        library.add_videos(
            database, sample.project, folder=FOLDER, paths=[FOLDER / "new.mp4", broken]
        )
    assert len(library.list_videos(database, sample.project)) == 3


def test_a_video_is_pending_until_it_was_probed(database: Database) -> None:
    project = projects.create_project(database, "new").id
    (video,) = library.add_videos(database, project, folder=FOLDER, paths=[FOLDER / "a.mp4"]).new
    assert library.find_video(database, project, video).health is Health.PENDING
    library.record_facts(database, {video: facts(has_audio=False, timing="variable")})
    probed = library.find_video(database, project, "kitchen/a.mp4")
    assert (probed.health, probed.duration_us, probed.has_audio) == (Health.GOOD, 60_000_000, False)
    assert probed.revision == 0


@pytest.mark.fault
def test_other_content_under_the_same_path_is_a_new_revision(
    database: Database, sample: Sample
) -> None:
    video = sample.videos[0]
    library.record_facts(database, {video: facts("a")})
    assert library.find_video(database, sample.project, video).revision == 0
    library.record_facts(database, {video: facts("z")})
    assert library.find_video(database, sample.project, video).revision == 1


def test_the_table_counts_live_segments(database: Database, sample: Sample) -> None:
    tea, juice, _ = sample.videos
    first = edit(1)
    annotations.save_segments(database, tea, [first, edit(2), edit(3)])
    annotations.save_segments(database, juice, [edit(1)])
    annotations.delete_segments(database, tea, {first.id: 1})
    rows = library.list_videos(database, sample.project)
    assert {row.id: row.segments for row in rows} == dict(
        zip(sample.videos, (2, 1, 0), strict=True)
    )


@pytest.mark.fault
def test_videos_are_filtered_and_paged(database: Database, sample: Sample) -> None:
    tea, juice, _ = sample.videos
    library.set_splits(database, sample.project, {tea: "train", juice: "val"})
    library.record_facts(database, {juice: facts("b", usable_us=5)})
    assert names(database, sample.project, split="train") == ["make_tea.mp4"]
    assert names(database, sample.project, search="TOAST") == ["make_toast.mp4"]
    assert names(database, sample.project, search="%") == []
    assert names(database, sample.project, health=Health.DAMAGED) == []
    assert names(database, sample.project, limit=1, offset=1) == ["make_tea.mp4"]


def test_splits_are_set_together_or_not_at_all(database: Database, sample: Sample) -> None:
    tea, juice, _ = sample.videos
    with pytest.raises(UnknownName, match="Unknown video: 99"):
        library.set_splits(database, sample.project, {tea: "train", 99: "test"})
    with pytest.raises(UnknownName, match=r"Unknown split: 'training'\. Did you mean 'train'"):
        library.set_splits(database, sample.project, {tea: "training"})  # pyright: ignore
    library.set_splits(database, sample.project, {tea: "train", juice: "test"})
    library.set_splits(database, sample.project, {tea: None})
    found = [video.split for video in library.list_videos(database, sample.project)]
    assert found == ["test", None, None]


def test_a_video_of_another_project_is_out_of_reach(database: Database, sample: Sample) -> None:
    other = projects.create_project(database, "other").id
    with pytest.raises(UnknownName):
        library.set_goals(database, other, {sample.videos[0]: "make tea"})
    with pytest.raises(UnknownName, match="There is no video yet"):
        library.find_video(database, other, sample.videos[0])


def test_an_archived_video_is_out_of_sight_until_it_is_added_again(
    database: Database, sample: Sample
) -> None:
    library.archive_videos(database, sample.project, sample.videos[:1])
    assert names(database, sample.project) == ["make_juice.mp4", "make_toast.mp4"]
    assert names(database, sample.project, archived=True) == ["make_tea.mp4"]
    paths = [FOLDER / "make_tea.mp4"]
    library.add_videos(database, sample.project, folder=FOLDER, paths=paths)
    assert len(names(database, sample.project)) == 3


def test_a_mistyped_video_is_suggested_and_not_all_are_listed(database: Database) -> None:
    project = projects.create_project(database, "many").id
    paths = [FOLDER / f"v{number:03}.mp4" for number in range(20)]
    library.add_videos(database, project, folder=FOLDER, paths=paths)
    with pytest.raises(UnknownName, match=r"Did you mean 'kitchen/v0\d\d.mp4'.* and 12 more"):
        library.find_video(database, project, "kitchen/v0x7.mp4")
