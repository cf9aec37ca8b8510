"""The route of the meter: how busy the machine is."""

from typing import Any

from fastapi import APIRouter

from app.services import Studio
from app.services.meter import Meter


def routes(studio: Studio) -> APIRouter:
    """Return the route; the meter reads the machine once a second at most."""
    meter = Meter(studio)
    r = APIRouter(prefix="/api")

    @r.get("/machine")
    def machine() -> dict[str, Any]:
        return meter.read()

    return r
