"""Lets nobody in without a valid token; pure ASGI, like the guard in front of it."""

import asyncio
from typing import Any

from starlette.responses import JSONResponse

from app.services.access_tokens import AccessTokens
from core.errors import StudioError

_REFUSED = StudioError(
    "A request needs a valid token", "",
    "Send the header 'Authorization: Bearer gad_...'; 'gad token create NAME' makes one.",
)  # fmt: skip


class TokenGuard:
    """Refuses requests without the bearer token of somebody who may ask."""

    def __init__(self, app: Any, tokens: AccessTokens) -> None:
        self.app, self._tokens = app, tokens

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on, or answer it with 401."""
        if scope["type"] == "lifespan" or await self._may_enter(dict(scope.get("headers", ()))):
            await self.app(scope, receive, send)
            return
        headers = {"WWW-Authenticate": 'Bearer realm="GAD Studio"'}
        await JSONResponse(_REFUSED.as_json(), 401, headers)(scope, receive, send)

    async def _may_enter(self, headers: dict[bytes, bytes]) -> bool:
        kind, _, value = headers.get(b"authorization", b"").decode("latin1").partition(" ")
        return kind.lower() == "bearer" and await asyncio.to_thread(self._tokens.knows, value)
