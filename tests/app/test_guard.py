"""The guard by itself: wrong passwords cost time, slow requests end, nothing is opened unasked."""

import asyncio
import base64
import contextlib
import socket
import threading

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient, WebSocketDisconnect

from app.security import Bodies, Guard
from app.security.attempts import FREE, Attempts
from app.security.patience import PatientHTTP

pytestmark = pytest.mark.fault

BASE = "http://127.0.0.1"


async def answer(request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


def inner() -> Starlette:
    return Starlette(routes=[Route("/{rest:path}", answer, methods=["GET", "POST"])])


def guarded(**how) -> TestClient:
    return TestClient(Guard(inner(), ["127.0.0.1"], **how), base_url=BASE)


def test_after_some_wrong_passwords_an_address_waits_longer_each_time():
    now = [0.0]
    attempts = Attempts(lambda: now[0])
    waits = []
    for number in range(FREE + 12):
        attempts.was_wrong("10.0.0.7", f"guess {number}")
        waits.append(attempts.wait_s("10.0.0.7"))
        now[0] += waits[-1]
    assert waits == [0.0] * FREE + [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    assert attempts.wait_s("10.0.0.8") == 0


def test_the_same_wrong_password_costs_nothing_more():
    attempts = Attempts(lambda: 0.0)
    for _ in range(100):
        attempts.was_wrong("10.0.0.7", "yesterday's")
    assert attempts.wait_s("10.0.0.7") == 0


def test_who_was_quiet_for_an_hour_begins_anew():
    now = [0.0]
    attempts = Attempts(lambda: now[0])
    for number in range(FREE):
        attempts.was_wrong("10.0.0.7", str(number))
    now[0] = 4000.0
    attempts.was_wrong("10.0.0.7", "again")
    assert attempts.wait_s("10.0.0.7") == 0


def test_a_guesser_is_told_to_wait_and_even_the_right_password_has_to():
    client = guarded(password="secret", token="t")
    said = [client.get("/", auth=("x", f"guess {n}")).status_code for n in range(FREE + 3)]
    assert said == [401] * (FREE + 1) + [429] * 2
    answer = client.get("/", auth=("x", "secret"))
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert "Too many wrong passwords" in answer.json()["error"]["rule"]
    assert client.get("/", headers={"Authorization": "Bearer t"}).status_code == 200


@pytest.mark.parametrize(
    "authorization",
    [
        "Basic",
        "Basic !",
        "Basic " + base64.b64encode(b"\xff\xfe").decode(),
        "Bearer \xe9",
        "x" * 9000,
    ],
)
def test_broken_credentials_are_refused_and_break_nothing(authorization):
    client = guarded(password="secret", token="t")
    header = {"Authorization": authorization.encode("latin1")}
    assert client.get("/", headers=header).status_code == 401


def test_a_password_beyond_ascii_works():
    client = guarded(password="schlüssel")
    assert client.get("/", auth=("x", "schlüssel".encode())).status_code == 200
    assert client.get("/", auth=("x", "schluessel")).status_code == 401


@pytest.mark.parametrize(
    "host", ["", "[", "evil.test", "127.0.0.1.evil.test", "127.0.0.1@evil.test", "[::1]"]
)
def test_a_host_that_is_not_ours_is_refused(host):
    assert guarded().get("/", headers={"host": host}).status_code == 421


def test_closed_paths_are_not_there_and_long_names_are_refused():
    client = guarded(closed=("/gradio_api",))
    assert client.get("/gradio_api/upload").status_code == 404
    assert client.get("/api/" + "x" * 256).status_code == 414
    assert client.get("/api/" + "x" * 255).status_code == 200


def test_no_websocket_is_opened():
    with pytest.raises(WebSocketDisconnect), guarded().websocket_connect("/"):
        pass


def test_a_body_comes_whole_within_its_limit():
    client = TestClient(Bodies(inner(), most=10, allowances={"/large/[0-9]+": 20}))
    assert client.post("/x", content=b"x" * 10).text == "10"
    assert client.post("/x", content=b"x" * 11).status_code == 413
    assert client.post("/large/7", content=b"x" * 20).text == "20"
    assert client.post("/large/7/more", content=b"x" * 20).status_code == 413
    pieces = client.post("/x", content=iter([b"x" * 6, b"x" * 6]))
    assert (pieces.status_code, "at most" in pieces.text) == (413, True)


def test_a_body_that_does_not_come_is_given_up():
    said = []

    async def silence():
        await asyncio.sleep(60)

    async def send(message):
        said.append(message)

    scope = {"type": "http", "path": "/", "headers": [(b"content-length", b"5")]}
    asyncio.run(Bodies(inner(), patience_s=0.05)(scope, silence, send))
    assert said[0]["status"] == 408


@contextlib.contextmanager
def serving(protocol):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(inner(), port=port, http=protocol, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        threading.Event().wait(0.02)
    yield port
    server.should_exit = True
    thread.join(20)


def test_a_head_that_comes_by_the_byte_is_given_up():
    class Impatient(PatientHTTP):
        head_s = 0.5

    with serving(Impatient) as port, socket.create_connection(("127.0.0.1", port), 30) as line:
        line.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        line.sendall(b"GET / HT")
        assert line.makefile("rb").read().count(b"HTTP/1.1 200") == 1  # to where it hung up
