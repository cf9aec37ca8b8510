from pathlib import Path

import pytest

from core.errors import InvalidData
from storage import library, projects, training_data
from storage.database import Database
from storage.feature_videos import NewFeatureVideo, add_feature_videos
from storage.states import Health
from tests.storage.samples import Sample


def made(name: str, frames: int = 40) -> NewFeatureVideo:
    return NewFeatureVideo(
        name, f"/data/rgb/{name}.npy", f"hash of {name}", 99, 7, frames * 250_000, 4.0, frames
    )


def test_a_video_of_features_is_healthy_as_long_as_its_frames_and_says_what_it_is(
    database: Database,
) -> None:
    project = projects.create_project(database, "features").id
    ids = add_feature_videos(database, project, [made("b"), made("a", 8)])
    found = {video.name: video for video in library.list_videos(database, project)}
    assert ids == (found["b"].id, found["a"].id)
    video = found["a"]
    assert video.is_features
    assert (video.health, video.duration_us, video.fps) == (Health.GOOD, 2_000_000, 4.0)
    assert (video.playable, video.width, video.path) == (None, None, "/data/rgb/a.npy")


def test_training_sees_it_like_any_other_video(database: Database) -> None:
    project = projects.create_project(database, "features").id
    (video,) = add_feature_videos(database, project, [made("a")])
    library.set_splits(database, project, {video: "train"})
    (frozen,) = training_data.labelled_videos(database, project, "train")
    assert (frozen.path, frozen.content_hash) == (Path("/data/rgb/a.npy"), "hash of a")
    assert frozen.duration_us == 10_000_000


def test_probed_videos_are_no_videos_of_features(database: Database, sample: Sample) -> None:
    assert not any(v.is_features for v in library.list_videos(database, sample.project))


def test_a_name_that_is_no_text_is_refused_and_nothing_is_added(database: Database) -> None:
    project = projects.create_project(database, "features").id
    with pytest.raises(InvalidData, match="The name of a video must be valid Unicode"):
        add_feature_videos(database, project, [made("a"), made("\udcff")])
    assert library.list_videos(database, project) == ()
