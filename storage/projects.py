"""Projects: what belongs together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from core.errors import Conflict
from storage import tables
from storage.database import Database, fetch
from storage.names import clean_name, unknown_name

TRACKS_LEFT_OUT = "tracks_left_out"
"""The setting that names the tracks which no model learns from and no figure counts."""


@dataclass(frozen=True, slots=True)
class Project:
    """What belongs together: videos, label sets, runs."""

    id: int
    name: str
    settings: dict[str, Any]


def create_project(
    database: Database, name: str, *, settings: Mapping[str, Any] | None = None
) -> Project:
    """Create a project; its name must be free."""
    name = clean_name("project", name)
    with database.write() as session:
        if session.scalar(sa.select(tables.Project.id).where(tables.Project.name == name)):
            raise Conflict("A project of this name exists", f"'{name}'", "Choose another name.")
        row = tables.Project(name=name, settings=dict(settings or {}))
        session.add(row)
        session.flush()
        return Project(row.id, row.name, row.settings)


def list_projects(database: Database) -> tuple[Project, ...]:
    """Return all projects, oldest first."""
    with database.read() as session:
        rows = session.scalars(sa.select(tables.Project).order_by(tables.Project.id))
        return tuple(Project(row.id, row.name, row.settings) for row in rows)


def find_project(database: Database, name: str | int) -> Project:
    """Return a project by its name or id."""
    projects = list_projects(database)
    for project in projects:
        if name in (project.name, project.id):
            return project
    raise unknown_name("project", name, (project.name for project in projects))


def change_settings(database: Database, project_id: int, settings: Mapping[str, Any]) -> None:
    """Set some settings of a project; the others stay."""
    with database.write() as session:
        row = fetch(session, tables.Project, project_id)
        row.settings = {**row.settings, **settings}
