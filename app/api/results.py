"""Routes of Compare."""

from typing import Any

from fastapi import APIRouter

from app.api.values import RowId, row_ids
from app.services import Studio, results


def routes(studio: Studio) -> APIRouter:
    """Return the routes."""
    r = APIRouter(prefix="/api")

    @r.get("/compare/{video}")
    def compare(video: RowId, runs: str = "") -> dict[str, Any]:
        wanted = row_ids(runs)
        return results.compare(studio, video, wanted)

    @r.get("/projects/{project}/first-video")
    def first_video(project: RowId) -> dict[str, int | None]:
        return {"video": results.first_video(studio, project)}

    return r
