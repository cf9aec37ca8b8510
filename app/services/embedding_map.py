"""The embedding map: where runs put the labelled segments, and how well labels separate there.

Places and figures are kept under the hash of what they were computed from. Places do not depend on
labels, so a picture stays as it is when labels are corrected.
"""

import json
import shutil
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from analysis.projection import Method, parameters
from analysis.separation import FOLDS, K
from analysis.significance import DEFAULT
from app.services import Studio
from app.services.map_making import ASKED, MADE
from app.services.map_points import Choice, Points, by_count, find_points
from app.services.media import newest_job
from core.errors import MissingArtifact, StudioError
from core.prediction_files import prediction_path
from core.video import content_hash
from storage import jobs, statistics
from storage.artifacts import digest, write_bytes
from storage.states import JobState

KIND = "map"
AT_ONCE = 2_000
"""Points up to which a request waits for its map; more become a job."""

_MEASURES = {"version": 1, "k": K, "folds": FOLDS, "videos": asdict(DEFAULT)}
_one_at_a_time = threading.Lock()  # maps that requests wait for: each keeps a core busy


@dataclass(frozen=True, slots=True)
class Layout:
    """How points are laid out; unless given, neighbours follow from their number."""

    method: Method = "tsne"
    seed: int = 0
    neighbours: int | None = None


@dataclass(frozen=True, slots=True)
class _Keys:
    """Under which a run's places and figures are kept."""

    places: str
    figures: str


@dataclass(frozen=True, slots=True)
class _Work:
    """A map that may have to be computed."""

    points: Points
    settings: dict[str, Any]
    keys: list[_Keys]


def embedding_map(
    studio: Studio, project: int, choice: Choice, layout: Layout = Layout()
) -> dict[str, Any]:
    """Return a map, or how far the job has come that computes it.

    Raises:
        InvalidData: The map has no run, too few points or too many.
        MissingArtifact: There is nothing to show.
        StudioError: It could not be computed; the sentence of the process or job that tried.
    """
    points = find_points(studio, project, choice)
    settings = parameters(
        layout.method, len(points), seed=layout.seed, neighbours=layout.neighbours
    )
    keys = _keys(points, settings)
    if len(points) > AT_ONCE:
        waiting = _by_job(studio, project, _Work(points, settings, keys))
        if waiting is not None:
            return {"ready": False, "points": len(points), "job": waiting}
    else:
        _by_process(studio, _Work(points, settings, keys))
    found = _found(studio, keys)
    return {"ready": True, "settings": settings, **_shown(points, found)}


def _keys(points: Points, settings: dict[str, Any]) -> list[_Keys]:
    spans = [points.spans(video, spans) for video, spans in points.videos]
    keys = []
    for run in points.runs:
        files = [prediction_path(run.card.folder, v.content_hash or "") for v, _ in points.videos]
        vectors = {"predictions": [_hash(file) for file in files], "spans": spans}
        where = vectors | {"settings": settings, "classes": len(run.classes)}
        what = vectors | {"labels": points.label_names, "settings": _MEASURES}
        figures = statistics.key_of(f"{KIND} figures", what)
        keys.append(_Keys(statistics.key_of(KIND, where), figures))
    return keys


def _hash(path: Path) -> str:
    about = path.stat()
    return _hash_once(path, about.st_mtime_ns, about.st_size)


@lru_cache(maxsize=20_000)
def _hash_once(path: Path, mtime_ns: int, size: int) -> str:
    """Hash a prediction; replaced as a whole, it has another time or size."""
    return content_hash(path)


_Found = list[tuple[dict[str, Any] | None, dict[str, Any] | None]]


def _found(studio: Studio, keys: list[_Keys]) -> _Found:
    get, database = statistics.get, studio.database
    return [(get(database, key.places), get(database, key.figures)) for key in keys]


def _whole(found: _Found) -> bool:
    return all(places is not None and figures is not None for places, figures in found)


def _order(studio: Studio, work: _Work) -> tuple[Path, dict[str, Any]] | None:
    """Return what has to be computed, for each run just what it lacks, and in which folder.

    None when all is there.
    """
    found = _found(studio, work.keys)
    if _whole(found):
        return None
    points, names = work.points, work.points.label_names
    numbers = {name: number for number, name in enumerate(sorted(set(names)))}
    asked = {
        "videos": [
            {"hash": v.content_hash, "name": v.name, "spans": points.spans(v, spans)}
            for v, spans in points.videos
        ],
        "labels": [numbers[name] for name in names],
        "runs": [
            {
                "id": run.id, "name": run.name, "folder": str(run.card.folder),
                "classes": len(run.classes), "place": work.settings if places is None else None,
                "measure": figures is None,
            }
            for run, (places, figures) in zip(points.runs, found, strict=True)
            if places is None or figures is None
        ],
    }  # fmt: skip
    return studio.directory.derived.parent / "maps" / digest(asked)[:32], asked


def _by_process(studio: Studio, work: _Work) -> None:
    """Compute what is lacking in a process of its own, and wait for it."""
    if _order(studio, work) is None:
        return
    with _one_at_a_time:
        order = _order(studio, work)  # asked again: another request may have had it computed
        if order is None:
            return
        folder, asked = order
        write_bytes(folder / ASKED, json.dumps(asked).encode())
        command = [sys.executable, "-m", "app.services.map_making", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            shutil.rmtree(folder, ignore_errors=True)
            raise _refusal(done.stderr)
        _keep(studio, folder, work)


def _refusal(said: str) -> StudioError:
    last = (said.strip().splitlines() or [""])[-1]
    try:
        error = json.loads(last)["error"]
        return StudioError(error["rule"], error["value"], error["next"])
    except (ValueError, KeyError, TypeError):
        return StudioError("The map could not be computed", last, "Choose another method.")


def _by_job(studio: Studio, project: int, work: _Work) -> dict[str, Any] | None:
    """Return how far the job is that computes a map, started if need be; None when it is done."""
    order = _order(studio, work)
    if order is None:
        return None
    folder, asked = order
    if (folder / MADE).is_file():
        _keep(studio, folder, work)
        return None
    spec = {"kind": KIND, "folder": str(folder)}
    job = newest_job(studio, project, spec)
    if job is not None and job.state is JobState.DONE and _order(studio, work) is None:
        return None  # another request has just taken its result
    if job is None or job.state is JobState.DONE:  # whose result was forgotten since
        write_bytes(folder / ASKED, json.dumps(asked).encode())
        job = jobs.enqueue(studio.database, jobs.NewJob(project, KIND, "media", spec, 2))
    elif job.state.is_finished and job.error:
        raise StudioError(job.error["rule"], job.error["value"], job.error["next"])
    elif job.state.is_finished:
        raise MissingArtifact(
            "Computing this map was stopped", f"{len(asked['labels']):,} points",
            "Press Resume in the list of jobs, or choose less.",
        )  # fmt: skip
    progress = job.progress
    return {
        "id": job.id, "state": job.state, "message": progress.message if progress else "",
        "done": progress.done if progress else 0, "total": progress.total if progress else 0,
    }  # fmt: skip


def _keep(studio: Studio, folder: Path, work: _Work) -> None:
    """Store what was computed, unless another request has just done so."""
    try:
        made = {run["id"]: run for run in json.loads((folder / MADE).read_text())}
    except FileNotFoundError:
        return
    for run, keys in zip(work.points.runs, work.keys, strict=True):
        for key, name in ((keys.places, "places"), (keys.figures, "figures")):
            if name in made.get(run.id, {}):
                statistics.put(studio.database, key, KIND, made[run.id][name])
    shutil.rmtree(folder, ignore_errors=True)


def _shown(points: Points, found: _Found) -> dict[str, Any]:
    """Return points by columns; names are numbers into one list."""
    spans = [(at, span) for at, (_, of_video) in enumerate(points.videos) for span in of_video]
    own = points.label_names
    runs = []
    for run, (places, figures) in zip(points.runs, found, strict=True):
        assert places is not None and figures is not None
        said = [run.classes[at] for at in places["said"]]
        right = [int(a == b) for a, b in zip(said, own, strict=True)]
        runs.append(
            {"id": run.id, "name": run.name, "said": said, "right": right, "x": places["x"],
             "y": places["y"], "explained": places["explained"], "figures": figures}
        )  # fmt: skip
    names = sorted(set(own).union(*(run["said"] for run in runs)))
    number = {name: at for at, name in enumerate(names)}
    known = {word.name: [word.verb, word.noun] for word in points.words.values()}
    for run in runs:
        run["said"] = [number[name] for name in run["said"]]
    return {
        "names": names,
        "words": [known.get(name, [name, name]) for name in names],
        "videos": [{"id": v.id, "name": v.name, "split": v.split} for v, _ in points.videos],
        "points": {
            "segment": [span.id for _, span in spans],
            "video": [at for at, _ in spans],
            "start_us": [span.start_us for _, span in spans],
            "end_us": [span.end_us for _, span in spans],
            "label": [number[name] for name in own],
        },
        "runs": runs,
        "verbs": by_count(points.verbs),
        "nouns": by_count(points.nouns),
    }
