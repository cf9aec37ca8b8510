"""The route of the embedding map."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from analysis.projection import Method
from app.api.values import RowId, row_ids
from app.services import Studio
from app.services.embedding_map import embedding_map
from app.services.map_base import Layout
from app.services.map_points import Choice
from core.types import SPLITS, Split

Word = Annotated[str, Query(max_length=1000)]
Ids = Annotated[str, Query(max_length=200)]
Seed = Annotated[int, Query(ge=0, le=2**31 - 1)]
Neighbours = Annotated[int | None, Query(ge=2, le=500)]


def routes(studio: Studio) -> APIRouter:
    """Return the routes."""
    r = APIRouter(prefix="/api")

    @r.get("/projects/{project}/map")
    def of_project(
        project: RowId,
        runs: Ids = "",
        split: Ids = "",
        method: Method = "tsne",
        verb: Word = "",
        noun: Word = "",
        seed: Seed = 0,
        neighbours: Neighbours = None,
        fresh: bool = False,
    ) -> JSONResponse:
        wanted = tuple(row_ids(runs))
        splits: tuple[Split, ...] = tuple(s for s in SPLITS if not split or s in split.split(","))
        layout = Layout(method, seed, neighbours, fresh)
        found: dict[str, Any] = embedding_map(
            studio, project, Choice(wanted, splits, verb, noun), layout
        )
        # Sent as it is: looking at every value of twenty thousand points takes seconds.
        return JSONResponse(found)

    return r
