"""Computing a map in a process of its own: `python -m app.services.map_making FOLDER`.

It reads `asked.json` in the folder and writes `made.json`. The server starts it and waits, or a job
runs it: compiling UMAP takes seconds, and nothing of that shall hold up a page.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.neighbours import nearest
from analysis.projection import Plane, one_thread, place_later, project, unit
from analysis.segment_vectors import mean_vectors, rows_of_nearest_spans
from analysis.separation import K, Separation, separation
from analysis.within_segments import majority, rows_within
from app.services.evaluation import kind_of
from core.errors import MissingArtifact, Stopped, StudioError
from core.prediction_files import prediction_path, read_prediction
from core.types import Progress, Report, nobody_listens

ASKED, MADE = "asked.json", "made.json"


def make(folder: Path, report: Report = nobody_listens) -> None:
    """Compute what a folder asks for; the results appear whole.

    Raises:
        Stopped: `report` asked for it; nothing is kept.
        MissingArtifact: A run said nothing of a video.
    """
    asked = json.loads((folder / ASKED).read_text())
    made, steps = [], 3 * len(asked["runs"])

    def step(number: int, message: str) -> None:
        if report(Progress(number, steps, message)):
            raise Stopped("The map")

    with one_thread():
        for at, run in enumerate(asked["runs"]):
            step(3 * at, f"reading the embeddings of {run['name']}")
            vectors, said = read_segments(run, asked["videos"])
            found: dict[str, Any] = {"id": run["id"]}
            step(3 * at + 1, f"laying out {len(vectors):,} segments of {run['name']}")
            if run["base"] is not None:
                found["places"] = {**_continued(vectors, run, asked), "said": said.tolist()}
            elif run["place"] is not None:
                found["places"] = {**_places(vectors, run["place"]), "said": said.tolist()}
            if run["near"]:
                found["near"] = _neighbours(vectors)
            step(3 * at + 2, f"measuring how the labels separate in {run['name']}")
            if run["measure"]:
                found["figures"] = asdict(measured(vectors, asked))
            made.append(found)
    step(steps, "done")
    beside = folder / f"{MADE}.tmp"
    beside.write_text(json.dumps(made, allow_nan=False))
    beside.replace(folder / MADE)


def _places(vectors: NDArray[np.float32], settings: Mapping[str, Any]) -> dict[str, Any]:
    plane = project(vectors, settings)
    x, y = plane.places.T
    return {"x": _short(x), "y": _short(y), "explained": plane.explained}


def _continued(
    vectors: NDArray[np.float32], run: Mapping[str, Any], asked: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the places of a map, and of what came later its places in it."""
    base = run["base"]
    known = {span: number for number, span in enumerate(_segments(base["videos"]))}
    old = np.array([known.get(span, -1) for span in _segments(asked["videos"])])
    places = np.stack([base["x"], base["y"]], axis=1)
    later, found = np.flatnonzero(old < 0), places[old]
    if len(later):
        made_of, _ = read_segments(run, base["videos"])
        found[later] = place_later(Plane(places), made_of, vectors[later], run["place"])
    x, y = (_short(axis) for axis in found.T)
    return {"x": x, "y": y, "explained": base["explained"], "later": later.tolist()}


def _segments(videos: list[dict[str, Any]]) -> Iterator[tuple[str, int, int]]:
    return ((v["hash"], start, end) for v in videos for start, end in v["spans"])


def _neighbours(vectors: NDArray[np.float32]) -> dict[str, Any]:
    """Return of every point the points most like it where the vectors are, the most alike first."""
    points = unit(vectors)
    near, cosines = nearest(points, points, K, without_itself=True)
    return {"points": near.tolist(), "cosines": cosines.round(4).tolist()}


def measured(vectors: NDArray[np.float32], asked: Mapping[str, Any]) -> Separation:
    """Return how the labels of segments separate; `asked` holds them by video."""
    counts = [len(video["spans"]) for video in asked["videos"]]
    videos = np.repeat(np.arange(len(counts)), counts)
    return separation(vectors, np.array(asked["labels"], np.int64), videos)


def read_segments(
    run: Mapping[str, Any], videos: list[dict[str, Any]]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the vector of every segment [segments, size], and the class that the run says of it.

    Raises:
        MissingArtifact: The run said nothing of a video.
    """
    vectors, said = [], []
    for video in videos:
        prediction = read_prediction(prediction_path(Path(run["folder"]), video["hash"]))
        asked = np.flatnonzero(kind_of(prediction) == 0)  # of a joint task its first question
        if not len(asked):
            raise MissingArtifact(
                "A map needs what a run says of every labelled video",
                f"'{run['name']}' answered nothing in '{video['name']}'", "Predict with it again.",
            )  # fmt: skip
        start_us, end_us = np.array(video["spans"], np.int64).T
        if prediction.span_us is None:
            rows = rows_within(prediction.time_us[asked], start_us, end_us)
        else:
            rows = rows_of_nearest_spans(prediction.span_us[asked], start_us, end_us)
        vectors.append(mean_vectors(prediction.embedding[asked], rows))
        said.append(majority(prediction.predicted[asked], rows, run["classes"]))
    return np.concatenate(vectors), np.concatenate(said)


def _short(values: NDArray[np.float64]) -> list[float]:
    """Return places in as many digits as a screen can show."""
    return [float(f"{value:.6g}") for value in values]


def main() -> None:
    """Compute the map of the folder on the command line; what is wrong is its last line."""
    try:
        make(Path(sys.argv[1]))
    except StudioError as error:
        sys.stderr.write(json.dumps(error.as_json()) + "\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
