"""An upgrade of the schema that is killed at a statement: the next start completes it, and nothing is lost."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from tests.warm_python import Ended, warm_python
from tests.worklist.conftest import execute
from tests.worklist.postgresql import binaries
from unseen_server.worklist.belonging import DATABASE
from unseen_server.worklist.database import Database
from unseen_server.worklist.schema import newest, revision
from unseen_server.worklist.store import Store

ROOT = Path(__file__).resolve().parents[3]
OLD = {"0.2": ROOT / "tests" / "regression" / "store-0.2" / "store"}
DUMP = ROOT / "tests" / "regression" / "store-0.2" / "postgresql.sql"
KINDS = ["sqlite 0.2", "postgresql 0.2"]

# Upgrades a database and kills itself before statement N that changes something; prints their number where N is 0.
VICTIM = """
import os, signal, sys
from pathlib import Path
import sqlalchemy
from unseen_server.worklist.database import Database
from unseen_server.worklist.opening import upgrade

where, kill_at = sys.argv[1], int(sys.argv[2])
done = 0

@sqlalchemy.event.listens_for(sqlalchemy.Engine, "before_cursor_execute")
def before(connection, cursor, statement, parameters, context, many):
    global done
    if statement.lstrip().upper().startswith(("SELECT", "PRAGMA", "SET", "SHOW", "BEGIN")):
        return
    done += 1
    if done == kill_at:
        os.kill(os.getpid(), signal.SIGKILL)

@sqlalchemy.event.listens_for(sqlalchemy.Engine, "commit")
def commit(connection):
    if done and kill_at == -1:
        os.kill(os.getpid(), signal.SIGKILL)

upgrade(Database(sqlalchemy.make_url(where) if "://" in where else Path(where)))
print(done)
"""


@dataclass
class Old:
    """A store of an old version: `where` its database is, `home` its folder."""

    where: str
    home: Path

    @property
    def database(self) -> Database:
        url = "://" in self.where
        return Database(sqlalchemy.make_url(self.where) if url else Path(self.where))

    def upgraded(self, kill_at: int) -> Ended:
        """Upgrade it in a process that is killed before that statement; -1: before it commits; 0: never."""
        program = self.home.with_name("victim.py")
        program.write_text(VICTIM, encoding="utf-8")
        return warm_python().run(program, self.where, kill_at, cwd=ROOT, environment=os.environ)

    def rows(self) -> dict[str, list[Any]]:
        """Return every row of every table."""
        database = self.database
        with database.reading() as connection:
            tables = sqlalchemy.inspect(connection).get_table_names()
            found = {
                table: sorted(map(repr, connection.exec_driver_sql(f'SELECT * FROM "{table}"').all()))
                for table in tables
            }
        database.close()
        return found

    def revision(self) -> str | None:
        database = self.database
        with database.reading() as connection:
            found = revision(connection)
        database.close()
        return found


MakeOld = Callable[[str], Old]


@pytest.fixture
def make_old(request: pytest.FixtureRequest, tmp_path: Path) -> MakeOld:
    """`make_old("sqlite 0.2")`: another copy of that store; the committed one is never written to."""
    made: list[Old] = []

    def make(kind: str) -> Old:
        engine, version = kind.split()
        home = tmp_path / f"store-{len(made)}"
        shutil.copytree(OLD[version], home)
        (home / "site.key").chmod(0o600)
        if engine == "sqlite":
            made.append(Old(str(home / DATABASE), home))
            return made[-1]
        (home / DATABASE).unlink()
        url: sqlalchemy.URL = request.getfixturevalue("postgresql")
        name = f"old{len(made)}_{os.getpid()}"
        execute(url, f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name}")
        programs = binaries()
        assert programs is not None
        subprocess.run(
            [
                shutil.which("psql") or str(programs / "psql"),
                f"--host={url.query['host']}",
                f"--username={url.username}",
                f"--dbname={name}",
                "--quiet",
                "--set=ON_ERROR_STOP=1",
                f"--file={DUMP}",
            ],
            check=True,
            capture_output=True,
        )
        made.append(Old(url.set(database=name).render_as_string(hide_password=False), home))
        return made[-1]

    return make


def killed_at(make_old: MakeOld, kind: str, points: Callable[[int], list[int]]) -> None:
    """Kill the upgrades of one store at these statements, one after the other; then complete it, and compare."""
    whole = make_old(kind)
    done = whole.upgraded(0)
    assert done.code == 0, done.err
    statements = int(done.out)
    expected = whole.rows()
    old = make_old(kind)
    before, first = old.rows(), old.revision()
    assert statements > 10 and first not in (None, newest())
    for point in points(statements):
        killed = old.upgraded(point)
        assert killed.code == -signal.SIGKILL, (point, killed.err)
        assert old.revision() == first and old.rows() == before, f"half an upgrade is left by a kill at {point}"
    settings = {} if "://" not in old.where else {"films_folder": old.home}
    with Store.open(old.where if settings else old.home, create=False, check="files", **settings) as store:
        assert store.audit.verify() is None
    assert old.revision() == newest()
    assert old.rows() == expected
    if not settings:
        with closing(sqlite3.connect(old.where)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("kind", [KINDS[0], pytest.param(KINDS[1], marks=pytest.mark.nightly)])
def test_an_upgrade_that_is_killed_is_completed_by_the_next_start(make_old: MakeOld, kind: str) -> None:
    killed_at(make_old, kind, lambda statements: [statements // 2, -1])


@pytest.mark.nightly
@pytest.mark.parametrize("kind", KINDS)
def test_an_upgrade_that_is_killed_at_every_statement_is_completed(make_old: MakeOld, kind: str) -> None:
    killed_at(make_old, kind, lambda statements: [*range(1, statements + 1), -1])
