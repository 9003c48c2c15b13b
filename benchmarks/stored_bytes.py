"""Bytes that a worklist keeps per film: maps, small images, rows of the database, an archive's parts.

    python -m benchmarks.stored_bytes                     and studies/results/stored-bytes.json
    python -m benchmarks.stored_bytes --no-keep           print the figures alone

Maps and small images are those of `models/pca`, of phantoms; they have the same size for every film, as they lie on
the network's grid. Rows are those that the workers of `benchmarks.result_writes` write: the growth of the database from
before the films came until all are scored, indexes and audit trail included. A part has 1,000 rows with random scores
and digests, and paths of 22 characters.
"""

from __future__ import annotations

import argparse
import io
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from benchmarks.kept_figures import show
from benchmarks.machine import described
from benchmarks.result_writes import enter, where_of, worker_of
from unseen.artifacts.research_only import LIMITS
from unseen.data import phantoms
from unseen.data.film import Film
from unseen.evaluation.exported_scores import write_scores
from unseen.runs.archive.plan import PART_SIZE
from unseen.screening.film_rows_of_parts import RankedFilmRow
from unseen.screening.screener import load
from unseen_server.worklist import storage_used
from unseen_server.worklist.film_worker import Worker
from unseen_server.worklist.store import Store

KEPT = Path(__file__).parents[1] / "studies" / "results" / "stored-bytes.json"
MODEL = "models/pca"
_SIDE = 512  # pixels of a phantom


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stored_bytes", description=__doc__.splitlines()[0])
    parser.add_argument("--films", type=int, default=20, help="phantoms, for maps and small images")
    parser.add_argument("--rows", type=int, default=2000, help="films, for the rows")
    parser.add_argument("--no-keep", action="store_true", help="print the figures alone")
    given = parser.parse_args()
    figures = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": described(),
        "load_average": [round(load, 1) for load in os.getloadavg()],
        "model": MODEL,
        "bytes_per_film": files(given.films)
        | {"part": part()}
        | {name: rows(name, given.rows) for name in ("sqlite", "postgresql")},
        "films": {"files": given.films, "rows": given.rows},
        "limits": LIMITS,
    }
    show(figures, None if given.no_keep else KEPT)


def files(number: int) -> dict[str, float]:
    """Bytes per film of maps and small images, by a real worker."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder, Store.open(folder) as store:
        for film in phantoms.normals(number, seed=0, size=_SIDE):
            assert isinstance(film, Film)
            store.films.receive(_png(film), name=film.name, source="ward")
        screener = load(MODEL)
        screener.gate = None  # it refuses phantoms, and a refused film has no map
        Worker(store, lambda: screener).drain()
        parts = {part.kind: part for part in storage_used.measure(store.site).parts}
        assert parts["maps"].files == number, parts
        return {kind: round(parts[kind].bytes / number) for kind in ("maps", "renditions")}


def _png(film: Film) -> bytes:
    written = io.BytesIO()
    Image.fromarray(np.asarray(np.rint(film.pixels * 255), np.uint8)).save(written, "PNG")
    return written.getvalue()


def part() -> float:
    """Bytes per film of an archive's part, as `unseen score --out parts/` writes it."""
    rng = np.random.default_rng(0)
    written_rows = [
        RankedFilmRow(
            file=f"films/{number // 100:04d}/{number:08d}.dcm",
            status="scored",
            score=float(rng.normal()),
            reason=None,
            map=None,
            sha256=rng.bytes(32).hex(),
        )
        for number in range(PART_SIZE)
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "part.parquet"
        write_scores(written_rows, path, kind=RankedFilmRow)
        return round(path.stat().st_size / PART_SIZE, 1)


def rows(database: str, number: int) -> int:
    """Bytes per film of the database."""
    with (
        tempfile.TemporaryDirectory() as folder,
        where_of(database, Path(folder)) as where,
        Store.open(where, films_folder=Path(folder) / "worklist") as store,
        worker_of(store, 0.0) as worker,
    ):
        before = _database(store)
        enter(store, number)
        worker.drain()
        store.database.forget_overwritten()
        return round((_database(store) - before) / number)


def _database(store: Store) -> int:
    [part] = [part for part in storage_used.measure(store.site).parts if part.kind == "database"]
    return part.bytes


if __name__ == "__main__":
    main()
