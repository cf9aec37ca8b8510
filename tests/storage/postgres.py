"""A real PostgreSQL server of its own for tests, in a temporary folder, reached by a socket."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
import sqlalchemy as sa

USER = "postgres" if hasattr(os, "geteuid") and os.geteuid() == 0 else None
"""Who runs the server: it refuses to run for root."""


@dataclass(frozen=True)
class Server:
    """A running server; every test has a database of its own in it."""

    folder: Path

    def url(self, name: str) -> str:
        return f"postgresql://gad@/{name}?host={self.folder}"

    def run(self, *statements: str, on: str = "postgres") -> None:
        """Run statements outside of any transaction."""
        engine = sa.create_engine(
            self.url(on).replace("postgresql:", "postgresql+psycopg:"),
            isolation_level="AUTOCOMMIT",
            poolclass=sa.pool.NullPool,
        )
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def create(self, name: str) -> str:
        """Make an empty database and return its URL; one of the same name goes."""
        self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name}")
        return self.url(name)

    def stop(self, how: str = "immediate") -> None:
        _run(self.folder, "pg_ctl", "-D", "data", "-m", how, "-w", "stop")

    def start(self) -> None:
        options = f"-c listen_addresses= -c unix_socket_directories={self.folder} -c fsync=off"
        _run(
            self.folder, "pg_ctl", "-D", "data", "-l", "log.txt", "-w", "-o", options, "start"
        )  # fmt: skip


@contextmanager
def running() -> Iterator[Server]:
    """Start a server; where it is missing, skip, or fail if GAD_REQUIRE asks for it."""
    if _tool("initdb") is None or find_spec("psycopg") is None:
        ways = "apt-get install postgresql, pip install 'gad-studio[postgres]'"
        if "postgres" in os.environ.get("GAD_REQUIRE", ""):
            pytest.fail(f"PostgreSQL and psycopg are required but missing: {ways}")
        pytest.skip("PostgreSQL or psycopg is not installed")
    with tempfile.TemporaryDirectory(prefix="gad-pg-") as name:
        folder = Path(name)
        if USER:
            shutil.chown(folder, USER)
        settings = ("-A", "trust", "-U", "gad", "-E", "UTF8", "--locale=C", "--no-sync")
        _run(folder, "initdb", "-D", "data", *settings)
        server = Server(folder)
        # It ends with its input, however this process ends, and then ends the server.
        ending = f"cat; exec '{_tool('pg_ctl')}' -D data -m immediate -w stop > said.txt 2>&1"
        with subprocess.Popen(["sh", "-c", ending], cwd=folder, user=USER, stdin=subprocess.PIPE):
            server.start()
            yield server


def _run(folder: Path, tool: str, *arguments: str) -> None:
    found = _tool(tool)
    assert found is not None
    # A file, not a pipe: the server inherits it and would hold a pipe open.
    with (folder / "said.txt").open("w+") as said:
        done = subprocess.run(
            [found, *arguments], cwd=folder, user=USER, stdout=said, stderr=said, timeout=60
        )
        said.seek(0)
        assert done.returncode == 0, said.read()


def _tool(name: str) -> str | None:
    """Return a program of the newest server that is installed; Debian keeps them off the path."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
    return shutil.which(name, path=os.pathsep.join([*map(str, folders[::-1]), os.environ["PATH"]]))
