"""The job that makes a highlight reel in its own folder."""

from typing import Any

from app.jobs.worker import JobContext
from app.services.reel import FILE
from app.services.reel_making import make


def run(context: JobContext) -> dict[str, Any]:
    """Draw the spec's clips; the file appears whole, or not at all."""
    return make(context.spec["clips"], context.folder.path / FILE, context.report)
