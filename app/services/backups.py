"""Backups: made by themselves while the studio runs, asked for in the shell, put back there."""

import itertools
import logging
import os
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from app.services import Studio
from core.errors import Conflict, InvalidConfig, StudioError
from storage.backup import FOLDER, Backup, back_up, dated, list_backups
from storage.data_directory import DataDirectory
from storage.restore import restore
from storage.rotation import AUTOMATIC, superseded
from storage.server import VARIABLE, from_environment

log = logging.getLogger(__name__)

LATEST = "latest"
EVERY = timedelta(hours=20)
"""Less than a day, so that who works at the same hours each day has a backup of each day."""

_LOOK_S = 600.0
_LEFTOVER = timedelta(days=1)
_WRITTEN = ("cache", "runs")
"""Where else files are written under a name of their own before they take their place."""


class Keeper:
    """Makes backups while a server runs: at its start and once a day, in a thread of its own."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._database = studio.directory.database
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="backups", daemon=True)

    def start(self) -> None:
        """Make the first backup if the last one is old, then go on until `close`."""
        self._thread.start()

    def close(self) -> None:
        """Make no more; one that is nearly written is finished, a large one is given up."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(10)

    def _run(self) -> None:
        give_way()
        reason = "start"
        while True:
            self.look(reason)
            reason = "daily"
            if self._stop.wait(_LOOK_S):
                return

    def look(self, reason: str) -> None:
        """Make a backup if it is time, and remove what the new one supersedes; never raise."""
        if self._studio.database.server is not None:
            return  # whoever runs the server backs it up
        try:
            if is_due(self._database):
                back_up(self._database, reason=reason)
                rotate(self._database)
            self._studio.troubles.pop(FOLDER, None)
        except StudioError as error:
            self._failed(error)
            log.error("%s", error)
        except Exception as error:
            self._failed(
                StudioError("The backup could not be written", error, "The studio's log has more.")
            )
            log.exception("the backup failed; the studio goes on")

    def _failed(self, error: StudioError) -> None:
        self._studio.troubles[FOLDER] = error


def give_way() -> None:
    """Let this thread have the processor only where nobody else wants it.

    Checking a copy keeps a core busy for seconds. Only Linux has priorities of threads.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 15)


def is_due(database: Path) -> bool:
    """Say whether no automatic backup was made in the last 20 hours."""
    now = datetime.now(UTC)
    made = [b.made_at for b in list_backups(database) if b.reason.startswith(AUTOMATIC)]
    # One of the future was made by a clock that has been set right since.
    return not any(now - EVERY < made_at <= now for made_at in made)


def rotate(database: Path) -> None:
    """Remove the automatic backups that others supersede, and what killed processes left."""
    now = datetime.now(UTC)
    for backup in superseded(list_backups(database), now):
        backup.path.unlink(missing_ok=True)
    for place, name in itertools.product((FOLDER, *_WRITTEN), ("*.tmp*", ".*.part")):
        for path in (database.parent / place).rglob(name):
            with suppress(FileNotFoundError):  # whoever wrote it has just finished
                age_s = now.timestamp() - path.stat().st_mtime
                if path.is_file() and age_s > _LEFTOVER.total_seconds():
                    path.unlink()


def make(directory: DataDirectory, to: Path | None) -> dict[str, Any]:
    """Back a database up now, while it may be in use: into a file or folder, or with the others."""
    check_is_file()
    database = directory.database
    if to is not None and to.is_dir():
        to = to / dated(database, "manual").name
    made = back_up(database, reason="manual", to=to.absolute() if to else None)
    return {"backup": str(made), "bytes": made.stat().st_size}


def check_is_file() -> None:
    """Refuse where the database lies on a server.

    Raises:
        InvalidConfig: The message names the tools of the server.
    """
    if from_environment():
        raise InvalidConfig(
            "These backups are of the file in the data directory; this database lies on a server",
            f"{VARIABLE} is set",
            "Use pg_dump and pg_restore, or unset it.",
        )


def listed(directory: DataDirectory) -> list[dict[str, Any]]:
    """Return the backups of a data directory, newest first."""
    return [_shown(backup) for backup in list_backups(directory.database)]


def _shown(backup: Backup) -> dict[str, Any]:
    return {
        "backup": backup.path.name,
        "made_at": backup.made_at.isoformat(timespec="seconds"),
        "reason": backup.reason,
        "bytes": backup.size_bytes,
    }


def check_closed(directory: DataDirectory) -> None:
    """Refuse to put a backup back under a running server.

    Raises:
        Conflict: The message names its address.
    """
    check_is_file()
    card = directory.read_server_card()
    if card is not None:
        raise Conflict(
            "A backup is put back while the studio is closed",
            f"it runs at {card.url}",
            "End it, then try again.",
        )


def put_back(directory: DataDirectory, backup: Path) -> dict[str, Any]:
    """Put a backup in the place of the database while nobody else uses the data directory.

    Raises:
        Conflict: A server or another command runs on it.
    """
    check_closed(directory)
    with directory.hold():
        done = restore(directory.database, backup)
    return {
        "restored": str(done.backup),
        "kept": str(done.kept) if done.kept else None,
        "lacking": done.lacking,
        "log": str(done.log) if done.log else None,
    }
