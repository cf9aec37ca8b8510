"""Highlight reels from little real videos of plain colours: whole, of the right clips, or gone."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import psutil
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.api import add_routes
from app.jobs.runner import Runner
from app.services import library, open_studio, reel
from app.services.reel_making import LARGEST, RATE, ascii_of, make
from core.errors import InvalidData, Stopped, UnknownName
from core.prediction_files import prediction_path
from core.types import Progress
from core.video import probe, sample, write_mp4
from storage import jobs, runs
from storage.runs import StoredPrediction
from storage.states import JobState
from tests.app.analysed import add_run, fill
from tests.app.conftest import COLOURS, finish, state_of
from tests.app.predicted import videos_of

SOUP, TEA = 2, 1
CLIPS = [("0.mp4", 1, 3, "stir tea"), ("3.mp4", 3, 4, "cut bread"), ("1.mp4", 5, 6.5, "stir tea")]


@pytest.fixture(scope="module")
def site(tmp_path_factory, little_folder) -> Iterator[tuple]:
    """A studio with a run that takes soup for tea, a client, and clips of three videos."""
    folder = tmp_path_factory.mktemp("reel")
    with open_studio(folder / "data") as studio:
        project = fill(studio, little_folder, folder / "labels.csv")
        run = add_run(studio, project, [(SOUP, TEA)])
        register(studio, project, run)
        server = FastAPI()
        add_routes(server, studio, "token")
        ids = {Path(v.name).name: v.id for v in videos_of(studio, project)}
        clips = [
            {"video": ids[name], "start_us": int(a * 1e6), "end_us": int(b * 1e6), "text": "look"}
            for name, a, b, _ in CLIPS
        ]
        yield studio, project, run, TestClient(server), clips


def register(studio, project: int, run: int) -> None:
    """List the run's prediction files in the database, as the end of its job does."""
    root = studio.directory.root
    folder = root / runs.find_run(studio.database, project, run).folder
    runs.put_predictions(
        studio.database,
        run,
        [
            StoredPrediction(
                video.id,
                str(prediction_path(folder, video.content_hash or "").relative_to(root)),
                rows=18, ms=1, passes=1, tokens=1,
            )
            for video in videos_of(studio, project)
        ],
    )  # fmt: skip


def specs(folder: Path, seconds: float = 2) -> list[dict]:
    path = next(folder.rglob("0.mp4"))
    return [{"path": str(path), "start_us": 0, "end_us": int(seconds * 1e6), "lines": ["here"]}]


def colour_at(path: Path, seconds: float) -> np.ndarray:
    _, picture = next(sample(path, [int(seconds * 1e6)]))
    return picture[: len(picture) // 2].mean(axis=(0, 1))


def test_a_reel_of_three_clips_has_their_length_and_their_pictures(site, tmp_path):
    studio, project, run, client, clips = site
    job = client.post(f"/api/projects/{project}/reel", json={"clips": clips, "runs": [run]}).json()
    assert client.get(f"/api/reels/{job['job']}").status_code == 404  # not yet
    finish(Runner(studio, ["cpu"]))
    answer = client.get(f"/api/reels/{job['job']}")
    assert answer.status_code == 200 and "attachment" in answer.headers["content-disposition"]
    (tmp_path / "reel.mp4").write_bytes(answer.content)
    facts = probe(tmp_path / "reel.mp4")
    assert (facts.frame_count, facts.fps, facts.codec) == (round(4.5 * RATE), RATE, "h264")
    assert (facts.width, facts.height) == (640, 360)
    labels = [label for *_, label in CLIPS for _ in range(2)]
    for seconds, label in zip((0.1, 1.9, 2.1, 2.9, 3.1, 4.4), labels, strict=True):
        np.testing.assert_allclose(
            colour_at(tmp_path / "reel.mp4", seconds), COLOURS[label], atol=14
        )


def test_a_clip_says_what_is_true_what_each_run_says_and_where_it_is_from(site):
    studio, project, run, client, clips = site
    soup = clips[2]
    job = client.post(f"/api/projects/{project}/reel", json={"clips": [soup], "runs": [run]}).json()
    (shown,) = jobs.find_job(studio.database, job["job"]).spec["clips"]
    own, true, said, where = shown["lines"]
    assert (own, true) == ("look", "true: stir soup")
    assert said.endswith(": stir tea") and where == "videos/first/1.mp4   00:05.00 to 00:06.50"
    finish(Runner(studio, ["cpu"]))


def test_every_frame_of_a_clip_is_the_one_shown_at_its_time(little_folder, tmp_path):
    (clip,) = specs(little_folder)
    make([clip | {"start_us": 500_000}], tmp_path / "reel.mp4", lambda _: None)
    colours = [colour_at(tmp_path / "reel.mp4", at / RATE) for at in range(37)]
    at_one = [bool(colour[0] > 180) for colour in colours]  # grey becomes red at one second
    assert [number for number, (a, b) in enumerate(pairwise(at_one), 1) if a != b] == [13]


def test_a_tall_picture_stands_between_black_edges_within_the_largest_size(tmp_path):
    tall = np.full((1600, 90, 3), 200, np.uint8)
    write_mp4(tmp_path / "tall.mp4", [tall] * 4, 8)
    facts = make(specs_of(tmp_path / "tall.mp4"), tmp_path / "reel.mp4", lambda _: None)
    assert facts["width"] <= LARGEST[0] and facts["height"] == LARGEST[1]
    _, picture = next(sample(tmp_path / "reel.mp4", [0]))
    assert picture[100, 5].max() < 20 and picture[100, facts["width"] // 2].min() > 180


def specs_of(path: Path) -> list[dict]:
    return [{"path": str(path), "start_us": 0, "end_us": 400_000, "lines": ["a", "b" * 900]}]


def test_the_text_is_burnt_in_at_the_bottom(little_folder, tmp_path):
    make(specs(little_folder, 0.2), tmp_path / "reel.mp4", lambda _: None)
    _, picture = next(sample(tmp_path / "reel.mp4", [0]))
    assert (picture[-30:, :100].min(axis=2) > 200).any()
    assert not (picture[:-60].min(axis=2) > 200).any()


def test_stopping_leaves_nothing_half(little_folder, tmp_path):
    heard: list[int] = []

    def stop(progress: Progress) -> bool:
        heard.append(progress.done)
        return progress.done >= 20

    with pytest.raises(Stopped):
        make(specs(little_folder, 9), tmp_path / "reel.mp4", stop)
    assert heard[-1] == 20 and list(tmp_path.iterdir()) == []


def test_a_stop_that_reaches_ffmpeg_first_is_a_stop_too(little_folder, tmp_path):
    ended: list[bool] = []

    def stop(progress: Progress) -> bool:
        if progress.done == 20 and not ended:
            (ffmpeg,) = [p for p in psutil.Process().children() if "ffmpeg" in p.name()]
            ffmpeg.kill()
            ffmpeg.wait()
            ended.append(True)
            return False
        return bool(ended)

    with pytest.raises(Stopped):
        make(specs(little_folder, 9), tmp_path / "reel.mp4", stop)
    assert list(tmp_path.iterdir()) == []


def test_a_stopped_job_has_no_reel(site):
    studio, project, _, client, clips = site
    long = [clip | {"start_us": 0, "end_us": 9_000_000} for clip in clips] * 20
    job = client.post(f"/api/projects/{project}/reel", json={"clips": long}).json()["job"]
    running = Runner(studio, ["cpu"])
    while not client.get(f"/api/projects/{project}/jobs").json()[0]["done"]:
        running.tick()
    client.post(f"/api/jobs/{job}/stop", json={"how": "discard"})
    finish(running)
    assert state_of(studio, job) is JobState.STOPPED
    assert client.get(f"/api/reels/{job}").status_code == 404
    assert not list(studio.directory.job(job).glob("*reel*"))


def test_what_makes_no_reel_is_refused_with_a_sentence(site, studio):
    here, project, _, client, clips = site
    with pytest.raises(InvalidData, match="10 minutes"):
        reel.start(here, project, [clips[0] | {"start_us": 0, "end_us": 9_000_000}] * 67, [])
    with pytest.raises(InvalidData, match="200 clips"):
        reel.start(here, project, clips * 67, [])
    with pytest.raises(InvalidData, match="within its video"):
        reel.start(here, project, [clips[0] | {"end_us": 10_000_000}], [])
    with pytest.raises(UnknownName):
        reel.start(studio, library.new_project(studio, "other"), clips, [])
    assert client.post(f"/api/projects/{project}/reel", json={"clips": []}).status_code == 422
    assert client.get("/api/reels/999").status_code == 404


def test_without_a_system_font_letters_keep_their_shape_where_there_is_one():
    assert ascii_of("Käse schneiden, 切る") == "Kase schneiden, ??"
    assert ascii_of("cut bread: 100 %") == "cut bread: 100 %"
