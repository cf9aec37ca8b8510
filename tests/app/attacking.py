"""A server to attack, what there is to attack, and hostile values for every place of a request."""

import http.client
import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi.openapi.utils import get_openapi

from app.main import Address, create_app
from app.services import open_studio
from tests.app.test_server import free_port

SECRET = "canary-5f0c1a9e"
"""Stands in a file outside of the project; whoever reads it in an answer got out."""

TEXTS = (
    "\0", "../../../../../../etc/passwd", "/proc/self/environ", "C:\\Windows\\x.mp4",
    "\\\\?\\C:\\x",
    "file:///etc/passwd", "http://127.0.0.1:1/x.mp4", "NUL", "x.mp4::$DATA", "\ud800",
    "<img src=x onerror=alert(1)>", "${7*7}{{7*7}}", "=cmd|' /C calc'!A0",
    "'; DROP TABLE video; --",
    "%s%n%d", "\u202e\u0661", "~nobody/x", "x" * 300, "x" * 10_000,
)  # fmt: skip
NUMBERS = (-1, 2**31, 2**63, 10**400, 1e308)
TRAVERSALS = (
    "../../../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd",
    "..%5c..%5cpyproject.toml", "%2fetc%2fpasswd", "//etc/passwd", "%00", "a%00.js",
    "%c0%ae%c0%ae/x",
    "..;/..;/etc/passwd", "C:%5cWindows", "NUL", "studio.js::$DATA",
    "http://127.0.0.1:1/", "x" * 300, "x" * 9_000,
)  # fmt: skip
BODIES = (
    b"", b"{", b"null", b"[]", b'"x"', b"7", b"{}", b"\xff\xfe", b"NaN", b"1e400", b"[" * 100_000,
    b'{"a":' * 50_000, b'{"a": 1, "a": 2}',
)  # fmt: skip

Answer = tuple[int, dict[str, str], str]


@dataclass
class Target:
    """A running server with one project, and the secret beside its data."""

    port: int
    data: Path
    log: Path
    _line: http.client.HTTPConnection | None = field(default=None, repr=False)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """Send a request just as it is written; a server that hangs up answers with 0."""
        named = {"Host": f"127.0.0.1:{self.port}"}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            named.setdefault("Content-Length", str(len(body)))
            named.setdefault("Content-Type", "application/json")
        for last in (False, True):
            if self._line is None:
                self._line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            try:
                self._line.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
                for name, value in named.items():
                    self._line.putheader(name, value)
                self._line.endheaders(body)
                answer = self._line.getresponse()
                text = answer.read(2_000_000).decode("latin1")
                if answer.will_close:
                    self._line = None
                return answer.status, {k.lower(): v for k, v in answer.getheaders()}, text
            except (http.client.HTTPException, OSError):  # an idle line was closed, once
                self._line = None
                if last:
                    return 0, {}, ""
        raise AssertionError

    def rows(self) -> dict[str, list[Any]]:
        """Return every table of the database."""
        with closing(sqlite3.connect(f"file:{self.data}/gad.sqlite?mode=ro", uri=True)) as base:
            names = [
                n for (n,) in base.execute("SELECT name FROM sqlite_master WHERE type='table'")
            ]
            return {name: base.execute(f'SELECT * FROM "{name}"').fetchall() for name in names}


@contextmanager
def attacked(data: Path, log: Path) -> Iterator[Target]:
    """Run `gad app` until the block ends, its complaints in a file."""
    target = Target(free_port(), data, log)
    command = [sys.executable, "-m", "app.cli", "app", "--no-browser", "--port", str(target.port)]
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*command, "--data-dir", str(data)], stdout=file, stderr=subprocess.STDOUT
        )
    try:
        end = time.monotonic() + 90
        while target.ask("GET", "/api/projects")[0] != 200:
            assert process.poll() is None and time.monotonic() < end, log.read_text()
            time.sleep(0.2)
        yield target
        assert process.poll() is None, log.read_text()
    finally:
        process.kill()
        process.wait()


@dataclass(frozen=True)
class Route:
    """One method of one path, with what it takes."""

    method: str
    path: str
    parameters: tuple[dict[str, Any], ...]
    body: dict[str, Any] | None
    schemas: dict[str, Any] = field(repr=False)

    def at(self, **values: str) -> str:
        """Return the path with values put in; places that are not named get a 2."""
        path = self.path
        for known in self.parameters:
            if known["in"] == "path":
                path = path.replace(f"{{{known['name']}}}", values.get(known["name"], "2"))
        return path

    def named(self, where: str) -> list[str]:
        return [known["name"] for known in self.parameters if known["in"] == where]

    def filled(self, text: str, number: float) -> bytes | None:
        """Return a body of the right form, every text and number of it hostile."""
        if self.body is None:
            return None
        return json.dumps(_filled(self.body, text, number, self.schemas)).encode()


def routes_of(folder: Path) -> tuple[list[Route], list[Route]]:
    """Return the routes of the app and those of Gradio behind it, from their own tables."""
    with open_studio(folder) as studio:
        app = create_app(studio, Address(), "token")
        gradio = app.routes[-1].app  # pyright: ignore[reportAttributeAccessIssue]
        while not hasattr(gradio, "routes"):
            gradio = gradio.app
        return _routes(app.routes), _routes(gradio.routes)


def _routes(table: Any) -> list[Route]:
    described = get_openapi(title="", version="", routes=table)
    schemas = described.get("components", {}).get("schemas", {})
    found = []
    for path, methods in described["paths"].items():
        for method, about in methods.items():
            content = about.get("requestBody", {}).get("content", {})
            body = content.get("application/json", {}).get("schema")
            known = tuple(about.get("parameters", ()))
            found.append(Route(method.upper(), path, known, body, schemas))
    return found


def _filled(schema: dict[str, Any], text: str, number: float, schemas: dict[str, Any]) -> Any:
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return _filled(schema["anyOf"][0], text, number, schemas)
    match schema.get("type"):
        case "object":
            known = schema.get("properties", {"": {"type": "string"}})
            return {
                name or text: _filled(part, text, number, schemas) for name, part in known.items()
            }
        case "array":
            return [_filled(schema["items"], text, number, schemas)]
        case "integer" | "number":
            return number
        case "boolean":
            return False
        case _:
            return text[: schema.get("maxLength", len(text))]
