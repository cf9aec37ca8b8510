"""Backups as the studio makes them by itself, and the commands `gad backup` and `gad restore`."""

import json
import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from app.api import library as routes
from app.cli import app as shell
from app.services import Studio, backups, library, open_studio
from app.services.backups import Keeper
from core.errors import Conflict, InvalidConfig, InvalidFile
from storage.backup import back_up, list_backups


def gad(data: Path, *arguments: str) -> Any:
    """Run a command of the shell in this process; what it raises is in the result."""
    return CliRunner().invoke(shell, [*arguments, "--data-dir", str(data)])


def told(data: Path, *arguments: str) -> dict[str, Any]:
    return json.loads(gad(data, *arguments, "--json").stdout)


def age(path: Path, **ago: float) -> Path:
    """Give a backup a name that says it is so old."""
    made_at = datetime.now(UTC) - timedelta(**ago)
    reason = path.stem.split("Z-")[1]
    stamp = made_at.strftime("%Y%m%dT%H%M%S%fZ")
    return path.rename(path.with_name(f"gad-{stamp}-{reason}.sqlite"))


def reasons(studio: Studio) -> list[str]:
    return [backup.reason for backup in list_backups(studio.directory.database)]


def test_a_backup_is_made_at_the_start_and_again_after_twenty_hours(studio):
    keeper, database = Keeper(studio), studio.directory.database
    keeper.look("start")
    keeper.look("daily")
    assert reasons(studio) == ["start"]
    age(list_backups(database)[0].path, hours=19.9)
    keeper.look("daily")
    assert reasons(studio) == ["start"]
    age(list_backups(database)[0].path, hours=20.1)
    keeper.look("daily")
    assert reasons(studio) == ["daily", "start"]
    assert studio.troubles == {}


def test_a_keeper_backs_up_in_its_own_thread_and_ends_with_the_server(studio):
    keeper = Keeper(studio)
    keeper.start()
    keeper.close()
    assert reasons(studio) == ["start"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has priorities of threads")
def test_only_the_thread_of_backups_gives_way():
    def priority() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    before, found = priority(), []
    thread = threading.Thread(target=lambda: (backups.give_way(), found.append(priority())))
    thread.start()
    thread.join()
    assert found == [15]
    assert priority() == before


def test_superseded_backups_and_what_a_killed_backup_left_are_removed(studio):
    database = studio.directory.database
    for days in (100, 100.1, 8):
        age(back_up(database, reason="daily"), days=days)
    age(back_up(database, reason="manual"), days=400)
    left = studio.directory.backups / ".0123.tmp"
    left.write_bytes(b"half")
    Keeper(studio).look("daily")
    assert reasons(studio) == ["daily", "daily", "daily", "manual"]
    assert left.exists()  # another backup may be writing it
    backups.rotate(database)
    assert len(reasons(studio)) == 4


@pytest.mark.fault
def test_files_that_a_killed_process_left_half_written_are_swept_after_a_day(studio):
    places, yesterday = [
        studio.directory.features / "ab", studio.directory.proxies,
        studio.directory.run(1) / "predictions",
    ], time.time() - 90_000  # fmt: skip
    for place in places:
        place.mkdir(parents=True, exist_ok=True)
        for name in ("whole.safetensors", "old.17.tmp", "young.17.tmp", ".old.mp4.9.part"):
            (place / name).write_bytes(b"x")
        for name in ("old.17.tmp", ".old.mp4.9.part"):
            os.utime(place / name, (yesterday, yesterday))
    backups.rotate(studio.directory.database)
    left = sorted(path.name for path in studio.directory.root.rglob("*.*") if path.parent in places)
    assert left == sorted(["whole.safetensors", "young.17.tmp"] * 3)


@pytest.mark.fault
def test_a_backup_of_a_clock_that_was_ahead_does_not_stand_for_todays(studio):
    keeper, database = Keeper(studio), studio.directory.database
    keeper.look("start")
    age(list_backups(database)[0].path, days=-400)
    keeper.look("daily")
    keeper.look("daily")
    assert reasons(studio) == ["start", "daily"]


def test_a_backup_that_fails_is_shown_and_the_studio_goes_on(studio, caplog):
    studio.directory.backups.rmdir()
    studio.directory.backups.write_text("in the way")
    app = FastAPI()
    app.include_router(routes.routes(studio))
    keeper, client = Keeper(studio), TestClient(app)
    keeper.look("daily")
    assert "could not be written" in caplog.text
    (trouble,) = client.get("/api/troubles").json()
    assert trouble["rule"] == "The backup could not be written"
    library.new_project(studio, "goes on")
    studio.directory.backups.unlink()
    keeper.look("daily")
    assert client.get("/api/troubles").json() == []
    assert reasons(studio) == ["daily"]


def test_the_shell_backs_up_while_the_studio_runs_and_restores_only_afterwards(tmp_path):
    data, url = tmp_path / "data", "http://127.0.0.1:7861/"
    with open_studio(data) as studio:
        library.new_project(studio, "first")
        studio.directory.write_server_card(url, "token")
        made = told(data, "backup")
        command = [sys.executable, "-m", "app.cli", "restore", "--yes", "--data-dir", str(data)]
        refused = subprocess.run(command, capture_output=True, text=True, timeout=60)
        library.new_project(studio, "second")
        studio.directory.remove_server_card()
    assert refused.returncode == 1
    assert f"it runs at {url}. End it" in refused.stderr
    done = told(data, "restore", "--yes")
    assert done["restored"] == made["backup"]
    with open_studio(data) as studio:
        assert [each["name"] for each in library.overview(studio)] == ["first"]
    assert Path(done["kept"]).is_file()


def test_the_shell_writes_a_backup_where_it_is_told(tmp_path):
    data, other = tmp_path / "data", tmp_path / "other disk"
    with open_studio(data):
        pass
    other.mkdir()
    into = told(data, "backup", "--to", str(other))
    assert Path(into["backup"]).parent == other
    named = ("backup", "--to", str(other / "mine.sqlite"))
    assert "mine.sqlite" in gad(data, *named).stdout
    assert isinstance(gad(data, *named).exception, Conflict)
    assert told(data, "backup", "--list") == {"backups": []}
    assert told(data, "restore", str(other / "mine.sqlite"), "--yes")["lacking"] == 0


def test_a_restore_is_asked_about_and_json_is_not(tmp_path):
    data = tmp_path / "data"
    with open_studio(data) as studio:
        backups.make(studio.directory, None)
    asked = gad(data, "restore")
    assert asked.exit_code == 1
    assert "in the place of" in asked.stdout
    assert isinstance(gad(data, "restore", "--json").exception, InvalidConfig)
    assert not list(data.glob("backups/*before-restore*"))


@pytest.mark.fault
def test_a_studio_whose_database_lost_changes_does_not_start(tmp_path):
    with open_studio(tmp_path) as studio:
        project = library.new_project(studio, "first")
        backup = backups.make(studio.directory, None)["backup"]
        library.add_labels(studio, project, ["stir tea"])
    studio.directory.database.unlink()
    with pytest.raises(InvalidFile, match=f"lacks saved changes.*{Path(backup).name}"):
        open_studio(tmp_path).__enter__()
    studio.directory.changes.rename(tmp_path / "elsewhere")
    with open_studio(tmp_path) as anew:
        assert library.overview(anew) == []
