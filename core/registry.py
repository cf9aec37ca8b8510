"""Families of interchangeable parts: a table of names, imported on first use.

A family is a literal `dict` of strings, `"name": "package.module:Class"`. Nothing registers itself
by being imported, so the table is the whole truth, and listing it costs no import of torch.
"""

import difflib
import importlib
from collections.abc import Mapping
from typing import Any

from core.errors import UnknownName


def resolve(family: str, table: Mapping[str, str], name: str) -> Any:
    """Return what `name` stands for in `table`.

    Raises:
        UnknownName: `name` is not in the table; the message names the nearest and all members.
    """
    check_name(family, table, name)
    module, _, attribute = table[name].partition(":")
    return getattr(importlib.import_module(module), attribute)


def check_name(family: str, table: Mapping[str, object], name: str) -> None:
    """Raise `UnknownName` unless `table` holds `name`; imports nothing."""
    if name in table:
        return
    near = difflib.get_close_matches(name, table, n=1)
    hint = f"Did you mean '{near[0]}'? " if near else ""
    raise UnknownName(
        f"Unknown {family}", f"'{name}'", f"{hint}Available: {', '.join(sorted(table))}."
    )
