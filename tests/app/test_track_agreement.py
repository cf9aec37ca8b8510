"""Two people's tracks, through the routes and the shell."""

import json

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from typer.testing import CliRunner

from app.api import add_routes
from app.cli import app as shell
from app.services import library as services
from storage import annotations
from storage.states import SegmentKind
from tests.app import annotated
from tests.app.predicted import videos_of
from tests.storage.samples import edit

CLASSES = ("cut bread", "stir tea")


@pytest.fixture
def client(studio):
    app = FastAPI()
    add_routes(app, studio, "t")
    with TestClient(app) as opened:
        yield opened


@pytest.fixture
def made(studio, tmp_path):
    """Two videos on two tracks, a third only on one."""
    project = annotated.make(studio, tmp_path)
    bread, tea = services.add_labels(studio, project, CLASSES).values()
    both, same, alone = videos_of(studio, project)
    annotations.save_segments(studio.database, both.id, [
        edit(bread, 0, 10), edit(tea, 20, 30), edit(None, 50, 60, kind=SegmentKind.IGNORE),
        edit(bread, 0, 8, track="anna"), edit(tea, 26, 36, track="anna"),
        edit(tea, 5, 5, track="anna", kind=SegmentKind.POINT),
    ])  # fmt: skip
    twice = [edit(tea, 0, 30, track=track) for track in ("", "anna")]
    annotations.save_segments(studio.database, same.id, twice)
    annotations.save_segments(studio.database, alone.id, [edit(tea, 0, 70)])
    return project, both, alone


def test_two_tracks_of_a_video(client, made):
    _, video, _ = made
    found = client.get(f"/api/videos/{video.id}/agreement?first=&second=anna").json()
    assert (found["first_segments"], found["second_segments"]) == (2, 2)
    assert found["frames"] == 500  # 10 a second, without the ten seconds to be ignored
    assert found["f1"] == {"10": 100.0, "25": 100.0, "50": 50.0}  # IoU 0.8 and 4 / 16
    agreed = (80 + 40 + 240) / 500  # bread, tea, background
    chance = (100 * 80 + 100 * 100 + 300 * 320) / 500**2
    assert found["kappa"] == pytest.approx((agreed - chance) / (1 - chance))


def test_two_tracks_of_a_project_have_intervals_and_figures_by_video(client, made):
    project, video, _ = made
    found = client.get(f"/api/projects/{project}/agreement?first=&second=anna").json()
    assert [each["kappa"] for each in found["videos"]][-1] != found["kappa"]["value"]
    assert {each["video"]: each["f1"]["50"] for each in found["videos"]}[video.id] == 50.0
    assert len(found["videos"]) == 2
    assert found["f1"]["50"] == {"value": pytest.approx(100 * 4 / 6), "low": 50.0, "high": 100.0}
    assert found["kappa"]["low"] < found["kappa"]["value"] < found["kappa"]["high"] == 1
    assert (found["frames"], found["first_segments"]) == (1100, 3)


def test_a_track_that_is_not_there_is_named(client, made):
    project, _, alone = made
    unknown = client.get(f"/api/projects/{project}/agreement?first=&second=ana")
    assert unknown.status_code == 404
    assert "Did you mean 'anna'" in unknown.json()["error"]["next"]
    answer = client.get(f"/api/videos/{alone.id}/agreement?first=&second=anna")
    assert answer.status_code == 404
    assert "second track" in answer.json()["error"]["next"]


def test_the_shell_prints_the_same(client, studio, made):
    project, *_ = made
    words = ["agreement", "--project", "kitchen", "--second", "anna",
             "--data-dir", str(studio.directory.root)]  # fmt: skip
    printed = CliRunner().invoke(shell, [*words, "--json"])
    route = client.get(f"/api/projects/{project}/agreement?first=&second=anna")
    assert json.loads(printed.stdout) == route.json()
    told = CliRunner().invoke(shell, words).stdout
    assert told.startswith("2 videos, 1100 frames at 10 a second, 3 and 3 segments\nkappa  0.")
    assert "F1@50  66.67 [50.00, 100.00] %" in told
