"""Starting real processes that use the storage, to kill them or to race them."""

import subprocess
import sys
from pathlib import Path

from storage.database import Database

ROOT = Path(__file__).parent.parent.parent


def start(program: str, *arguments: object) -> subprocess.Popen[str]:
    """Run a piece of Python in a process of its own; its output can be read line by line."""
    return subprocess.Popen(
        [sys.executable, "-u", "-c", program, *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def lines(process: subprocess.Popen[str], count: int) -> list[str]:
    """Wait for so many lines of a process."""
    assert process.stdout is not None
    return [process.stdout.readline().strip() for _ in range(count)]


def end(process: subprocess.Popen[str]) -> str:
    """Wait for a process and return what else it wrote."""
    rest, _ = process.communicate(timeout=60)
    return rest


def address(database: Database) -> tuple[object, ...]:
    """Return what another process opens the same database with."""
    return (database.path,) if database.server is None else (database.path, database.server)
