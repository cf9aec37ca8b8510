"""Routes of tracks: which of them models learn from."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from app.api.values import RowId
from app.services import Studio, tracks


class LeftOut(BaseModel):
    """The tracks that no model learns from."""

    left_out: Annotated[list[Annotated[str, Field(max_length=1000)]], Field(max_length=1000)]


def routes(studio: Studio) -> APIRouter:
    """Return the routes."""
    r = APIRouter(prefix="/api/projects/{project}/tracks")

    @r.get("")
    def get(project: RowId) -> dict[str, Any]:
        return {"left_out": tracks.left_out(studio, project)}

    @r.post("")
    def leave_out(project: RowId, body: LeftOut) -> dict[str, Any]:
        return {"left_out": tracks.leave_out(studio, project, body.left_out)}

    return r
