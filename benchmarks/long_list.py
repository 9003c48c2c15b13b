"""How long a page of 50 takes in a list of ten million studies on PostgreSQL, and a search by accession number.

    python -m benchmarks.long_list                                 and studies/results/long-list.json
    python -m benchmarks.long_list --studies 1000000 --no-keep     print the figures alone

PostgreSQL's data are on the disk. The studies are made by the server itself (`generate_series`), without films and with
indexes built afterwards. Each has an accession number's pseudonym and a term by which it is searched. Times are
milliseconds of `Store.page`, each page at another place of the list or of another number: median and 95th percentile.
`plans` has the nodes of the plan of each kind of page; a node that reads the whole table would stand there as Seq Scan.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import event, select, text

from benchmarks.machine import described
from tests.worklist.postgresql import binaries, server
from unseen.artifacts.files import write_text
from unseen.artifacts.installation import LIMITS
from unseen.worklist.places import cursor_of, sort_columns
from unseen.worklist.store import Store
from unseen.worklist.tables import studies, terms

Figures = dict[str, Any]  # Any: JSON
KEPT = Path(__file__).parents[1] / "studies" / "results" / "long-list.json"
PROBES = 200  # studies whose accession number is known, to search for
_ROWS = 50
_FILL = """
INSERT INTO studies (id, public_id, accession, source, state, standing, shelf, band, rank, received_us, changed_us,
    films, audit_sample, action, priority, score, reason, score_rank, model, policy, view)
SELECT i, 's-' || lpad(to_hex(i), 20, '0'), md5(i::text) || md5((-i)::text), 'site-' || i % 5, s, s, f,
    CASE WHEN s = 'not_scored' THEN 0 ELSE 2 END,
    CASE WHEN s = 'not_scored' THEN 0 WHEN f = 'to_read' THEN -p ELSE -t END, t, t, 1, false,
    CASE s WHEN 'not_scored' THEN s WHEN 'cleared' THEN 'clear' ELSE 'read' END, p,
    CASE WHEN s <> 'not_scored' THEN p END, '', CASE WHEN s = 'not_scored' THEN -1e308 ELSE p END, :model, '',
    CASE WHEN i % 100 < 70 THEN 'PA' WHEN i % 100 < 97 THEN 'AP' ELSE 'LL' END
FROM (SELECT i, random() AS p, CAST(:now AS bigint) - CAST(i AS bigint) * 1000 AS t,
        CASE WHEN u < 0.6 THEN 'to_read' WHEN u < 0.62 THEN 'not_scored' WHEN u < 0.86 THEN 'cleared' ELSE 'reported'
        END AS s,
        CASE WHEN u < 0.62 THEN 'to_read' WHEN u < 0.86 THEN 'cleared' ELSE 'reported' END AS f
    FROM (SELECT i, random() AS u FROM generate_series(1, :count) AS i) AS drawn) AS made
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.long_list", description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=10_000_000)
    parser.add_argument("--times", type=int, default=100, help="pages of each kind, 200 at most")
    parser.add_argument("--no-keep", action="store_true", help="print the figures alone")
    given = parser.parse_args()
    figures = measure(given.studies, times=min(given.times, PROBES))
    written = json.dumps(figures, indent=1, ensure_ascii=False) + "\n"
    print(written, end="")
    if not given.no_keep:
        write_text(KEPT, written)


def measure(count: int, *, times: int) -> Figures:
    """Fill a new database, and time its pages."""
    programs = binaries()
    assert programs is not None, "PostgreSQL's initdb is missing. Install postgresql."
    with tempfile.TemporaryDirectory() as folder, server(programs, durable=True) as url:
        where = url.render_as_string(hide_password=False)
        with Store.open(where, films_folder=Path(folder) / "worklist") as store:
            store.set_waiting_cap_s(10 * 365 * 86_400.0, actor="benchmark")
            began = time.perf_counter()
            fill(store, count)
            filled_s = time.perf_counter() - began
            store.page()  # connects
            kinds = pages(store, count)
            found = {name: timed(one, times) for name, one in kinds.items()}
            plans = {name: plan_of(store, one) for name, one in kinds.items()}
    return {
        "studies": count,
        "rows_per_page": _ROWS,
        "filled_s": round(filled_s),
        "pages_ms": found,
        "plans": plans,
        "machine": described(),
        "load_average": [round(load, 1) for load in os.getloadavg()],
        "date": datetime.now(UTC).date().isoformat(),
        "limits": LIMITS,
    }


def fill(store: Store, count: int) -> None:
    """Simulated studies, and their terms; indexes are built after the rows."""
    indexes = "SELECT indexdef FROM pg_indexes WHERE tablename IN ('studies', 'terms') AND indexname LIKE 'ix_%'"
    names = "SELECT indexname FROM pg_indexes WHERE tablename IN ('studies', 'terms') AND indexname LIKE 'ix_%'"
    with store.database.engine.begin() as connection:
        made = list(connection.execute(text(indexes)).scalars())
        for name in list(connection.execute(text(names)).scalars()):
            connection.exec_driver_sql(f"DROP INDEX {name}")
        connection.exec_driver_sql("SELECT setseed(0)")
        connection.execute(text(_FILL), {"count": count, "now": store.now_us(), "model": "b" * 64})
        connection.exec_driver_sql("SET LOCAL maintenance_work_mem = '1GB'; SET LOCAL work_mem = '1GB'")
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")  # no foreign key is looked up
        of_studies = "INSERT INTO terms (term, study_id) SELECT accession, id FROM studies ORDER BY accession"
        connection.exec_driver_sql(of_studies)  # in the order of the key: its index grows at its end
        step = max(1, count // PROBES)
        known = [{"term": store.names.sealed("accession", f"A{n}"), "study_id": n * step + 1} for n in range(PROBES)]
        connection.execute(terms.insert(), known)
        for statement in made:
            connection.exec_driver_sql(statement)
    with store.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE studies, terms")


def pages(store: Store, count: int) -> dict[str, Callable[[int], object]]:
    """Each kind of page, by the number of the try."""
    places = _places(store, count)
    return {
        "first": lambda _: store.page(limit=_ROWS, blind=False),
        "deep, by its key": lambda number: store.page(limit=_ROWS, blind=False, after=places[number]),
        "last": lambda _: store.page(limit=_ROWS, blind=False, last=True),
        "by score": lambda _: store.page(limit=_ROWS, blind=False, order="score", reverse=True),
        "of a source": lambda number: store.page(limit=_ROWS, blind=False, source=f"site-{number % 5}"),
        "of a projection (3 %)": lambda _: store.page(limit=_ROWS, blind=False, view="LL"),
        "cleared": lambda _: store.page("cleared", limit=_ROWS, blind=False),
        "a search by accession number": lambda number: _one(store, f"A{number}"),
    }


def _one(store: Store, accession: str) -> object:
    found = store.page("all", text=accession, limit=_ROWS, blind=False)
    assert len(found.rows) == 1, found
    return found


def _places(store: Store, count: int) -> list[str]:
    """Cursors of rows that are spread over the list to read."""
    order = sort_columns("to_read")
    rng = random.Random(0)
    with store.database.reading() as connection:
        found: list[str] = []
        while len(found) < PROBES:
            one = select(*order).where(studies.c.id == rng.randint(1, count), studies.c.shelf == "to_read")
            row = connection.execute(one).one_or_none()
            if row is not None:
                found.append(cursor_of(tuple(row)))
    return found


def timed(one: Callable[[int], object], times: int) -> Figures:
    spent = []
    for number in range(times):
        began = time.perf_counter()
        one(number)
        spent.append(1000 * (time.perf_counter() - began))
    cut = statistics.quantiles(spent, n=20)
    return {"median": round(cut[9], 1), "p95": round(cut[18], 1), "longest": round(max(spent), 1)}


def plan_of(store: Store, one: Callable[[int], object]) -> list[str]:
    """The nodes of the plans of a page's statements that read studies or terms, each once."""
    asked: list[tuple[str, Any]] = []  # Any: parameters, as the driver takes them

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, *more: Any) -> None:  # Any: SQLAlchemy's
        if statement.startswith(("SELECT", "WITH")) and ("studies" in statement or "terms" in statement):
            asked.append((statement, parameters))

    event.listen(store.database.engine, "before_cursor_execute", note)
    try:
        one(0)
    finally:
        event.remove(store.database.engine, "before_cursor_execute", note)
    nodes: dict[str, None] = {}
    with store.database.reading() as connection:
        for statement, parameters in asked:
            for line in connection.exec_driver_sql(f"EXPLAIN (COSTS OFF) {statement}", parameters).scalars():
                node = line.strip().removeprefix("->").strip()
                if " on " in node or "Scan" in node or node.startswith("Sort"):
                    nodes[node] = None
    return [node for node in nodes if "Scan" in node or node == "Sort"]


if __name__ == "__main__":
    main()
