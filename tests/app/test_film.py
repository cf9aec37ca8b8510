"""Filmstrip and shot cuts: asked for, made by a job, kept; what cannot be made is a sentence."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from app.main import Address, create_app
from app.services import film, importing, library
from core.errors import MissingArtifact, StudioError
from storage import jobs
from storage.library import video_by_id
from storage.states import StopRequest
from tests.app.conftest import COLOURS, SCENES, SECONDS, finish
from tests.core.frame_targets import write_data_set


@pytest.fixture
def client(studio):
    with TestClient(create_app(studio, Address(), "t"), base_url="http://127.0.0.1:7860") as opened:
        yield opened


@pytest.fixture
def first(studio, project) -> int:
    """The video of the first scene."""
    return next(row["id"] for row in library.table(studio, project) if "0.mp4" in row["name"])


def test_asking_for_a_strip_starts_its_making_once(client, studio, runner, first):
    for _ in range(2):
        assert client.get(f"/api/videos/{first}/strip").json() == {
            "ready": False, "count": 72, "columns": 12, "width": 96, "height": 54,
        }  # fmt: skip
    assert client.get(f"/strips/{first}").status_code == 404
    finish(runner)
    made = [job for job in jobs.list_jobs(studio.database) if job.kind == "strip"]
    assert len(made) == 1
    assert client.get(f"/api/videos/{first}/strip").json()["ready"]


def test_the_tiles_of_a_strip_show_the_video_in_order(client, runner, first):
    client.get(f"/api/videos/{first}/strip")
    finish(runner)
    answer = client.get(f"/strips/{first}")
    assert answer.headers["content-type"] == "image/jpeg"
    image = np.asarray(Image.open(io.BytesIO(answer.content)))
    assert image.shape == (6 * 54, 12 * 96, 3)
    for tile in range(72):
        row, column = divmod(tile, 12)
        seen = image[row * 54 : row * 54 + 54, column * 96 : column * 96 + 96].mean((0, 1))
        at = (tile + 0.5) / 72 * SECONDS
        label = next(name for name, a, b in SCENES[0] if a <= at < b)
        assert np.abs(seen - COLOURS[label]).max() < 12


def test_the_cuts_of_a_video_are_found_once_and_kept(client, studio, runner, first):
    assert client.get(f"/api/videos/{first}/cuts").json() == {"ready": False, "cuts": []}
    finish(runner)
    expected = [start * 1_000_000 for _, start, _ in SCENES[0][1:]]
    for _ in range(2):
        found = client.get(f"/api/videos/{first}/cuts").json()
        assert found == {"ready": True, "cuts": expected}
    assert [job.kind for job in jobs.list_jobs(studio.database)].count("cuts") == 1


def test_videos_of_features_have_no_strip_and_no_cuts(studio, tmp_path):
    number = library.named_project(studio, "toy")
    importing.commit_import(studio, number, [write_data_set(tmp_path / "TOY")], token="t")
    video = library.table(studio, number)[0]["id"]
    assert film.strip(studio, video)["count"] == 0
    assert film.cuts(studio, video) == {"ready": True, "cuts": []}
    assert film.strip_file(studio, video) is None
    assert jobs.list_jobs(studio.database, number) == ()


def test_what_could_not_be_made_is_said_and_not_tried_for_ever(studio, runner, first):
    path = _file(studio, first)
    film.strip(studio, first)
    film.cuts(studio, first)
    aside = path.rename(path.with_suffix(".aside"))
    try:
        finish(runner)
    finally:
        aside.rename(path)
    for ask in (film.strip, film.cuts):
        with pytest.raises(StudioError, match=path.name):
            ask(studio, first)
    assert runner.idle()


def test_a_stopped_making_waits_until_it_is_resumed(studio, runner, first):
    film.cuts(studio, first)
    (job,) = [job for job in jobs.list_jobs(studio.database) if job.kind == "cuts"]
    jobs.request_stop(studio.database, job.id, StopRequest.KEEP)
    with pytest.raises(MissingArtifact, match="stopped"):
        film.cuts(studio, first)
    jobs.resume(studio.database, job.id)
    finish(runner)
    assert film.cuts(studio, first)["ready"]


def _file(studio, video) -> Path:
    return Path(video_by_id(studio.database, video).path)
