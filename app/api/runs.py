"""Routes of the panel Runs: the table, notes, putting away, and what two runs have different."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from app.api.values import RowId
from app.services import Studio, run_comparison
from app.services.accuracy_change import accuracy_change
from core.types import Split

Tag = Annotated[str, Field(max_length=200)]


class Note(BaseModel):
    """What to write about a run; what is missing stays."""

    text: Annotated[str, Field(max_length=10_000)] | None = None
    tags: Annotated[list[Tag], Field(max_length=100)] | None = None


class Archive(BaseModel):
    """Whether a run is to be put away or to be brought back."""

    archived: bool


def routes(studio: Studio) -> APIRouter:
    """Return the routes."""
    r = APIRouter(prefix="/api/projects/{project}")

    @r.get("/run-table")
    def run_table(project: RowId) -> list[dict[str, Any]]:
        return run_comparison.run_table(studio, project)

    @r.post("/runs/{run}/note")
    def note(project: RowId, run: RowId, body: Note) -> dict[str, Any]:
        return run_comparison.write_note(studio, project, run, text=body.text, tags=body.tags)

    @r.post("/runs/{run}/archive")
    def archive(project: RowId, run: RowId, body: Archive) -> dict[str, Any]:
        return run_comparison.put_away(studio, project, run, archived=body.archived)

    @r.get("/run-difference")
    def run_difference(project: RowId, first: RowId, second: RowId) -> dict[str, Any]:
        return run_comparison.compare_runs(studio, project, first, second)

    @r.get("/accuracy-change")
    def change(
        project: RowId, first: RowId, second: RowId, split: Split = "test"
    ) -> dict[str, Any]:
        return accuracy_change(studio, project, first, second, split)

    return r
