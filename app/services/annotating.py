"""What the Annotate page asks for: a video's annotations, operations on them, their history."""

from dataclasses import asdict
from typing import Any

from app.services import Studio
from app.services.library import shown
from storage import library, operations
from storage.annotated_video import open_annotations, segment_history
from storage.operations import DoneOperation, Operation
from storage.segment_edits import ROW


def annotations(studio: Studio, video_id: int) -> dict[str, Any]:
    """Return a video with its labels, its segments and what can be undone and redone."""
    video = library.video_by_id(studio.database, video_id)
    found = open_annotations(studio.database, video_id)
    return {
        "video": shown(studio, video),
        "labels": found.labels,
        "revision": found.revision,
        "columns": ROW,
        "segments": found.segments,
        "undo": [_done(each) for each in found.undo],
        "redo": [_done(each) for each in found.redo],
        "gone": found.gone,
    }


def perform(studio: Studio, video_id: int, operation: Operation) -> dict[str, Any]:
    """Save an operation; returns what now stands.

    Raises:
        ChangedElsewhere: A segment was changed in the meantime; nothing is saved.
    """
    saved = operations.perform(studio.database, video_id, operation)
    return {
        "revision": saved.revision,
        "saved_us": saved.saved_us,
        "segments": saved.segments,
    }


def history(studio: Studio, video_id: int, segment: str, limit: int) -> list[dict[str, Any]]:
    """Return what was done to a segment, newest first."""
    return [
        asdict(each) for each in segment_history(studio.database, video_id, segment, limit=limit)
    ]


def _done(operation: DoneOperation) -> dict[str, Any]:
    return {
        "id": operation.id,
        "name": operation.name,
        "segments": operation.segments,
        "answers": operation.answers,
    }
