"""REST routes without Gradio: media by id, bulk data, jobs. Errors are rule, value, next step."""

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from app.api import (
    analysis,
    analysis_map,
    annotate,
    exchange,
    experiments,
    inspection,
    labels,
    library,
    media,
    out,
    proposals,
    results,
    runs,
    shell,
    tracks,
)
from app.services import Studio
from core.errors import Conflict, MissingArtifact, StudioError, UnknownName


def add_routes(app: FastAPI, studio: Studio, token: str) -> None:
    """Add every route to an app, and turn our errors into answers."""
    router = APIRouter()
    for part in (
        library,
        labels,
        exchange,
        annotate,
        experiments,
        results,
        inspection,
        analysis,
        analysis_map,
        runs,
        proposals,
        tracks,
        media,
        out,
    ):
        router.include_router(part.routes(studio))
    router.include_router(shell.routes(studio, token))
    app.include_router(router)
    app.add_exception_handler(StudioError, _explain)
    app.add_exception_handler(RequestValidationError, _malformed)


async def _explain(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, StudioError)
    status = 404 if isinstance(error, UnknownName | MissingArtifact) else 400
    return JSONResponse(error.as_json(), 409 if isinstance(error, Conflict) else status)


async def _malformed(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    sentence = StudioError(
        "A request must have the form that the route asks for", f"{where}: {first['msg']}"
    )
    return JSONResponse(sentence.as_json(), 422)
