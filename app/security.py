"""The guard in front of every request: hosts, origins, password, response headers.

Pure ASGI, because `BaseHTTPMiddleware` buffers video. A page of another origin can neither read
nor drive the studio; a name that was rebound to this machine is refused by its host.
"""

import base64
import hmac
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "localhost")

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"referrer-policy", b"same-origin"),
)


class Guard:
    """Refuses foreign hosts, cross-site requests and, where a password is set, strangers."""

    def __init__(
        self, app: Any, hosts: Iterable[str], password: str | None = None, token: str = ""
    ) -> None:
        self.app, self.hosts = app, set(hosts)
        self.password, self.token = password, token

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on, or answer it with a refusal."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {k.decode("latin1"): v.decode("latin1") for k, v in scope["headers"]}
        method = scope.get("method", "GET")
        status = self._status(headers, reading=method in ("GET", "HEAD"))
        if status:
            await _refuse(send, status)
            return

        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        await self.app(scope, receive, with_headers)

    def _status(self, headers: dict[str, str], *, reading: bool) -> int:
        """Return the status of the refusal, 0 where there is none."""
        host, site = headers.get("host", ""), headers.get("sec-fetch-site")
        navigation = reading and headers.get("sec-fetch-mode") == "navigate"
        if urlsplit(f"//{host}").hostname not in self.hosts:
            return 421
        if site == "cross-site" and not navigation:
            return 403
        if site == "same-site" and not reading:  # another port of this machine
            return 403
        if "origin" in headers and urlsplit(headers["origin"]).netloc != host:
            return 403
        return 0 if self._is_known(headers.get("authorization", "")) else 401

    def _is_known(self, authorization: str) -> bool:
        if self.password is None:
            return True
        kind, _, value = authorization.partition(" ")
        if kind == "Bearer":
            return bool(self.token) and hmac.compare_digest(value, self.token)
        try:
            given = base64.b64decode(value, validate=True).decode().partition(":")[2]
        except ValueError:
            return False
        return kind == "Basic" and hmac.compare_digest(given, self.password)


async def _refuse(send: Any, status: int) -> None:
    headers = [(b"content-length", b"0"), *_HEADERS]
    if status == 401:
        headers.append((b"www-authenticate", b'Basic realm="GAD Studio"'))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
