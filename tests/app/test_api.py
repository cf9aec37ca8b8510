"""Routes: what is served, what is refused, and how a refusal reads."""

import pytest
from starlette.testclient import TestClient

from app.main import Address, create_app
from app.services import library
from core.errors import Conflict, InvalidConfig

BASE = "http://127.0.0.1:7860"
TOKEN = "the token"


@pytest.fixture
def client(studio):
    app = create_app(studio, Address(), TOKEN)
    with TestClient(app, base_url=BASE) as opened:
        yield opened


def test_pages_and_their_files_are_served(client):
    for path in ("/", "/train", "/compare"):
        assert "gradio" in client.get(path).text
    for name in ("studio.js", "studio.css", "compare.js"):
        assert client.get(f"/static/{name}").status_code == 200
    assert client.get("/vendor/plotly.min.js").headers["content-type"].startswith("text/javascript")


def test_a_fresh_studio_has_no_project_and_says_so(client):
    assert client.get("/api/projects").json() == []


@pytest.mark.fault
def test_media_is_served_by_id_with_byte_ranges(client, studio, project):
    video = library.table(studio, project)[0]["id"]
    whole = client.get(f"/media/{video}")
    assert whole.status_code == 200
    assert whole.headers["content-type"] == "video/mp4"
    part = client.get(f"/media/{video}", headers={"Range": "bytes=10-19"})
    assert part.status_code == 206
    assert part.content == whole.content[10:20]
    past = client.get(f"/media/{video}", headers={"Range": f"bytes={len(whole.content) + 5}-"})
    assert past.status_code == 416


@pytest.mark.fault
def test_a_video_whose_file_is_gone_is_a_sentence(client, studio, project, tmp_path, little_folder):
    row = library.table(studio, project)[0]
    path = little_folder / row["name"].removeprefix("videos/")
    aside = path.rename(path.with_suffix(".aside"))
    try:
        answer = client.get(f"/media/{row['id']}")
    finally:
        aside.rename(path)
    assert answer.status_code == 404
    assert answer.json()["error"]["rule"] == "The video file is gone"


@pytest.mark.parametrize(
    "path",
    [
        "/static/../main.py", "/static/%2e%2e%2fmain.py", "/static/..%2f..%2fpyproject.toml",
        "/static/page_view.py", "/media/../../etc/passwd", "/media/0", "/media/-1", "/thumbs/99999",
        "/gradio_api/file=/etc/passwd", "/openapi.json", "/docs", "/monitoring/summary",
    ],
)  # fmt: skip
def test_nothing_else_is_served(client, path):
    answer = client.get(path)
    assert answer.status_code in (403, 404, 405, 422)
    assert "root:" not in answer.text


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("get", {"host": "evil.test"}, 421),
        ("get", {"host": "evil.test:7860"}, 421),
        ("get", {"origin": "http://evil.test"}, 403),
        ("post", {"origin": "null"}, 403),
        ("post", {"sec-fetch-site": "cross-site"}, 403),
        ("post", {"sec-fetch-site": "same-site"}, 403),
        ("get", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, 403),
        ("get", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, 403),
        ("get", {"sec-fetch-site": "same-site"}, 403),
        ("get", {"sec-fetch-site": "same-origin"}, 200),
        ("get", {"origin": BASE}, 200),
        ("get", {}, 200),
    ],
)
def test_other_origins_and_hosts_are_refused(client, method, headers, status):
    assert getattr(client, method)("/api/projects", headers=headers).status_code == status


def test_a_link_on_another_site_leads_to_pages_alone(client):
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    for path in ("/", "/annotate", "/compare/"):
        assert client.get(path, headers=link).status_code == 200
        assert client.post(path, headers=link).status_code == 403
    for path in ("/media/1", "/api/videos/1/strip", "/static/studio.js"):
        assert client.get(path, headers=link).status_code == 403


def test_every_answer_carries_the_guards_headers(client):
    for path in ("/", "/api/projects", "/static/studio.js"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "SAMEORIGIN"


def test_errors_are_rule_value_and_next_step(client, project):
    answer = client.post(f"/api/projects/{project}/folder", json={"path": "/nowhere/at/all"})
    assert answer.status_code == 400
    assert answer.json()["error"].keys() == {"rule", "value", "next"}
    assert "/nowhere/at/all" in answer.json()["error"]["value"]
    unknown = client.post(
        f"/api/projects/{project}/fine-tune", json={"settings": {"classifier": "discrimnative"}}
    )
    assert unknown.status_code == 404
    assert "Did you mean 'discriminative'" in unknown.json()["error"]["next"]
    assert client.post("/api/jobs/1/stop", json={"how": 5}).status_code == 422


def test_the_shells_route_needs_the_token(client):
    body = {"job": 1}
    assert client.post("/api/commands/job", json=body).status_code == 401
    wrong = {"Authorization": "Bearer guess"}
    assert client.post("/api/commands/job", json=body, headers=wrong).status_code == 401
    right = {"Authorization": f"Bearer {TOKEN}"}
    answer = client.post("/api/commands/nonsense", json=body, headers=right)
    assert "Available" in answer.json()["error"]["next"]


@pytest.mark.fault
def test_a_password_is_asked_of_everything(studio):
    app = create_app(studio, Address(password="secret"), TOKEN)
    with TestClient(app, base_url=BASE) as client:
        for path in ("/", "/api/projects", "/media/1", "/static/studio.js"):
            assert client.get(path).status_code == 401
            assert client.get(path, auth=("any", "guess")).status_code == 401
        assert client.get("/api/projects", auth=("any", "secret")).status_code == 200
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        assert client.get("/api/projects", headers=bearer).status_code == 200


@pytest.mark.fault
def test_listening_beyond_this_machine_needs_a_password():
    with pytest.raises(InvalidConfig, match="needs a password"):
        Address(host="0.0.0.0").check()


def test_a_taken_port_is_a_sentence():
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(Conflict, match="Choose another with --port"):
            Address(port=other.getsockname()[1]).check()
