"""Routes of fine-tuning: start, watch, stop."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from app.api.values import RowId
from app.services import Studio, backbones, experiments, job_queue


class FineTune(BaseModel):
    """What to train; `all` queues the three classifiers."""

    settings: dict[str, Any] = Field(default_factory=dict)
    all: bool = False


class Stop(BaseModel):
    """How to stop: `keep` or `discard`."""

    how: Annotated[str, Field(max_length=16)]


def routes(studio: Studio) -> APIRouter:
    """Return the routes."""
    r = APIRouter(prefix="/api")

    @r.get("/projects/{project}/data")
    def data(
        project: RowId, task: str = "online_detection", backbone: str | None = None
    ) -> dict[str, Any]:
        return experiments.data_summary(studio, project, task, backbone)

    @r.get("/backbones")
    def known_backbones() -> list[dict[str, Any]]:
        return backbones.list_backbones()

    @r.post("/projects/{project}/fine-tune")
    def fine_tune(project: RowId, body: FineTune) -> list[dict[str, int]]:
        if body.all:
            return experiments.fine_tune_all(studio, project, body.settings)
        return [experiments.fine_tune(studio, project, body.settings)]

    @r.get("/projects/{project}/jobs")
    def jobs(project: RowId) -> list[dict[str, Any]]:
        return job_queue.list_jobs(studio, project)

    @r.get("/projects/{project}/runs")
    def runs(project: RowId) -> list[dict[str, Any]]:
        return experiments.list_runs(studio, project)

    @r.get("/jobs/{job}")
    def detail(job: RowId) -> dict[str, Any]:
        return job_queue.job_detail(studio, job)

    @r.get("/jobs/{job}/curve")
    def curve(
        job: RowId, after: Annotated[int, Field(ge=-1, le=2**31 - 1)] = -1
    ) -> list[list[Any]]:
        return job_queue.curve(studio, job, after)

    @r.get("/jobs/{job}/log")
    def log(job: RowId) -> dict[str, str]:
        return {"log": job_queue.log_tail(studio, job)}

    @r.post("/jobs/{job}/stop")
    def stop(job: RowId, body: Stop) -> dict[str, Any]:
        return job_queue.stop(studio, job, body.how)

    @r.post("/jobs/{job}/resume")
    def resume(job: RowId) -> dict[str, Any]:
        return job_queue.resume(studio, job)

    @r.post("/jobs/{job}/next")
    def put_first(job: RowId) -> dict[str, Any]:
        return job_queue.put_first(studio, job)

    return r
