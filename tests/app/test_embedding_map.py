"""The embedding map through its route: made-up embeddings, real processes and jobs."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from analysis.projection import parameters, place_later, project as lay_out
from analysis.separation import separation
from app.api import add_routes
from app.services import Studio, embedding_map, library as services, open_studio
from app.services.tracks import leave_out
from core.prediction_files import prediction_path, read_prediction
from core.types import SPLITS
from storage import annotations, jobs, labels, runs
from storage.annotations import list_segments
from storage.states import JobState
from tests.app import annotated
from tests.app.conftest import finish
from tests.app.predicted import (
    finished_run,
    label_names,
    make_run,
    one_hot,
    predict,
    videos_of,
)
from tests.storage.samples import edit

CLASSES = ("cut bread", "cut cake", "wash cup")
NAMES = tuple(f"{number}.mp4" for number in range(6))
SEGMENTS = 10  # a video, of five seconds each


@dataclass
class Made:
    studio: Studio
    client: TestClient
    project: int
    runs: tuple[int, int]

    def get(self, **more: object) -> dict:
        query = {"runs": ",".join(map(str, self.runs)), "method": "pca", **more}
        answer = self.client.get(f"/api/projects/{self.project}/map", params=query)
        return answer.json() | {"status": answer.status_code}


def make(studio: Studio, folder) -> Made:
    """Six videos, two of each split; the second run tells the labels apart, the first does not."""
    project = annotated.make(studio, folder, names=NAMES)
    ids = services.add_labels(studio, project, CLASSES)
    rng = np.random.default_rng(0)
    both = (finished_run(studio, project, CLASSES), finished_run(studio, project, CLASSES))
    for number, video in enumerate(videos_of(studio, project)):
        services.set_splits(studio, project, [video.id], SPLITS[number % 3])
        own = rng.integers(0, 3, SEGMENTS)
        spans = [edit(ids[CLASSES[c]], 6 * k, 6 * k + 5) for k, c in enumerate(own)]
        annotations.save_segments(studio.database, video.id, spans)
        said = np.repeat(own + 1, 12)
        for run, share in zip(both, (0.0, 3.0), strict=True):
            noise = rng.standard_normal((120, 5))
            vectors = noise + share * np.eye(5)[said]
            answers = said if share else rng.permuted(said)
            predict(studio, run, video, one_hot(answers, 4), embedding=vectors)
    app = FastAPI()
    add_routes(app, studio, "t")
    return Made(studio, TestClient(app), project, both)


@pytest.fixture
def made(studio, tmp_path) -> Made:
    return make(studio, tmp_path)


@pytest.fixture(scope="module")
def shown(tmp_path_factory) -> Iterator[tuple[Made, dict]]:
    """A project and its map; tests that share it change neither."""
    folder = tmp_path_factory.mktemp("map")
    with open_studio(folder / "data") as studio:
        made = make(studio, folder)
        yield made, made.get()


def segments_of(made: Made):
    """Yield every segment with its video and label, in the order of a map."""
    names = label_names(made.studio, made.project)
    for at, video in enumerate(videos_of(made.studio, made.project)):
        for segment in list_segments(made.studio.database, video.id):
            yield at, video, segment, names[segment.label_id]


def slow_vectors(made: Made, run: int):
    """Return each segment's mean embedding and the commonest answer, row by row."""
    card = runs.find_run(made.studio.database, made.project, run)
    vectors, said = [], []
    for _, video, segment, _ in segments_of(made):
        folder = made.studio.directory.root / card.folder
        found = read_prediction(prediction_path(folder, video.content_hash))
        rows = (found.time_us >= segment.start_us) & (found.time_us < segment.end_us)
        vectors.append(found.embedding[rows].astype(np.float32).mean(axis=0))
        said.append(("background", *CLASSES)[np.bincount(found.predicted[rows]).argmax()])
    return np.array(vectors), said


def test_a_point_is_a_labelled_segment_with_what_each_run_says_of_it(shown):
    made, found = shown
    points, names = found["points"], found["names"]
    expected = list(segments_of(made))
    assert points["segment"] == [segment.id for _, _, segment, _ in expected]
    assert points["start_us"] == [segment.start_us for _, _, segment, _ in expected]
    assert points["end_us"] == [segment.end_us for _, _, segment, _ in expected]
    assert points["video"] == [at for at, _, _, _ in expected]
    assert [names[at] for at in points["label"]] == [label for _, _, _, label in expected]
    assert [v["split"] for v in found["videos"]] == [*SPLITS, *SPLITS]
    for run in found["runs"]:
        _, said = slow_vectors(made, run["id"])
        assert [names[at] for at in run["said"]] == said
        assert run["right"] == [int(a == e[3]) for a, e in zip(said, expected, strict=True)]


def test_places_and_figures_are_those_of_the_mean_embeddings(shown):
    made, found = shown
    own = [CLASSES.index(label) for _, _, _, label in segments_of(made)]
    videos = np.array([at for at, _, _, _ in segments_of(made)])
    for run in found["runs"]:
        vectors, _ = slow_vectors(made, run["id"])
        plane = lay_out(vectors, parameters("pca", len(vectors)))
        places = np.stack([run["x"], run["y"]], axis=1)
        assert places == pytest.approx(plane.places, abs=1e-5)
        assert run["explained"] == pytest.approx(plane.explained)
        expected = separation(vectors, np.array(own), videos)
        for key in ("silhouette", "purity", "probe"):
            figure = getattr(expected, key)
            told = [run["figures"][key][part] for part in ("value", "low", "high")]
            assert told == pytest.approx([figure.value, figure.low, figure.high], abs=1e-4)
    first, second = (run["figures"]["purity"]["value"] for run in found["runs"])
    assert first < 60 < 90 < second


def test_places_stay_when_a_label_is_corrected_and_figures_follow(made):
    before = made.get()
    names = {name: number for number, name in label_names(made.studio, made.project).items()}
    _, video, segment, label = next(iter(segments_of(made)))
    other = next(name for name in CLASSES if name != label)
    change = edit(names[other], segment.start_us / 1e6, segment.end_us / 1e6, id=segment.id,
                  version=segment.version)  # fmt: skip
    annotations.save_segments(made.studio.database, video.id, [change])
    after = made.get()
    assert after["names"][after["points"]["label"][0]] == other
    for was, now in zip(before["runs"], after["runs"], strict=True):
        assert (was["x"], was["y"]) == (now["x"], now["y"])
        assert was["figures"] != now["figures"]


def test_what_was_computed_once_is_kept(shown, monkeypatch):
    made, found = shown
    monkeypatch.setattr("sys.executable", "/nowhere")  # no process can be started
    assert made.get() == found
    one = made.get(runs=made.runs[1])
    assert one["runs"] == found["runs"][1:]
    assert not list((made.studio.directory.root / "cache" / "maps").iterdir())


def test_the_neighbours_of_a_point_are_the_most_similar_segments(shown):
    made, found = shown
    for run in found["runs"]:
        vectors, _ = slow_vectors(made, run["id"])
        vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        similar = vectors @ vectors.T
        np.fill_diagonal(similar, -2)
        for row, near, alike in zip(similar, run["near"], run["alike"], strict=True):
            assert near == np.argsort(-row, kind="stable")[:5].tolist()
            assert alike == pytest.approx(row[near], abs=1e-4)


def test_segments_that_came_later_are_placed_into_the_map_and_others_stay(made):
    before = made.get()
    assert [run["later"] for run in before["runs"]] == [[], []]
    video = videos_of(made.studio, made.project)[2]
    cup = next(n for n, name in label_names(made.studio, made.project).items() if "cup" in name)
    annotations.save_segments(made.studio.database, video.id, [edit(cup, 5, 6), edit(cup, 11, 12)])
    after = made.get()
    ids = after["points"]["segment"]
    for was, now in zip(before["runs"], after["runs"], strict=True):
        later = [n for n, id in enumerate(ids) if id not in before["points"]["segment"]]
        assert now["later"] == later and len(later) == 2
        stay = [n for n in range(len(ids)) if n not in later]
        assert ([now["x"][n] for n in stay], [now["y"][n] for n in stay]) == (was["x"], was["y"])
        vectors, _ = slow_vectors(made, now["id"])
        plane = lay_out(vectors[stay], parameters("pca", len(stay)))
        asked = (plane, vectors[stay], vectors[later], parameters("pca", len(stay)))
        places = np.array([now["x"], now["y"]]).T[later]
        assert places == pytest.approx(place_later(*asked), abs=1e-5)
    assert made.get() == after
    fresh = made.get(fresh=True)
    assert [run["later"] for run in fresh["runs"]] == [[], []]
    assert fresh["runs"][0]["x"] != after["runs"][0]["x"]
    assert made.get() == fresh  # from now on this is the map


def test_a_map_of_which_most_came_later_is_made_anew(made):
    made.get(split="val")
    for video in videos_of(made.studio, made.project):
        services.set_splits(made.studio, made.project, [video.id], "val")
    found = made.get(split="val")
    assert [(len(run["x"]), run["later"]) for run in found["runs"]] == [(60, []), (60, [])]


def test_verb_noun_and_split_choose_what_is_shown(shown):
    made, whole = shown
    found = made.get(verb="cut", split="test,val")
    expected = [e for e in segments_of(made) if e[1].split != "train" and e[3].startswith("cut")]
    assert found["points"]["segment"] == [segment.id for _, _, segment, _ in expected]
    assert dict(found["verbs"])["cut"] == len(expected)
    assert {word for word, _ in found["nouns"]} == {"bread", "cake", "cup"}
    assert sum(count for _, count in whole["nouns"]) == len(NAMES) * SEGMENTS


def test_only_what_counts_and_what_every_run_knows_and_predicted_is_shown(made):
    videos = videos_of(made.studio, made.project)
    folder = runs.find_run(made.studio.database, made.project, made.runs[0]).folder
    prediction_path(made.studio.directory.root / folder, videos[0].content_hash).unlink()
    new = services.add_labels(made.studio, made.project, ["dry cup"])["dry cup"]
    bread = next(n for n, name in label_names(made.studio, made.project).items() if "bread" in name)
    more = [edit(new, 1, 2), edit(bread, 1, 2, track="second")]
    annotations.save_segments(made.studio.database, videos[1].id, more)
    leave_out(made.studio, made.project, ["second"])
    wash = next(n for n, name in label_names(made.studio, made.project).items() if "wash" in name)
    labels.archive_label(made.studio.database, wash)
    expected = [s.id for at, _, s, label in segments_of_known(made) if at and label != "wash cup"]
    assert made.get()["points"]["segment"] == expected


def segments_of_known(made: Made):
    known = label_names(made.studio, made.project)
    for at, video in enumerate(videos_of(made.studio, made.project)):
        for segment in list_segments(made.studio.database, video.id):
            label = known.get(segment.label_id, "")
            if label in CLASSES and not segment.track:
                yield at, video, segment, label


def test_many_points_are_a_job_with_progress(made, runner, monkeypatch):
    monkeypatch.setattr(embedding_map, "AT_ONCE", 59)
    first = made.get()
    assert (first["ready"], first["points"], first["job"]["state"]) == (False, 60, JobState.QUEUED)
    assert made.get()["job"]["id"] == first["job"]["id"]
    finish(runner)
    job = jobs.find_job(made.studio.database, first["job"]["id"])
    assert (job.state, job.progress.done, job.progress.total) == (JobState.DONE, 6, 6)
    found = made.get()
    assert found["ready"] and len(found["runs"][0]["x"]) == 60


def test_what_cannot_be_shown_says_why(made):
    assert made.get(runs="")["error"]["next"] == "Choose one or more."
    none = made.get(runs=make_run(made.studio, made.project, CLASSES))
    assert none["status"] == 404 and "predict with the runs" in none["error"]["next"]
    assert made.get(method="tsne", neighbours=60)["status"] == 400
    assert made.get(method="isomap")["status"] == made.get(seed=-1)["status"] == 422
    folder = runs.find_run(made.studio.database, made.project, made.runs[0]).folder
    video = videos_of(made.studio, made.project)[2]
    path = prediction_path(made.studio.directory.root / folder, video.content_hash)
    path.write_bytes(b"broken")
    damaged = made.get()
    assert damaged["status"] == 400 and damaged["error"]["next"] == "Predict again."
