"""The library's table for a page: asked for only when its revision changed, and sent compactly."""

import json
from dataclasses import asdict
from typing import Any

from app.services import Studio, library
from storage.project_state import predicted_videos, project_state


def state(studio: Studio, project: int) -> dict[str, Any]:
    """Return counts of a project, and a token that changes when its table does."""
    return asdict(project_state(studio.database, project))


def table(studio: Studio, project: int) -> bytes:
    """Return the table as JSON: its revision, names of columns, and rows of values.

    The revision is read first, so that a change in between is seen by the next look.
    """
    revision = project_state(studio.database, project).revision
    predicted = predicted_videos(studio.database, project)
    rows = [(*row, row[0] in predicted) for row in library.rows(studio, project)]
    found = {"revision": revision, "columns": [*library.COLUMNS, "predicted"], "rows": rows}
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()
