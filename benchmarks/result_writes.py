"""Results per second that workers write together: 1, 2, 4 and 8 processes, on PostgreSQL and on SQLite.

    python -m benchmarks.result_writes                            and studies/results/result-writes.json, docs/scale.md
    python -m benchmarks.result_writes --before COMMIT            the same with that commit's packages, kept to compare
    python -m benchmarks.result_writes --page                     the table in docs/scale.md from the kept figures
    python -m benchmarks.result_writes --films 400 --no-keep      print the figures alone
    python -m benchmarks.result_writes --infer-ms 25 --no-keep    each film takes 25 ms of another device

Films stand in the queue, each in a study of its own, as the DICOM node enters them. What is computed from pixels is
replaced: decoding, scoring, and the small images that pages show; the worker gets a film and a 64 × 64 anomaly map at
once. With `--infer-ms` it waits for them as for a device of its own, and takes no processor meanwhile: so the figure
shows what more machines would give. All else is the worker's own: claims, leases, maps, findings, decisions, the audit
trail. Data are on the disk, and every commit waits for it. After each run every film must have one finding, and the
audit trail must be whole. `processor_ms` is the workers' processor time per film, without the database server's.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from sqlalchemy import func, insert, select

import unseen
from benchmarks.kept_figures import as_json
from benchmarks.machine import described
from tests.worklist.postgresql import binaries, server
from unseen.anatomy.network_view import View
from unseen.data.film import Film, NotRead
from unseen.data.manifest import Entry
from unseen.detectors.finding import Finding
from unseen.screening.screener import Screener
from unseen_server.worklist import film_worker as worker_module
from unseen_server.worklist.appearance import SIDE, Appearance
from unseen_server.worklist.film_worker import Worker
from unseen_server.worklist.reading_order import order_of
from unseen_server.worklist.store import Store
from unseen_server.worklist.tables import films, findings, jobs, studies, terms

Figures = dict[str, Any]  # Any: JSON

ROOT = Path(__file__).parents[1]
RESULTS, PAGE = ROOT / "studies" / "results" / "result-writes.json", ROOT / "docs" / "scale.md"
SERVER = "server/src"
"""Folder of the server's package, which commits before its separation from the library do not have."""
BEGIN, END = "<!-- live writes table -->", "<!-- end of the live writes table -->"
PROCESSES = (1, 2, 4, 8)
DATABASES = ("postgresql", "sqlite")
_NAMES = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}
_SIDE = 64


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.result_writes", description=__doc__.splitlines()[0])
    parser.add_argument("--films", type=int, default=2000, help="in the queue of each run")
    parser.add_argument("--processes", type=int, nargs="+", default=list(PROCESSES))
    parser.add_argument("--databases", nargs="+", default=list(DATABASES), choices=DATABASES)
    parser.add_argument("--infer-ms", type=float, nargs="+", default=[0.0, 25.0], help="wait so long for each score")
    parser.add_argument("--before", metavar="COMMIT", help="measure the package of this commit")
    parser.add_argument("--no-keep", action="store_true", help="print the figures alone")
    parser.add_argument("--page", action="store_true", help="write the table from the kept figures alone")
    given = parser.parse_args()
    if given.before and not unseen.__file__.startswith(tempfile.gettempdir()):
        with earlier_package(given.before) as folder:
            if not (folder / SERVER).is_dir():
                parser.error(f"commit {given.before} has no {SERVER}, whose writes are measured; name a later commit")
            again = [sys.executable, "-m", "benchmarks.result_writes", *sys.argv[1:]]
            path = os.pathsep.join([str(folder / "src"), str(folder / SERVER), str(ROOT)])
            subprocess.run(again, check=True, env=os.environ | {"PYTHONPATH": path})
        return
    if given.page:
        write_table(json.loads(RESULTS.read_text(encoding="utf-8")))
        return
    figures = {
        "runs": [
            measure(database, processes=count, number=given.films, infer_ms=infer_ms)
            for database in given.databases
            for infer_ms in given.infer_ms
            for count in given.processes
        ],
        "alone": [measure_alone(database) for database in given.databases],
        "machine": described(),
        "load_average": [round(load, 1) for load in os.getloadavg()],
        "commit": given.before or _commit(),
        "date": datetime.now(UTC).date().isoformat(),
    }
    if not given.no_keep:
        kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
        kept["before" if given.before else "now"] = figures
        RESULTS.write_text(as_json(kept), encoding="utf-8")
        if set(kept) == {"before", "now"}:
            write_table(kept)
    print(as_json(figures), end="")


@contextmanager
def earlier_package(commit: str, *, root: Path = ROOT) -> Iterator[Path]:
    """Yield a temporary folder with the sources of a commit: `src`, and `server/src` if the commit has one.

    Args:
        commit: a commit of the repository at `root`.
        root: the repository's folder.
    """

    def git(*words: str) -> bytes:
        return subprocess.run(["git", *words], cwd=root, check=True, capture_output=True).stdout

    with tempfile.TemporaryDirectory() as folder:
        present = git("ls-tree", "--name-only", "-d", commit, "src", SERVER).decode().split()
        archive = git("archive", commit, *present)
        subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
        yield Path(folder)


def measure(database: str, *, processes: int, number: int, infer_ms: float) -> Figures:
    """Fill a new queue, and have it emptied by so many workers at once."""
    with tempfile.TemporaryDirectory() as folder, where_of(database, Path(folder)) as where:
        home = Path(folder) / "worklist"
        with Store.open(where, films_folder=home) as store:
            enter(store, number)
        context = multiprocessing.get_context("fork")  # torch is imported already, and has computed nothing
        barrier = context.Barrier(processes + 1)
        spent: Queue[float] = context.Queue()
        workers = [
            context.Process(target=_work, args=(where, home, barrier, spent, infer_ms / 1000)) for _ in range(processes)
        ]
        for one in workers:
            one.start()
        barrier.wait()
        began = time.perf_counter()
        for one in workers:
            one.join()
        spent_s = time.perf_counter() - began
        processor_s = sum(spent.get(timeout=10) for _ in workers)
        with Store.open(where, films_folder=home) as store:
            _check(store, number)
    found = {
        "database": database,
        "processes": processes,
        "infer_ms": infer_ms,
        "films": number,
        "films_per_s": round(number / spent_s, 1),
        "processor_ms": round(1000 * processor_s / number, 2),
    }
    print(json.dumps(found), flush=True)
    return found


def measure_alone(database: str, *, number: int = 100) -> Figures:
    """Measure the time of one film that comes alone to an idle worker, which claims and enters it by itself."""
    with (
        tempfile.TemporaryDirectory() as folder,
        where_of(database, Path(folder)) as where,
        Store.open(where, films_folder=Path(folder) / "worklist") as store,
        worker_of(store, 0.0) as worker,
    ):
        enter(store, number)
        worker.step()  # connects
        spent_ms = []
        for _ in range(number - 1):
            worker._pace_s = None  # of a worker that has met no film yet: it takes one
            began = time.perf_counter()
            worker.step()
            spent_ms.append(1000 * (time.perf_counter() - began))
        _check(store, number)
    quantiles = statistics.quantiles(spent_ms, n=20)
    found = {"database": database, "median_ms": round(quantiles[9], 1), "p95_ms": round(quantiles[18], 1)}
    print(json.dumps(found), flush=True)
    return found


@contextmanager
def where_of(database: str, folder: Path) -> Iterator[str]:
    """Yield the place of a new store: a folder for SQLite, or the URL of a PostgreSQL server that is started."""
    if database == "sqlite":
        yield str(folder / "worklist")
        return
    programs = binaries()
    assert programs is not None, "PostgreSQL's initdb is missing. Install postgresql."
    with server(programs, durable=True) as url:
        yield url.render_as_string(hide_password=False)


def enter(store: Store, number: int) -> None:
    """Films in the queue, as the DICOM node leaves them: joined to a study of their own, which is complete."""
    now_us = store.site.now_us()
    names = store.names
    order = order_of(
        "received", standing="received", priority=None, received_us=now_us, changed_us=now_us, overdue_before_us=0
    )
    numbers = range(1, number + 1)
    digests = [hashlib.sha256(f"film {one}".encode()).hexdigest() for one in numbers]
    with store.database.writing() as connection:
        connection.execute(
            insert(studies),
            [
                {
                    "id": one,
                    "public_id": f"s-{one:020x}",
                    "uid": names.of("study", f"1.2.{one}"),
                    "patient": names.of("patient", f"p{one}"),
                    "source": "ward",
                    "state": "received",
                    "standing": "received",
                    "received_us": now_us,
                    "changed_us": now_us,
                    "films": 1,
                    "audit_sample": False,
                    "reason": "",
                    **order._asdict(),
                }
                for one in numbers
            ],
        )
        connection.execute(
            insert(films),
            [
                {
                    "id": one,
                    "public_id": f"f-{one:020x}",
                    "study_id": one,
                    "sha256": digest,
                    "bytes": 1,
                    "name": f"{one}.dcm",
                    "source": "ward",
                    "received_us": now_us,
                    "judged": False,
                    "tags": "{}",
                    "instance": names.of("instance", f"1.3.{one}"),
                }
                for one, digest in zip(numbers, digests, strict=True)
            ],
        )
        connection.execute(
            insert(terms),
            [
                {"term": term, "study_id": one}
                for one in numbers
                for term in (f"f-{one:020x}", f"s-{one:020x}", names.sealed("study", f"1.2.{one}"))
            ],
        )
        connection.execute(
            insert(jobs),
            [{"film_id": one, "state": "open", "tries": 0, "due_us": now_us, "reason": ""} for one in numbers],
        )
    if not store.database.is_sqlite:
        with store.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")


class Stub:
    """A detector that knows the score: a number from the film's name."""

    weights_sha256 = "5" * 64

    def __init__(self, infer_s: float) -> None:
        self._infer_s = infer_s
        pixels = np.linspace(0, 1, _SIDE * _SIDE, dtype=np.float32).reshape(_SIDE, _SIDE)
        self._film = Film(
            name="", pixels=pixels, source="", patient="", study="", bits=12, view_position="PA", file_sha256="",
            pixel_sha256="", file_bytes=1, file_format="dicom",
        )  # fmt: skip
        self._viewed = View(size=_SIDE, frame="whole")(self._film)

    def score(self, given: Iterable[Film | NotRead], /) -> Iterator[Finding | NotRead]:
        for film in given:
            assert isinstance(film, Film)
            if self._infer_s:
                time.sleep(self._infer_s)
            score = int(film.file_sha256[:6], 16) / 16**6
            drawn = np.full((_SIDE, _SIDE), score, np.float32)
            yield Finding(film=film, score=score, parts={"residual": score}, anomaly_map=drawn, reconstruction=None,
                          viewed=self._viewed)  # fmt: skip

    def read(self, entry: Entry) -> Film:
        """Return the film that would be decoded."""
        number = int(entry.name[2:], 16)
        return Film(
            name=entry.name,
            pixels=self._film.pixels,
            source=entry.source or "",
            patient=entry.name,
            study=entry.name,
            bits=12,
            view_position="PA",
            tags={"Modality": "DX"},
            identifiers={
                "StudyInstanceUID": f"1.2.{number}",
                "SOPInstanceUID": f"1.3.{number}",
                "PatientID": f"p{number}",
            },
            file_sha256=entry.path.name,
            pixel_sha256=entry.path.name,
            file_bytes=1,
            file_format="dicom",
        )


def _work(where: str, home: Path, barrier: Barrier, spent: Queue[float], infer_s: float) -> None:
    """A worker's process: it scores what is there."""
    torch.set_num_threads(1)
    with Store.open(where, films_folder=home) as store, worker_of(store, infer_s) as worker:
        store.jobs.counts()  # connects
        barrier.wait()
        began = time.process_time()
        worker.drain()
        spent.put(time.process_time() - began)


@contextmanager
def worker_of(store: Store, infer_s: float) -> Iterator[Worker]:
    """Yield a worker that computes nothing from pixels. A function to replace that it no longer has is an error."""
    stub = Stub(infer_s)
    looks = Appearance(look=bytes(SIDE * SIDE), statistics={"mean": 0.5, "rows": 2500.0})
    worker = Worker(store, lambda: Screener(stub))
    with (
        patch.object(worker_module, "read_film", stub.read),
        patch.object(worker_module, "appearance_of", lambda film, found: looks),
        patch.object(worker, "_show", lambda job, film, found: None),
    ):
        yield worker


def _check(store: Store, number: int) -> None:
    """Each film has one finding with a score, and the audit trail is whole."""
    with store.database.reading() as connection:
        counts = func.count(), func.count(findings.c.film_id.distinct()), func.count(findings.c.score)
        found = connection.execute(select(*counts)).one()
    broken = store.audit.verify()
    assert tuple(found) == (number, number, number) and store.jobs.counts().done == number, found
    assert broken is None, broken
    assert store.audit.head().seq == 2 * number, "film.scored and study.judged"


def write_table(kept: Figures) -> None:
    """The table in docs/scale.md."""
    page = PAGE.read_text(encoding="utf-8")
    start, end = page.index(BEGIN) + len(BEGIN), page.index(END)
    PAGE.write_text(f"{page[:start]}\n\n{table(kept)}\n\n{page[end:]}", encoding="utf-8")


def table(kept: Figures) -> str:
    """Films per second by database, waiting and processes, before and now."""
    now, before = kept["now"], kept["before"]

    def key(run: Figures) -> tuple[str, float, int]:
        return run["database"], run["infer_ms"], run["processes"]

    earlier = {key(run): run for run in before["runs"]}
    head = ["database", "score, ms", "processes", "before, films/s", "now, films/s", "ratio", "processor, ms per film"]
    lines = [head, ["---", *["---:"] * 6]]
    for run in now["runs"]:
        was = earlier.get(key(run))
        lines.append(
            [
                _NAMES[run["database"]],
                f"{run['infer_ms']:g}",
                str(run["processes"]),
                "" if was is None else f"{was['films_per_s']:.1f}",
                f"{run['films_per_s']:.1f}",
                "" if was is None else f"{run['films_per_s'] / was['films_per_s']:.1f}",
                f"{run['processor_ms']:.2f}",
            ]
        )
    rows = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    machine = now["machine"]
    alone = [["database", "before, ms", "now, ms"], ["---", "---:", "---:"]]
    for was, one in zip(before["alone"], now["alone"], strict=True):
        cells = [f"{row['median_ms']:.0f} ({row['p95_ms']:.0f})" for row in (was, one)]
        alone.append([_NAMES[one["database"]], *cells])
    of_one = "\n".join(f"| {' | '.join(line)} |" for line in alone)
    return (
        f"{rows}\n\nA film that comes alone, from the claim until its result is entered: median, and in brackets the "
        f"95th percentile.\n\n{of_one}\n\nMeasured on {machine['cpu']}, {machine['cores']} cores, Python "
        f"{machine['python']}. Now: {_described(now)}. Before: {_described(before)}. Other programs that run meanwhile "
        "take processor time from both; a quiet machine is faster."
    )


def _described(figures: Figures) -> str:
    films, load = figures["runs"][0]["films"], figures["load_average"][0]
    return f"commit {figures['commit']}, {figures['date']}, {films:,} films per run, load average {load} at the end"


def _commit() -> str:
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip()


if __name__ == "__main__":
    main()
