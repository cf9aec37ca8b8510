"""A page in Chromium that edits by keyboard while the server is killed and started again."""

import json
import os
import signal
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from playwright.sync_api import Browser, Page

from app.jobs.runner import Runner
from app.services import library, open_studio
from storage import imports
from storage.imports import ImportBatch, NewSegment
from tests.app import test_server
from tests.app.conftest import finish
from tests.app.drill import OPENED, SAVED, make_film

KEYS = (
    "Tab", "Tab", "Tab", "Shift+Tab", "]", "]", "[", "Shift+[", "Shift+]", "1", "2", "3", "4", "s",
    "m", "Delete", "Control+z", "Control+z", "Control+Shift+z", "Shift+ArrowRight", ".", "f",
)  # fmt: skip

LISTEN = """() => {
  const {saving} = Studio.editor.doc, {add, done} = saving;
  window.made = []; window.called = []; window.waited = 0;
  saving.add = (video, body) => { made.push(body.id); return add.call(saving, video, body); };
  saving.done = (video, said) => {
    called.push({id: saving.queue[0].body.id, segments: said.segments});
    return done.call(saving, video, said);
  };
  const {onState} = saving;
  saving.onState = (state, detail) => {
    if (state === 'waiting') waited = Math.max(waited, detail);
    onState(state, detail);
  };
}"""


@dataclass(frozen=True, slots=True)
class Survived:
    """What became of a page's edits."""

    kills: int
    made: int
    called_saved: int
    lost: int
    most_waiting: int
    seconds: float


def edit_and_kill(data: Path, browser: Browser, *, kills: int, seed: int) -> Survived:
    """Edit by keyboard over so many ends of the server; check that nothing was lost."""
    begun = time.monotonic()
    video = _project(data)
    port, dice = test_server.free_port(), Random(seed)
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    page = context.new_page()
    for number in range(kills + 1):
        with test_server.server(data, port) as (base, process):
            if number == 0:
                page.goto(f"{base}/annotate?video={video}")
                page.wait_for_function(OPENED, timeout=90_000)
                page.evaluate(LISTEN)
            _edit(page, dice, dice.uniform(0.2, 2.5))
            if number < kills:
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
                _edit(page, dice, dice.uniform(0.2, 1.0))
                continue
            page.wait_for_function(SAVED, timeout=60_000)
            told = page.evaluate("() => ({made, called, waited, rows: Studio.editor.doc.live})")
    context.close()
    lost = _lost(data / "gad.sqlite", told)
    return Survived(
        kills, len(told["made"]), len(told["called"]), lost, told["waited"],
        round(time.monotonic() - begun, 1),
    )  # fmt: skip


def _project(data: Path) -> int:
    """Make a project with a labelled film; its name keeps the demo from being rendered beside."""
    film = make_film(data.parent / "tea.mp4", [("make tea", 7)], seconds=20.0)
    with open_studio(data) as studio:
        project = library.new_project(studio, "kitchen")
        library.add_files(studio, project, [film.path])
        finish(Runner(studio, ["cpu"]))
        labels = library.add_labels(studio, project, film.labels)
        (row,) = library.table(studio, project)
        segments = [
            NewSegment(row["id"], d.start_us, d.end_us, labels[d.label]) for d in film.truth
        ]
        batch = ImportBatch(token="film", source="film", format="script", segments=segments)
        imports.import_segments(studio.database, project, batch)
        return row["id"]


def _edit(page: Page, dice: Random, seconds: float) -> None:
    """Press keys like somebody in a hurry."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        page.keyboard.press(dice.choice(KEYS))
        page.wait_for_timeout(dice.uniform(5, 80))


def _lost(path: Path, told: dict[str, Any]) -> int:
    """Count the edits that the page made, or called saved, and that the file does not have so."""
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        changes = dict(database.execute("SELECT operation, detail FROM change"))
        live = database.execute(
            "SELECT id, start_us, end_us, label_id FROM segment WHERE deleted_us IS NULL"
        )
        held = sorted(live.fetchall())
    assert held == sorted(
        (r["id"], r["start_us"], r["end_us"], r["label_id"]) for r in told["rows"]
    )
    wrong = {operation for operation in told["made"] if operation not in changes}
    for each in told["called"]:
        detail = json.loads(changes.get(each["id"]) or '{"segments": [], "unchanged": []}')
        stored = [*(change["after"] for change in detail["segments"]), *detail["unchanged"]]
        if [_essence(row) for row in stored] != [_essence(row) for row in each["segments"]]:
            wrong.add(each["id"])
    return len(wrong)


def _essence(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["id"], row["version"], row["start_us"], row["end_us"], row["deleted"]
