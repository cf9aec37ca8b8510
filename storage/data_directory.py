"""The one folder in which everything lies, and who may write in it."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import platformdirs
import psutil
from filelock import FileLock, Timeout

from core.errors import Conflict, StudioError
from storage.artifacts import write_json

VARIABLE = "GAD_DATA"
"""The environment variable that names the data directory."""

_CLOCK_TOLERANCE_S = 1.0


@dataclass(frozen=True, slots=True)
class ServerCard:
    """What the running server tells about itself in `server.json`."""

    url: str
    pid: int
    pid_start: float
    token: str

    @property
    def is_alive(self) -> bool:
        """Whether that process still runs, and is not another one with its number."""
        try:
            started = psutil.Process(self.pid).create_time()
        except psutil.Error:
            return False
        return abs(started - self.pid_start) < _CLOCK_TOLERANCE_S

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Read the content of `server.json`."""
        return cls(
            str(value["url"]), int(value["pid"]), float(value["pid_start"]), str(value["token"])
        )


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """The data directory and the places in it."""

    root: Path

    @classmethod
    def find(
        cls, option: Path | None = None, environment: Mapping[str, str] = os.environ
    ) -> "DataDirectory":
        """Return the directory of `--data-dir`, else of `GAD_DATA`, else the user's own."""
        if option is None and environment.get(VARIABLE):
            option = Path(environment[VARIABLE])
        if option is None:
            option = Path(platformdirs.user_data_dir("gad-studio", appauthor=False))
        return cls(option.expanduser().absolute())

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.root / "gad.sqlite"

    @property
    def changes(self) -> Path:
        """The second copy of what people did."""
        return self.root / "changes.jsonl"

    @property
    def server_card(self) -> Path:
        """Where the running server says how to reach it."""
        return self.root / "server.json"

    @property
    def preferences(self) -> Path:
        """How a person has set up the pages."""
        return self.root / "preferences.json"

    @property
    def backups(self) -> Path:
        """Copies of the database."""
        return self.root / "backups"

    @property
    def features(self) -> Path:
        """Frozen visual tokens by content."""
        return self.root / "cache" / "features"

    @property
    def proxies(self) -> Path:
        """Playable copies of videos by content."""
        return self.root / "cache" / "proxies"

    @property
    def thumbs(self) -> Path:
        """Thumbnails by content."""
        return self.root / "cache" / "thumbs"

    @property
    def derived(self) -> Path:
        """What else was computed from videos, by content: frame times, filmstrips, shot cuts."""
        return self.root / "cache" / "derived"

    @property
    def backbones(self) -> Path:
        """Backbones that belong to a project: those of its features."""
        return self.root / "backbones"

    @property
    def demo(self) -> Path:
        """The videos of the built-in project."""
        return self.root / "demo"

    @property
    def logs(self) -> Path:
        """What is meant for developers."""
        return self.root / "logs"

    def job(self, job_id: int) -> Path:
        """Return the folder in which a job and the server meet."""
        return self.root / "jobs" / str(job_id)

    def run(self, run_id: int) -> Path:
        """Return the folder of a trained run."""
        return self.root / "runs" / str(run_id)

    def predictions(self, run_id: int, content_hash: str) -> Path:
        """Return the file of a run's predictions for one video."""
        return self.run(run_id) / "predictions" / f"{content_hash}.safetensors"

    def prepare(self) -> None:
        """Make the folders, or say in a sentence why this cannot be a data directory."""
        folders = (self.backups, self.features, self.proxies, self.thumbs, self.demo, self.logs)
        probe = self.root / f".writable-{os.getpid()}"
        try:
            for folder in (*folders, self.root / "jobs", self.root / "runs"):
                folder.mkdir(parents=True, exist_ok=True)
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            raise StudioError(
                "The data directory cannot be written",
                f"'{self.root}' ({error.strerror or error})",
                f"Choose another with --data-dir or {VARIABLE}.",
            ) from error
        if self.database.exists() and not os.access(self.database, os.W_OK):
            raise StudioError(
                "The database file cannot be written",
                f"'{self.database}' is read-only",
                "Give yourself write access to it, or choose another --data-dir.",
            )

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Be the one writer while the block runs.

        The system lets go of the lock when the process ends, however it ends.

        Raises:
            Conflict: another process holds it; the message names the server's address.
        """
        self.prepare()
        lock = FileLock(self.root / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise self._held_elsewhere() from None
        try:
            yield
        finally:
            lock.release()

    def write_server_card(self, url: str, token: str) -> None:
        """Say how to reach this process; only its owner may read that."""
        process = psutil.Process()
        card = ServerCard(url, process.pid, process.create_time(), token)
        write_json(self.server_card, asdict(card), private=True)

    def read_server_card(self) -> ServerCard | None:
        """Return how to reach the running server, or None where none runs."""
        try:
            card = ServerCard.from_json(_json(self.server_card))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return card if card.is_alive else None

    def remove_server_card(self) -> None:
        """Take the card back when the server ends."""
        self.server_card.unlink(missing_ok=True)

    def _held_elsewhere(self) -> Conflict:
        card = self.read_server_card()
        if card is None:
            return Conflict(
                "Another process of GAD Studio uses this data directory",
                f"'{self.root}'",
                "Wait until it has ended, or choose another --data-dir.",
            )
        return Conflict(
            "GAD Studio already runs on this data directory",
            f"'{self.root}'",
            f"Open {card.url}, or choose another --data-dir.",
        )


def _json(path: Path) -> Any:
    return json.loads(path.read_bytes())
