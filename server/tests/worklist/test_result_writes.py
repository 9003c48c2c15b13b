"""The benchmark of result writes enters scored films."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from benchmarks.result_writes import enter, worker_of
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
