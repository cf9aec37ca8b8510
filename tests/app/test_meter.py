"""The meter of the page Train: what it reads of this machine, and of a line of nvidia-smi."""

import threading

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.api import add_routes
from app.services import meter
from app.services.meter import Meter, read_gpus

TOLD = """0, NVIDIA H200, 87, 11264, 143771
1, NVIDIA GB10, 3, [N/A], [N/A]
"""


def test_the_route_tells_shares_and_sizes(studio):
    app = FastAPI()
    add_routes(app, studio, "token")
    with TestClient(app) as client:
        found = client.get("/api/machine").json()
    assert found["cpu"]["cores"] >= 1
    assert 0 <= found["cpu"]["percent"] <= 100
    assert 0 < found["memory"]["used"] < found["memory"]["total"]
    assert 0 < found["disk"]["free"] < found["disk"]["total"]
    assert {gpu["slot"][:4] for gpu in found["gpus"]} <= {"gpu:"}


def test_a_gpu_that_shares_the_memory_has_no_memory_of_its_own():
    large, small = read_gpus(TOLD)
    assert (large["slot"], large["name"], large["percent"]) == ("gpu:0", "NVIDIA H200", 87)
    assert large["memory"] == {"used": 11264 * 2**20, "total": 143771 * 2**20}
    assert (small["slot"], small["memory"]) == ("gpu:1", {"used": None, "total": None})


def test_busy_cores_are_seen_by_whichever_thread_asks(studio, monkeypatch):
    monkeypatch.setattr(meter, "_FRESH_S", 0.0)
    read, over = Meter(studio), threading.Event()
    busy = threading.Thread(target=lambda: [None for _ in iter(over.is_set, True)])
    busy.start()
    try:
        threading.Event().wait(0.5)
        shares: list[float] = []
        other = threading.Thread(target=lambda: shares.append(read.read()["cpu"]["percent"]))
        other.start()
        other.join()
    finally:
        over.set()
        busy.join()
    assert shares[0] > 0


def test_many_pages_share_a_reading(studio, monkeypatch):
    read = Meter(studio)
    first = read.read()
    monkeypatch.setattr(meter.psutil, "virtual_memory", lambda: pytest.fail("read again"))
    assert read.read() is first
