"""The routes of `gad serve`: what the run is, how it fares, and predictions of videos."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, FastAPI, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, ValidationError
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from app.services.serving import NotServed, ServedRun

MOST_TOP = 20
_FIELD = "video"
_JSON_BYTES = 10_000
_LOOK_S = 0.25

VideoOf = Callable[[int], Path]
"""Turns the id of a video of the project into its path; raises where there is none."""

_T = TypeVar("_T")


class Known(BaseModel):
    """A video of the project that the run belongs to."""

    video: int = Field(ge=1)


def routes(served: ServedRun, about: dict[str, Any], video_of: VideoOf) -> APIRouter:
    """Return the routes.

    Args:
        served: The run.
        about: What is told of it besides what the process that loaded it says.
        video_of: The paths of the project's videos.
    """
    r = APIRouter(prefix="/v1")

    @r.get("/health")
    def health() -> dict[str, Any]:
        return served.health

    @r.get("/run")
    def run() -> dict[str, Any]:
        if served.about is None:
            raise NotServed(503, "The run is being loaded", "", "Ask again.", retry_s=2)
        return {**about, **served.about, "limits": served.limits.as_json()}

    @r.post("/predict")
    async def predict(
        request: Request, top: Annotated[int, Query(ge=0, le=MOST_TOP)] = 0
    ) -> Response:
        try:
            async with served.place() as folder:
                path = await _received(request, served, folder, video_of)
                found = await _unless_left(request, served.predict(path, folder, top=top))
        except ClientDisconnect:
            return Response(status_code=499)
        return JSONResponse({**about, **found})

    return r


def explain(app: FastAPI) -> None:
    """Answer a refusal with its own status."""

    async def answer(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, NotServed)
        headers = {"Retry-After": str(error.retry_s)} if error.retry_s else None
        return JSONResponse(error.as_json(), error.status, headers)

    app.add_exception_handler(NotServed, answer)


async def _received(request: Request, served: ServedRun, folder: Path, video_of: VideoOf) -> Path:
    """Return the path of the video that a request is about: one of the project, or the upload."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        async with asyncio.timeout(served.limits.upload_s):
            if kind == "application/json":
                body = await _limited(request, _JSON_BYTES).body()
                known = Known.model_validate_json(body)
                return await asyncio.to_thread(video_of, known.video)
            if kind == "multipart/form-data":
                return await _uploaded(_limited(request, served.limits.upload_bytes), folder)
    except TimeoutError:
        raise NotServed(
            408, f"An upload may take at most {served.limits.upload_s:g} s", "", "Send it again."
        ) from None
    except ValidationError as error:
        raise NotServed(
            422, "JSON must name a video of the project", error.errors()[0]["msg"],
            'Send {"video": 12}, or the file itself as multipart/form-data.',
        ) from None  # fmt: skip
    raise NotServed(
        415, "A video comes as multipart/form-data, or as the JSON of its number", kind,
        "Send the file in the field 'video'.",
    )  # fmt: skip


async def _uploaded(request: Request, folder: Path) -> Path:
    """Write the file of a form to a folder, under a name of ours."""
    try:
        parser = MultiPartParser(request.headers, request.stream(), max_files=1, max_fields=1)
        form = await parser.parse()
    except MultiPartException as error:
        raise NotServed(400, "A form must be well-formed", error.message, "") from None
    file, path = form.get(_FIELD), folder / "video"
    if file is None or isinstance(file, str):
        raise NotServed(
            422, f"A form must hold one file in the field '{_FIELD}'", "it holds none",
            "For example: curl -F video=@clip.mp4",
        )  # fmt: skip

    def copy() -> None:
        with path.open("wb") as target:
            shutil.copyfileobj(file.file, target, 1 << 20)

    try:
        await asyncio.to_thread(copy)
    finally:
        await form.close()
    return path


def _limited(request: Request, most: int) -> Request:
    """Return the same request, which ends where its body grows too large."""
    taken = 0

    def check(size: int) -> None:
        if size > most:
            raise NotServed(
                413, f"A request may hold at most {most / 1e6:,.0f} MB", "it is larger",
                "Send a shorter or smaller video.",
            )  # fmt: skip

    async def receive() -> Any:
        nonlocal taken
        message = await request.receive()
        taken += len(message.get("body", b""))
        check(taken)
        return message

    declared = request.headers.get("content-length", "0")
    check(int(declared) if declared.isdigit() else 0)
    return Request(request.scope, receive)


async def _unless_left(request: Request, work: Awaitable[_T]) -> _T:
    """Return the answer, or stop the work and raise `ClientDisconnect` where nobody waits."""
    task = asyncio.ensure_future(work)
    try:
        while not (await asyncio.wait([task], timeout=_LOOK_S))[0]:
            if await request.is_disconnected():
                raise ClientDisconnect
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
