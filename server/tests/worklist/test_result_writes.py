"""The benchmark of result writes enters scored films, and measures both packages of an earlier commit."""

from __future__ import annotations

import subprocess
from pathlib import Path

from sqlalchemy import select

from benchmarks.result_writes import SERVER, earlier_package, enter, worker_of
from unseen_server.worklist.store import Store
from unseen_server.worklist.tables import findings


def test_each_film_of_the_benchmark_gets_a_score_and_a_map(tmp_path: Path) -> None:
    with Store.open(tmp_path, films_folder=tmp_path) as store, worker_of(store, 0.0) as worker:
        enter(store, 3)
        worker.drain()
        with store.database.reading() as connection:
            rows = connection.execute(select(findings.c.score, findings.c.map_sha256)).all()
    assert len(rows) == 3
    assert all(score is not None and map_sha256 is not None for score, map_sha256 in rows)


def test_an_earlier_commit_gives_its_library_and_its_server(tmp_path: Path) -> None:
    """The server of the working tree was measured instead, whatever commit was named."""

    def commit(text: str, *packages: str) -> str:
        for package in packages:
            (tmp_path / package).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / package).write_text(text)
        git("add", ".")
        git("-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-q", "-m", text)
        return git("rev-parse", "HEAD").strip()

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    git("init", "-q")
    library, server = "src/unseen/__init__.py", f"{SERVER}/unseen_server/__init__.py"
    alone = commit("first", library)
    both = commit("second", library, server)
    commit("third", library, server)
    with earlier_package(alone, root=tmp_path) as folder:
        assert (folder / library).read_text() == "first" and not (folder / SERVER).exists()
    with earlier_package(both, root=tmp_path) as folder:
        assert (folder / library).read_text() == (folder / server).read_text() == "second"
