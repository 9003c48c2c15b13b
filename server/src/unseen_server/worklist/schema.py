"""Schema of the database: bring it to a revision, under a lock, or refuse a newer one."""

import functools
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from unseen_server.worklist.database import Database
from unseen_server.worklist.states import WorklistError

OLDEST = "0009"
"""Revision of release 0.2: the oldest that is upgraded."""
_FOLDER = Path(__file__).with_name("migrations")
_IS_THERE = {
    "sqlite": "SELECT count(*) FROM sqlite_master WHERE name = 'alembic_version'",
    "postgresql": "SELECT count(to_regclass('alembic_version'))",
}


def revision(connection: Connection) -> str | None:
    """Return the revision that the database is at; None for an empty one."""
    if not connection.exec_driver_sql(_IS_THERE[connection.dialect.name]).scalar_one():
        return None
    # alembic's own context would take longer, at each opening; PostgreSQL's search_path applies as in alembic
    found: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one_or_none()
    return found


@functools.cache
def newest() -> str:
    """Return the revision that this version works with; to find it, alembic reads every migration."""
    head = _scripts().get_current_head()
    assert head is not None
    return head


def is_too_old(found: str) -> bool:
    """Return True for a revision of a version before 0.2.

    >>> is_too_old("0008"), is_too_old("0009")
    (True, False)
    """
    return found.isdecimal() and found < OLDEST


def is_known(found: str) -> bool:
    """Return True for a revision to which this version can bring a database."""
    return found in _known()


def upgrade(database: Database, *, to: str = "head") -> None:
    """Apply every revision that is missing, all together or not at all; does nothing where none is.

    Raises WorklistError for a database of a later version, and for one of a version before 0.2.
    """
    with database.reading() as connection:
        if revision(connection) == (newest() if to == "head" else to):
            return
    with database.writing() as connection:
        seen = revision(connection)  # again: another process may have been faster
        known = _known()
        if seen is not None and is_too_old(seen):
            raise WorklistError(
                f"{database.name}: its schema is revision {seen}, of a version before 0.2. "
                "Open it once with unseen 0.2, then with this version."
            )
        if seen is not None and seen not in known:
            raise WorklistError(
                f"{database.name}: its schema is revision {seen}, and this version of unseen knows up to {newest()}. "
                "Update unseen; an older version must not write into it."
            )
        config = Config()
        config.set_main_option("script_location", str(_FOLDER))
        config.attributes["connection"] = connection
        command.upgrade(config, to)


@functools.cache
def _known() -> frozenset[str]:
    return frozenset(script.revision for script in _scripts().walk_revisions())


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(_FOLDER))
