"""A served run: asked over HTTP and by `gradio_client`, its limits, and what breaks it."""

import asyncio
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError, AuthenticationError
from typer.testing import CliRunner, Result

from app.cli import app as shell
from app.jobs.predict_files import predict_files
from app.jobs.serve_run import ServedRun as InMemory
from app.services.access_tokens import AccessTokens
from app.services.serving import NotServed, ServedRun, ServeLimits
from core.errors import Stopped, UnknownName
from core.kitchen import DEMO_RUNS
from core.video import write_mp4
from storage.data_directory import DataDirectory
from tests.app.conftest import SCENES, scene_frames
from tests.app.served import Served, form, kitchen_video, serving
from tests.core.test_loaded_runs import RUNS, write

pytestmark = pytest.mark.training

DOCS = Path(__file__).parents[2] / "docs" / "api.md"
RUN = DEMO_RUNS / "discriminative"


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[Served]:
    root = tmp_path_factory.mktemp("served")
    (root / "videos").mkdir()
    video = kitchen_video(root / "videos" / "kitchen.mp4")
    limits = ("--waiting", "1", "--megabytes", "2", "--minutes", "0.5")
    with serving(root / "data", video, *limits) as found:
        yield found


@pytest.fixture(scope="module")
def segments(served) -> list[dict]:
    """What `gad predict` says of the video."""
    (line,) = predict_files([RUN], [served.video], served.data / "tmp" / "by-hand")
    return [
        {"start_s": s["start_us"] / 1e6, "end_s": s["end_us"] / 1e6, "label": s["label"],
         "score": s["confidence"]} for s in line["segments"]
    ]  # fmt: skip


def files_of(served: Served) -> list[Path]:
    return [path for path in served.work.rglob("*") if path.is_file()]


def test_an_upload_is_answered_as_in_the_shell_and_nothing_of_it_is_kept(served, segments):
    status, found = served.upload(served.video.read_bytes(), query="?top=2")
    assert status == 200
    assert found["segments"] == segments
    assert len(found["segments"]) >= 3
    assert found["run"] == {"id": served.run, "name": "shipped"}
    assert found["video"] == {"duration_s": 12.0, "frames": 48}
    rows = found["rows"]
    assert [len(rows[name]) for name in ("time_s", "labels", "scores")] == [48] * 3
    assert all(a >= b for a, b in rows["scores"])
    assert found["time"]["total_s"] >= found["time"]["features_s"] > 0
    assert files_of(served) == []
    assert not (served.data / "cache" / "features").is_dir() or not list(
        (served.data / "cache" / "features").rglob("*.safetensors")
    )


def test_a_video_of_the_project_is_named_by_number_only(served, segments):
    def ask(body: str) -> tuple[int, dict]:
        return served.ask("POST", "/v1/predict", body, Content_Type="application/json")

    status, found = ask(json.dumps({"video": served.video_id}))
    assert (status, found["segments"]) == (200, segments)
    assert "rows" not in found
    assert ask('{"video": 999}')[0] == 404
    for wrong in (str(served.video), "../1", -1, None):
        assert ask(json.dumps({"video": wrong}))[0] == 422
    assert ask("nonsense")[0] == 422
    assert ask(json.dumps({"video": served.video_id, "more": "x" * 20_000}))[0] == 413


def test_the_run_says_what_it_is(served):
    status, about = served.ask("GET", "/v1/run")
    assert (status, about["task"], about["run"]["id"]) == (200, "online_detection", served.run)
    assert about["labels"] == json.loads((RUN / "labels.json").read_text())["classes"]
    assert about["classes"][0] == "background"
    assert (
        about["base"]["revision"] == json.loads((RUN / "run.json").read_text())["base"]["revision"]
    )
    assert about["limits"]["upload_bytes"] == 2_000_000


def test_only_who_has_a_token_may_ask(served):
    tokens = AccessTokens(DataDirectory(served.data))
    short = tokens.create("short-lived")
    for path in ("/v1/health", "/v1/run", "/", "/config", "/gradio_api/info"):
        for wrong in ("", "Bearer ", "Bearer gad_guess", f"Basic {served.token}"):
            assert served.ask("GET", path, Authorization=wrong)[0] == 401, path
    assert served.ask("GET", "/v1/run", Authorization=f"Bearer {short}")[0] == 200
    tokens.revoke("short-lived")
    assert served.ask("GET", "/v1/run", Authorization=f"Bearer {short}")[0] == 401
    assert served.ask("GET", "/v1/run", Host="evil.test")[0] == 421
    assert served.ask("GET", "/v1/run", Origin="http://evil.test")[0] == 403


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/gradio_api/openapi.json", "/redoc"])
def test_there_is_no_description_of_the_routes(served, path):
    connection = served.begin("GET", path)
    assert connection.getresponse().status == 404


def test_what_is_no_video_or_no_form_is_refused_in_a_sentence(served):
    body, kind = form(b"abc")
    uploads = [(b"%PDF", "video"), (b"", "video"), (served.video.read_bytes(), "other")]
    for content, field in uploads:
        status, found = served.upload(content, field)
        assert (status, bool(found["error"]["rule"])) == (422, True)
    assert served.ask("POST", "/v1/predict", body, Content_Type="text/plain")[0] == 415
    assert served.ask("POST", "/v1/predict", body, Content_Type=kind[:19])[0] == 400
    assert served.ask("POST", "/v1/predict?top=21", body, Content_Type=kind)[0] == 422
    assert files_of(served) == []


def test_an_upload_that_is_too_large_is_refused_before_and_while_it_comes(served):
    body, kind = form(b"0" * 2_000_000)  # with its form it is a little more
    with pushing(served, kind, 3_000_000_000) as connection:
        assert connection.recv(20).startswith(b"HTTP/1.1 413")
    chunks = iter([body[:1_000_000], body[1_000_000:]])
    status, found = served.ask("POST", "/v1/predict", chunks, Content_Type=kind)
    assert (status, found["error"]["rule"]) == (413, "A request may hold at most 2 MB")
    served.wait(served.idle)
    assert files_of(served) == []


def pushing(served: Served, kind: str, size: int) -> socket.socket:
    """Begin an upload of some size, of which nothing comes."""
    connection = socket.create_connection(("127.0.0.1", served.port), 60)
    connection.sendall(
        f"POST /v1/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\n"
        f"Authorization: Bearer {served.token}\r\nContent-Length: {size}\r\n\r\n".encode()
    )
    return connection


def test_a_video_that_is_too_long_is_refused(served, tmp_path):
    write_mp4(tmp_path / "long.mp4", scene_frames(SCENES[0]), 2)  # more than half a minute
    status, found = served.upload((tmp_path / "long.mp4").read_bytes())
    assert status == 422
    assert found["error"]["rule"] == "A video may last at most 30 s"


def test_a_full_queue_says_when_to_come_back(served):
    body, kind = form(served.video.read_bytes())
    # One of them would be answered and the other wait, if only they came.
    held = [pushing(served, kind, len(body)) for _ in range(2)]
    served.wait(lambda: served.ask("GET", "/v1/health")[1]["requests"] == 2)
    status, found = served.upload(served.video.read_bytes())
    assert status == 429
    assert int(found["retry"]) >= 1
    for slow in held:
        slow.close()
    served.wait(served.idle)
    assert served.upload(served.video.read_bytes())[0] == 200


def test_a_client_that_leaves_stops_the_work_and_the_run_stays_loaded(served):
    child = served.child
    child.send_signal(signal.SIGSTOP)
    body, kind = form(served.video.read_bytes())
    left = served.begin("POST", "/v1/predict", body, Content_Type=kind)
    served.wait(lambda: list(served.work.glob("*/video")))
    left.close()
    served.wait(lambda: list(served.work.glob("*/stop")))
    child.send_signal(signal.SIGCONT)
    served.wait(served.idle)
    assert files_of(served) == []
    assert served.upload(served.video.read_bytes())[0] == 200
    assert served.child == child


def test_a_video_that_ends_the_process_costs_its_own_answer_only(served):
    child = served.child
    child.send_signal(signal.SIGSTOP)
    body, kind = form(served.video.read_bytes())
    asked = served.begin("POST", "/v1/predict", body, Content_Type=kind)
    served.wait(lambda: list(served.work.glob("*/video")))
    child.kill()
    answer = asked.getresponse()
    assert answer.status == 500
    assert "ended on this video" in json.loads(answer.read())["error"]["rule"]
    assert served.upload(served.video.read_bytes())[0] == 200
    assert served.child != child


def test_gradio_client_gets_the_same_answer_and_sees_one_endpoint(served, segments):
    with pytest.raises(AuthenticationError):
        Client(served.url, verbose=False)
    client = Client(served.url, headers={"Authorization": f"Bearer {served.token}"}, verbose=False)
    about = client.view_api(return_format="dict", print_info=False)
    assert (list(about["named_endpoints"]), about["unnamed_endpoints"]) == (["/predict"], {})
    found = client.predict(handle_file(str(served.video)), 3, api_name="/predict")
    assert found["segments"] == segments
    assert len(found["rows"]["labels"][0]) == 3
    with pytest.raises(AppError, match="not a video"):
        client.predict(handle_file(str(RUN / "labels.json")), 0, api_name="/predict")
    with pytest.raises(AppError, match="needs a video"):
        client.predict(None, 0, api_name="/predict")
    assert [path for path in files_of(served) if path.stat().st_size] == []


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("place", ["a video", "the tokens", "an address"])
def test_gradio_takes_no_path_and_no_address_in_any_field(served, place, stream):
    tokens = served.data / "tokens.json"
    paths = {"a video": served.video, "the tokens": tokens, "an address": "http://127.0.0.1:9/a"}
    file = {"path": str(paths[place]), "is_stream": stream, "meta": {"_type": "gradio.FileData"}}
    for data in ([file, 0], [None, file]):
        route, body = "/gradio_api/call/predict", json.dumps({"data": data})
        _, begun = served.ask("POST", route, body, Content_Type="application/json")
        with served.begin("GET", f"{route}/{begun['event_id']}").getresponse() as events:
            said = events.read().decode()
        assert "must be uploaded" in said or "must be a number" in said, said
    assert files_of(served) == []
    assert served.video.is_file()
    assert tokens.is_file()


def test_a_run_of_clips_answers_each_of_its_questions(tiny_folder, little_folder, tmp_path):
    folder = write(tmp_path / "run", tiny_folder, RUNS["gad"])
    run = InMemory(folder, tmp_path / "cache", tmp_path / "own")
    limits = ServeLimits().video.as_json()
    video = next(little_folder.rglob("*.mp4"))
    asked = {"path": str(video), "top": 3, "stop": str(tmp_path / "stop"), "limits": limits}
    found = run.answer(asked)
    questions = ["step_recognition", "next_step", "task_recognition"]
    assert run.about["questions"] == questions
    assert {each["question"] for each in found["segments"]} <= set(questions)
    assert all(each["end_s"] == 9.0 for each in found["segments"])
    assert len(found["rows"]["labels"]) == len(found["segments"])
    (tmp_path / "stop").touch()
    with pytest.raises(Stopped):
        run.answer(asked)
    assert not list(tmp_path.rglob("own/**/*.safetensors"))


@pytest.mark.slow
def test_an_answer_that_takes_too_long_is_given_up(served, tmp_path):
    async def ask() -> int | None:
        limits = ServeLimits(answer_s=0.01)
        run = ServedRun(RUN, DataDirectory(tmp_path), tmp_path / "work", limits)
        await run.load()
        assert run.health["status"] == "ready"
        try:
            async with run.place() as folder:
                with pytest.raises(NotServed, match=r"at most 0\.01 s") as refused:
                    await run.predict(served.video, folder)
            assert run.health["status"] == "not loaded"
            return refused.value.status
        finally:
            await run.close()

    assert asyncio.run(ask()) == 504


@pytest.mark.slow
def test_a_run_that_cannot_be_loaded_is_said_to_whoever_asks(served, tmp_path):
    shutil.copytree(RUN, tmp_path / "run")
    (tmp_path / "run" / "heads.safetensors").unlink()

    async def ask() -> NotServed:
        run = ServedRun(tmp_path / "run", DataDirectory(tmp_path), tmp_path / "work", ServeLimits())
        await run.load()
        async with run.place() as folder:
            with pytest.raises(NotServed, match="must hold all its files") as refused:
                await run.predict(served.video, folder)
        return refused.value

    refusal = asyncio.run(ask())
    assert (refusal.status, refusal.retry_s) == (503, 30)


EXAMPLES = re.findall(r"```(python|sh)\n(.*?)```", DOCS.read_text(), re.DOTALL)


def examples(language: str, word: str) -> list[str]:
    """The examples of docs/api.md that ask the server."""
    return [code for kind, code in EXAMPLES if kind == language and word in code]


def test_the_examples_of_the_document_are_answered(served, monkeypatch, capsys, segments):
    monkeypatch.chdir(served.video.parent)
    monkeypatch.setenv("GAD_TOKEN", served.token)
    (posted,), (asked,) = examples("python", "httpx"), examples("python", "gradio_client")
    names: dict = {}
    exec(posted.replace(":7861", f":{served.port}"), names)
    assert names["answer"].json()["segments"] == segments
    exec(asked.replace(":7861", f":{served.port}"), names)
    assert names["found"]["segments"] == segments
    assert capsys.readouterr().out.count("add flour") == 2


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl")
def test_the_lines_of_curl_are_answered(served, monkeypatch):
    monkeypatch.setenv("GAD_TOKEN", served.token)
    for code in examples("sh", "curl"):
        for line in code.replace("\\\n", "").replace(":7861", f":{served.port}").splitlines():
            if words := shlex.split(os.path.expandvars(line)):
                done = subprocess.run([*words, "-sf"], cwd=served.video.parent, capture_output=True)
                assert json.loads(done.stdout), line


def gad(*words: str) -> Result:
    """Run a command of the shell in this process."""
    return CliRunner().invoke(shell, words)


def test_nothing_is_served_without_a_token_or_without_a_run(tmp_path):
    where = ("--data-dir", str(tmp_path))
    assert "gad token create NAME" in str(gad("serve", str(RUN), *where).exception)
    assert "no database yet" in str(gad("serve", "17", *where).exception)


def test_a_token_is_shown_once_and_kept_as_a_hash(tmp_path):
    where = ("--data-dir", str(tmp_path))
    secret = json.loads(gad("token", "create", "lab", "--json", *where).stdout)["token"]
    text = (tmp_path / "tokens.json").read_text()
    assert secret not in text
    assert (tmp_path / "tokens.json").stat().st_mode & 0o777 == 0o600
    tokens = AccessTokens(DataDirectory(tmp_path))
    assert tokens.knows(secret)
    assert "lab" in gad("token", "list", *where).stdout
    assert "cannot have one name" in str(gad("token", "create", "lab", *where).exception)
    assert gad("token", "revoke", "lab", *where).exit_code == 0
    assert not tokens.knows(secret)
    assert isinstance(gad("token", "revoke", "lab", *where).exception, UnknownName)
