"""Synthetic list: many studies without films, for benchmarks and tests of long lists."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select

from unseen_server.worklist.reading_order import order_of
from unseen_server.worklist.states import State
from unseen_server.worklist.store import Store
from unseen_server.worklist.tables import LEAST_SCORE, terms
from unseen_server.worklist.tables import studies as table

SOURCES = 5
_AT_ONCE = 5_000
_MANY = 100_000  # from so many on, indexes are made afterwards
_SHARES: tuple[tuple[State, float], ...] = (
    ("to_read", 0.55),
    ("not_scored", 0.05),
    ("received", 0.01),
    ("cleared", 0.25),
    ("reported", 0.14),
)
_WAITED_S = 2 * 86_400.0  # received over two days: half of those to read wait longer than the cap of one
_VIEWS = (("PA", 0.70), ("AP", 0.27), ("LL", 0.03))
MODEL = "b" * 64


def fill(store: Store, *, studies: int, seed: int, shares: Sequence[tuple[State, float]] = _SHARES) -> None:
    """Made-up studies in the states of `shares`, entered in bulk; they have no films."""
    rng = random.Random(seed)
    now_us = store.site.now_us()
    named = store.names.sealed("name", "IM0001")
    indexes = _without_indexes(store) if studies >= _MANY else []
    done = 0
    while done < studies:
        count = min(_AT_ONCE, studies - done)
        rows = list(_rows(rng, done, count, now_us, shares))
        with store.database.writing() as connection:
            numbers = _numbers(connection, rows)
            _insert(
                connection,
                terms,
                [
                    {"term": term, "study_id": number}
                    for number, row in zip(numbers, rows, strict=True)
                    for term in (row["public_id"], named)
                ],
            )
        done += count
    with store.database.writing() as connection:
        for statement in indexes:
            connection.exec_driver_sql(statement)
    if not store.database.is_sqlite:
        with store.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE studies, terms")


def _without_indexes(store: Store) -> list[str]:
    """SQLite's indexes of the studies are dropped; the statements that make them again."""
    if not store.database.is_sqlite:
        return []
    with store.database.writing() as connection:
        of_studies = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'studies' AND sql <> ''"
        found = connection.exec_driver_sql(of_studies).all()
        for name, _ in found:
            connection.exec_driver_sql(f"DROP INDEX {name}")
    return [statement for _, statement in found]


def _numbers(connection: Connection, rows: list[dict[str, Any]]) -> list[int]:  # Any: values of whatever column
    """Enter the studies; their numbers."""
    if connection.dialect.name != "sqlite":
        entered = connection.execute(insert(table).returning(table.c.id, sort_by_parameter_order=True), rows)
        return list(entered.scalars())
    first = connection.execute(select(func.coalesce(func.max(table.c.id), 0) + 1)).scalar_one()
    numbers = list(range(first, first + len(rows)))
    _insert(connection, table, [{"id": number} | row for number, row in zip(numbers, rows, strict=True)])
    return numbers


def _insert(connection: Connection, into: Table, rows: list[dict[str, Any]]) -> None:
    if connection.dialect.name != "sqlite":
        connection.execute(insert(into), rows)
        return
    names = list(rows[0])
    statement = f"INSERT INTO {into.name} ({', '.join(names)}) VALUES ({', '.join('?' for _ in names)})"
    connection.exec_driver_sql(statement, [tuple(row.values()) for row in rows])


def _rows(
    rng: random.Random, start: int, count: int, now_us: int, shares: Sequence[tuple[State, float]]
) -> Iterator[dict[str, Any]]:
    states = [state for state, _ in shares]
    weights = [share for _, share in shares]
    for number in range(start, start + count):
        (state,) = rng.choices(states, weights)
        standing: State = "to_read" if state == "reported" else state
        priority = None if state == "received" else 2.0 if state == "not_scored" else rng.random()
        received_us = now_us - int(rng.random() * _WAITED_S * 1e6)
        changed_us = min(now_us, received_us + 2_000_000)
        order = order_of(
            state,
            standing=standing,
            priority=priority,
            received_us=received_us,
            changed_us=changed_us,
            overdue_before_us=now_us - 86_400_000_000,
        )
        scored = state not in ("received", "not_scored")
        score = rng.random() if scored else None
        yield {
            "public_id": f"s-{number:020x}",
            "source": f"site-{rng.randrange(SOURCES)}",
            "state": state,
            "standing": standing,
            "received_us": received_us,
            "changed_us": changed_us,
            "films": 1,
            "audit_sample": False,
            "priority": priority,
            "score": score,
            "score_rank": LEAST_SCORE if score is None else score,
            "model": MODEL if scored else None,
            "policy": "" if scored else None,
            "view": rng.choices([view for view, _ in _VIEWS], [share for _, share in _VIEWS])[0],
            "assigned_to": "reader-0" if rng.random() < 0.001 else None,
            "apart": rng.random() ** 4 if scored else None,
            "reason": "made up: there is no film" if state == "not_scored" else "",
            **order._asdict(),
        }
