"""What two runs have different, on hand-made trainings and against obvious counting."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.api import add_routes
from app.services import open_studio
from app.services.run_comparison import config_difference
from core.config import RunConfig
from storage import runs, training_data
from tests.app import trained
from tests.app.analysed import CLASSES, add_run, truth_at
from tests.app.predicted import videos_of
from tests.app.trained import BREAD, SOUP, TEA


@pytest.fixture(scope="module")
def site(tmp_path_factory, little_folder):
    folder = tmp_path_factory.mktemp("runs")
    with open_studio(folder / "data") as studio:
        project, made = trained.make(studio, little_folder, folder / "labels.csv")
        made.append(add_run(studio, project, []))  # of its data nothing is known
        server = FastAPI()
        add_routes(server, studio, "token")
        yield studio, project, made, TestClient(server)


def asked(site, path: str, first: int = 0, second: int = 1, **query):
    _, project, made, client = site
    query |= {"first": made[first], "second": made[second]}
    return client.get(f"/api/projects/{project}/{path}", params=query)


def said(truth: np.ndarray, wrong: tuple[int, int]) -> np.ndarray:
    """Return what `add_run` lets a run answer."""
    answer = truth.copy()
    places = np.flatnonzero(answer == wrong[0])
    answer[places[::2]] = wrong[1]
    return answer


def test_the_table_has_every_run_with_what_it_was_trained_on(site):
    studio, project, made, client = site
    table = {row["id"]: row for row in client.get(f"/api/projects/{project}/run-table").json()}
    first, _ = trained.trainings(studio, project)
    in_training = [video for video in first if video.split == "train"]
    assert sorted(table) == sorted(made)
    assert table[made[0]]["videos"] == len(in_training) == 1
    assert table[made[0]]["segments"] == sum(len(video.segments) for video in in_training)
    assert (table[made[2]]["videos"], table[made[2]]["note"], table[made[2]]["tags"]) == (
        None, "", []
    )  # fmt: skip


def test_only_settings_that_differ_are_told_with_their_default(site):
    studio, project, made, _ = site
    run = runs.find_run(studio.database, project, made[0])
    config = RunConfig().model_dump()
    one = replace(run, config=config)
    other = replace(run, config={**config, "rate": 4.0,
                                 "training": {**config["training"], "steps": 99}})  # fmt: skip
    assert config_difference(one, one) == []
    assert config_difference(one, other) == [
        {"group": "training", "setting": "steps", "first": 240, "second": 99, "default": 240},
        {"group": "video", "setting": "rate", "first": None, "second": 4.0, "default": None},
    ]
    # What an older run does not say is the default.
    assert config_difference(replace(run, config={}), one) == []


def test_the_data_of_two_trainings_are_told_apart(site):
    data = asked(site, "run-difference").json()["data"]
    _, v1, v2, v3 = videos_of(site[0], site[1])
    assert data["labels"] == {"added": [], "removed": []}
    assert [row["video"] for row in data["added"]["listed"]] == [v3.id]
    assert data["removed"]["count"] == 0
    (moved,) = data["moved"]["listed"]
    assert (moved["video"], moved["before"], moved["split"]) == (v2.id, "train", "test")
    (change,) = data["segments"]["listed"]
    assert (change["how"], change["video"]) == ("relabelled", v1.id)
    assert (change["before"]["label"], change["after"]["label"]) == ("stir tea", "cut bread")
    assert data["segments"]["count"] == {"relabelled": 1}


def test_classes_tell_how_many_training_segments_each_run_had(site):
    first, _ = trained.trainings(site[0], site[1])
    trained_on = Counter(s.label for v in first if v.split == "train" for s in v.segments)
    rows = {row["name"]: row for row in asked(site, "run-difference").json()["data"]["classes"]}
    assert {name: row["first"] for name, row in rows.items() if row["first"]} == trained_on
    assert all(row["second"] == 0 for row in rows.values())
    assert rows["cut bread"]["changed"] == rows["stir tea"]["changed"] == {"relabelled": 1}


def test_a_run_that_was_not_trained_here_says_so(site):
    found = asked(site, "run-difference", 0, 2).json()
    assert found["data"] is None
    assert len(found["unknown"]) == 1
    change = asked(site, "accuracy-change", 0, 2).json()
    assert not change["data_known"]
    by_place = {place["name"]: place for place in change["places"]}
    assert by_place["rest"]["points"]["value"] == pytest.approx(change["difference"]["value"])


def test_the_difference_is_laid_to_places_as_counting_row_by_row_does(site):
    studio, project = site[:2]
    now = training_data.labelled_videos(studio.database, project)
    first, _ = trained.trainings(studio, project)
    (moved,) = [video for video in first if video.split == "train"]
    learned = {segment.label for segment in moved.segments}
    begun = now[1].segments[0]
    points, total = Counter(), 0
    for number, video in enumerate(now):
        truth = truth_at(video)
        one, other = said(truth, (SOUP, TEA)), said(truth, (BREAD, TEA))
        for row, true in enumerate(truth):
            total += 1
            inside = number == 1 and begun.start_us <= row * 500_000 < begun.end_us
            place = ("segments" if inside else "videos" if number >= 2
                     else "labels" if CLASSES[true] in learned else "rest")  # fmt: skip
            points[place] += int(other[row] == true) - int(one[row] == true)
    found = asked(site, "accuracy-change").json()
    told = {place["name"]: place["points"]["value"] for place in found["places"]}
    assert told == pytest.approx(
        {place: 100 * points[place] / total for place in ("segments", "videos", "labels", "rest")}
    )
    assert points["segments"] < 0 != points["videos"]
    assert found["difference"]["value"] == pytest.approx(100 * sum(points.values()) / total)


def test_the_responsible_segments_account_for_every_changed_answer(site):
    found = asked(site, "accuracy-change").json()
    for place in found["places"]:
        clips = [clip for clip in found["clips"] if clip["place"] == place["name"]]
        assert sum(clip["gained"] for clip in clips) == place["gained"]
        assert sum(clip["lost"] for clip in clips) == place["lost"]
    (bread,) = [clip for clip in found["clips"] if clip["place"] == "segments"]
    begun = training_data.labelled_videos(site[0].database, site[1])[1].segments[0]
    assert (bread["label"], bread["start_us"], bread["end_us"]) == (
        "cut bread", begun.start_us, begun.end_us
    )  # fmt: skip


def test_one_run_is_not_compared_with_itself(site):
    answer = asked(site, "accuracy-change", 0, 0)
    assert (answer.status_code, answer.json()["error"]["value"]) == (400, "one was chosen twice")
    assert asked(site, "accuracy-change", split="val").status_code == 404


def test_notes_and_putting_away_go_through_the_routes(site):
    _, project, made, client = site
    address = f"/api/projects/{project}/runs/{made[2]}"
    kept = client.post(f"{address}/note", json={"text": "hello", "tags": ["a", "a"]})
    assert kept.json() == {"note": "hello", "tags": ["a"]}
    assert client.post(f"{address}/note", json={"tags": []}).json()["note"] == "hello"
    assert client.post(f"{address}/note", json={"text": "x" * 10_001}).status_code == 422
    assert client.post("/api/projects/99/runs/1/note", json={"text": "x"}).status_code == 404
    assert client.post(f"{address}/archive", json={"archived": True}).json()["state"] == "archived"
    listed = client.get(f"/api/projects/{project}/runs").json()
    assert made[2] not in [run["id"] for run in listed]
    assert client.post(f"{address}/archive", json={"archived": False}).json()["state"] == "ready"


def test_only_rows_inside_a_changed_segment_lie_in_it(site):
    studio, project, _, client = site
    one, other = (add_run(studio, project, [wrong]) for wrong in ((SOUP, TEA), (BREAD, TEA)))
    videos = training_data.labelled_videos(studio.database, project)
    *kept, last = videos[1].segments
    before = replace(videos[1], segments=(*kept, replace(last, label="stir tea")))
    trained.frozen(studio, project, one, [videos[0], before, *videos[2:]])
    trained.frozen(studio, project, other, videos)
    address = f"/api/projects/{project}/accuracy-change?first={one}&second={other}"
    rows = {each["name"]: each["rows"] for each in client.get(address).json()["places"]}
    inside = [t for t in range(0, 9_000_000, 500_000) if last.start_us <= t < last.end_us]
    assert rows["segments"] == len(inside) < 18
    assert rows["videos"] == 0
