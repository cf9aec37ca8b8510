"""What is taken away from Analyse: a report of a comparison, and highlight reels."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from app.api.analysis import Runs
from app.api.values import RowId, Time
from app.services import Studio, comparison_report, reel
from app.services.comparison_report import MEDIA, Form
from app.services.results import MAX_RUNS
from core.types import Split

As = Annotated[Form, Query(alias="as")]


class Clip(BaseModel):
    """A stretch of a video, and what to write on it."""

    video: RowId
    start_us: Annotated[Time, Field(ge=0)]
    end_us: Annotated[Time, Field(gt=0)]
    text: str = Field("", max_length=300)


class Reel(BaseModel):
    """Which clips, and whose answers are written on them."""

    clips: Annotated[list[Clip], Field(min_length=1, max_length=reel.MOST_CLIPS)]
    runs: Annotated[list[RowId], Field(max_length=MAX_RUNS)] = []


def routes(studio: Studio) -> APIRouter:
    """Return the routes."""
    r = APIRouter(prefix="/api")

    @r.get("/projects/{project}/analysis/report")
    def report(project: RowId, runs: Runs, split: Split = "test", form: As = "html") -> Response:
        names = [int(part) for part in runs.split(",")]
        found = comparison_report.collect(studio, project, names, split)
        named = {"Content-Disposition": f'attachment; filename="report-{split}.{form}"'}
        text = comparison_report.written(found, form)
        return Response(text, media_type=MEDIA[form], headers=named)

    @r.post("/projects/{project}/reel")
    def make_reel(project: RowId, body: Reel) -> dict[str, Any]:
        clips = [clip.model_dump() for clip in body.clips]
        return reel.start(studio, project, clips, body.runs)

    @r.get("/reels/{job}")
    def made_reel(job: RowId) -> FileResponse:
        path = reel.file_of(studio, job)
        return FileResponse(path, media_type="video/mp4", filename=f"reel-{job}.mp4")

    return r
