"""The server as a process: started, killed, started again; its worker never notices."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from app.jobs.runner import Runner
from app.services import library, open_studio
from tests.app.conftest import fill, settings

pytestmark = pytest.mark.training


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def call(base: str, path: str, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(base + path, data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


@contextmanager
def server(data: Path, port: int):
    """Run `gad app` until the block ends; yields its address and process."""
    command = [sys.executable, "-m", "app.cli", "app", "--no-browser", "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--data-dir", str(data)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    base = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + 300
        while True:
            assert process.poll() is None, "the server ended"
            assert time.monotonic() < end
            try:
                call(base, "/api/projects")
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.2)
        yield base, process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def data(tmp_path, little_folder) -> Path:
    """A data directory with a labelled project; no demo is rendered beside the tests."""
    with open_studio(tmp_path / "data") as studio:
        library.new_project(studio, "kitchen")
        fill(studio, Runner(studio, ["cpu"]), little_folder)
    return tmp_path / "data"


@pytest.mark.fault
def test_killing_the_server_leaves_its_worker_alone(data, tiny_folder):
    values = settings(tiny_folder, training={"steps": 250})
    with server(data, free_port()) as (base, process):
        (made,) = call(base, "/api/projects/2/fine-tune", {"settings": values})
        while not call(base, f"/api/jobs/{made['job']}/curve"):
            time.sleep(0.2)
        worker = next(
            p for p in psutil.Process(process.pid).children() if "worker" in str(p.cmdline())
        )
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert worker.is_running()
    with server(data, free_port()) as (base, _):
        while (job := call(base, "/api/projects/2/jobs")[0])["state"] in ("RUNNING", "QUEUED"):
            time.sleep(0.3)
        assert (job["state"], job["attempt"]) == ("DONE", 1)
        steps = [s for s, name, _ in call(base, f"/api/jobs/{made['job']}/curve") if name == "loss"]
        assert steps == list(range(1, 251))
        assert call(base, "/api/projects/2/runs")[0]["metrics"]["test"]


@pytest.mark.fault
def test_a_second_server_names_the_first(data):
    port = free_port()
    with server(data, port):
        second = subprocess.run(
            [sys.executable, "-m", "app.cli", "app", "--no-browser", "--port", str(free_port()),
             "--data-dir", str(data)], capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    assert second.returncode == 1
    assert f"Open http://127.0.0.1:{port}/" in second.stderr


def test_a_taken_port_ends_with_one_sentence(data):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        done = subprocess.run(
            [sys.executable, "-m", "app.cli", "app", "--no-browser", "--data-dir", str(data),
             "--port", str(other.getsockname()[1])], capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    assert done.returncode == 1
    assert "Choose another with --port" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_shell_command_is_sent_to_the_running_server(data, tiny_folder):
    more = json.dumps({"training": {"batch": 2, "device": "cpu"}})
    with server(data, free_port()) as (base, _):
        done = subprocess.run(
            [sys.executable, "-m", "app.cli", "train", "--project", "little", "--steps", "3",
             "--classifier", "discriminative", "--backbone", str(tiny_folder), "--settings", more,
             "--data-dir", str(data), "--json"], capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        job = call(base, "/api/projects/2/jobs")[0]
    assert json.loads(done.stdout)["jobs"] == [job["id"]]
    assert job["state"] == "DONE"


def test_the_server_starts_without_torch():
    code = "import sys, app.main; print({'torch', 'transformers', 'peft'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr
