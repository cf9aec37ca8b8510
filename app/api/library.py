"""Routes of the library: projects, videos, splits."""

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from app.api.values import LocalPath, RowId
from app.services import Studio, library, library_table, media

Text = Annotated[str, Field(max_length=4096)]


class Folder(BaseModel):
    """A folder to add."""

    path: LocalPath


class Splits(BaseModel):
    """Videos to put into a split."""

    videos: Annotated[list[RowId], Field(max_length=100_000)]
    split: Text | None


class NewProject(BaseModel):
    """A project to make."""

    name: Text


def routes(studio: Studio) -> APIRouter:
    """Return the routes."""
    r = APIRouter(prefix="/api")

    @r.get("/projects")
    def projects() -> list[dict[str, Any]]:
        return library.overview(studio)

    @r.get("/troubles")
    def troubles() -> list[dict[str, str]]:
        return [error.as_json()["error"] for error in studio.troubles.values()]

    @r.post("/projects")
    def new_project(body: NewProject) -> dict[str, int]:
        return {"id": library.new_project(studio, body.name)}

    @r.get("/projects/{project}/videos")
    def videos(project: RowId) -> list[dict[str, Any]]:
        return library.table(studio, project)

    @r.get("/projects/{project}/state")
    def state(project: RowId) -> dict[str, Any]:
        return library_table.state(studio, project)

    @r.get("/projects/{project}/table")
    def table(project: RowId) -> Response:
        return Response(library_table.table(studio, project), media_type="application/json")

    @r.post("/projects/{project}/folder")
    def add_folder(project: RowId, body: Folder) -> dict[str, Any]:
        return library.add_folder(studio, project, Path(body.path))

    @r.post("/projects/{project}/splits")
    def splits(project: RowId, body: Splits) -> dict[str, Any]:
        library.set_splits(studio, project, body.videos, body.split)  # pyright: ignore[reportArgumentType]
        return {}

    @r.get("/videos/{video}")
    def document(video: RowId, segments: bool = True) -> dict[str, Any]:
        if segments:
            return library.document(studio, video)
        return {"video": library.player_facts(studio, video)}

    @r.post("/videos/{video}/proxy")
    def proxy(video: RowId) -> dict[str, int | None]:
        return {"job": media.want_proxy(studio, video)}

    return r
