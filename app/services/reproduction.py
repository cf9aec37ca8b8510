"""The reproduction as a job, and its summary in the database."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.services import Studio
from app.services.experiments import free_slot
from app.services.library import named_project
from storage import jobs, statistics
from storage.jobs import Job, NewJob

KIND = "reproduction"


def start(studio: Studio, values: Mapping[str, Any]) -> dict[str, Any]:
    """Queue a reproduction: a plan's name. What an earlier one finished is not done again."""
    project = named_project(studio, "kitchen")
    folder = studio.directory.root / "reproductions" / values["plan"]
    spec = {"kind": "reproduce", "plan": values["plan"], "folder": str(folder)}
    job = jobs.enqueue(studio.database, NewJob(project, "reproduce", free_slot(studio), spec))
    return {"jobs": [job.id], "folder": str(folder)}


def keep(studio: Studio, job: Job) -> None:
    """Store a finished reproduction's summary under the hash of its plan."""
    summary = json.loads((Path(job.spec["folder"]) / "summary.json").read_text())
    key = statistics.key_of(KIND, {"plan": summary["about"]["digest"]})
    statistics.put(studio.database, key, KIND, summary)
