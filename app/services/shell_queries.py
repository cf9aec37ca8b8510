"""What the shell reads without writing; it works while a server holds the data directory."""

from pathlib import Path
from typing import Any

from app.services import Studio
from app.services.evaluation import evaluate_run
from app.services.job_queue import labels_of
from core.errors import MissingArtifact
from core.types import SPLITS
from storage import jobs, projects, runs, training_data


def folder_of(studio: Studio, project: str, run: str | int) -> Path:
    """Return the folder of a project's run."""
    found = projects.find_project(studio.database, project)
    return studio.directory.root / runs.find_run(studio.database, found.id, run).folder


def evaluated(studio: Studio, project: str, run: str | int, split: str | None) -> dict[str, Any]:
    """Score a run on a split with the present labels; without one, on the last there is.

    `labels_of` says what labels it was trained on: when they were last changed (`at_us`) and how
    many changes were made `since`; None where no job trained it here.
    """
    found = projects.find_project(studio.database, project)
    stored = runs.find_run(studio.database, found.id, run)
    videos = training_data.labelled_videos(studio.database, found.id)
    by_split = evaluate_run(studio.directory.root / stored.folder, videos)
    chosen = split or next((s for s in reversed(SPLITS) if s in by_split), None)
    if chosen not in by_split:
        raise MissingArtifact(
            "An evaluation needs predicted, labelled videos of its split",
            f"run '{stored.name}' has none in '{split or 'any split'}'",
            "Set the split of some videos, then predict with the run.",
        )
    job = stored.job_id and jobs.find_job(studio.database, stored.job_id)
    seen = labels_of(studio, job) if job else None
    return {"run": stored.name, "split": chosen, "labels_of": seen, **by_split[chosen]}
