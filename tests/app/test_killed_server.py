"""The server is killed while pages save: whatever it answered with "saved" is there afterwards."""

import contextlib
import json
import logging
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.api import add_routes
from app.services import library, open_studio
from tests.app import annotated, test_server

log = logging.getLogger(__name__)

ROUTES_ALONE = """
import sys
from pathlib import Path
import fastapi, uvicorn
from app.api import add_routes
from app.services import open_studio

with open_studio(Path(sys.argv[1])) as studio:
    app = fastapi.FastAPI()
    add_routes(app, studio, "token")
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="error")
"""
"""The studio without Gradio, which takes seconds to start."""


@contextmanager
def routes_alone(data: Path, port: int) -> Iterator[subprocess.Popen]:
    process = subprocess.Popen([sys.executable, "-c", ROUTES_ALONE, str(data), str(port)])
    try:
        end = time.monotonic() + 60
        while not answers(port):
            assert process.poll() is None, "the server ended"
            assert time.monotonic() < end
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def whole_app(data: Path, port: int) -> Iterator[subprocess.Popen]:
    with test_server.server(data, port) as (_, process):
        yield process


def answers(port: int) -> bool:
    with contextlib.suppress(OSError):
        test_server.call(f"http://127.0.0.1:{port}", "/api/projects")
        return True
    return False


@dataclass
class Tab:
    """A page that edits segments of its own without a pause, and sends again what had no answer."""

    video: int
    dice: random.Random
    segments: dict[str, dict] = field(default_factory=dict)
    saved: dict[str, dict] = field(default_factory=dict)
    unsent: dict | None = None
    sent_again: int = 0

    def work(self, port: int) -> None:
        """Post operations until the server is gone."""
        with (
            httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client,
            contextlib.suppress(httpx.TransportError),
        ):
            while True:
                self.sent_again += self.unsent is not None
                self.unsent = self.unsent or self.next()
                self.post(client, self.unsent)
                self.unsent = None

    def post(self, client: httpx.Client, body: dict) -> None:
        answer = client.post(f"/api/videos/{self.video}/operations", json=body)
        told = answer.json()
        assert answer.status_code == 200, told
        self.saved[body["id"]] = told
        self.segments |= {row["id"]: row for row in told["segments"]}

    def next(self) -> dict:
        """Make a segment, or change or delete or bring back one or two."""
        known = self.dice.sample(sorted(self.segments), min(2, len(self.segments)))
        if not known or self.dice.random() < 0.3:
            known = [str(uuid.UUID(int=self.dice.getrandbits(128)))]
        edits = []
        for segment in known:
            start = self.dice.randrange(10**9)
            edits.append({
                **self.segments.get(segment, {"id": segment, "label_id": 1}),
                "start_us": start, "end_us": start + 1 + self.dice.randrange(10**6),
                "deleted": segment in self.segments and self.dice.random() < 0.2,
            })  # fmt: skip
        return {"id": str(uuid.UUID(int=self.dice.getrandbits(128))), "name": "x", "edits": edits}


def kill_while_saving(data: Path, server, tabs: list[Tab], dice: random.Random) -> None:
    """Let the tabs work, and kill the server at a moment that nobody knows."""
    port = test_server.free_port()
    with server(data, port) as process:
        threads = [threading.Thread(target=tab.work, args=(port,)) for tab in tabs]
        for thread in threads:
            thread.start()
        time.sleep(dice.uniform(0.05, 0.8))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        for thread in threads:
            thread.join()


def check(data: Path, tabs: list[Tab]) -> None:
    """Everything that was answered is in the file, and the file is whole."""
    with closing(sqlite3.connect(data / "gad.sqlite")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        changes = dict(database.execute("SELECT operation, detail FROM change"))
        versions = dict(database.execute("SELECT id, version FROM segment"))
    for tab in tabs:
        for operation, told in tab.saved.items():
            detail = json.loads(changes[operation])
            stored = [*(each["after"] for each in detail["segments"]), *detail["unchanged"]]
            assert [essence(row) for row in stored] == [essence(row) for row in told["segments"]]
        assert all(versions[each] >= row["version"] for each, row in tab.segments.items())


def essence(row: dict) -> tuple:
    return row["id"], row["version"], row["start_us"], row["end_us"], row["deleted"]


def finish(data: Path, tabs: list[Tab]) -> None:
    """Send what had no answer; then the video is what the tabs believe it to be."""
    app = FastAPI()
    with open_studio(data) as studio:
        add_routes(app, studio, "token")
        with TestClient(app) as client:
            for tab in tabs:
                if tab.unsent is not None:
                    tab.post(client, tab.unsent)
            found = client.get(f"/api/videos/{tabs[0].video}/annotations").json()
    live = [dict(zip(found["columns"], row, strict=True)) for row in found["segments"]]
    believed = [row for tab in tabs for row in tab.segments.values() if not row["deleted"]]
    assert {row["id"]: row for row in live} == {row["id"]: row for row in believed}
    last = sorted((told["revision"], each) for tab in tabs for each, told in tab.saved.items())
    assert [each["id"] for each in found["undo"]] == [each for _, each in last[-200:]]


def edit_and_kill(data: Path, servers: list, seed: int) -> list[Tab]:
    with open_studio(data) as studio:
        project = annotated.make(studio, data)
        library.add_labels(studio, project, ["stir tea"])
        video = annotated.ids(studio, project)["tea.mp4"]
    dice = random.Random(seed)
    tabs = [Tab(video, random.Random(seed + number)) for number in (1, 2)]
    for server in servers:
        kill_while_saving(data, server, tabs, dice)
        check(data, tabs)
    finish(data, tabs)
    assert all(tab.saved for tab in tabs)
    return tabs


@pytest.mark.fault
def test_what_was_saved_survives_the_end_of_the_server(tmp_path):
    edit_and_kill(tmp_path / "data", [routes_alone], seed=1)


@pytest.mark.fault
@pytest.mark.slow
def test_what_was_saved_survives_twenty_ends_of_the_server(tmp_path):
    tabs = edit_and_kill(tmp_path / "data", [routes_alone] * 18 + [whole_app] * 2, seed=2)
    saved, again = (
        sum(each) for each in zip(*((len(t.saved), t.sent_again) for t in tabs), strict=True)
    )
    log.info("%d operations were answered, %d of them had to be sent again", saved, again)
