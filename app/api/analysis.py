"""Routes of Analyse: figures of runs on a split, and the clips behind a figure."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from app.api.values import RowId
from app.services import (
    Studio,
    analysis_clips,
    confusions,
    label_effects,
    label_tokens,
    statistics,
)
from app.services.analysis_clips import By, Unit
from core.types import Split

Runs = Annotated[str, Query(max_length=1000, pattern=r"^[0-9]{1,9}(,[0-9]{1,9})*$")]
Name = Annotated[str, Query(max_length=1000)]


def routes(studio: Studio) -> APIRouter:
    """Return the routes."""
    r = APIRouter(prefix="/api/projects/{project}/analysis")

    # Sent as they are: looking at every value of a large confusion takes seconds.
    @r.get("")
    def analysis(project: RowId, runs: Runs, split: Split = "test") -> JSONResponse:
        return JSONResponse(statistics.analyse(studio, project, _ids(runs), split))

    @r.get("/confusion")
    def confusion(project: RowId, runs: Runs, split: Split = "test") -> JSONResponse:
        return JSONResponse(confusions.confusions(studio, project, _ids(runs), split))

    @r.get("/cells")
    def cells(
        project: RowId,
        run: RowId,
        true: Name,
        split: Split = "test",
        predicted: Name | None = None,
        by: By = "class",
        unit: Unit = "rows",
    ) -> list[dict[str, Any]]:
        cell = (true, predicted)
        return analysis_clips.cell_clips(studio, project, run, split, cell, by=by, unit=unit)

    @r.get("/only-right")
    def only_right(
        project: RowId, runs: Runs, run: RowId, split: Split = "test"
    ) -> list[dict[str, Any]]:
        return analysis_clips.only_right_clips(studio, project, _ids(runs), split, run)

    @r.get("/labels")
    def labels(
        project: RowId, runs: Runs, split: Split = "test", intervals: bool = True
    ) -> JSONResponse:
        found = label_effects.label_effects(studio, project, _ids(runs), split, intervals=intervals)
        return JSONResponse(found)

    @r.get("/label-check")
    def label_check(project: RowId) -> JSONResponse:
        return JSONResponse(label_tokens.label_check(studio, project))

    return r


def _ids(runs: str) -> list[int]:
    return [int(part) for part in runs.split(",")]
