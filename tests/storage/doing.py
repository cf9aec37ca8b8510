"""What a page does with a video: operations, undoing and redoing them after a reload."""

import uuid
from collections.abc import Iterable

from storage import operations
from storage.annotated_video import AnnotatedVideo, open_annotations
from storage.database import Database
from storage.operations import DoneOperation, Operation, SavedOperation
from storage.segment_edits import ROW, SegmentEdit


def new() -> str:
    return str(uuid.uuid4())


def do(database: Database, video: int, *edits: SegmentEdit, **more) -> tuple[str, SavedOperation]:
    """Perform an operation; returns its id and the answer."""
    operation = Operation(**{"id": new(), "name": "edit", "edits": edits, **more})
    return operation.id, operations.perform(database, video, operation)


def rows(found: AnnotatedVideo) -> dict[str, dict]:
    """Return every segment that a page knows after it was opened, deleted ones too."""
    live = (dict(zip(ROW, values, strict=True)) for values in found.segments)
    return {row["id"]: row for row in (*live, *found.gone)}


def turned(found: AnnotatedVideo, done: DoneOperation, side: str) -> list[SegmentEdit]:
    """Return the edits that bring the segments of an operation to what they were or became."""
    known = rows(found)
    edits = []
    for each in done.segments:
        wanted = each[side] or {**each["after"], "deleted": True}
        edits.append(SegmentEdit(**{**wanted, "version": known[wanted["id"]]["version"]}))
    return edits


def undo(database: Database, video: int) -> None:
    found = open_annotations(database, video)
    done = found.undo[-1]
    do(database, video, *turned(found, done, "before"), name="undo", undoes=done.id)


def redo(database: Database, video: int) -> None:
    found = open_annotations(database, video)
    done = found.redo[-1]
    do(database, video, *turned(found, done, "after"), name="redo", redoes=done.id)


def names(done: Iterable[DoneOperation]) -> list[str]:
    return [each.name for each in done]
