"""The label set as a person edits it, over its routes."""

import pytest
from starlette.testclient import TestClient

from app.main import Address, create_app
from app.services import label_sets, library
from storage import annotations
from tests.app.annotated import ids, make
from tests.storage.samples import edit


@pytest.fixture
def client(studio):
    with TestClient(create_app(studio, Address(), "t"), base_url="http://127.0.0.1:7860") as opened:
        yield opened


@pytest.fixture
def kitchen(studio, tmp_path) -> int:
    """A project with three labels, of which one is used twice."""
    project = make(studio, tmp_path)
    used = library.add_labels(studio, project, ["stir tea", "cut bread", "pour"])["stir tea"]
    video = ids(studio, project)["tea.mp4"]
    annotations.save_segments(studio.database, video, [edit(used), edit(used, 3, 4)])
    return project


def shown(client, project) -> list[dict]:
    return client.get(f"/api/projects/{project}/labels").json()["labels"]


def test_labels_are_listed_with_their_words_and_use(client, kitchen):
    rows = shown(client, kitchen)
    assert [(r["name"], r["verb"], r["noun"], r["segments"]) for r in rows] == [
        ("stir tea", "stir", "tea", 2), ("cut bread", "cut", "bread", 0), ("pour", "pour", "", 0),
    ]  # fmt: skip
    assert [r["position"] for r in rows] == [0, 1, 2]
    assert not any(r["archived"] or r["colour"] or r["hotkey"] for r in rows)


def test_a_project_without_labels_has_an_empty_list_and_takes_the_first_one(client, studio):
    project = library.new_project(studio, "fresh")
    answer = client.get(f"/api/projects/{project}/labels").json()
    assert answer == {"label_set": None, "labels": []}
    made = client.post(f"/api/projects/{project}/labels", json={"name": " fill  kettle "}).json()
    (row,) = shown(client, project)
    assert (row["id"], row["name"], row["verb"], row["noun"]) == (
        made["id"], "fill kettle", "fill", "kettle",
    )  # fmt: skip


def test_everything_about_a_label_can_be_changed_but_what_is_left_out_stays(client, kitchen):
    number = shown(client, kitchen)[0]["id"]
    said = {"name": "stir the tea", "noun": "the tea", "colour": "#AA0033", "hotkey": "q"}
    assert client.post(f"/api/labels/{number}", json=said).json() == {}
    row = shown(client, kitchen)[0]
    assert row["colour"] == "#aa0033"
    assert {**row, "colour": "#AA0033"}.items() >= {**said, "verb": "stir", "segments": 2}.items()
    client.post(f"/api/labels/{number}", json={"colour": ""})
    assert shown(client, kitchen)[0] == {**row, "colour": ""}


def test_a_change_of_which_one_part_is_refused_changes_nothing(client, kitchen):
    number = shown(client, kitchen)[0]["id"]
    bad = client.post(f"/api/labels/{number}", json={"name": "new", "colour": "red;top:0"})
    assert (bad.status_code, bad.json()["error"]["rule"]) == (400, "A colour is written as #rrggbb")
    taken = client.post(f"/api/labels/{number}", json={"name": "pour"})
    assert (taken.status_code, taken.json()["error"]["value"]) == (409, "'pour'")
    assert client.post("/api/labels/99", json={"name": "x"}).status_code == 404
    assert shown(client, kitchen)[0]["name"] == "stir tea"


@pytest.mark.fault
def test_an_archived_label_stays_with_its_segments_and_comes_back_when_added(client, kitchen):
    number = shown(client, kitchen)[0]["id"]
    client.post(f"/api/labels/{number}", json={"archived": True})
    row = shown(client, kitchen)[0]
    assert (row["archived"], row["segments"]) == (True, 2)
    back = client.post(f"/api/projects/{kitchen}/labels", json={"name": "stir tea"}).json()
    assert back == {"id": number}
    assert not any(r["archived"] for r in shown(client, kitchen))


def test_an_order_names_every_label_once(client, studio, kitchen):
    before = [row["id"] for row in shown(client, kitchen)]
    path = f"/api/projects/{kitchen}/labels/order"
    assert client.post(path, json={"ids": before[::-1]}).json() == {}
    assert [row["id"] for row in shown(client, kitchen)] == before[::-1]
    assert client.post(path, json={"ids": before[:2]}).status_code == 409
    assert label_sets.listed(studio, kitchen)["labels"] == shown(client, kitchen)
