"""Routes of the label set: list, add, change, order."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from app.api.values import RowId
from app.services import Studio, label_sets

Word = Annotated[str, Field(max_length=1000)]


class NewLabel(BaseModel):
    """A label to add."""

    name: Word


class LabelChange(BaseModel):
    """What is to be different about a label; what is left out stays."""

    name: Word = ""
    verb: Word = ""
    noun: Word = ""
    colour: Word = ""
    hotkey: Word = ""
    archived: bool = False


class Order(BaseModel):
    """All labels in their new order."""

    ids: Annotated[list[RowId], Field(max_length=100_000)]


def routes(studio: Studio) -> APIRouter:
    """Return the routes."""
    r = APIRouter(prefix="/api")

    @r.get("/projects/{project}/labels")
    def listed(project: RowId) -> dict[str, Any]:
        return label_sets.listed(studio, project)

    @r.post("/projects/{project}/labels")
    def add(project: RowId, body: NewLabel) -> dict[str, int]:
        return {"id": label_sets.add(studio, project, body.name)}

    @r.post("/projects/{project}/labels/order")
    def order(project: RowId, body: Order) -> dict[str, Any]:
        label_sets.order(studio, project, body.ids)
        return {}

    @r.post("/labels/{label}")
    def change(label: RowId, body: LabelChange) -> dict[str, Any]:
        label_sets.change(studio, label, body.model_dump(exclude_unset=True))
        return {}

    return r
