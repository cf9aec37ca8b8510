"""`gad serve` as a process, over a project with a shipped run and a kitchen video."""

import http.client
import json
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import psutil

from app.services import library, open_studio
from app.services.access_tokens import AccessTokens
from core.kitchen import DEMO_RUNS
from core.kitchen.demo import FPS, demo_scripts
from core.kitchen.render import render
from core.video import write_mp4
from storage import runs
from storage.data_directory import DataDirectory
from tests.app.test_server import free_port

SECONDS = 12


def kitchen_video(path: Path) -> Path:
    script = next(script for script, split in demo_scripts() if split == "test")
    write_mp4(path, islice(render(script, FPS), SECONDS * FPS), FPS)
    return path


def fill_data(data: Path, video: Path) -> tuple[int, int]:
    """Make a project with a video and a shipped run; returns their numbers."""
    with open_studio(data) as studio:
        project = library.new_project(studio, "kitchen")
        library.add_folder(studio, project, video.parent)
        new = runs.NewRun(
            project_id=project, classifier="discriminative", task="online_detection",
            backbone="nano", data_hash="", name="shipped",
        )  # fmt: skip
        run = runs.create_run(studio.database, new).id
        folder = studio.directory.run(run)
        shutil.copytree(DEMO_RUNS / "discriminative", folder, dirs_exist_ok=True)
        return run, library.table(studio, project)[0]["id"]


@dataclass
class Served:
    """A served run, and what a test must know of it."""

    port: int
    process: psutil.Process
    data: Path
    token: str
    video: Path
    run: int
    video_id: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def work(self) -> Path:
        return self.data / "tmp" / f"serve-{self.process.pid}"

    @property
    def child(self) -> psutil.Process:
        (found,) = [p for p in self.process.children() if "app.jobs.serve_run" in p.cmdline()]
        return found

    def ask(self, method: str, path: str, body=None, **headers: str) -> tuple[int, dict]:
        """Send a request; returns the status and the JSON."""
        connection = self.begin(method, path, body, **headers)
        with connection.getresponse() as answer:
            text = answer.read()
            found = json.loads(text) if text else {}
            return answer.status, found | {"retry": answer.headers.get("Retry-After")}

    def begin(
        self, method: str, path: str, body=None, **headers: str
    ) -> http.client.HTTPConnection:
        """Send a request and wait for nothing."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=200)
        known = {"Authorization": f"Bearer {self.token}"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, known | named)
        return connection

    def upload(self, content: bytes, field: str = "video", query: str = "") -> tuple[int, dict]:
        body, kind = form(content, field)
        return self.ask("POST", f"/v1/predict{query}", body, Content_Type=kind)

    def wait(self, what, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < end, "it took too long"
            time.sleep(0.05)

    def idle(self) -> bool:
        return self.ask("GET", "/v1/health")[1]["requests"] == 0


def form(content: bytes, field: str = "video") -> tuple[bytes, str]:
    mark = uuid.uuid4().hex
    head = f'--{mark}\r\nContent-Disposition: form-data; name="{field}"; filename="../../a.mp4"'
    body = f"{head}\r\n\r\n".encode() + content + f"\r\n--{mark}--\r\n".encode()
    return body, f"multipart/form-data; boundary={mark}"


@contextmanager
def serving(data: Path, video: Path, *options: str) -> Iterator[Served]:
    """Run `gad serve` until the block ends."""
    run, number = fill_data(data, video)
    token = AccessTokens(DataDirectory(data)).create("tests")
    port = free_port()
    command = [sys.executable, "-m", "app.cli", "serve", str(run), "--port", str(port)]
    process = subprocess.Popen([*command, "--data-dir", str(data), *options])
    served = Served(port, psutil.Process(process.pid), data, token, video, run, number)
    try:
        served.wait(lambda: process.poll() is not None or _ready(served), 240)
        assert process.poll() is None, "the server ended"
        yield served
    finally:
        process.terminate()
        process.wait(20)


def _ready(served: Served) -> bool:
    try:
        return served.ask("GET", "/v1/health")[1].get("status") == "ready"
    except ConnectionError:
        return False
