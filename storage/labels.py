"""Label sets: closed lists of actions whose ids stay, whatever becomes of their names."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import types
from core.errors import Conflict, InvalidData
from storage import tables
from storage.changes import record
from storage.database import Database, fetch
from storage.names import clean_name, clean_text, unknown_name

_LONGEST_WORD = 100


@dataclass(frozen=True, slots=True)
class LabelSet:
    """A closed list of actions; `revision` grows with every edit of it."""

    id: int
    project_id: int
    name: str
    revision: int


@dataclass(frozen=True, slots=True)
class NewLabel:
    """A label that is to be added."""

    name: str
    verb: str = ""
    noun: str = ""
    colour: str = ""
    hotkey: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """One action; `segments` is how many segments carry it."""

    id: int
    label_set_id: int
    name: str
    verb: str
    noun: str
    colour: str
    hotkey: str
    position: int
    archived: bool
    segments: int


def create_label_set(database: Database, project_id: int, name: str) -> LabelSet:
    """Create an empty label set; its name must be free in the project."""
    name = clean_name("label set", name)
    with database.write() as session:
        fetch(session, tables.Project, project_id)
        if name in {each.name for each in _label_sets(session, project_id)}:
            raise Conflict("A label set of this name exists", f"'{name}'", "Choose another name.")
        row = tables.LabelSet(project_id=project_id, name=name)
        session.add(row)
        session.flush()
        return LabelSet(row.id, project_id, name, row.revision)


def list_label_sets(database: Database, project_id: int) -> tuple[LabelSet, ...]:
    """Return the label sets of a project, oldest first."""
    with database.read() as session:
        return _label_sets(session, project_id)


def find_label_set(database: Database, project_id: int, name: str | int | None = None) -> LabelSet:
    """Return a label set by its name or id; the project's first one by default."""
    known = list_label_sets(database, project_id)
    for label_set in known:
        if name is None or name in (label_set.name, label_set.id):
            return label_set
    raise unknown_name("label set", name or "", (each.name for each in known))


def add_labels(database: Database, label_set_id: int, labels: Iterable[NewLabel]) -> dict[str, int]:
    """Add the labels that are not there yet and return the ids of all given ones by name.

    A label that was archived comes back. The names of the answer are in their stored form.
    """
    wanted = {clean_name("label", each.name): each for each in labels}
    with database.write() as session:
        label_set = fetch(session, tables.LabelSet, label_set_id)
        known = {row.name: row for row in _rows(session, label_set_id)}
        position = 1 + max((row.position for row in known.values()), default=-1)
        added, returned = [], []
        for name, label in wanted.items():
            _refuse_background(name)
            if name not in known:
                values = _words(label)
                known[name] = tables.Label(
                    label_set_id=label_set_id, name=name, position=position + len(added), **values
                )
                session.add(known[name])
                added.append(name)
            elif known[name].archived:
                known[name].archived = False
                returned.append(name)
        session.flush()
        if added or returned:
            _record(session, label_set, "add labels", {"added": added, "returned": returned})
        return {name: known[name].id for name in wanted}


def rename_label(database: Database, label_id: int, name: str) -> None:
    """Give a label another name; its segments follow, since they know it by its id."""
    name = clean_name("label", name)
    _refuse_background(name)
    with database.write() as session:
        row = fetch(session, tables.Label, label_id)
        if name == row.name:
            return
        if name in {other.name for other in _rows(session, row.label_set_id)}:
            raise Conflict(
                "A label of this name exists", f"'{name}'", "Choose another name, or use that one."
            )
        detail = {"id": label_id, "before": row.name, "after": name}
        row.name = name
        label_set = fetch(session, tables.LabelSet, row.label_set_id)
        _record(session, label_set, "rename label", detail)


def describe_label(database: Database, label_id: int, words: Mapping[str, str]) -> None:
    """Set some of a label's `verb`, `noun`, `colour` and `hotkey`."""
    with database.write() as session:
        row = fetch(session, tables.Label, label_id)
        before = {field: getattr(row, field) for field in _FIELDS}
        unknown = set(words) - set(_FIELDS)
        if unknown:
            raise unknown_name("field of a label", min(unknown), _FIELDS)
        after = _words(NewLabel(row.name, **{**before, **words}))
        if after != before:
            for field, value in after.items():
                setattr(row, field, value)
            detail = {"id": label_id, "label": row.name, "before": before, "after": after}
            label_set = fetch(session, tables.LabelSet, row.label_set_id)
            _record(session, label_set, "describe label", detail)


def archive_label(database: Database, label_id: int, *, archived: bool = True) -> None:
    """Take a label out of the list of classes, or bring it back; its segments stay.

    While a label is archived, its segments are spans that no model is trained or judged on: what
    happens there is an action, but none of the list.
    """
    with database.write() as session:
        row = fetch(session, tables.Label, label_id)
        if row.archived != archived:
            row.archived = archived
            label_set = fetch(session, tables.LabelSet, row.label_set_id)
            detail = {"id": label_id, "label": row.name, "archived": archived}
            _record(session, label_set, "archive label", detail)


def order_labels(database: Database, label_set_id: int, label_ids: Sequence[int]) -> None:
    """Put all labels of a set, archived ones too, into this order: that of the class indices."""
    with database.write() as session:
        rows = {row.id: row for row in _rows(session, label_set_id)}
        if sorted(label_ids) != sorted(rows):
            raise Conflict(
                "An order must name every label of the set once",
                next_step="Reload the labels; somebody may have added one.",
            )
        if list(rows) == list(label_ids):
            return
        for position, label_id in enumerate(label_ids):
            rows[label_id].position = position
        label_set = fetch(session, tables.LabelSet, label_set_id)
        _record(session, label_set, "order labels", {"ids": list(label_ids)})


def list_labels(
    database: Database, label_set_id: int, *, archived: bool = False
) -> tuple[Label, ...]:
    """Return the labels of a set in their order, with their use; archived ones on request."""
    table, segment = tables.Label, tables.Segment
    count = (
        sa.select(sa.func.count())
        .where(segment.label_id == table.id, segment.deleted_us.is_(None))
        .correlate(table)
        .scalar_subquery()
    )
    *fields, _ = Label.__dataclass_fields__
    statement = sa.select(*(getattr(table, name) for name in fields), count)
    statement = statement.where(table.label_set_id == label_set_id)
    if not archived:
        statement = statement.where(table.archived.is_(False))
    with database.read() as session:
        rows = session.execute(statement.order_by(table.position, table.id))
        return tuple(Label(*row) for row in rows)


def classes(database: Database, label_set_id: int) -> types.LabelSet:
    """Return the class names in the order of their indices, as training wants them."""
    table = tables.Label
    statement = sa.select(table.name).where(
        table.label_set_id == label_set_id, table.archived.is_(False)
    )
    with database.read() as session:
        names = session.scalars(statement.order_by(table.position, table.id))
        return types.LabelSet(tuple(names))


_FIELDS = ("verb", "noun", "colour", "hotkey")


def _words(label: NewLabel) -> dict[str, str]:
    return {
        field: clean_text(f"The {field} of a label", getattr(label, field), longest=_LONGEST_WORD)
        for field in _FIELDS
    }


def _refuse_background(name: str) -> None:
    if name.casefold() == "background":
        raise InvalidData(
            "Background is no label: it is where no segment lies",
            f"'{name}'",
            "Leave those moments unmarked; tasks that need a background class add it themselves.",
        )


def _label_sets(session: Session, project_id: int) -> tuple[LabelSet, ...]:
    table = tables.LabelSet
    rows = session.scalars(
        sa.select(table).where(table.project_id == project_id).order_by(table.id)
    )
    return tuple(LabelSet(row.id, row.project_id, row.name, row.revision) for row in rows)


def _rows(session: Session, label_set_id: int) -> list[tables.Label]:
    table = tables.Label
    statement = sa.select(table).where(table.label_set_id == label_set_id)
    return list(session.scalars(statement.order_by(table.position, table.id)))


def _record(
    session: Session, label_set: tables.LabelSet, action: str, detail: dict[str, Any]
) -> None:
    label_set.revision += 1
    record(
        session,
        action,
        {"label_set": label_set.name, **detail},
        project_id=label_set.project_id,
        video_id=None,
    )
