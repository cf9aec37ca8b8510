"""What a person set up on the pages: one JSON object in the data directory."""

import json
import logging
from pathlib import Path
from typing import Any

from core.errors import InvalidData
from storage.artifacts import write_json

log = logging.getLogger(__name__)

LARGEST = 65_536


def read_preferences(path: Path) -> dict[str, Any]:
    """Return what was stored; a file that cannot be read is set aside."""
    try:
        found = json.loads(path.read_bytes())
        if isinstance(found, dict):
            return found
    except FileNotFoundError:
        return {}
    except ValueError:
        pass
    aside = path.with_name(f"{path.stem}-unreadable{path.suffix}")
    path.replace(aside)
    log.warning("'%s' could not be read; it is kept as '%s'", path, aside)
    return {}


def write_preferences(path: Path, value: dict[str, Any]) -> None:
    """Store an object in the place of the former one.

    Raises:
        InvalidData: it is too large, or holds what JSON has no word for.
    """
    try:
        size = len(json.dumps(value, allow_nan=False, ensure_ascii=False).encode())
    except ValueError:
        raise InvalidData("Preferences must be valid JSON", next_step="Reload the page.") from None
    if size > LARGEST:
        raise InvalidData(
            f"Preferences have at most {LARGEST:,} bytes", f"{size:,} were given",
            "Remove what is no longer needed.",
        )  # fmt: skip
    write_json(path, value)
