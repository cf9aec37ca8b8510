"""The embedding map: where runs put the labelled segments, and how well labels separate there.

Places, neighbours and figures are kept under the hash of what they were computed from. Places do
not depend on labels, so a picture stays as it is when labels are corrected; segments that came
since are placed into it (`map_base`).
"""

import json
import shutil
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from analysis.separation import FOLDS, K
from analysis.significance import DEFAULT
from app.services import Studio
from app.services.map_base import (
    BY_TSNE,
    KIND,
    Ask,
    Base,
    Layout,
    find_base,
    hashes,
    remember,
)
from app.services.map_making import ASKED, MADE
from app.services.map_points import Choice, Points, by_count, find_points
from app.services.media import newest_job
from app.services.predictions import Asked
from core.errors import MissingArtifact, StudioError
from storage import jobs, statistics
from storage.artifacts import digest, write_bytes
from storage.states import JobState

AT_ONCE = 2_000
"""Points up to which a request waits for its map; more become a job."""

_MEASURES = {"version": 1, "k": K, "folds": FOLDS, "videos": asdict(DEFAULT)}
_one_at_a_time = threading.Lock()  # maps that requests wait for: each keeps a core busy


@dataclass(frozen=True, slots=True)
class _Keys:
    """Under which a run's places, figures and neighbours are kept, and the map that it continues.

    `made` is the map as it would be remembered.
    """

    places: str
    figures: str
    near: str
    made: Base
    base: Base | None

    @property
    def settings(self) -> dict[str, Any]:
        """What the places were, or shall be, made with."""
        return (self.base or self.made).settings


@dataclass(frozen=True, slots=True)
class _Work:
    """A map that may have to be computed."""

    points: Points
    keys: list[_Keys]


def embedding_map(
    studio: Studio, project: int, choice: Choice, layout: Layout = BY_TSNE
) -> dict[str, Any]:
    """Return a map, or how far the job has come that computes it.

    Raises:
        InvalidData: The map has no run, too few points or too many.
        MissingArtifact: There is nothing to show.
        StudioError: It could not be computed; the sentence of the process or job that tried.
    """
    points = find_points(studio, project, choice)
    settings = layout.settings(len(points))
    ask = Ask(project, choice, layout)
    keys = [_keys(studio, ask, run, points, settings) for run in points.runs]
    if len(points) > AT_ONCE:
        waiting = _by_job(studio, project, _Work(points, keys))
        if waiting is not None:
            return {"ready": False, "points": len(points), "job": waiting}
    else:
        _by_process(studio, _Work(points, keys))
    for run, each in zip(points.runs, keys, strict=True):
        if each.base is None:
            remember(studio, ask, run, each.made)
    return {"ready": True, "settings": keys[0].settings, **_shown(points, _found(studio, keys))}


def _keys(studio: Studio, ask: Ask, run: Asked, points: Points, settings: dict[str, Any]) -> _Keys:
    videos = points.by_video()
    predictions = hashes(run, videos)
    vectors = {"predictions": predictions, "spans": [video["spans"] for video in videos]}
    where = vectors | {"settings": settings, "classes": len(run.classes)}
    what = vectors | {"labels": points.label_names, "settings": _MEASURES}
    places = statistics.key_of(KIND, where)
    made, base = Base(places, videos, predictions, settings), None
    if statistics.get(studio.database, places) is None:
        base = find_base(studio, ask, run, points)
    if base is not None:
        continued = {"base": base.places, "classes": len(run.classes), **vectors}
        places = statistics.key_of(f"{KIND} continued", continued)
    figures = statistics.key_of(f"{KIND} figures", what)
    near = statistics.key_of(f"{KIND} neighbours", vectors | {"k": K})
    return _Keys(places, figures, near, made, base)


_PARTS = ("places", "figures", "near")
_Found = list[dict[str, dict[str, Any] | None]]


def _found(studio: Studio, keys: list[_Keys]) -> _Found:
    """Return of each run the parts of its map, None where one is lacking."""
    return [
        {part: statistics.get(studio.database, getattr(each, part)) for part in _PARTS}
        for each in keys
    ]


def _order(studio: Studio, work: _Work) -> tuple[Path, dict[str, Any]] | None:
    """Return what has to be computed, for each run just what it lacks, and in which folder.

    None when all is there.
    """
    found = _found(studio, work.keys)
    if all(part is not None for of_run in found for part in of_run.values()):
        return None
    asked = {
        **work.points.as_asked(),
        "runs": [
            {
                "id": run.id, "name": run.name, "folder": str(run.card.folder),
                "classes": len(run.classes),
                "base": _continued(studio, each) if of_run["places"] is None else None,
                "place": each.settings if of_run["places"] is None else None,
                "measure": of_run["figures"] is None, "near": of_run["near"] is None,
            }
            for run, of_run, each in zip(work.points.runs, found, work.keys, strict=True)
            if None in of_run.values()
        ],
    }  # fmt: skip
    return studio.directory.derived.parent / "maps" / digest(asked)[:32], asked


def _continued(studio: Studio, keys: _Keys) -> dict[str, Any] | None:
    """Return the map that is continued: of which segments it is, and where they lie."""
    if keys.base is None:
        return None
    places = statistics.get(studio.database, keys.base.places)
    assert places is not None
    return {"videos": keys.base.videos, **{part: places[part] for part in ("x", "y", "explained")}}


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
        for part in _PARTS:
            if part in made.get(run.id, {}):
                statistics.put(studio.database, getattr(keys, part), KIND, made[run.id][part])
    shutil.rmtree(folder, ignore_errors=True)


def _shown(points: Points, found: _Found) -> dict[str, Any]:
    """Return points by columns; names are numbers into one list."""
    spans = [(at, span) for at, (_, of_video) in enumerate(points.videos) for span in of_video]
    own = points.label_names
    runs = []
    for run, of_run in zip(points.runs, found, strict=True):
        places, figures, near = (of_run[part] for part in _PARTS)
        assert places is not None and figures is not None and near is not None
        said = [run.classes[at] for at in places["said"]]
        right = [int(a == b) for a, b in zip(said, own, strict=True)]
        runs.append(
            {"id": run.id, "name": run.name, "said": said, "right": right, "x": places["x"],
             "y": places["y"], "explained": places["explained"], "later": places.get("later", []),
             "near": near["points"], "alike": near["cosines"], "figures": figures}
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
