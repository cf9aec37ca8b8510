"""Times and labels as they stand in annotation files.

Every function raises `InvalidData` with rule, value and next step, from which a reader makes the
fault of the line.
"""

import re
import unicodedata
from decimal import ROUND_HALF_EVEN, Decimal

from core.errors import InvalidData
from core.formats.marks import Mark
from core.formats.source import quoted
from core.types import SECOND

BACKGROUND = frozenset({"background", "bg", "sil", "action_start", "action_end"})
"""Names that mean "no action" in published data sets, case ignored."""

AMBIGUOUS = frozenset({"ambiguous"})
"""Names of spans that carry no target, case ignored."""

LABEL_LIMIT = 200
"""Characters of a class name."""

TRACK_LIMIT = 100
NOTE_LIMIT = 10_000

# `float` takes nan, inf, 1_000, 1e308 and the digits of every script. Nine digits are 31 years.
_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{0,18})?|\.[0-9]{1,18}")
_UNIT = re.compile(r"[01](?:\.[0-9]{0,400})?|\.[0-9]{1,400}")
_CLOCK = re.compile(r"([0-9]{1,4}):([0-5][0-9]):([0-5][0-9](?:\.[0-9]{1,18})?)")


def time_us(text: str, *, name: str = "time", decimal_comma: bool = False) -> int:
    """Return microseconds from seconds (`12.5`) or a clock time (`HH:MM:SS.mmm`).

    Args:
        text: The time; spaces around it do not count.
        name: What the time is, for the message.
        decimal_comma: Whether `12,5` is a number here; in a file whose cells are separated by
            commas it would be two cells.
    """
    bare = text.strip()
    number = bare.replace(",", ".") if decimal_comma else bare
    if _SECONDS.fullmatch(number):
        seconds = Decimal(number)
    elif clock := _CLOCK.fullmatch(number):
        hours, minutes, rest = clock.groups()
        seconds = int(hours) * 3600 + int(minutes) * 60 + Decimal(rest)
    else:
        negative = number.startswith("-") and _SECONDS.fullmatch(number[1:])
        rule = (
            "A time must not be negative"
            if negative
            else "A time is written in seconds such as 12.5, or as HH:MM:SS.mmm"
        )
        raise InvalidData(rule, f"{name} {quoted(bare)}", "Correct the time.")
    return int((seconds * SECOND).to_integral_value(ROUND_HALF_EVEN))


def label_of(text: str) -> str:
    """Return a class name in the one spelling it is stored in: NFC, single spaces, case kept."""
    label = unicodedata.normalize("NFC", " ".join(text.split()))
    kinds = [unicodedata.category(character) for character in label[: LABEL_LIMIT + 1]]
    if all(kind[0] in "CZ" for kind in kinds):
        raise InvalidData("An action must have a name", quoted(text), "Write its name.")
    if len(label) > LABEL_LIMIT:
        raise InvalidData(
            f"A name may have at most {LABEL_LIMIT} characters",
            f"{len(label)} in {quoted(label)}",
            "Shorten the name.",
        )
    if "Cc" in kinds or "Cs" in kinds:
        raise InvalidData(
            "A name must not hold control characters", quoted(label), "Write the name again."
        )
    return label


def line_of(text: str, what: str, limit: int) -> str:
    """Return a track or a note as one line in the spelling it is stored in; it may be empty."""
    line = unicodedata.normalize("NFC", " ".join(text.split()))
    if len(line) > limit:
        raise InvalidData(
            f"{what} may have at most {limit} characters", f"{len(line)} in {quoted(line)}",
            "Shorten it.",
        )  # fmt: skip
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in line):
        raise InvalidData(
            f"{what} must not hold control characters", quoted(line), "Write it again."
        )
    return line


def confidence_of(text: str, *, decimal_comma: bool = False) -> float | None:
    """Return a confidence in [0, 1]; None where nothing is written."""
    bare = text.strip()
    if not bare:
        return None
    number = bare.replace(",", ".") if decimal_comma else bare
    if not _UNIT.fullmatch(number) or float(number) > 1:
        raise InvalidData(
            "A confidence is a number from 0 to 1", quoted(bare), "Correct it, or leave it out."
        )
    return float(number)


def labelled(start_us: int, end_us: int, label: str) -> tuple[Mark, ...]:
    """Return an interval as marks: background is none, an ambiguous one an ignored span."""
    mark = Mark(start_us=start_us, end_us=end_us, label=label)  # checks the times in any case
    name = label.casefold()
    if name in BACKGROUND:
        return ()
    if name in AMBIGUOUS:
        return (Mark(start_us=start_us, end_us=end_us, kind="ignore"),)
    return (mark,)
