"""Routes of Compare."""

from typing import Any

from fastapi import APIRouter

from app.services import Studio, results


def routes(studio: Studio) -> APIRouter:
    """Return the routes."""
    r = APIRouter(prefix="/api")

    @r.get("/compare/{video}")
    def compare(video: int, runs: str = "") -> dict[str, Any]:
        wanted = [int(part) for part in runs.split(",") if part.isdigit()]
        return results.compare(studio, video, wanted)

    @r.get("/projects/{project}/first-video")
    def first_video(project: int) -> dict[str, int | None]:
        return {"video": results.first_video(studio, project)}

    return r
