"""REST routes without Gradio: media by id, bulk data, jobs. Errors are rule, value, next step."""

import json

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError

from app.api import (
    analysis,
    analysis_map,
    annotate,
    exchange,
    experiments,
    inspection,
    labels,
    library,
    machine,
    media,
    out,
    proposals,
    results,
    runs,
    shell,
    tracks,
)
from app.services import Studio
from core.errors import Conflict, MissingArtifact, StudioError, Unavailable, UnknownName


def add_routes(app: FastAPI, studio: Studio, token: str) -> None:
    """Add every route to an app, and turn our errors into answers."""
    router = APIRouter()
    for part in (
        library,
        labels,
        exchange,
        annotate,
        experiments,
        machine,
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
    explain_errors(app)


def explain_errors(app: FastAPI) -> None:
    """Turn our errors into answers."""
    app.add_exception_handler(StudioError, _explain)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(Exception, _fault)


def _answer(error: StudioError, status: int) -> Response:
    # Written in ASCII: what a request names need not be text that can be encoded.
    return Response(json.dumps(error.as_json()), status, media_type="application/json")


async def _fault(_: Request, error: Exception) -> Response:
    """Tell nothing of a mistake of ours but that it is one; the server logs its traceback."""
    rule, step = "The program made a mistake", "The log of the server holds the details."
    return _answer(StudioError(rule, type(error).__name__, step), 500)


async def _explain(_: Request, error: Exception) -> Response:
    assert isinstance(error, StudioError)
    match error:
        case UnknownName() | MissingArtifact():
            status = 404
        case Conflict():
            status = 409
        case Unavailable():
            status = 503  # a page keeps what it could not save, and sends it again
        case _:
            status = 400
    return _answer(error, status)


async def _malformed(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    sentence = StudioError(
        "A request must have the form that the route asks for", f"{where}: {first['msg']}"
    )
    return _answer(sentence, 422)
