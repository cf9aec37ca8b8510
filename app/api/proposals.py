"""Routes of what models and second annotators tell the person who labels."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from app.api.values import RowId, row_ids
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
    def of_video(
        video: RowId, run: RowId, min_us: Shortest = proposals.SHORTEST_US
    ) -> dict[str, Any]:
        return proposals.proposals(studio, video, run, min_us)

    @r.get("/projects/{project}/queue")
    def queue(project: RowId, by: By = "coverage", runs: str = "") -> list[dict[str, Any]]:
        wanted = row_ids(runs)
        return queueing.queue(studio, project, by, wanted)

    @r.get("/projects/{project}/doubtful")
    def doubtful(project: RowId, run: RowId, limit: Limit = 200) -> list[dict[str, Any]]:
        return label_check.doubtful(studio, project, run, limit)

    @r.get("/projects/{project}/changed")
    def changed(project: RowId, before: RowId, after: RowId) -> dict[str, Any]:
        return label_check.changed(studio, project, before, after)

    @r.get("/videos/{video}/agreement")
    def agreement_of_video(video: RowId, first: Track, second: Track) -> dict[str, Any]:
        return track_agreement.of_video(studio, video, first, second)

    @r.get("/projects/{project}/agreement")
    def agreement_of_project(project: RowId, first: Track, second: Track) -> dict[str, Any]:
        return track_agreement.of_project(studio, project, first, second)

    return r
