"""The route of the generation inspector."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Query

from app.api.values import RowId
from app.services import Studio, inspection
from app.services.inference import InferenceWorker
from app.services.machine import compute_slots


def routes(studio: Studio) -> APIRouter:
    """Return the route; its worker ends with the server."""
    worker = InferenceWorker(studio, compute_slots()[-1])

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        worker.close()

    r = APIRouter(prefix="/api", lifespan=lifespan)

    @r.get("/inspect")
    def inspect(
        run: RowId,
        video: RowId,
        t: Annotated[int, Query(ge=0, le=10**15)],
        question: Annotated[str, Query(max_length=40)] = "",
    ) -> dict[str, Any]:
        return inspection.inspect(studio, worker, run, video, t, question)

    return r
