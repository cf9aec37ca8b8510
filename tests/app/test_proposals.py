"""What a run proposes for a video, through the route that the page asks."""

import uuid

import numpy as np
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.api import add_routes
from app.services import library as services
from storage import annotations, labels
from storage.annotations import SegmentEdit
from storage.operations import Operation, perform
from storage.proposals import ProposalAnswer
from storage.runs import find_run
from tests.app import annotated
from tests.app.predicted import make_run, one_hot, predict, seconds, videos_of

CLASSES = ("cut bread", "stir tea")


@pytest.fixture
def client(studio):
    app = FastAPI()
    add_routes(app, studio, "t")
    with TestClient(app) as opened:
        yield opened


@pytest.fixture
def made(studio, tmp_path):
    """A project with two labels, a run at two frames a second, and its answer about a video."""
    project = annotated.make(studio, tmp_path)
    ids = services.add_labels(studio, project, CLASSES)
    run = make_run(studio, project, CLASSES)
    video = videos_of(studio, project)[0]
    said = [0] * 10 + [1] * 20 + [0] * 10 + [2] * 79 + [1]
    predict(studio, run, video, one_hot(said, 3))
    return project, video, run, ids


def asked(client, video, run, **more):
    return client.get(f"/api/videos/{video.id}/proposals", params={"run": run, **more})


def test_stretches_of_one_action_are_proposed_with_their_confidence(client, made):
    _, video, run, ids = made
    answer = asked(client, video, run).json()
    assert answer["run"] == run
    spans = [(p["start_us"], p["end_us"], p["label"]) for p in answer["proposals"]]
    assert spans == [(*seconds(5, 15), CLASSES[0]), (*seconds(20, 59.5), CLASSES[1]),
                     (*seconds(59.5, 60), CLASSES[0])]  # fmt: skip
    assert [p["label_id"] for p in answer["proposals"]] == [ids[span[2]] for span in spans]
    assert {p["confidence"] for p in answer["proposals"]} == {0.9}
    assert {p["state"] for p in answer["proposals"]} == {"open"}
    assert answer["boundaries"] == seconds(5, 15, 20, 59.5)
    assert len(asked(client, video, run, min_us=10_000_001).json()["proposals"]) == 1
    assert asked(client, video, run, min_us=-1).status_code == 422


def test_a_proposal_keeps_its_id_and_is_accepted_once_a_segment_has_it(client, studio, made):
    _, video, run, _ = made
    first, second, _ = asked(client, video, run).json()["proposals"]
    for each in (first, second):
        edit = SegmentEdit(
            **{name: each[name] for name in ("id", "start_us", "end_us", "label_id")}
        )
        annotations.save_segments(studio.database, video.id, [edit])
    annotations.delete_segments(studio.database, video.id, {second["id"]: 1})
    again = asked(client, video, run).json()["proposals"]
    assert [p["id"] for p in again[:2]] == [first["id"], second["id"]]
    assert [p["state"] for p in again] == ["accepted", "accepted", "open"]


def test_a_rejected_proposal_stays_rejected_until_that_is_taken_back(client, studio, made):
    _, video, run, _ = made
    first = asked(client, video, run).json()["proposals"][0]["id"]
    for number, refused in enumerate((True, False)):
        answer = ProposalAnswer(first, run, refused)
        done = Operation(id=str(uuid.UUID(int=number)), name="reject", answers=[answer])
        perform(studio.database, video.id, done)
        again = asked(client, video, run).json()["proposals"]
        states = ["rejected" if refused else "open", "open", "open"]
        assert [each["state"] for each in again] == states


def test_labels_that_the_project_no_longer_has_cannot_be_taken(client, studio, made):
    _, video, run, ids = made
    labels.archive_label(studio.database, ids[CLASSES[1]])
    answer = asked(client, video, run).json()
    assert [p["label_id"] for p in answer["proposals"]] == [ids[CLASSES[0]], None, ids[CLASSES[0]]]
    assert answer["unknown"] == [CLASSES[1]]


def test_without_a_prediction_the_answer_says_what_to_do(client, studio, made):
    project, _, run, _ = made
    answer = asked(client, videos_of(studio, project)[1], run)
    assert answer.status_code == 404
    assert "Predict with this run" in answer.json()["error"]["next"]
    assert asked(client, videos_of(studio, project)[0], 99).status_code == 404


def test_a_run_on_clips_proposes_its_clips(client, studio, made):
    project, video, _, _ = made
    run = make_run(studio, project, CLASSES, task="step_recognition")
    spans = np.array([seconds(1, 4), seconds(4, 9.25)])
    predict(studio, run, video, one_hot([1, 0], 2, 0.75), spans)
    answer = asked(client, video, run).json()
    assert [[p["start_us"], p["end_us"]] for p in answer["proposals"]] == spans.tolist()
    assert [p["label"] for p in answer["proposals"]] == ["stir tea", "cut bread"]
    assert [p["confidence"] for p in answer["proposals"]] == [0.75, 0.75]
    assert answer["boundaries"] == seconds(1, 4, 9.25)


def test_a_run_that_says_something_else_is_refused(client, studio, made):
    project, video, _, _ = made
    run = make_run(studio, project, CLASSES, task="next_step")
    answer = asked(client, video, run)
    assert answer.status_code == 400
    assert "step recognition" in answer.json()["error"]["next"]
    assert find_run(studio.database, project, run).name in answer.json()["error"]["value"]


@pytest.mark.fault
def test_a_run_keeps_its_own_names_when_labels_are_renamed_or_archived(client, studio, made):
    _, video, run, ids = made
    labels.rename_label(studio.database, ids[CLASSES[0]], "slice bread")
    labels.archive_label(studio.database, ids[CLASSES[1]])
    found = asked(client, video, run).json()["proposals"]
    assert [p["label"] for p in found] == [CLASSES[0], CLASSES[1], CLASSES[0]]
    assert [p["label_id"] for p in found] == [None, None, None]  # nothing that could be accepted
