"""How quick is the map with 20,000 points? Frame times while it moves, and clicks, in Chromium.

python -m scripts.measure_map [--turns 3] [--out docs/performance/map_20000.json]

Two copies of one film, one with 200 segments, the baseline, and one with 20,000, are mapped (PCA)
and opened in turns, in one browser. The view is moved by one pointer event or one notch of the
wheel a frame. A frame counts as dropped for every whole 60th of a second by which it came late. A
click is answered when the frame with its mark was painted, and its clip is there when the player
has sought.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from playwright.sync_api import Page

from app.jobs.runner import Runner
from app.services import Studio, library, open_studio
from app.services.embedding_map import embedding_map
from app.services.map_base import Layout
from app.services.map_points import Choice
from core.types import grid_us
from scripts.measure_annotate import percentiles
from storage import imports
from storage.imports import ImportBatch, NewSegment
from storage.library import list_videos
from storage.states import SegmentSource
from tests.app.browser import chromium, serving, visiting
from tests.app.conftest import finish
from tests.app.drill import Film, make_film
from tests.app.predicted import finished_run, one_hot, predict

KINDS = {"few": (200, "val"), "many": (20_000, "test")}
"""Segments and split of each video."""

RATE = 1_400.0  # so that every one of the tiny segments has rows of its own

SETUP = """() => {
  const map = document.querySelector('#panel-map').map, [scatter] = map.scatters(), {top} = scatter;
  top.setPointerCapture = () => {};
  const box = () => top.getBoundingClientRect();
  const fire = (kind, x, y, more) => {
    const {x: left, y: above} = box(), Kind = kind === 'wheel' ? WheelEvent : PointerEvent;
    top.dispatchEvent(new Kind(kind, {bubbles: true, cancelable: true, pointerId: 1, button: 0,
      clientX: left + x, clientY: above + y, ...more}));
  };
  const frames = (seconds, act) => new Promise(done => {
    const end = performance.now() + 1000 * seconds, found = [];
    let last = 0, n = 0;
    const turn = now => {
      if (last) found.push(now - last);
      last = now;
      if (performance.now() > end) return done(found);
      act(n++);
      requestAnimationFrame(turn);
    };
    requestAnimationFrame(turn);
  });
  const painted = () => new Promise(done => requestAnimationFrame(() => {
    const {port1, port2} = new MessageChannel();
    port1.onmessage = () => done(performance.now()); port2.postMessage(0);
  }));
  window.measured = {
    async panning(seconds) {
      const w = scatter.width / 2, h = scatter.height / 2;
      fire('pointerdown', w, h);
      const found = await frames(seconds, n =>
        fire('pointermove', w * (1 + .8 * Math.sin(n / 25)), h * (1 + .8 * Math.sin(n / 34))));
      fire('pointercancel', w, h);
      scatter.fit();
      return found;
    },
    async zooming(seconds) {
      const w = scatter.width, h = scatter.height;
      const found = await frames(seconds, n => fire('wheel', w * (.5 + .3 * Math.sin(n / 30)),
        h / 2, {deltaY: Math.sin(n / 40) > 0 ? -100 : 100}));
      scatter.fit();
      return found;
    },
    hovering(seconds) {
      const w = scatter.width, h = scatter.height;
      return frames(seconds, n =>
        fire('pointermove', w * (.5 + .4 * Math.sin(n / 25)), h * (.5 + .4 * Math.sin(n / 34))));
    },
    async click(point) {
      const x = scatter.px(point), y = scatter.py(point);
      const video = document.querySelector('.ana-side video');
      const sought = new Promise(done =>
        video.addEventListener('seeked', () => done(performance.now()), {once: true}));
      fire('pointerdown', x, y);
      const at = performance.now();
      fire('pointerup', x, y);
      const drawn = await painted() - at, clip = await sought - at;
      video.pause();
      return {drawn, clip, marked: scatter.marked};
    },
  };
}"""


def make_studio(studio: Studio, folder: Path) -> tuple[int, int]:
    """Make the two videos and a run whose embeddings are random; returns project and run."""
    project = library.new_project(studio, "dense")
    film = make_film(folder / "few.mp4", [("make tea", 7), ("make soup", 8)], seconds=20.0)
    (folder / "many.mp4").write_bytes(film.path.read_bytes() + b"\\0")  # another content
    library.add_files(studio, project, [folder / f"{kind}.mp4" for kind in KINDS])
    finish(Runner(studio, ["cpu"]))
    labels = list(library.add_labels(studio, project, film.labels).values())
    run = finished_run(studio, project, film.labels, rate=RATE)
    dice, rng = Random("map"), np.random.default_rng(0)
    for video in list_videos(studio.database, project):
        number, split = KINDS[Path(video.name).stem]
        library.set_splits(studio, project, [video.id], split)
        segments = _segments(film, video.id, labels, number, dice)
        batch = ImportBatch(token=split, source=split, format="script", segments=segments,
                            made_by=SegmentSource.SCRIPT)  # fmt: skip
        imports.import_segments(studio.database, project, batch)
        rows = len(grid_us(video.duration_us or 0, RATE))
        said = rng.integers(1, 1 + len(labels), rows)
        predict(studio, run, video, one_hot(said.tolist(), 1 + len(labels)), rate=RATE,
                embedding=rng.standard_normal((rows, 8)))  # fmt: skip
        choice, layout = Choice((run,), (split,)), Layout("pca")
        while not embedding_map(studio, project, choice, layout)["ready"]:
            finish(Runner(studio, ["cpu"]))
    return project, run


def _segments(
    film: Film, video: int, labels: list[int], number: int, dice: Random
) -> list[NewSegment]:
    step = film.length_us / number
    return [
        NewSegment(video, round(n * step), round((n + 1) * step), dice.choice(labels))
        for n in range(number)
    ]


def measure(page: Page, address: str, seconds: float, clicks: int) -> dict[str, Any]:
    """Measure one video once."""
    page.goto(address)
    page.wait_for_selector(".map-figures b", timeout=90_000)
    page.wait_for_timeout(1500)
    page.evaluate(SETUP)
    points = page.evaluate("document.querySelector('#panel-map').map.data().points.label.length")
    found: dict[str, Any] = {"points": points}
    for what in ("panning", "zooming", "hovering"):
        found[what] = page.evaluate(f"seconds => measured.{what}(seconds)", seconds)
        page.wait_for_timeout(300)
    chosen = np.random.default_rng(0).integers(0, points, clicks + 1).tolist()
    found["clicks"] = []
    for point in chosen:
        found["clicks"].append(page.evaluate("point => measured.click(point)", point))
        page.wait_for_timeout(200)
    return found


def summary(turns: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the percentiles of all turns of one video; the first click also opens the video."""
    told: dict[str, Any] = {"points": turns[0]["points"]}
    for what in ("panning", "zooming", "hovering"):
        frames = [ms for turn in turns for ms in turn[what]]
        dropped = sum(max(0, round(ms * 60 / 1000) - 1) for ms in frames)
        told[what] = percentiles(frames) | {
            "dropped": dropped, "fps": round(1000 * len(frames) / sum(frames), 1),
        }  # fmt: skip
    for key in ("drawn", "clip"):
        told[f"click_{key}"] = percentiles([c[key] for turn in turns for c in turn["clicks"][1:]])
    told["first_clip"] = percentiles([turn["clicks"][0]["clip"] for turn in turns])
    return told


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--clicks", type=int, default=15)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as place,
        open_studio(Path(place) / "data") as studio,
        chromium() as browser,
    ):
        project, run = make_studio(studio, Path(place))
        load = [os.getloadavg()[0]]
        turns: dict[str, list[Any]] = {kind: [] for kind in KINDS}
        with serving(studio) as base, visiting(browser, base) as visit:
            for _ in range(options.turns):
                for kind, (_, split) in KINDS.items():
                    address = (
                        f"{base}/analyse?project={project}&runs={run}&panel=map&method=pca"
                        f"&split={split}"
                    )
                    found = measure(visit.page, address, options.seconds, options.clicks)
                    turns[kind].append(found)
        load.append(os.getloadavg()[0])
    told = {kind: summary(each) for kind, each in turns.items()}
    report = {"cores": os.cpu_count(), "load": load, **told}
    text = json.dumps(report, indent=1)
    print(text)  # noqa: T201
    if options.out:
        options.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
