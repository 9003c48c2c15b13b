"""Store of version 0.2, frozen in `store-0.2`: opened by a server on SQLite and on PostgreSQL, and by commands."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy

from tests.regression.command_line import UNSEEN
from tests.regression.places import FROZEN, ROOT
from tests.regression.running_server import Server
from tests.regression.server_replies import description, replies, writing
from tests.warm_python import warm_python
from tests.worklist.postgresql import binaries, server


def on_sqlite() -> tuple[dict[str, Any], str]:  # Any: JSON
    """Return what this version shows of the frozen store on SQLite and does with it, and a new store's schema."""
    with tempfile.TemporaryDirectory() as name:
        home, new = _copy(Path(name)), Path(name) / "new"
        shown = _shown(home, [], new, [])
        with closing(sqlite3.connect(new / "worklist.sqlite")) as connection:
            query = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name"
            return shown, "".join(f"{sql};\n" for (sql,) in connection.execute(query))


def on_postgresql() -> tuple[dict[str, Any], str]:
    """Return the same of the dump, in a PostgreSQL server of its own."""
    programs = binaries()
    assert programs is not None, "initdb is missing: install PostgreSQL (.ci/parts)"
    with tempfile.TemporaryDirectory() as name, server(programs) as url:
        home = _copy(Path(name))
        (home / "worklist.sqlite").unlink()
        _client("psql", url, "--quiet", "--set=ON_ERROR_STOP=1", f"--file={FROZEN / 'postgresql.sql'}")
        _client("psql", url, "--quiet", "--command=CREATE DATABASE new")
        new = url.set(database="new")
        return _shown(home, _given(url), Path(name) / "new", _given(new)), _schema_dump(new)


def _given(url: sqlalchemy.URL) -> list[str]:
    return ["--url", url.render_as_string(hide_password=False)]


def _schema_dump(url: sqlalchemy.URL) -> str:
    """Return the schema of a PostgreSQL database as SQL."""
    lines = _client("pg_dump", url, "--schema-only", "--no-owner", "--no-privileges").splitlines()
    return "".join(f"{line}\n" for line in lines if line and not line.startswith(("--", "\\", "SET ", "SELECT ")))


def _client(program: str, url: sqlalchemy.URL, *words: str) -> str:
    where = [f"--host={url.query['host']}", f"--username={url.username}", f"--dbname={url.database}"]
    done = subprocess.run([program, *where, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _copy(folder: Path) -> Path:
    """Copy the store: the committed one is never written to."""
    home = folder / "store"
    shutil.copytree(FROZEN / "store", home)
    (home / "site.key").chmod(0o600)
    return home


def _shown(home: Path, where: list[str], new: Path, where_new: list[str]) -> dict[str, Any]:
    """Return what commands and a server show of a store, then what a reader can do in it; and make a new store."""
    words, tables = ["--folder", str(home), *where], home.parent / "tables"
    commands = [
        ["audit", "verify", *words],
        ["audit", "head", *words],
        ["export", str(tables), *words, "--labelled", "--with-selected"],
        ["invite", "ann", "--folder", str(new), *where_new],
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("UNSEEN_")}
    environment |= {"OMP_NUM_THREADS": "1", "NO_COLOR": "1", "COLUMNS": "400"}
    done = [warm_python().run(UNSEEN, *line, cwd=ROOT, environment=environment) for line in commands]
    assert [one.code for one in done] == [0] * len(commands), done
    shown: dict[str, Any] = {
        "unseen audit": [one.out for one in done[:2]],
        "unseen export": {
            path.name: path.read_text(encoding="utf-8").replace(str(home), "STORE").splitlines()
            for path in sorted(tables.glob("*.csv"))
        },
    }
    with Server("--folder", str(home), *where) as running:
        shown["OpenAPI"] = description(running)
        shown["replies"] = replies(running)
        shown["writing"] = writing(running)
        assert running.ask("ada", "POST", "/api/v1/audit/verify", json={}).json()["whole"] is True
    return shown
