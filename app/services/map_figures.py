"""How labels separate in runs, for a process that may only read: the figures of the map.

They depend on the segments alone and not on how a map lays them out, so nothing is laid out here.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from analysis.projection import one_thread
from app.services import Studio
from app.services.embedding_map import AT_ONCE
from app.services.library import named_project
from app.services.map_making import measured, read_segments
from app.services.map_points import Choice, find_points
from app.services.predictions import Asked
from core.errors import InvalidData, StudioError
from core.types import Split


def map_figures(
    studio: Studio, project: str | int, runs: Sequence[int], split: Split
) -> dict[str, Any]:
    """Return silhouette, purity and linear probe of runs over all segments of a split, by run.

    `missing` is None, or the sentence that says why there are none.
    """
    try:
        choice = Choice(tuple(runs), (split,))
        points = find_points(studio, named_project(studio, project), choice)
        if len(points) > AT_ONCE:
            raise InvalidData(
                f"How labels separate is measured at once up to {AT_ONCE:,} segments",
                f"{len(points):,} in {split}", "Open the map on the page Analyse.",
            )  # fmt: skip
        asked = points.as_asked()
        with one_thread():
            found = [_figures(run, asked) for run in points.runs]
    except StudioError as error:
        return {"runs": [], "missing": str(error)}
    return {"runs": found, "missing": None}


def _figures(run: Asked, asked: dict[str, Any]) -> dict[str, Any]:
    about = {"name": run.name, "folder": str(run.card.folder), "classes": len(run.classes)}
    vectors, _ = read_segments(about, asked["videos"])
    return {"run": run.name, "id": run.id, **asdict(measured(vectors, asked))}
