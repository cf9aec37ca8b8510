"""What a shell command asks of the process that may write: here, or sent to a running server."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from app.services import Studio, demo, experiments, importing, job_queue, library, reproduction
from app.services.import_preview import Choices
from core.formats.columns import ColumnMapping
from storage import jobs

Values = Mapping[str, Any]


def make_demo(studio: Studio, _: Values) -> dict[str, Any]:
    """Make the demo project; returns the job that renders it."""
    return {"jobs": [job] if (job := demo.install(studio)) else []}


def add_videos(studio: Studio, values: Values) -> dict[str, Any]:
    """Add a folder or single files to a project, made if it is new."""
    project = library.named_project(studio, values["project"])
    paths = [Path(path) for path in values["paths"]]
    found = {"project": project, "found": 0, "new": 0, "jobs": []}
    for path in [p for p in paths if p.is_dir()]:
        _add(found, library.add_folder(studio, project, path))
    if files := [p for p in paths if not p.is_dir()]:
        _add(found, library.add_files(studio, project, files))
    return found


def _add(found: dict[str, Any], more: Values) -> None:
    found["found"] += more["found"]
    found["new"] += more["new"]
    if more["job"]:
        found["jobs"].append(more["job"])


def import_annotations(studio: Studio, values: Values) -> dict[str, Any]:
    """Import annotation files, or only say what an import would do."""
    project = library.named_project(studio, values["project"])
    paths = [Path(path) for path in values["paths"]]
    mapping = values["mapping"]
    choices = Choices(
        frame_rate=values["frame_rate"],
        mapping=ColumnMapping(**mapping) if mapping else None,
        tracks=tuple(values["tracks"]) if values["tracks"] else None,
    )
    if values["preview"]:
        return importing.preview(studio, project, paths, choices)
    return importing.commit_import(
        studio, project, paths, choices, token=values["token"], skip_faulty=values["skip_faulty"]
    )


def set_split(studio: Studio, values: Values) -> dict[str, Any]:
    """Put every video whose name holds a text into a split."""
    project = library.named_project(studio, values["project"])
    chosen = [row["id"] for row in library.table(studio, project) if values["match"] in row["name"]]
    library.set_splits(studio, project, chosen, values["split"])
    return {"videos": len(chosen)}


def train(studio: Studio, values: Values) -> dict[str, Any]:
    """Queue one fine-tune, or all three."""
    project = library.named_project(studio, values["project"])
    settings = values["settings"]
    if values["all"]:
        started = experiments.fine_tune_all(studio, project, settings)
    else:
        started = [experiments.fine_tune(studio, project, settings)]
    return {"jobs": [s["job"] for s in started], "runs": [s["run"] for s in started]}


def report(studio: Studio, values: Values) -> dict[str, Any]:
    """Return the text of a comparison's report."""
    from app.services import comparison_report  # scipy takes a second to import

    found = comparison_report.collect(studio, values["project"], values["runs"], values["split"])
    return {"text": comparison_report.written(found, values["as"])}


def job(studio: Studio, values: Values) -> dict[str, Any]:
    """Return how a job stands."""
    return job_queue.shown_job(
        studio, jobs.find_job(studio.database, int(values["job"]), spec=False)
    )


def stop(studio: Studio, values: Values) -> dict[str, Any]:
    """Ask a job to end."""
    return job_queue.stop(studio, int(values["job"]), values["how"])


COMMANDS: dict[str, Callable[[Studio, Values], dict[str, Any]]] = {
    "demo": make_demo,
    "add": add_videos,
    "import": import_annotations,
    "split": set_split,
    "train": train,
    "reproduce": reproduction.start,
    "report": report,
    "job": job,
    "stop": stop,
}
