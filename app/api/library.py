"""Routes of the library: projects, videos, splits, imports."""

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from app.services import Studio, importing, library, media

Text = Annotated[str, Field(max_length=4096)]


class Folder(BaseModel):
    """A folder to add."""

    path: Text


class Splits(BaseModel):
    """Videos to put into a split."""

    videos: Annotated[list[int], Field(max_length=100_000)]
    split: Text | None


class ImportRequest(BaseModel):
    """Annotation files to import; `token` makes a repeated request one import."""

    paths: Annotated[list[Text], Field(max_length=1000)]
    token: Annotated[str, Field(max_length=64)] = ""
    skip_faulty: bool = False
    frame_rate: float | None = None


class NewProject(BaseModel):
    """A project to make."""

    name: Text


def routes(studio: Studio) -> APIRouter:
    """Return the routes."""
    r = APIRouter(prefix="/api")

    @r.get("/projects")
    def projects() -> list[dict[str, Any]]:
        return library.overview(studio)

    @r.post("/projects")
    def new_project(body: NewProject) -> dict[str, int]:
        return {"id": library.new_project(studio, body.name)}

    @r.get("/projects/{project}/videos")
    def videos(project: int) -> list[dict[str, Any]]:
        return library.table(studio, project)

    @r.post("/projects/{project}/folder")
    def add_folder(project: int, body: Folder) -> dict[str, Any]:
        return library.add_folder(studio, project, Path(body.path))

    @r.post("/projects/{project}/splits")
    def splits(project: int, body: Splits) -> dict[str, Any]:
        library.set_splits(studio, project, body.videos, body.split)  # pyright: ignore[reportArgumentType]
        return {}

    @r.post("/projects/{project}/import/preview")
    def preview(project: int, body: ImportRequest) -> dict[str, Any]:
        return importing.preview(
            studio, project, [Path(path) for path in body.paths], frame_rate=body.frame_rate
        )

    @r.post("/projects/{project}/import")
    def commit(project: int, body: ImportRequest) -> dict[str, Any]:
        return importing.commit_import(
            studio, project, [Path(path) for path in body.paths],
            token=body.token, skip_faulty=body.skip_faulty, frame_rate=body.frame_rate,
        )  # fmt: skip

    @r.get("/videos/{video}")
    def document(video: int) -> dict[str, Any]:
        return library.document(studio, video)

    @r.post("/videos/{video}/proxy")
    def proxy(video: int) -> dict[str, int | None]:
        return {"job": media.want_proxy(studio, video)}

    return r
