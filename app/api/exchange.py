"""Routes of files of other tools: annotations in, with preview and undo, and out."""

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from app.api.values import LocalPath, RowId
from app.services import Studio, exporting, importing
from app.services.import_preview import Choices
from core.formats.columns import ColumnMapping
from core.types import Split

Text = Annotated[str, Field(max_length=4096)]
Paths = Annotated[list[LocalPath], Field(max_length=1000)]


class Mapping(BaseModel):
    """Which column of a table is what, and the unit of its times."""

    columns: Annotated[dict[Text, Text], Field(max_length=20)]
    unit: Text = "seconds"
    header: bool = True


class ImportRequest(BaseModel):
    """Annotation files to import; `token` makes a repeated request one import."""

    paths: Paths
    token: Annotated[str, Field(max_length=64)] = ""
    skip_faulty: bool = False
    frame_rate: float | None = None
    mapping: Mapping | None = None
    tracks: Annotated[list[Text], Field(max_length=1000)] | None = None

    @property
    def files(self) -> list[Path]:
        """The paths of these files."""
        return [Path(path) for path in self.paths]

    @property
    def choices(self) -> Choices:
        """What the person chose about them."""
        return Choices(
            frame_rate=self.frame_rate,
            mapping=ColumnMapping(**self.mapping.model_dump()) if self.mapping else None,
            tracks=None if self.tracks is None else tuple(self.tracks),
        )


class Table(BaseModel):
    """Files of which the first table is looked at; whether a line of names comes first."""

    paths: Paths
    header: bool | None = None


class Export(BaseModel):
    """What to write, and where."""

    format: Text
    target: LocalPath
    split: Split | None = None


def routes(studio: Studio) -> APIRouter:
    """Return the routes."""
    r = APIRouter(prefix="/api")

    @r.post("/projects/{project}/import/preview")
    def preview(project: RowId, body: ImportRequest) -> dict[str, Any]:
        return importing.preview(studio, project, body.files, body.choices)

    @r.post("/projects/{project}/import")
    def commit(project: RowId, body: ImportRequest) -> dict[str, Any]:
        return importing.commit_import(
            studio, project, body.files, body.choices,
            token=body.token, skip_faulty=body.skip_faulty,
        )  # fmt: skip

    @r.post("/import/columns")
    def columns(body: Table) -> dict[str, Any] | None:
        return importing.columns([Path(path) for path in body.paths], header=body.header)

    @r.get("/projects/{project}/imports")
    def made(project: RowId) -> list[dict[str, Any]]:
        return importing.made(studio, project)

    @r.post("/imports/{number}/undo")
    def undo(number: RowId) -> dict[str, int]:
        return importing.undo(studio, number)

    @r.get("/projects/{project}/export")
    def plan(project: RowId, split: Split | None = None) -> dict[str, Any]:
        return exporting.plan(studio, project, split=split)

    @r.post("/projects/{project}/export")
    def export(project: RowId, body: Export) -> dict[str, Any]:
        return exporting.start(studio, project, body.format, Path(body.target), split=body.split)

    return r
