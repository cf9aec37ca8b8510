"""Routes of what models and second annotators tell the person who labels."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from app.services import Studio, label_check, proposals, queueing, track_agreement
from app.services.queueing import By
from core.types import SECOND

Shortest = Annotated[int, Query(ge=0, le=3600 * SECOND)]
Limit = Annotated[int, Query(ge=1, le=10_000)]
Track = Annotated[str, Query(max_length=100)]


def routes(studio: Studio) -> APIRouter:
    """Return the routes."""
    r = APIRouter(prefix="/api")

    @r.get("/videos/{video}/proposals")
    def of_video(video: int, run: int, min_us: Shortest = proposals.SHORTEST_US) -> dict[str, Any]:
        return proposals.proposals(studio, video, run, min_us)

    @r.get("/projects/{project}/queue")
    def queue(project: int, by: By = "coverage", runs: str = "") -> list[dict[str, Any]]:
        wanted = [int(part) for part in runs.split(",") if part.isdigit()]
        return queueing.queue(studio, project, by, wanted)

    @r.get("/projects/{project}/doubtful")
    def doubtful(project: int, run: int, limit: Limit = 200) -> list[dict[str, Any]]:
        return label_check.doubtful(studio, project, run, limit)

    @r.get("/projects/{project}/changed")
    def changed(project: int, before: int, after: int) -> dict[str, Any]:
        return label_check.changed(studio, project, before, after)

    @r.get("/videos/{video}/agreement")
    def agreement_of_video(video: int, first: Track, second: Track) -> dict[str, Any]:
        return track_agreement.of_video(studio, video, first, second)

    @r.get("/projects/{project}/agreement")
    def agreement_of_project(project: int, first: Track, second: Track) -> dict[str, Any]:
        return track_agreement.of_project(studio, project, first, second)

    return r
