"""A studio in a temporary folder, little videos of plain colours, and a tiny backbone."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from app.jobs.runner import Runner
from app.services import Studio, importing, library, open_studio
from core.video import write_mp4
from storage.states import JobState
from tests.core.conftest import tiny_folder as tiny_folder

FPS, SECONDS = 8, 9
COLOURS = {"stir tea": (230, 40, 40), "cut bread": (30, 60, 230), "background": (120, 120, 120)}
SCENES = [
    [("background", 0, 1), ("stir tea", 1, 4), ("background", 4, 5), ("cut bread", 5, 9)],
    [("cut bread", 0, 3), ("background", 3, 5), ("stir tea", 5, 9)],
    [("stir tea", 0, 2), ("cut bread", 2, 6), ("background", 6, 9)],
    [("background", 0, 2), ("cut bread", 2, 5), ("stir tea", 5, 8), ("background", 8, 9)],
]


def scene_frames(scene, seed: int = 0) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(seed)
    for index in range(FPS * SECONDS):
        label = next(name for name, a, b in scene if a <= index / FPS < b)
        frame = np.full((36, 64, 3), COLOURS[label], np.int16) + rng.integers(-9, 9, (36, 64, 3))
        yield np.clip(frame, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def little_folder(tmp_path_factory) -> Path:
    """Four labelled videos of nine seconds, in two sub-folders, with a table of their segments."""
    folder = tmp_path_factory.mktemp("little") / "videos"
    lines = ["video,start,end,label"]
    for number, scene in enumerate(SCENES):
        path = folder / ("first" if number < 3 else "second") / f"{number}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_mp4(path, scene_frames(scene), FPS)
        name = path.relative_to(folder).as_posix()
        lines += [f"{name},{a},{b},{label}" for label, a, b in scene if label != "background"]
    (folder / "labels.csv").write_text("\n".join(lines))
    return folder


@pytest.fixture
def studio(tmp_path) -> Iterator[Studio]:
    with open_studio(tmp_path / "data") as opened:
        yield opened


@pytest.fixture
def runner(studio) -> Iterator[Runner]:
    running = Runner(studio, ["cpu"])
    yield running
    for active in list(running._active.values()):
        if active.worker.process:
            active.worker.process.kill()
            active.worker.process.wait()


def wait_for(runner: Runner, what: Callable[[], bool], seconds: float = 300) -> None:
    """Tick the queue until something is true."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it took too long"
        runner.tick()
        time.sleep(0.05)


def finish(runner: Runner, seconds: float = 300) -> None:
    """Tick the queue until nothing is running or waiting."""
    runner.tick()
    wait_for(runner, runner.idle, seconds)


def fill(studio: Studio, runner: Runner, folder: Path, project: str = "little") -> int:
    """Add the little videos with their labels and splits; returns the project."""
    number = library.new_project(studio, project)
    library.add_folder(studio, number, folder)
    finish(runner)
    # Beside a server its queue may have taken the job that looks at them.
    wait_for(runner, lambda: all(r["health"] != "pending" for r in library.table(studio, number)))
    importing.commit_import(studio, number, [folder / "labels.csv"], token="once")
    by_name = {row["name"]: row["id"] for row in library.table(studio, number)}
    library.set_splits(studio, number, [i for n, i in by_name.items() if "first" in n], "train")
    library.set_splits(studio, number, [i for n, i in by_name.items() if "second" in n], "test")
    return number


@pytest.fixture
def project(studio, runner, little_folder) -> int:
    return fill(studio, runner, little_folder)


def settings(backbone: Path, **values) -> dict:
    """Settings of a training that takes seconds."""
    training = {"steps": 12, "batch": 2, "lr": 1e-2, "device": "cpu"} | values.pop("training", {})
    return {"backbone": str(backbone), "training": training, **values}


def state_of(studio: Studio, job: int) -> JobState:
    from storage import jobs

    return jobs.find_job(studio.database, job).state
