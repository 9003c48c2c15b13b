"""Many rows in one statement: PostgreSQL takes a column as an array, SQLite a list of rows.

So a batch of results costs as many statements as one result does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Double, Table

Row = Mapping[str, Any]  # Any: values of whatever column


def insert_rows(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows, in their order; each has the same columns."""
    if not rows:
        return
    names = list(rows[0])
    into = f"INSERT INTO {table.name} ({', '.join(_quoted(connection, names))})"
    if connection.dialect.name == "sqlite":
        statement = f"{into} VALUES ({', '.join('?' * len(names))})"
        connection.exec_driver_sql(statement, [tuple(row[name] for name in names) for row in rows])
        return
    arrays = _arrays(connection, table, names)
    connection.exec_driver_sql(f"{into} SELECT * FROM unnest({arrays})", _columns(table, names, rows))


def update_rows(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Update the rows that `id` names; each has the same columns."""
    if not rows:
        return
    names = list(rows[0])
    others = [name for name in names if name != "id"]
    quoted = _quoted(connection, others)
    if connection.dialect.name == "sqlite":
        changes = ", ".join(f"{name} = ?" for name in quoted)
        statement = f"UPDATE {table.name} SET {changes} WHERE id = ?"
        connection.exec_driver_sql(statement, [tuple(row[name] for name in (*others, "id")) for row in rows])
        return
    changes = ", ".join(f"{name} = given.{name}" for name in quoted)
    arrays = _arrays(connection, table, names)
    given = f"unnest({arrays}) AS given ({', '.join(_quoted(connection, names))})"
    connection.exec_driver_sql(
        f"UPDATE {table.name} SET {changes} FROM {given} WHERE {table.name}.id = given.id", _columns(table, names, rows)
    )


def _quoted(connection: Connection, names: Sequence[str]) -> list[str]:
    """The names as a statement may hold them: some are words of SQL."""
    quote = connection.dialect.identifier_preparer.quote
    return [quote(name) for name in names]


def _arrays(connection: Connection, table: Table, names: Sequence[str]) -> str:
    """Placeholders of the columns, with their types: an array of nothing but NULL has none of its own."""
    types = {name: table.c[name].type.compile(dialect=connection.dialect) for name in names}
    return ", ".join(f"%({name})s::{types[name]}[]" for name in names)


def _columns(table: Table, names: Sequence[str], rows: Sequence[Row]) -> dict[str, list[Any]]:
    """The rows by column. An array has one type: integers among a column's floats become floats."""
    found = {name: [row[name] for row in rows] for name in names}
    for name in names:
        if isinstance(table.c[name].type, Double):
            found[name] = [None if value is None else float(value) for value in found[name]]
    return found
