"""A table whose columns a person names: any CSV or TSV, with its times in a unit of choice.

A first look guesses which column is what; the `ColumnMapping` that a person makes of it reads the
file. Without an end and a length every row is a point; without a video the file's own name is it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Literal

from core.errors import InvalidConfig, InvalidData, InvalidFile
from core.formats import Reading, Row
from core.formats.sheet import Cells, Header, plain_name, read_rows, records
from core.formats.source import HEAD_BYTES, content, quoted, text_of
from core.formats.table import DELIMITERS, ROLES as TABLE_ROLES, marks_of
from core.formats.values import time_us
from core.registry import check_name
from core.types import SECOND

Unit = Literal["seconds", "milliseconds", "frames", "clock"]

UNITS: Mapping[str, str] = {
    "seconds": "seconds, or hours:minutes:seconds",
    "milliseconds": "milliseconds",
    "frames": "numbers of frames, the first is 0, the end is not included",
    "clock": "hours:minutes:seconds, or minutes:seconds",
}

# Longer lists than those of the format `table`: here a person looks at what was guessed.
ROLES: Mapping[str, tuple[str, ...]] = {
    "video": (*TABLE_ROLES["video"], "media", "media file", "clip", "recording", "session"),
    "start": (*TABLE_ROLES["start"], "start frame", "start ms", "from", "t0", "onset", "begin time",
              "begin s", "time", "timestamp", "frame"),
    "end": (*TABLE_ROLES["end"], "end frame", "stop frame", "end ms", "to", "t1"),
    "length": ("length", "duration", "duration s", "duration ms", "dur"),
    "label": (*TABLE_ROLES["label"], "behavior", "behaviour", "event", "annotation", "tag", "code",
              "step", "name", "description"),
    "track": ("track", "tier", "layer", "subject", "annotator"),
    "kind": ("kind",),
    "confidence": ("confidence", "score", "probability"),
    "note": ("note", "notes", "comment", "comments", "remark"),
}  # fmt: skip

_OPTIONAL = ("track", "kind", "confidence", "note")
_SHOWN_ROWS, _SHOWN_COLUMNS, _SHOWN_CHARACTERS = 8, 100, 120

_NUMBER = re.compile(r"[0-9]{1,12}(?:\.[0-9]{0,18})?|\.[0-9]{1,18}")
_FRAME = re.compile(r"([0-9]{1,9})(?:\.0*)?")
_CLOCK = re.compile(r"(?:([0-9]{1,4}):)?([0-9]{1,2}):([0-9]{1,2}(?:\.[0-9]{1,18})?)")


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """Which column is what: `columns` gives role to name, as `glance` names the columns.

    `header` says whether the first line holds names; without one they are `column 1` and so on.
    """

    columns: Mapping[str, str]
    unit: Unit = "seconds"
    header: bool = True

    def __post_init__(self) -> None:
        check_name("unit of time", UNITS, self.unit)
        for role in self.columns:
            check_name("role of a column", ROLES, role)
        missing = [f"'{role}'" for role in ("start", "label") if role not in self.columns]
        if missing:
            raise InvalidConfig(
                "A column must be chosen for start and label", f"{' and '.join(missing)} has none",
                "Choose them.",
            )  # fmt: skip
        if "end" in self.columns and "length" in self.columns:
            raise InvalidConfig(
                "Either a column of ends or one of lengths is chosen", "both are", "Leave one out."
            )


@dataclass(frozen=True, slots=True)
class Glance:
    """The first rows of a table, and what its columns may be."""

    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    guess: Mapping[str, str] = field(default_factory=dict)
    unit: Unit = "seconds"
    header: bool = True


def glance(path: Path, *, header: bool | None = None) -> Glance | None:
    """Return the first rows of a table with guesses; None where the file is no table.

    Args:
        path: The file.
        header: Whether its first line holds names; guessed by default.
    """
    text = text_of(content(path), path)
    lines = _first_rows(text[:HEAD_BYTES], _delimiter(text))
    if header is None:
        header = bool(lines) and not any(_NUMBER.fullmatch(cell.strip()) for cell in lines[0])
    rows = lines[1:] if header else lines
    if not rows or len(lines[0]) < 2:
        return None
    names = _names(lines[0], header)[:_SHOWN_COLUMNS]
    guess = _guess(names, rows, header=header)
    shown = (tuple(cell[:_SHOWN_CHARACTERS] for cell in row[:_SHOWN_COLUMNS]) for row in rows)
    return Glance(names, tuple(shown)[:_SHOWN_ROWS], guess, _unit(guess, names, rows), header)


def read_columns(path: Path, mapping: ColumnMapping) -> Reading:
    """Read a table by its mapping; a row that breaks a rule becomes a fault.

    Raises:
        InvalidFile: Not UTF-8, too many rows, or a column of the mapping is not there.
    """
    text = text_of(content(path), path)
    delimiter = _delimiter(text)
    line, first = next(_whole(text, delimiter), (1, []))
    names = _names(first, mapping.header)
    for name in mapping.columns.values():
        if name not in names:
            raise InvalidFile(
                f"The columns that were chosen must be there, and {quoted(name)} is not", path,
                next_step=f"There are {', '.join(quoted(each) for each in names[:20])}.",
            )  # fmt: skip
    columns = {role: names.index(name) for role, name in mapping.columns.items()}
    header = Header(line if mapping.header else 0, delimiter, columns, len(names))

    def parse(line: int, cells: Cells, delimiter: str) -> Row:
        video = cells["video"].strip() if "video" in columns else path.stem
        if not video:
            raise InvalidData("A row must name its video", "an empty cell", "Write its file name.")
        comma = delimiter != ","
        start = _time(cells["start"], "start", mapping.unit, comma)
        end = start
        if "end" in columns:
            end = _time(cells["end"], "end", mapping.unit, comma)
        elif "length" in columns:
            end += _time(cells["length"], "length", mapping.unit, comma)
        else:
            cells = {**cells, "kind": "point"}
        marks = marks_of(cells, start, end, decimal_comma=comma)
        unit = "frames" if mapping.unit == "frames" else "us"
        return Row(path, line, video, False, marks, unit=unit)

    return read_rows(path, text, header, parse, optional=_OPTIONAL)


def _delimiter(text: str) -> str:
    """Return what cuts the first line into the most cells."""
    head = text[:HEAD_BYTES]
    return max(DELIMITERS, key=lambda each: len(next(_whole(head, each), (1, []))[1]))


def _whole(text: str, delimiter: str):
    return ((n, cells) for n, cells in records(text, delimiter) if isinstance(cells, list))


def _first_rows(text: str, delimiter: str) -> list[list[str]]:
    rows = _whole(text, delimiter)
    return [cells for _, (_, cells) in zip(range(_SHOWN_ROWS + 1), rows, strict=False)]


def _names(first: Sequence[str], header: bool) -> tuple[str, ...]:
    """Return a name for each column; one that is empty or there twice is called by its number."""
    bare = [cell.strip() for cell in first]
    told = [name if header and name and bare.count(name) == 1 else "" for name in bare]
    return tuple(name or f"column {number}" for number, name in enumerate(told, start=1))


def _guess(names: Sequence[str], rows: Sequence[Sequence[str]], *, header: bool) -> dict[str, str]:
    """Return which column seems to be what: by its name, a video also by what its cells hold."""
    found: dict[str, str] = {}
    plain = {plain_name(name): name for name in reversed(names)}
    for role, accepted in ROLES.items():
        name = next((plain[each] for each in accepted if each in plain), None)
        if name is not None and name not in found.values():
            found[role] = name
    if "end" in found:
        found.pop("length", None)
    if "video" not in found:
        looks = [n for n, cells in zip(names, zip(*rows, strict=False), strict=False)
                 if all(re.search(r"\.\w{2,4}$", cell.strip()) and not _NUMBER.fullmatch(cell)
                        for cell in cells)]  # fmt: skip
        if looks and looks[0] not in found.values():
            found["video"] = looks[0]
    return found if header else _guess_unnamed(found, names, rows)


def _guess_unnamed(
    found: dict[str, str], names: Sequence[str], rows: Sequence[Sequence[str]]
) -> dict[str, str]:
    """Add guesses by place where no line of names is: two columns of numbers, one of words."""
    columns = dict(zip(names, zip(*rows, strict=False), strict=False))
    free = {n: cells for n, cells in columns.items() if n not in found.values()}
    numbers = [n for n, cells in free.items() if all(_NUMBER.fullmatch(c.strip()) for c in cells)]
    words = [n for n in free if n not in numbers]
    guess = found | dict(zip(("start", "end"), numbers, strict=False))
    return guess | dict(zip(("label",), words, strict=False))


def _unit(guess: Mapping[str, str], names: Sequence[str], rows: Sequence[Sequence[str]]) -> Unit:
    if "start" not in guess:
        return "seconds"
    words = plain_name(guess["start"]).split()
    if "frame" in words or "frames" in words:
        return "frames"
    if "ms" in words or "milliseconds" in words:
        return "milliseconds"
    column = list(names).index(guess["start"])
    cells = [row[column] for row in rows if column < len(row)]
    return "clock" if cells and all(":" in cell for cell in cells) else "seconds"


def _time(text: str, name: str, unit: Unit, decimal_comma: bool) -> int:
    """Return microseconds, or where the unit is frames their number."""
    if unit == "seconds":
        return time_us(text, name=name, decimal_comma=decimal_comma)
    bare = text.strip()
    number = bare.replace(",", ".") if decimal_comma or unit == "clock" else bare
    if unit == "frames" and (frame := _FRAME.fullmatch(number)):
        return int(frame[1])
    if unit == "milliseconds" and _NUMBER.fullmatch(number):
        return _us(Decimal(number) / 1000)
    if unit == "clock" and (clock := _CLOCK.fullmatch(number)):
        hours, minutes, rest = clock.groups()
        return _us(int(hours or 0) * 3600 + int(minutes) * 60 + Decimal(rest))
    raise InvalidData(
        f"Times were said to be {UNITS[unit]}", f"{name} {quoted(bare)}",
        "Correct it, or choose another unit.",
    )  # fmt: skip


def _us(seconds: Decimal) -> int:
    return int((seconds * SECOND).to_integral_value(ROUND_HALF_EVEN))
