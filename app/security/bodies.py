"""What a request may send: so many bytes, within so many seconds."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any

from app.security.refusing import refuse
from core.errors import StudioError

MEGABYTE = 1_000_000
_CLOSING = [(b"connection", b"close")]  # the rest of the body is not waited for


class Bodies:
    """Takes a body in before anybody works on it, and refuses one that is too large or too slow.

    Routes read their JSON whole anyway. Who sends a byte a minute holds a socket and no thread.

    Args:
        app: Who answers.
        most: Bytes of a body.
        allowances: Pattern of a path -> bytes, for what needs more.
        patience_s: Seconds that a body may take.
    """

    def __init__(
        self,
        app: Any,
        most: int = 2 * MEGABYTE,
        allowances: Mapping[str, int] | None = None,
        patience_s: float = 60.0,
    ) -> None:
        self.app, self.most, self.patience_s = app, most, patience_s
        self.allowances = [(re.compile(path), size) for path, size in (allowances or {}).items()]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on with its whole body, or answer it with 413 or 408."""
        headers = dict(scope.get("headers", ()))
        declared = headers.get(b"content-length", b"0")
        if declared == b"0" and b"transfer-encoding" not in headers:
            await self.app(scope, receive, send)
            return
        most = self._most(scope["path"])
        try:
            if not declared.isdigit() or int(declared) > most:
                raise _TooLarge
            async with asyncio.timeout(self.patience_s):
                body = await _whole(receive, most)
        except _TooLarge:
            await refuse(send, 413, StudioError(
                f"A request may hold at most {most / MEGABYTE:,.0f} MB", "it is larger",
                "Send less at once.",
            ), _CLOSING)  # fmt: skip
            return
        except TimeoutError:
            await refuse(send, 408, StudioError(
                f"A request must have come whole within {self.patience_s:g} s", "it had not",
                "Send it again.",
            ), _CLOSING)  # fmt: skip
            return
        if body is None:  # whoever asked has left
            return
        told = False

        async def replay() -> Any:
            nonlocal told
            if told:
                return await receive()
            told = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, replay, send)

    def _most(self, path: str) -> int:
        return next((size for known, size in self.allowances if known.fullmatch(path)), self.most)


class _TooLarge(Exception):
    """The body has more bytes than it may have."""


async def _whole(receive: Any, most: int) -> bytes | None:
    """Return a body; None where the client left before it was whole."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most:
            raise _TooLarge
        if not message.get("more_body"):
            return b"".join(parts)
