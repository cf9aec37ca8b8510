"""What people keep about runs: a note, tags, and which runs are put away.

It stands in the settings of the project, beside the run and not in it: a run's config stays as it
was frozen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import Conflict, InvalidData
from storage import tables
from storage.database import Database, fetch
from storage.json_values import text_of
from storage.names import clean_name, clean_text
from storage.states import JobState, RunState

RUN_NOTES = "run_notes"
"""The setting that holds them, by the number of the run."""

MOST_TAGS = 20
_LONGEST_TAG = 40
_UNFINISHED = tuple(state for state in JobState if not state.is_finished)


@dataclass(frozen=True, slots=True)
class RunNote:
    """What people wrote about a run."""

    text: str = ""
    tags: tuple[str, ...] = ()


def run_notes(database: Database, project_id: int) -> dict[int, RunNote]:
    """Return the notes of a project's runs by run; runs without any are missing."""
    with database.read() as session:
        kept = fetch(session, tables.Project, project_id).settings.get(RUN_NOTES, {})
    return {
        int(run): RunNote(entry.get("text", ""), tuple(entry.get("tags", ())))
        for run, entry in kept.items()
    }


def put_note(
    database: Database, run_id: int, *, text: str | None = None, tags: Sequence[str] | None = None
) -> RunNote:
    """Write a run's text, its tags, or both; what is None stays. A tag counts once.

    Raises:
        InvalidData: The text or a tag is too long, or there are too many tags.
    """
    changed: dict[str, Any] = {}
    if text is not None:
        changed["text"] = clean_text("The note of a run", text.strip())
    if tags is not None:
        changed["tags"] = _clean_tags(tags)
    with database.write() as session:
        entry = _change(session, fetch(session, tables.Run, run_id), changed)
    return RunNote(entry.get("text", ""), tuple(entry.get("tags", ())))


def archive_run(database: Database, run_id: int) -> None:
    """Put a run away: nothing is deleted, lists leave it out, its name stays taken.

    Raises:
        Conflict: It is being trained, or a job still works with it.
    """
    job = tables.Job
    at_work = sa.select(job.id).where(
        text_of(job.spec, "run") == str(run_id), job.state.in_(_UNFINISHED)
    )
    with database.write() as session:
        row = fetch(session, tables.Run, run_id)
        if row.state is RunState.ARCHIVED:
            return
        if row.state is RunState.TRAINING or session.scalar(at_work.limit(1)) is not None:
            raise Conflict(
                "A run is archived when no job works with it",
                f"'{row.name}' is in use",
                "Wait for its job, or stop it.",
            )
        _change(session, row, {"was": row.state})
        row.state = RunState.ARCHIVED


def bring_back(database: Database, run_id: int) -> None:
    """Undo `archive_run`: the run is again what it was."""
    with database.write() as session:
        row = fetch(session, tables.Run, run_id)
        if row.state is RunState.ARCHIVED:
            row.state = RunState(_change(session, row, {}).get("was", RunState.READY))


def _change(session: Session, run: tables.Run, changed: dict[str, Any]) -> dict[str, Any]:
    """Change a run's entry in the settings of its project; returns the whole entry."""
    project = fetch(session, tables.Project, run.project_id)
    kept = project.settings.get(RUN_NOTES, {})
    entry = {**kept.get(str(run.id), {}), **changed}
    project.settings = {**project.settings, RUN_NOTES: {**kept, str(run.id): entry}}
    return entry


def _clean_tags(tags: Sequence[str]) -> list[str]:
    cleaned = list(dict.fromkeys(clean_name("tag", tag) for tag in tags))
    longest = max(map(len, cleaned), default=0)
    if len(cleaned) > MOST_TAGS or longest > _LONGEST_TAG:
        raise InvalidData(
            f"A run has at most {MOST_TAGS} tags of at most {_LONGEST_TAG} characters",
            f"{len(cleaned)} were given, the longest with {longest}",
            "Shorten them, or write a note.",
        )
    return cleaned
