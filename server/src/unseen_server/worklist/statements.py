"""Frequent statements, built once a process.

SQLAlchemy often needs more time to build a statement and to look up its compiled form than SQLite needs to execute it.
A statement here is kept with its parameters unbound, so both are done once. Values must not be None: a parameter
that is NULL equals nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    CursorResult,
    Insert,
    Select,
    Table,
    Update,
    any_,
    bindparam,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY

_ROW = "of_row"  # no column has this name


def rows_of(connection: Connection, table: Table, /, **values: Any) -> CursorResult[Any]:
    """Select the rows of a table with these values, each of another column.

    >>> from unseen_server.worklist import Store
    >>> from unseen_server.worklist.tables import settings
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, Store.open(folder) as store, store.writing() as writing:
    ...     rows_of(writing.connection, settings, name="plain").one().value
    '0'
    """
    return connection.execute(_selecting(table, tuple(values)), values)


def insert_row(connection: Connection, table: Table, row: Mapping[str, Any]) -> int:
    """Insert a row, and return its number (`id`)."""
    number: int = connection.execute(_inserting(table), dict(row)).scalar_one()
    return number


def update_row(connection: Connection, table: Table, number: int, values: Mapping[str, Any]) -> None:
    """Change the row with this number; values may be None."""
    connection.execute(_updating(table), {**values, _ROW: number})


def rows_among(
    connection: Connection, column: Column[Any], values: Collection[Any], *, lock: bool = False
) -> CursorResult[Any]:
    """Select the rows of the column's table with one of these values, ordered by their numbers.

    Args:
        lock: lock them until the transaction ends.
    """
    statement = _selecting_among(connection.dialect.name == "sqlite", column, lock)
    return connection.execute(statement, {"values": list(values)})


@functools.cache
def _selecting(table: Table, names: tuple[str, ...]) -> Select[Any]:
    return select(table).where(*(table.c[name] == bindparam(name) for name in names))


@functools.cache
def _inserting(table: Table) -> Insert:
    return table.insert().returning(table.c.id)


@functools.cache
def _updating(table: Table) -> Update:
    return table.update().where(table.c.id == bindparam(_ROW))


@functools.cache
def _selecting_among(sqlite: bool, column: Column[Any], lock: bool) -> Select[Any]:
    table = column.table
    rows = select(table).where(among_parameter(sqlite, column, "values")).order_by(table.c.id)
    return rows.with_for_update() if lock else rows


def among_parameter(
    sqlite: bool, column: Column[Any], name: str, values: list[Any] | None = None
) -> ColumnElement[bool]:
    """Return the condition that `column` is one of the values of the parameter `name`, a list.

    Args:
        values: of the parameter; None: given with the statement.
    """
    kind = column.type if sqlite else ARRAY(column.type)
    later = values is None
    given = bindparam(name, values, type_=kind, expanding=sqlite, required=later, unique=not later)
    return column.in_(given) if sqlite else column == any_(given)
