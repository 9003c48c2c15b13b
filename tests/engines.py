"""Shared cache of SQLAlchemy's compiled statements for tests: they open hundreds of stores in a process, where a
program opens one.

SQL statements are compiled once a process. SQLAlchemy keeps what it compiles with each engine, under a key that names
the engine's dialect; here all engines share one dictionary, and dialects of one type are equal in its keys.

A database that tests empty and use again keeps its connections: a new one to PostgreSQL takes a process of the server,
which reads the catalogue anew. `make_place` and `own_place` give databases whose connections begin and end as always.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from unseen_server.worklist import database

_compiled: dict[Any, Any] = {}  # Any: SQLAlchemy's keys, and what it compiles
_kept: dict[sqlalchemy.URL, dict[float, sqlalchemy.Engine]] = {}  # by a transaction's patience


def share_compiled_statements() -> None:
    """Share the cache between all engines that this process and its forks make from now on."""
    for kind in (SQLiteDialect_pysqlite, PGDialect_psycopg):
        kind.__eq__ = _of_one_type  # type: ignore[method-assign, assignment]
        kind.__hash__ = _by_type  # type: ignore[method-assign, assignment]
    database.create_engine = _create_engine


@contextmanager
def connections_kept(url: sqlalchemy.URL) -> Iterator[None]:
    """Stores in this database are given connections of the stores before them."""
    _kept[url] = {}
    try:
        yield
    finally:
        for engine in _kept.pop(url).values():
            sqlalchemy.Engine.dispose(engine)


def _of_one_type(one: object, other: object) -> bool:
    return type(one) is type(other)


def _by_type(one: object) -> int:
    return hash(type(one))


def _create_engine(url: sqlalchemy.URL, **settings: Any) -> sqlalchemy.Engine:  # Any: what SQLAlchemy takes
    def create() -> sqlalchemy.Engine:
        return sqlalchemy.create_engine(url, execution_options={"compiled_cache": _compiled}, **settings)

    if url not in _kept:
        return create()
    patience_s = settings["pool_timeout"]
    if patience_s not in _kept[url]:
        engine = _kept[url][patience_s] = create()
        engine.dispose = _stay_open  # type: ignore[method-assign]
    return _kept[url][patience_s]


def _stay_open(close: bool = True) -> None:
    """Do nothing: replaces `dispose` of an engine whose connections are kept."""
