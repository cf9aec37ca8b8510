"""What stands in a JSON column, asked for in SQL that both kinds of database understand."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement, TableValuedAlias


def text_of(value: Any, key: str) -> sa.ColumnElement[str]:
    """Return a number or text of an object as text; NULL where it has none of this name."""
    return sa.cast(value[key].as_string(), sa.Text)


def length_of(value: Any, key: str) -> sa.ColumnElement[int]:
    """Return how long a list of an object is; 0 where it has none of this name."""
    return sa.func.coalesce(sa.func.json_array_length(value[key]), 0)


def elements_of(value: Any, key: str) -> TableValuedAlias:
    """Return a table with the elements of a list of an object, in its column `value`.

    The table that `value` belongs to has to stand before it in `select_from`.
    """
    listed = _elements(value, sa.literal_column(f"'{key}'"))
    return listed.table_valued(sa.column("value", sa.JSON), joins_implicitly=True)


class _elements(FunctionElement[Any]):  # noqa: N801 (named like the function that it is in SQL)
    inherit_cache = True


@compiles(_elements, "sqlite")
def _of_sqlite(element: _elements, compiler: Any, **options: Any) -> str:
    value, key = (compiler.process(each, **options) for each in element.clauses)
    return f"json_each({value}, '$.' || {key})"


@compiles(_elements, "postgresql")
def _of_postgresql(element: _elements, compiler: Any, **options: Any) -> str:
    value, key = (compiler.process(each, **options) for each in element.clauses)
    return f"json_array_elements({value} -> {key})"
