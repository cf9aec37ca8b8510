"""When frames are shown: kept at the first look, found again where they were not, by content."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

from app.main import Address, create_app
from app.services import frame_times, importing, library
from core.errors import Conflict, MissingArtifact
from core.video import probe
from storage import library as videos
from tests.app.conftest import FPS, SECONDS, finish
from tests.core.frame_targets import write_data_set
from tests.core.video.clips import VARIABLE


@pytest.fixture
def client(studio):
    with TestClient(create_app(studio, Address(), "t"), base_url="http://127.0.0.1:7860") as opened:
        yield opened


@pytest.fixture
def uneven(studio, runner, tmp_path):
    """The row of a video whose frames are unevenly spaced."""
    folder = tmp_path / "uneven"
    folder.mkdir()
    VARIABLE.write(folder / "clip.mp4")
    number = library.new_project(studio, "uneven")
    library.add_folder(studio, number, folder)
    finish(runner)
    return videos.list_videos(studio.database, number)[0]


def kept(studio):
    return sorted(studio.directory.derived.rglob("*.npy"))


def test_the_route_gives_the_start_of_every_frame_and_the_end_of_the_last(client, uneven):
    answer = client.get(f"/api/videos/{uneven.id}/frames")
    times = np.frombuffer(answer.content, "<f8")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert times[:-1].tolist() == VARIABLE.times_us
    assert times[-1] == uneven.duration_us > times[-2]


def test_the_route_answers_what_the_browser_has_in_one_line(client, uneven):
    first = client.get(f"/api/videos/{uneven.id}/frames")
    again = client.get(
        f"/api/videos/{uneven.id}/frames", headers={"If-None-Match": first.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    other = client.get(f"/api/videos/{uneven.id}/frames", headers={"If-None-Match": '"other"'})
    assert other.content == first.content


def test_frame_times_are_kept_when_a_video_is_looked_at(studio, uneven, monkeypatch):
    monkeypatch.setattr("core.video.probe", None)  # nothing is probed again
    assert len(kept(studio)) == 1
    assert frame_times.shown_us(studio, uneven)[:-1].tolist() == VARIABLE.times_us


def test_a_video_of_an_earlier_version_is_looked_at_once_more(studio, uneven):
    (file,) = kept(studio)
    before = file.read_bytes()
    file.unlink()
    info = probe(VARIABLE.write(studio.directory.root / "again.mp4"))
    times = frame_times.shown_us(studio, uneven)
    assert times.tolist() == [*info.pts_us.tolist(), info.duration_us]
    assert kept(studio) == [file]
    assert file.read_bytes() == before


def test_what_is_known_today_of_a_video_of_an_earlier_version_is_recorded(client, studio, uneven):
    """Such as that browsers do not show its frames exactly."""
    kept(studio)[0].unlink()
    facts = {"content_hash": uneven.content_hash, "health": uneven.health, "playable": True}
    facts |= {"size_bytes": uneven.size_bytes, "mtime_ns": uneven.mtime_ns}
    videos.record_facts(studio.database, {uneven.id: videos.VideoFacts(**facts)})
    assert client.get(f"/api/videos/{uneven.id}/frames").status_code == 200
    row = videos.video_by_id(studio.database, uneven.id)
    assert (row.playable, row.frame_count, row.timing) == (False, 11, "variable")


def test_videos_of_features_have_the_grid_of_their_rate(client, studio, tmp_path):
    number = library.named_project(studio, "toy")
    importing.commit_import(studio, number, [write_data_set(tmp_path / "TOY")], token="t")
    row = videos.list_videos(studio.database, number)[0]
    times = np.frombuffer(client.get(f"/api/videos/{row.id}/frames").content, "<f8")
    assert times.tolist() == [k * 250_000 for k in range((row.frame_count or 0) + 1)]
    assert times[-1] == row.duration_us
    assert not kept(studio)


@pytest.mark.fault
def test_another_file_under_the_same_name_is_not_taken_for_it(studio, uneven, little_folder):
    (file,) = kept(studio)
    file.unlink()
    Path(uneven.path).unlink()
    shutil.copy(little_folder / "first" / "0.mp4", uneven.path)
    with pytest.raises(Conflict, match="another one since it was looked at"):
        frame_times.shown_us(studio, uneven)
    assert not kept(studio)


def test_a_video_that_nobody_looked_at_has_no_frame_times_yet(client, studio, little_folder):
    number = library.new_project(studio, "waiting")
    library.add_folder(studio, number, little_folder)
    row = videos.list_videos(studio.database, number)[0]
    with pytest.raises(MissingArtifact, match="Nobody looked"):
        frame_times.shown_us(studio, row)
    assert client.get(f"/api/videos/{row.id}/frames").status_code == 404


def test_an_even_video_has_its_rate_and_a_grid(studio, project):
    row = videos.list_videos(studio.database, project)[0]
    assert frame_times.frame_times(studio, row) == FPS
    steps = np.diff(frame_times.shown_us(studio, row))
    assert (len(steps), steps.min(), steps.max()) == (FPS * SECONDS, 125_000, 125_000)
