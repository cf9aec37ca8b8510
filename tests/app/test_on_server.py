"""The studio with its database on a PostgreSQL server and its files in the data directory."""

import json

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from app.api import add_routes
from app.cli import app as shell
from app.jobs.runner import Runner
from app.services import library, open_studio, read_studio
from app.services.backups import Keeper
from core.errors import InvalidConfig
from storage import annotations
from storage.server import VARIABLE
from tests.app.conftest import fill, finish
from tests.app.test_annotating import document, live, operation, post, row
from tests.storage.conftest import server as server


@pytest.fixture
def url(server, monkeypatch) -> str:
    made = server.create("studio")
    monkeypatch.setenv(VARIABLE, made)
    return made


def test_two_studios_with_folders_of_their_own_work_on_one_database(url, tmp_path, little_folder):
    with open_studio(tmp_path / "one") as one, open_studio(tmp_path / "two") as two:
        runner = Runner(one, ["cpu"])
        project = fill(one, runner, little_folder)
        found = library.table(two, project)
        assert sorted(each["segments"] for each in found) == [2, 2, 2, 2]
        assert {each["health"] for each in found} == {"good"}
        apps = FastAPI(), FastAPI()
        for app, studio in zip(apps, (one, two), strict=True):
            add_routes(app, studio, "token")
        with TestClient(apps[0]) as here, TestClient(apps[1]) as there:
            video = found[0]["id"]
            made = row()
            post(here, video, operation(made))
            post(there, video, operation({**made, "version": 1, "note": "seen"}))
            told = post(here, video, operation({**made, "version": 1, "note": "mine"}), status=409)
            assert told["current"][0]["note"] == "seen"
            assert live(document(here, video)) == live(document(there, video))
        finish(runner)
    logs = [tmp_path / name / "changes.jsonl" for name in ("one", "two")]
    changes = [
        [json.loads(line)["sequence"] for line in log.read_text().splitlines()] for log in logs
    ]
    assert all(each == sorted(set(each)) for each in changes)
    assert not [*tmp_path.rglob("gad.sqlite*")]


def test_backups_of_a_server_are_left_to_the_server(url, tmp_path):
    with open_studio(tmp_path) as studio:
        Keeper(studio).look("start")
        assert studio.troubles == {}
        assert not [*studio.directory.backups.iterdir()]
    for command in (["backup"], ["restore", "--yes"]):
        failed = CliRunner().invoke(shell, [*command, "--data-dir", str(tmp_path)])
        assert isinstance(failed.exception, InvalidConfig)
        assert "pg_dump" in str(failed.exception)


def test_a_reader_needs_no_lock_and_sees_what_was_saved(url, tmp_path, little_folder):
    with open_studio(tmp_path) as studio, read_studio(tmp_path) as reading:
        project = library.new_project(studio, "kitchen")
        library.add_folder(studio, project, little_folder)
        assert len(library.table(reading, project)) == 4
        assert annotations.list_segments(reading.database, 1) == ()
