"""Names and texts that people type: what may be stored, and what to say when one is not known."""

import difflib
import unicodedata
from collections.abc import Iterable

from core.errors import InvalidData, UnknownName

LONGEST_NAME = 200
LONGEST_TEXT = 10_000
SHOWN = 8
"""How many known names a message lists before it only counts them."""

# These turn the reading direction of whatever follows, so that a name could pose as another.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def clean_name(kind: str, name: str) -> str:
    """Return `name` in its one stored form: NFC, with single spaces.

    Raises:
        InvalidData: nothing is left, it is too long, or holds characters that cannot be shown.
    """
    checked = clean_text(f"The name of a {kind}", " ".join(name.split()), longest=LONGEST_NAME)
    if not checked:
        raise InvalidData(f"The name of a {kind} must not be empty", next_step="Give it a name.")
    if any(unicodedata.category(c) == "Cc" or c in _TURNING for c in checked):
        raise InvalidData(
            f"The name of a {kind} must not contain control characters",
            ascii(checked),
            "Type it anew.",
        )
    return checked


def clean_text(what: str, text: str, *, longest: int = LONGEST_TEXT) -> str:
    """Return `text` in NFC, or raise `InvalidData` when it cannot be stored."""
    checked = unicodedata.normalize("NFC", text)
    if len(checked) > longest:
        raise InvalidData(
            f"{what} has at most {longest} characters", f"{len(checked)} were given", "Shorten it."
        )
    if not checked.isprintable() and any(unicodedata.category(c) == "Cs" for c in checked):
        # Half of a surrogate pair has no UTF-8 form; no database takes it.
        raise InvalidData(f"{what} must be valid Unicode", ascii(checked), "Type it anew.")
    return checked


def unknown_name(kind: str, name: object, known: Iterable[str]) -> UnknownName:
    """Return the error for a name that no row has, with the nearest name as a suggestion."""
    names = sorted(known)
    near = difflib.get_close_matches(str(name), names, n=1)
    hint = f"Did you mean '{near[0]}'? " if near else ""
    if not names:
        listing = f"There is no {kind} yet."
    elif len(names) <= SHOWN:
        listing = f"Available: {', '.join(names)}."
    else:
        listing = f"Available: {', '.join(names[:SHOWN])} and {len(names) - SHOWN} more."
    return UnknownName(f"Unknown {kind}", f"'{name}'", f"{hint}{listing}")
