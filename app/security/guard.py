"""The guard in front of every request: hosts, origins, password, closed doors, response headers.

A page of another origin can neither read nor drive the studio; a name that was rebound to this
machine is refused by its host.
"""

import base64
import hmac
import math
from collections.abc import Collection, Iterable
from typing import Any
from urllib.parse import SplitResult, urlsplit

from app.security.attempts import Attempts
from app.security.refusing import Headers, refuse
from core.errors import StudioError

LOOPBACK = ("127.0.0.1", "localhost")

# Gradio's pages begin with inline scripts and compile their templates, so that both must be
# allowed; what a script could do with it stays here: nothing is loaded from or sent elsewhere.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "font-src 'self' data:; connect-src 'self' data: blob:; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", _POLICY.encode()),
)
_LONGEST = 255  # as of a file; what serves files would fail on a longer one
_ASK = (b"www-authenticate", b'Basic realm="GAD Studio"')

Refusal = tuple[int, StudioError, Headers]
"""Status, sentence, further headers."""


class Guard:
    """Refuses foreign hosts, cross-site requests and, where a password is set, strangers.

    Args:
        app: Who answers what is let through.
        hosts: Names under which a request may know this machine.
        password: What a visitor must know; None where nobody is asked.
        token: What a command of this machine sends instead.
        pages: Paths that a link on another site may lead to.
        closed: Beginnings of paths that are answered as if nothing were there.
    """

    def __init__(
        self,
        app: Any,
        hosts: Iterable[str],
        password: str | None = None,
        token: str = "",
        *,
        pages: Collection[str] = ("/",),
        closed: tuple[str, ...] = (),
    ) -> None:
        self.app, self.hosts = app, set(hosts)
        self.password, self.token = password, token
        self.pages, self.closed = frozenset(pages), closed
        self.attempts = Attempts()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on, or answer it with a refusal."""
        if scope["type"] == "websocket":  # no route speaks it
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        headers = {k.decode("latin1"): v.decode("latin1") for k, v in scope["headers"]}
        address = (scope.get("client") or ("",))[0]
        refusal = (
            self._of_host(headers)
            or self._of_site(headers, scope)
            or self._of_password(headers.get("authorization", ""), address)
            or self._of_path(scope["path"])
        )
        if refusal:
            status, error, more = refusal
            await refuse(with_headers, status, error, more)
        else:
            await self.app(scope, receive, with_headers)

    def _of_host(self, headers: dict[str, str]) -> Refusal | None:
        host = headers.get("host", "")
        if _split(f"//{host}").hostname in self.hosts:
            return None
        rule = "A request must name this machine"
        return 421, StudioError(rule, f"it names '{host[:100]}'", "Open the printed address."), ()

    def _of_site(self, headers: dict[str, str], scope: Any) -> Refusal | None:
        """Refuse what a page of another origin sends; following a link to a page is no harm."""
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        link = (
            scope["method"] in ("GET", "HEAD")
            and headers.get("sec-fetch-mode") == "navigate"
            and (scope["path"].rstrip("/") or "/") in self.pages
        )
        own = site in (None, "same-origin", "none") or link
        if own and (origin is None or _split(origin).netloc == headers.get("host", "")):
            return None
        rule = "Another page must not read or drive the studio"
        return 403, StudioError(rule, origin or site, "Open the studio itself."), ()

    def _of_password(self, authorization: str, address: str) -> Refusal | None:
        if self.password is None:
            return None
        kind, _, value = authorization.partition(" ")
        if kind == "Bearer" and self.token and _same(value, self.token):
            return None
        if wait := self.attempts.wait_s(address):
            seconds = math.ceil(wait)
            error = StudioError(
                "Too many wrong passwords came from this address", "", f"Wait {seconds} s."
            )
            return 429, error, [(b"retry-after", str(seconds).encode())]
        given = _password(value) if kind == "Basic" else None
        if given is not None and _same(given, self.password):
            return None
        if authorization:
            self.attempts.was_wrong(address, authorization)
        return 401, StudioError("The studio asks for its password", "", "Enter it."), [_ASK]

    def _of_path(self, path: str) -> Refusal | None:
        if any(len(part) > _LONGEST for part in path.split("/")):
            return 414, StudioError(f"A name in an address has at most {_LONGEST} characters"), ()
        return (404, StudioError("Nothing is here"), ()) if path.startswith(self.closed) else None


def _same(given: str, wanted: str) -> bool:
    """Compare in constant time; texts beyond ASCII too."""
    return hmac.compare_digest(given.encode(), wanted.encode())


def _password(value: str) -> str | None:
    """Return the password of Basic credentials."""
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except ValueError:
        return None


def _split(url: str) -> SplitResult:
    """Return the parts of an address; none of what is no address."""
    try:
        parts = urlsplit(url)
        return parts if parts.hostname else SplitResult("", "", "", "", "")
    except ValueError:
        return SplitResult("", "", "", "", "")
