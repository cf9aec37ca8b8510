"""The route by which a shell command reaches a running server; it needs the server's token."""

import hmac
from typing import Annotated, Any

from fastapi import APIRouter, Header, HTTPException

from app.services import Studio
from app.services.commands import COMMANDS
from core.errors import UnknownName


def routes(studio: Studio, token: str) -> APIRouter:
    """Return the route."""
    r = APIRouter(prefix="/api")

    @r.post("/commands/{name}")
    def command(
        name: str, values: dict[str, Any], authorization: Annotated[str, Header()] = ""
    ) -> dict[str, Any]:
        if not hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
            raise HTTPException(401)
        if name not in COMMANDS:
            raise UnknownName("Unknown command", f"'{name}'", f"Available: {', '.join(COMMANDS)}.")
        return COMMANDS[name](studio, values)

    return r
