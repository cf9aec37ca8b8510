"""Every route of a real server, Gradio's too, under attack: nothing gets out, nothing breaks."""

import json
import socket
import threading
from urllib.parse import quote

import pytest

from app.jobs.runner import Runner
from app.services import library, open_studio
from tests.app.attacking import (
    BODIES,
    NUMBERS,
    SECRET,
    TEXTS,
    TRAVERSALS,
    Answer,
    Route,
    Target,
    attacked,
    routes_of,
)
from tests.app.conftest import fill

pytestmark = [pytest.mark.training, pytest.mark.fault]

FOREIGN = (
    {"Host": "evil.test"},
    {"Origin": "http://evil.test"},
    {"Origin": "null"},
    {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "cors"},
    {"Sec_Fetch_Site": "same-site", "Sec_Fetch_Mode": "no-cors"},
    {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate", "Origin": "http://evil.test"},
)
MADE_BY_LOOKING = {"job", "statistic"}
"""Tables that reading may fill: the making of a filmstrip, a figure that was computed."""


@pytest.fixture(scope="module")
def target(tmp_path_factory, little_folder):
    place = tmp_path_factory.mktemp("attack")
    (place / "secret.txt").write_text(SECRET)
    with open_studio(place / "data") as studio:
        library.new_project(studio, "kitchen")
        fill(studio, Runner(studio, ["cpu"]), little_folder)
    with attacked(place / "data", place / "server.log") as found:
        yield found


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> tuple[list[Route], list[Route]]:
    return routes_of(tmp_path_factory.mktemp("routes") / "data")


@pytest.fixture(scope="module")
def routes(tables) -> list[Route]:
    return tables[0]


def faults(target: Target, *requests: tuple[str, str, bytes | None]) -> list[str]:
    """Send requests; return those whose answer no attacked server may give."""
    found = []
    for method, path, body in requests:
        status, _, text = target.ask(method, path, body)
        if status >= 500 or status == 0 or any(s in text for s in ("root:x:", SECRET, "Traceback")):
            found.append(f"{method} {path[:100]} {body and body[:100]} → {status} {text[:100]}")
    return found


def quiet(target: Target) -> bool:
    """Say whether the server logged no traceback."""
    return "Traceback" not in target.log.read_text()


def test_every_route_is_closed_to_other_hosts_and_pages(target, tables):
    before = target.rows()
    for route in [route for table in tables for route in table]:
        for headers in FOREIGN:
            status, _, text = target.ask(route.method, route.at(), None, **headers)
            assert status in (403, 421), (route, headers, status, text)
    assert target.rows() == before


def test_what_gradio_has_of_its_own_is_closed(target, tables):
    own = [route for route in tables[1] if "gradio_api" in route.path]
    assert len(own) > 40
    for route in own:
        for path in (route.at(), f"/{route.at()}"):
            assert target.ask(route.method, path, None)[0] in (404, 405), path
    form = (
        b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.html"\r\n\r\n!\r\n--x--'
    )
    kind = "multipart/form-data; boundary=x"
    for path in ("/gradio_api/upload", "/%67radio_api/upload", "/gradio_api//upload"):
        assert target.ask("POST", path, form, Content_Type=kind)[0] in (404, 405)
    assert not [path for path in (target.data / "tmp").rglob("*") if path.is_file()]


def test_no_path_leads_out(target, tables):
    sent = [
        ("GET", route.at(**{name: part}), None)
        for table in tables
        for route in table
        if route.method == "GET"
        for name in route.named("path")
        for part in TRAVERSALS
    ]
    assert faults(target, *sent) == []
    assert faults(target, *(("GET", f"/{part}", None) for part in TRAVERSALS)) == []


def test_no_number_and_no_word_in_an_address_breaks_a_route(target, routes):
    sent = []
    for route in routes:
        numbers = [str(number) for number in (*NUMBERS, "²", "٣", "0x10", "1_0")]
        for name in route.named("path"):
            sent += [(route.method, route.at(**{name: quote(n)}), b"{}") for n in numbers]
        names = route.named("query")
        for value in ([*numbers, *(text[:900] for text in TEXTS)]) if names else ():
            said = quote(value, errors="surrogatepass")
            query = "&".join(f"{name}={said}" for name in names)
            sent.append((route.method, f"{route.at()}?{query}", None))
    assert faults(target, *sent) == []
    assert quiet(target)


def test_no_body_breaks_a_route(target, routes):
    sent = []
    for route in (route for route in routes if route.body is not None):
        sent += [("POST", route.at(), body) for body in BODIES]
        sent += [
            ("POST", route.at(), route.filled(text, NUMBERS[i % len(NUMBERS)] if i % 2 else 1))
            for i, text in enumerate(TEXTS)
        ]
    for text in TEXTS:
        body = json.dumps({"settings": {"backbone": text, "classifier": text}}).encode()
        sent.append(("POST", "/api/projects/2/fine-tune", body))
    assert faults(target, *sent) == []
    assert quiet(target)


def test_forms_and_plain_text_are_no_requests(target, routes):
    """What a page of another origin may send without asking first."""
    for route in (route for route in routes if route.body is not None):
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
            status, _, _ = target.ask("POST", route.at(), b'{"name": "x"}', Content_Type=kind)
            assert status in (400, 401, 404, 415, 422), (route, kind, status)


def test_every_body_has_a_limit(target, routes):
    for route in (route for route in routes if route.method == "POST"):
        status, _, text = target.ask("POST", route.at(), b"x", Content_Length=str(10**12))
        assert (status, "at most" in text) == (413, True), route
    with socket.create_connection(("127.0.0.1", target.port)) as line:
        head = f"POST /api/projects HTTP/1.1\r\nHost: 127.0.0.1:{target.port}\r\n"
        line.sendall(f"{head}Content-Type: application/json\r\n".encode())
        line.sendall(b"Transfer-Encoding: chunked\r\n\r\n")
        threading.Thread(target=pour, args=(line,)).start()
        assert b" 413 " in line.recv(1000)


def pour(line: socket.socket) -> None:
    try:
        for _ in range(100):
            line.sendall(b"186a0\r\n" + b" " * 100_000 + b"\r\n")
    except OSError:
        pass  # the server hung up, as it should


def test_reading_changes_nothing_but_what_can_be_computed_again(target, routes):
    before = target.rows()
    for route in (route for route in routes if route.method == "GET"):
        target.ask("GET", route.at())
        for method in ("PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"):
            assert target.ask(method, route.at())[0] in (404, 405), (method, route)
    after = target.rows()
    changed = {name for name in after if after[name] != before[name]}
    assert changed <= MADE_BY_LOOKING


def test_thousands_of_ranges_are_answered_shortly_or_refused(target):
    many = ",".join(f"{n}-{n}" for n in range(0, 12_000, 2))
    status, _, text = target.ask("GET", "/media/1", Range=f"bytes={many}")
    assert status in (200, 206, 400, 416, 431), text[:200]
    assert len(text) < 2_000_000


def test_a_websocket_is_never_opened(target):
    asked = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec_WebSocket_Version": "13"}
    for path in ("/", "/gradio_api/queue/join", "/api/projects"):
        for more in ({}, {"Origin": "http://evil.test"}):
            status, _, _ = target.ask("GET", path, **asked, Sec_WebSocket_Key="eA==", **more)
            assert status not in (0, 101)


def test_every_answer_says_what_a_browser_may_do_with_it(target):
    def headers(answer: Answer) -> dict[str, str]:
        return answer[1]

    for path in ("/", "/api/projects", "/static/studio.js", "/gradio_api/info", "/nowhere"):
        said = headers(target.ask("GET", path))
        assert said["x-frame-options"] == "SAMEORIGIN"
        assert "frame-ancestors 'self'" in said["content-security-policy"]
        assert said["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in said


def test_names_of_ten_thousand_characters_are_refused_with_a_sentence(target):
    for path, body in (
        ("/api/projects", b'{"name": "%s"}'),
        ("/api/projects/2/labels", b'{"name": "%s"}'),
        ("/api/projects/2/folder", b'{"path": "/%s"}'),
    ):
        status, _, text = target.ask("POST", path, body % (b"x" * 10_000))
        assert status == 422, text
        assert "must have the form" in text
