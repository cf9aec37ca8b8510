"""Routes of Annotate: a video's annotations, operations on them, preferences."""

from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from app.api.values import RowId, Time
from app.services import Studio, annotating, preferences
from storage.operations import Operation
from storage.proposals import ProposalAnswer
from storage.segment_edits import SegmentEdit
from storage.states import SegmentKind, SegmentSource

Id = Annotated[str, Field(max_length=36)]
Number = Annotated[int, Field(ge=0, le=2**53 - 1)]


class Edit(BaseModel):
    """A segment as it shall be; `version` is the one that the page had seen."""

    id: Id
    start_us: Time
    end_us: Time
    label_id: RowId | None
    version: Number | None = None
    track: Annotated[str, Field(max_length=1000)] = ""
    kind: SegmentKind = SegmentKind.INTERVAL
    source: SegmentSource = SegmentSource.HUMAN
    confidence: float | None = None
    note: Annotated[str, Field(max_length=100_000)] = ""
    parent_id: Id | None = None
    deleted: bool = False


class Answer(BaseModel):
    """What the person says to a proposal."""

    proposal: Id
    run: RowId
    rejected: bool


class OperationBody(BaseModel):
    """What the person did at once."""

    id: Id
    name: Annotated[str, Field(max_length=1000)]
    edits: Annotated[list[Edit], Field(max_length=20_000)] = []
    answers: Annotated[list[Answer], Field(max_length=20_000)] = []
    undoes: Id | None = None
    redoes: Id | None = None


def routes(studio: Studio) -> APIRouter:
    """Return the routes."""
    r = APIRouter(prefix="/api")

    @r.get("/videos/{video}/annotations")
    def annotations(video: RowId) -> JSONResponse:
        # Sent as it is: looking at every value of twenty thousand segments takes seconds.
        return JSONResponse(annotating.annotations(studio, video))

    @r.post("/videos/{video}/operations")
    def perform(video: RowId, body: OperationBody) -> JSONResponse:
        operation = Operation(
            id=body.id,
            name=body.name,
            edits=[SegmentEdit(**dict(edit)) for edit in body.edits],
            answers=[ProposalAnswer(**dict(answer)) for answer in body.answers],
            undoes=body.undoes,
            redoes=body.redoes,
        )
        return JSONResponse(annotating.perform(studio, video, operation))

    @r.get("/videos/{video}/history")
    def history(
        video: RowId, segment: Id, limit: Annotated[int, Field(ge=1, le=1000)] = 50
    ) -> list[dict[str, Any]]:
        return annotating.history(studio, video, segment, limit)

    @r.get("/preferences")
    def stored() -> dict[str, Any]:
        return preferences.stored(studio)

    @r.post("/preferences")
    def store(body: dict[str, Any]) -> dict[str, Any]:
        preferences.store(studio, body)
        return {}

    return r
