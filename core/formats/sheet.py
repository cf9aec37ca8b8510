"""Delimited text with a header: which column is which, and its rows with their line numbers.

A spreadsheet runs a cell that begins with one of `= + - @` as a formula, whatever a person meant by
it. Such a text is written with an apostrophe before it, as is one that begins with apostrophes and
then such a character; reading takes one apostrophe away again, so that every text comes back.

The csv module reads one record at a time, so that a broken one (a quote that is never closed) costs
its own line and not the rest of the file.
"""

import csv
import io
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import InvalidData, InvalidFile
from core.formats import Fault, Reading, Row, fault_of
from core.formats.source import HEAD_BYTES, content, encoding_of, quoted, text_of

ROW_LIMIT = 1_000_000

_LINES_PER_RECORD = 50
"""Lines that a quoted cell may span; beyond, its closing quote is taken as forgotten."""

_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_QUOTED_FORMULA = re.compile(r"'+[=+\-@\t\r]")

Roles = Mapping[str, tuple[str, ...]]
"""What a column is used for, and the names it may have, the usual one first."""

Cells = Mapping[str, str]
"""The cells of one row by role."""


@dataclass(frozen=True, slots=True)
class Header:
    """Where the columns stand: `columns` gives role to index."""

    line: int
    delimiter: str
    columns: Mapping[str, int]
    width: int


def count_roles(head: bytes, roles: Roles, delimiters: str) -> int:
    """Return how many roles the first line of a file has a column for."""
    text = head.decode(encoding_of(head), errors="replace")
    return max(
        sum(bool(found) for found in _found(cells, roles).values())
        for _, cells in _first_lines(text, delimiters)
    )


def read_sheet(
    path: Path,
    roles: Roles,
    parse: Callable[[int, Cells, str], Row],
    *,
    optional: Roles | None = None,
    delimiters: str = ",",
    row_limit: int = ROW_LIMIT,
) -> Reading:
    """Read a file whose rows `parse` makes of (line, cells by role, delimiter).

    A role of `optional` that no column fills has an empty cell. Only its cells may run over lines.

    Raises:
        InvalidFile: Not UTF-8, no header, a column that is missing or there twice, too many rows.
    """
    text = text_of(content(path), path)
    header = _header(path, text[:HEAD_BYTES], roles, optional or {}, delimiters)
    return read_rows(path, text, header, parse, optional=optional or (), row_limit=row_limit)


def read_rows(
    path: Path,
    text: str,
    header: Header,
    parse: Callable[[int, Cells, str], Row],
    *,
    optional: Collection[str] = (),
    row_limit: int = ROW_LIMIT,
) -> Reading:
    """Read the rows below a header that is known; see `read_sheet`."""
    needed = [column for role, column in header.columns.items() if role not in optional]
    absent = dict.fromkeys(optional, "")
    rows: list[Row] = []
    faults: list[Fault] = []
    for line, cells in records(text, header.delimiter, needed):
        if line <= header.line:
            continue
        if len(rows) + len(faults) == row_limit:
            raise InvalidFile(
                f"A table may have at most {row_limit:,} rows", path, line, "Split the file."
            )
        try:
            rows.append(parse(line, absent | _by_role(cells, header), header.delimiter))
        except InvalidData as error:
            faults.append(fault_of(path, line, error))
    return Reading(tuple(rows), tuple(faults))


def write_sheet(path: Path, rows: Iterable[Sequence[str]]) -> None:
    """Write a CSV that no spreadsheet takes for formulas; the first row is the header."""
    with path.open("x", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        for row in rows:
            writer.writerow([inert(cell) for cell in row])


def inert(cell: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _header(path: Path, text: str, roles: Roles, optional: Roles, delimiters: str) -> Header:
    """Return the header under the delimiter that shows the most of the wanted columns."""
    lines = [
        (line, delimiter, cells, _found(cells, roles))
        for delimiter, (line, cells) in zip(delimiters, _first_lines(text, delimiters), strict=True)
    ]
    line, delimiter, cells, found = max(lines, key=lambda one: sum(map(bool, one[3].values())))
    if not cells:
        raise InvalidFile(
            "A table must begin with a line of column names",
            path,
            next_step=f"Write {', '.join(roles)} in the first line.",
        )
    missing = [f"'{role}'" for role, columns in found.items() if not columns]
    if missing:
        wanted = ", ".join(f"'{role}'" for role in roles)
        raise InvalidFile(
            f"A table needs the columns {wanted}, and {', '.join(missing)} is not there",
            path,
            line,
            f"Name the columns so; there are {', '.join(quoted(cell) for cell in cells[:20])}.",
        )
    found |= {role: at for role, at in _found(cells, optional).items() if at}
    for role, columns in found.items():
        if len(columns) > 1:
            names = " and ".join(quoted(cells[column]) for column in columns)
            raise InvalidFile(
                f"One column must be the '{role}', not {names}",
                path,
                line,
                f"Name only the one that is meant '{role}'.",
            )
    return Header(line, delimiter, {role: column for role, (column,) in found.items()}, len(cells))


def _first_lines(text: str, delimiters: str) -> list[tuple[int, Sequence[str]]]:
    """Return the first line that is not blank, cut at each of the delimiters."""
    found: list[tuple[int, Sequence[str]]] = []
    for delimiter in delimiters:
        line, cells = next(records(text, delimiter), (1, []))
        found.append((line, [] if isinstance(cells, InvalidData) else cells))
    return found


def _found(cells: Sequence[str], roles: Roles) -> dict[str, tuple[int, ...]]:
    """Return the columns that can fill each role; one with the usual name needs no other."""
    names = [plain_name(cell) for cell in cells]
    found: dict[str, tuple[int, ...]] = {}
    for role, accepted in roles.items():
        usual = tuple(i for i, name in enumerate(names) if name == accepted[0])
        found[role] = usual or tuple(i for i, name in enumerate(names) if name in accepted)
    return found


def plain_name(cell: str) -> str:
    """Return the name of a column as names are compared: `Start (s)` is `start s`."""
    return " ".join(re.sub(r"[\s_()\[\]]+", " ", cell).split()).casefold()


def records(
    text: str, delimiter: str, columns: Collection[int] = ()
) -> Iterator[tuple[int, list[str] | InvalidData]]:
    """Yield each record that is not blank with the number of its first line.

    A cell of one of `columns` that runs over several lines is an opened quote that happened to meet
    another one: taking it would swallow the rows between.
    """
    lines = list(io.StringIO(text, newline=""))
    at = 0
    while at < len(lines):
        reader = csv.reader(
            lines[at : at + _LINES_PER_RECORD],
            delimiter=delimiter,
            skipinitialspace=True,
            strict=True,
        )
        try:
            cells = next(reader)
            used = reader.line_num
            if used > 1 and any("\n" in cell or "\r" in cell for cell in _at(cells, columns)):
                raise csv.Error("a cell runs over several lines")
        except csv.Error as error:
            cells = InvalidData(
                f"Quotes and cells must be complete ({error})",
                quoted(lines[at].rstrip("\r\n")),
                "Close the quote, or write a quote inside a cell twice.",
            )
            used = 1
        if isinstance(cells, InvalidData) or any(cell.strip() for cell in cells):
            yield at + 1, cells
        at += used


def _at(cells: Sequence[str], columns: Collection[int]) -> list[str]:
    return [cells[column] for column in columns if column < len(cells)]


def _by_role(cells: list[str] | InvalidData, header: Header) -> dict[str, str]:
    """Return the cells that are used; a row of another length may have shifted columns."""
    if isinstance(cells, InvalidData):
        raise cells
    if len(cells) != header.width:
        raise InvalidData(
            f"A row must have as many cells as the header, {header.width}",
            f"{len(cells)} cells",
            "Add what is missing; a cell that holds the separator needs quotes.",
        )
    used = {role: cells[column] for role, column in header.columns.items()}
    for role, cell in used.items():
        if "\0" in cell:
            raise InvalidData(
                "A cell must be text", f"'{role}' {quoted(cell)}", "Save the file as UTF-8 again."
            )
    return {role: cell[1:] if _QUOTED_FORMULA.match(cell) else cell for role, cell in used.items()}
