"""The job that computes a large embedding map."""

from pathlib import Path
from typing import Any

from app.jobs.worker import JobContext
from app.services.map_making import make


def run(context: JobContext) -> dict[str, Any]:
    """Compute the map of the spec's folder; the server keeps what it finds there."""
    make(Path(context.spec["folder"]), context.report)
    return {}
