"""Routes of Annotate: a document, operations on it, its history, preferences."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.api import add_routes
from app.services import library
from storage import proposals, runs
from storage.runs import NewRun
from tests.app.annotated import ids, make


@pytest.fixture
def video(studio, tmp_path) -> int:
    project = make(studio, tmp_path, rotation=90, offset_us=40_000, timing="variable")
    library.add_labels(studio, project, ["stir tea", "cut bread"])
    return ids(studio, project)["tea.mp4"]


@pytest.fixture
def client(studio):
    app = FastAPI()
    add_routes(app, studio, "the token")
    with TestClient(app, base_url="http://127.0.0.1:7860") as opened:
        yield opened


def row(label: int | None = 1, start: int = 1_000_000, end: int = 2_000_000, **more) -> dict:
    """A segment as the page sends it."""
    made = {"id": str(uuid.uuid4()), "start_us": start, "end_us": end, "label_id": label,
            "version": None, "track": "", "kind": "interval", "source": "human",
            "confidence": None, "note": "", "parent_id": None, "deleted": False}  # fmt: skip
    return {**made, **more}


def operation(*edits: dict, name: str = "edit", **more) -> dict:
    return {"id": str(uuid.uuid4()), "name": name, "edits": list(edits), **more}


def post(client, video: int, body: dict, status: int = 200) -> dict:
    answer = client.post(f"/api/videos/{video}/operations", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def document(client, video: int) -> dict:
    return client.get(f"/api/videos/{video}/annotations").json()


def live(found: dict) -> list[dict]:
    return [dict(zip(found["columns"], values, strict=True)) for values in found["segments"]]


def test_a_video_opens_with_all_that_the_page_needs(client, video):
    found = document(client, video)
    assert found.keys() == {
        "video", "labels", "revision", "columns", "segments", "undo", "redo", "gone",
    }  # fmt: skip
    shown = found["video"]
    assert (shown["name"], shown["timing"], shown["file_offset_us"]) == (
        client.get(f"/api/videos/{video}").json()["video"]["name"], "variable", 40_000,
    )  # fmt: skip
    assert {"project_id", "frame_count", "media", "offset_us", "duration_us", "fps"} <= set(shown)
    assert [(label["name"], label["archived"]) for label in found["labels"]] == [
        ("stir tea", False), ("cut bread", False),
    ]  # fmt: skip
    assert (found["revision"], found["segments"], found["undo"], found["gone"]) == (0, [], [], [])


def test_what_was_saved_is_there_after_a_reload_and_can_be_undone(client, video):
    made = row(note="naïve ☕", track="left hand")
    saved = post(client, video, operation(made, name="create"))
    assert saved["segments"] == [{**made, "version": 1}]
    found = document(client, video)
    assert (live(found), found["revision"]) == (saved["segments"], saved["revision"])
    (done,) = found["undo"]
    assert (done["name"], done["answers"]) == ("create", [])
    assert done["segments"] == [{"before": None, "after": saved["segments"][0]}]
    gone = {**saved["segments"][0], "deleted": True}
    post(client, video, operation(gone, name="undo", undoes=done["id"]))
    found = document(client, video)
    assert (live(found), found["undo"], found["redo"]) == ([], [], [done])
    assert found["gone"] == [{**gone, "version": 2}]
    back = {**made, "version": 2}
    post(client, video, operation(back, name="redo", redoes=done["id"]))
    found = document(client, video)
    assert (live(found), found["undo"], found["redo"]) == ([{**back, "version": 3}], [done], [])


@pytest.mark.fault
def test_an_operation_whose_answer_got_lost_is_sent_again(client, video):
    made = row()
    create = operation(made)
    first = post(client, video, create)
    post(client, video, operation({**made, "version": 1, "end_us": 7_000_000}))
    assert post(client, video, create) == first
    assert live(document(client, video))[0]["end_us"] == 7_000_000


def test_a_conflict_tells_what_stands_and_saves_nothing(client, video):
    one, two = row(), row(2, 3_000_000, 4_000_000)
    post(client, video, operation(one, two))
    there = post(client, video, operation({**two, "version": 1, "end_us": 5_000_000}))
    before = document(client, video)
    mine = [{**each, "version": 1, "label_id": 1, "note": "mine"} for each in (one, two)]
    told = post(client, video, operation(*mine), status=409)
    assert told["current"] == there["segments"]
    assert told["error"]["rule"] == "The segment was changed elsewhere in the meantime"
    assert document(client, video) == before
    both = {**mine[1], "id": str(uuid.uuid4()), "version": None}
    post(client, video, operation(mine[0], both, name="keep both"))
    assert sorted(each["note"] for each in live(document(client, video))) == ["", "mine", "mine"]


def test_tabs_that_save_at_once_keep_all_of_their_own_segments(client, video):
    def tab(number: int) -> list[dict]:
        made = row(1, number * 1_000_000, (number + 1) * 1_000_000)
        for _ in range(8):
            (made,) = post(client, video, operation({**made, "end_us": made["end_us"] + 1}))[
                "segments"
            ]
        return [made]

    with ThreadPoolExecutor(4) as tabs:
        saved = [each for found in tabs.map(tab, range(4)) for each in found]
    found = document(client, video)
    assert live(found) == saved
    assert [each["version"] for each in saved] == [8] * 4
    assert (len(found["undo"]), found["revision"]) == (32, 32)


@pytest.mark.fault
def test_tabs_that_change_one_segment_at_once_overwrite_nothing(client, video):
    made = row()
    post(client, video, operation(made))

    def tab(number: int) -> int:
        body = operation({**made, "version": 1, "end_us": 3_000_000 + number})
        return client.post(f"/api/videos/{video}/operations", json=body).status_code

    with ThreadPoolExecutor(4) as tabs:
        assert sorted(tabs.map(tab, range(4))) == [200, 409, 409, 409]
    assert live(document(client, video))[0]["version"] == 2


def test_a_rejected_proposal_is_kept_with_its_operation(client, studio, video):
    new = NewRun(project_id=1, classifier="gad", task="online", backbone="nano", data_hash="f" * 64)
    run = runs.create_run(studio.database, new).id
    ghost = str(uuid.uuid4())
    no = operation(answers=[{"proposal": ghost, "run": run, "rejected": True}], name="reject")
    post(client, video, no)
    assert proposals.rejected(studio.database, video) == {ghost}
    (done,) = document(client, video)["undo"]
    assert done["answers"] == [{"proposal": ghost, "run": run, "before": False, "after": True}]
    answer = {"proposal": ghost, "run": run, "rejected": False}
    post(client, video, operation(answers=[answer], undoes=no["id"]))
    assert proposals.rejected(studio.database, video) == frozenset()


def test_an_accepted_proposal_is_a_segment_that_says_where_it_came_from(client, video):
    ghost = row(source="proposal", confidence=0.75)
    post(client, video, operation(ghost, name="accept"))
    (found,) = live(document(client, video))
    assert (found["id"], found["source"], found["confidence"]) == (ghost["id"], "proposal", 0.75)


def test_history_of_a_segment_is_told_by_the_route(client, video):
    made = row()
    post(client, video, operation(made, row(2), name="create"))
    post(client, video, operation({**made, "version": 1, "end_us": 9_000_000}, name="drag"))
    path = f"/api/videos/{video}/history"
    last, first = client.get(path, params={"segment": made["id"]}).json()
    assert (last["name"], first["name"], first["before"]) == ("drag", "create", None)
    assert (last["before"], last["after"]["end_us"]) == (first["after"], 9_000_000)
    assert last.keys() == {"sequence", "at_us", "name", "before", "after"}
    assert client.get(path, params={"segment": made["id"], "limit": 1}).json() == [last]


def test_preferences_are_kept_by_the_data_directory(client, studio):
    assert client.get("/api/preferences").json() == {}
    value = {"keys": {"split": "s"}, "speed": 1.5}
    assert client.post("/api/preferences", json=value).json() == {}
    assert client.get("/api/preferences").json() == value
    assert (studio.directory.root / "preferences.json").is_file()
    too_large = {"a": "x" * 70_000}
    assert client.post("/api/preferences", json=too_large).status_code == 400
    assert client.post("/api/preferences", json=[1]).status_code == 422


REFUSED = [
    ({"id": "1"}, 400), ({"id": "x" * 99}, 422), ({"start_us": -1}, 400),
    ({"start_us": 0.5}, 422), ({"end_us": 10**30}, 422), ({"label_id": 10**30}, 422),
    ({"label_id": 99}, 404), ({"version": 3}, 404), ({"kind": "circle"}, 422),
    ({"source": "nobody"}, 422), ({"note": "x" * 10_001}, 400), ({"confidence": 2}, 400),
    ({"parent_id": str(uuid.UUID(int=1))}, 400), ({"track": "x" * 101}, 400),
]  # fmt: skip


def test_an_edit_that_cannot_be_is_refused_in_a_sentence(client, video):
    for change, status in REFUSED:
        told = post(client, video, operation(row(), {**row(), **change}), status=status)
        assert told["error"]["rule"], change
    assert document(client, video)["segments"] == []


def test_a_video_that_is_not_there_is_a_sentence(client):
    segment = uuid.UUID(int=1)
    for path in ("annotations", f"history?segment={segment}"):
        for video, status in ((99, 404), (-1, 422), (10**30, 422)):
            answer = client.get(f"/api/videos/{video}/{path}")
            assert (answer.status_code, bool(answer.json()["error"]["rule"])) == (status, True)
    post(client, 99, operation(row()), status=404)
