"""What a segment must be before it is stored, whoever brings it: a person, a file, a script."""

import math
from collections.abc import Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import InvalidData, UnknownName
from core.types import SECOND
from storage import tables
from storage.database import batches
from storage.names import clean_text
from storage.states import SegmentKind

LATEST_US = 2**53 - 1
"""The latest time that a browser can count exactly."""

_LONGEST_TRACK = 100


def check_span(start_us: int, end_us: int, kind: SegmentKind = SegmentKind.INTERVAL) -> None:
    """Raise `InvalidData` unless the times are those of a segment of this kind."""
    times = f"{start_us / SECOND:.2f} s to {end_us / SECOND:.2f} s"
    if start_us < 0 or end_us > LATEST_US:
        raise InvalidData("A segment must lie in its video", times, "Correct the times.")
    if kind is SegmentKind.POINT:
        if end_us != start_us:
            raise InvalidData("A point must have one time", times, "Correct the times.")
    elif end_us <= start_us:
        raise InvalidData("A segment must end after it starts", times, "Correct the times.")


def check_label(
    kind: SegmentKind, label_id: int | None, labels: Mapping[int, tables.Label]
) -> None:
    """Raise unless the label is one of the project, or the segment is one to be ignored."""
    if label_id is None and kind is not SegmentKind.IGNORE:
        raise InvalidData("A segment needs a label", next_step="Choose one.")
    if label_id is not None and label_id not in labels:
        raise UnknownName(
            "This project has no such label", label_id, "Reload the labels and choose again."
        )


def check_confidence(confidence: float | None) -> None:
    """Raise `InvalidData` unless a confidence is missing or between 0 and 1."""
    if confidence is not None and not (math.isfinite(confidence) and 0 <= confidence <= 1):
        raise InvalidData("A confidence lies between 0 and 1", confidence, "Correct it.")


def check_parents(parents: Mapping[str, str | None], changed: Iterable[str]) -> None:
    """Raise unless what `changed` segments are a part of is there, and nothing is part of itself.

    Args:
        parents: Every segment of one video and what it is a part of.
        changed: The segments to look at.
    """
    for segment in changed:
        seen, above = {segment}, parents[segment]
        while above is not None:
            if above not in parents:
                raise InvalidData(
                    "A segment is a part of another one of its video", above, "Reload the page."
                )
            if above in seen:
                raise InvalidData(
                    "A segment must not be a part of itself", above, "Choose another one."
                )
            seen.add(above)
            above = parents[above]


def clean_track(track: str) -> str:
    """Return the name of a track in its stored form."""
    return clean_text("A track", track, longest=_LONGEST_TRACK)


def clean_note(note: str) -> str:
    """Return a note in its stored form."""
    return clean_text("A note", note)


def labels_of(
    session: Session, project_id: int, among: Iterable[int | None] | None = None
) -> dict[int, tables.Label]:
    """Return the labels of a project, archived ones too, by id; of some ids on request."""
    table, label_set = tables.Label, tables.LabelSet
    statement = (
        sa.select(table)
        .join(label_set, label_set.id == table.label_set_id)
        .where(label_set.project_id == project_id)
    )
    if among is None:
        return {row.id: row for row in session.scalars(statement)}
    return {
        row.id: row
        for some in batches(sorted(each for each in among if each is not None))
        for row in session.scalars(statement.where(table.id.in_(some)))
    }
