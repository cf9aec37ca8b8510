"""How a person has set up the pages."""

from typing import Any

from app.services import Studio
from storage.preferences import read_preferences, write_preferences


def stored(studio: Studio) -> dict[str, Any]:
    """Return what was stored, an empty object at first."""
    return read_preferences(studio.directory.preferences)


def store(studio: Studio, value: dict[str, Any]) -> None:
    """Store an object in the place of the former one."""
    write_preferences(studio.directory.preferences, value)
