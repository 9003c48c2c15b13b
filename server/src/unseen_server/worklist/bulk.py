"""Statements on many rows, and conditions on many values.

PostgreSQL receives all rows or values as one parameter. So a batch of results takes as many statements as one result,
and a statement has the same text for any number of rows, so it is planned once. SQLite receives a list of rows.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, func, select

from unseen_server.worklist.statements import among_parameter

Row = Mapping[str, Any]  # Any: values of whatever column


def among(connection: Connection, column: Column[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """Return the condition that `column` is one of `values`."""
    return among_parameter(connection.dialect.name == "sqlite", column, column.name, list(values))


def insert_rows(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows, in their order; each has the same columns."""
    if not rows:
        return
    names = list(rows[0])
    quoted = ", ".join(_quoted(connection, names))
    if connection.dialect.name == "sqlite":
        statement = f"INSERT INTO {table.name} ({quoted}) VALUES ({', '.join('?' * len(names))})"
        connection.exec_driver_sql(statement, [tuple(row[name] for name in names) for row in rows])
        return
    given = _recordset(connection, table, names)
    connection.exec_driver_sql(f"INSERT INTO {table.name} ({quoted}) SELECT {quoted} FROM {given}", _json(rows))


def copy_rows(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert any number of rows like `insert_rows`: PostgreSQL reads them as a stream (COPY)."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        insert_rows(connection, table, rows)
        return
    names = list(rows[0])
    quoted = ", ".join(_quoted(connection, names))
    driver: Any = connection.connection.driver_connection  # Any: psycopg's connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({quoted}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row([row[name] for name in names])


def new_numbers(connection: Connection, table: Table, count: int) -> list[int]:
    """Return `count` numbers (`id`) for new rows, ascending; on SQLite no other transaction may add rows meanwhile."""
    if connection.dialect.name == "sqlite":
        first = connection.execute(select(func.coalesce(func.max(table.c.id), 0) + 1)).scalar_one()
        return list(range(first, first + count))
    following = func.nextval(func.pg_get_serial_sequence(table.name, "id"))
    wanted = select(following).select_from(func.generate_series(1, count))
    return sorted(connection.execute(wanted).scalars())


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
    given = _recordset(connection, table, names)
    connection.exec_driver_sql(
        f"UPDATE {table.name} SET {changes} FROM {given} WHERE {table.name}.id = given.id", _json(rows)
    )


def _quoted(connection: Connection, names: Sequence[str]) -> list[str]:
    """Return the names quoted for a statement: some are keywords of SQL."""
    quote = connection.dialect.identifier_preparer.quote
    return [quote(name) for name in names]


def _recordset(connection: Connection, table: Table, names: Sequence[str]) -> str:
    """Return the SQL that unpacks the parameter `rows` into rows with the types of the table's columns."""
    types = [table.c[name].type.compile(dialect=connection.dialect) for name in names]
    columns = ", ".join(f"{name} {kind}" for name, kind in zip(_quoted(connection, names), types, strict=True))
    return f"json_to_recordset(CAST(%(rows)s AS json)) AS given ({columns})"


def _json(rows: Sequence[Row]) -> dict[str, str]:
    """Return the parameter `rows`, in JSON: floats keep their exact value, bytes are in PostgreSQL's form."""
    return {"rows": json.dumps(list(rows), allow_nan=False, default=lambda value: f"\\x{value.hex()}")}
