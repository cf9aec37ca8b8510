"""How a command reaches the one process that may write: this one, or a running server."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from app.jobs.runner import Runner
from app.services import open_studio
from app.services.commands import COMMANDS
from core.errors import Conflict, StudioError
from storage.data_directory import DataDirectory, ServerCard

Command = Callable[[str, Mapping[str, Any]], dict[str, Any]]


@contextmanager
def writer(data_dir: Path | None) -> Iterator[Command]:
    """Yield a way to run commands: here if the data directory is free, else by its server."""
    directory = DataDirectory.find(data_dir)
    try:
        with open_studio(data_dir) as studio:
            runner = Runner(studio)
            runner.start()
            try:
                yield lambda name, values: COMMANDS[name](studio, values)
            finally:
                runner.close()
    except Conflict:
        card = directory.read_server_card()
        if card is None:
            raise
        yield lambda name, values: _send(card, name, values)


def _send(card: ServerCard, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{card.url}api/commands/{name}",
        json.dumps(values).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {card.token}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=600) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        said = json.loads(error.read() or b"{}").get("error", {})
        raise StudioError(
            said.get("rule", f"The server answered {error.code}"),
            said.get("value", ""),
            said.get("next", ""),
        ) from None


def follow(run: Command, jobs: list[int], *, quiet: bool) -> None:
    """Stay with jobs until they end.

    Raises:
        StudioError: A job failed; its own sentence is passed on.
    """
    for number in jobs:
        shown = ""
        while True:
            job = run("job", {"job": number})
            line = f"{job['kind']} {number}: {job['message']} {job['done']}/{job['total']}"
            if not quiet and line != shown and job["total"]:
                typer.echo(f"\r{line:<78}", err=True, nl=False)
                shown = line
            if job["state"] in ("DONE", "STOPPED", "FAILED", "LOST"):
                break
            time.sleep(0.3)
        if not quiet and shown:
            typer.echo(err=True)
        if job["state"] in ("FAILED", "LOST"):
            error = job["error"] or {}
            raise StudioError(
                error.get("rule", "The job failed"), error.get("value", ""), error.get("next", "")
            )


def print_json(values: Any) -> None:
    """Print what a machine reads: JSON, and nothing else."""
    typer.echo(json.dumps(values, allow_nan=False))
