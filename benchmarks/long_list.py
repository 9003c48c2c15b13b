"""Time of a page of 50 studies in a list of ten million studies on PostgreSQL, and a search by accession number.

    python -m benchmarks.long_list                                 studies/results/long-list.json and docs/scale.md
    python -m benchmarks.long_list --page                          docs/scale.md from the kept figures
    python -m benchmarks.long_list --studies 1000000 --no-keep     print the figures alone

PostgreSQL's data are on the disk. The studies are made by the server itself (`generate_series`), without films and with
indexes built afterwards. Each has an accession number's pseudonym and a term by which it is searched. Times are
milliseconds of `Studies.page`, each page at another place of the list or of another number: median and 95th percentile.
Processor time is the part that other programs on the machine lengthen least: this program's, and the server's.
`plans` has the nodes of the plan of each type of page; a node that reads the whole table would stand there as Seq Scan.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import event, select, text

from benchmarks.kept_figures import show
from benchmarks.machine import described
from tests.worklist.postgresql import binaries, server
from unseen.artifacts.files import write_text
from unseen.artifacts.research_only import LIMITS
from unseen_server.worklist.list_sorting import cursor_of, sort_columns
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery
from unseen_server.worklist.tables import studies, terms
from unseen_server.worklist.waiting_cap import MOST_CAP_S

Figures = dict[str, Any]  # Any: JSON
ROOT = Path(__file__).parents[1]
KEPT, PAGE = ROOT / "studies" / "results" / "long-list.json", ROOT / "docs" / "scale.md"
PROBES = 200  # studies whose accession number is known, to search for
BEGIN, END = "<!-- long list table -->", "<!-- end of the long list table -->"
SETTINGS = {
    "shared_buffers": "128MB",  # PostgreSQL's own default
    "max_wal_size": "4GB",  # of the fill: a checkpoint writes all that has changed
    "wal_level": "minimal",  # likewise: rows of a new table are written once, and are on the disk at the commit
    "max_wal_senders": "0",
}
_ROWS = 50
_FILL = """
INSERT INTO studies (id, public_id, accession, source, state, standing, shelf, band, rank, received_us, changed_us,
    films, audit_sample, action, priority, score, reason, refusal, score_rank, model, policy, view, assigned_to, apart)
SELECT i, 's-' || lpad(to_hex(i), 20, '0'), md5(i::text) || md5((-i)::text), 'site-' || i / 100 % 5, s,
    CASE WHEN s = 'reported' THEN 'to_read' ELSE s END, f,
    CASE WHEN s = 'not_scored' THEN 0 ELSE 2 END,
    CASE s WHEN 'not_scored' THEN 0 WHEN 'received' THEN 1 WHEN 'to_read' THEN -p ELSE -t END, t, t, 1, false,
    CASE s WHEN 'received' THEN NULL WHEN 'not_scored' THEN s WHEN 'cleared' THEN 'clear' ELSE 'read' END,
    CASE WHEN s <> 'received' THEN p END, CASE WHEN scored THEN p END,
    CASE WHEN s = 'not_scored' THEN 'clause ' || i % 7 || ': simulated' ELSE '' END,
    CASE WHEN s = 'not_scored' THEN 'clause ' || i % 7 END,
    CASE WHEN scored THEN p ELSE -1e308 END, CASE WHEN scored THEN :model END, CASE WHEN scored THEN '' END,
    CASE WHEN i % 100 < 70 THEN 'PA' WHEN i % 100 < 97 THEN 'AP' ELSE 'LL' END,
    CASE WHEN i % 1009 = 0 THEN 'reader-0' END, CASE WHEN scored THEN q ^ 4 END
FROM (SELECT *, s NOT IN ('received', 'not_scored') AS scored,
        CASE WHEN s IN ('cleared', 'reported') THEN s ELSE 'to_read' END AS f
    FROM (SELECT i, random() AS p, random() AS q, CAST(:now AS bigint) - CAST(i AS bigint) * 1000 AS t,
            CASE WHEN u < 0.59 THEN 'to_read' WHEN u < 0.60 THEN 'received' WHEN u < 0.62 THEN 'not_scored'
                WHEN u < 0.86 THEN 'cleared' ELSE 'reported' END AS s
        FROM (SELECT i, random() AS u FROM generate_series(1, :count) AS i) AS drawn) AS made) AS stood
"""
# Indexes of the two tables, and constraints that are indexes and to which no foreign key refers.
_MADE = """
SELECT 'DROP INDEX ' || indexname AS dropping, indexdef AS making FROM pg_indexes
WHERE tablename IN ('studies', 'terms') AND indexname LIKE 'ix_%'
UNION ALL
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', CAST(conrelid AS regclass), conname),
    format('ALTER TABLE %s ADD CONSTRAINT %I %s', CAST(conrelid AS regclass), conname, pg_get_constraintdef(oid))
FROM pg_constraint
WHERE conrelid IN (CAST('studies' AS regclass), CAST('terms' AS regclass)) AND contype IN ('u', 'p')
    AND conname <> 'pk_studies'
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.long_list", description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=10_000_000)
    parser.add_argument("--times", type=int, default=100, help="pages of each kind, 200 at most")
    parser.add_argument("--no-keep", action="store_true", help="print the figures alone")
    parser.add_argument("--page", action="store_true", help="render the page from the kept figures alone")
    given = parser.parse_args()
    if given.page:
        write_table(json.loads(KEPT.read_text(encoding="utf-8")))
        return
    figures = measure(given.studies, times=min(given.times, PROBES))
    show(figures, None if given.no_keep else KEPT)
    if not given.no_keep:
        write_table(figures)


def measure(count: int, *, times: int) -> Figures:
    """Fill a new database, and time its pages."""
    programs = binaries()
    assert programs is not None, "PostgreSQL's initdb is missing. Install postgresql."
    with server(programs, durable=True, settings=SETTINGS) as url:
        where = url.render_as_string(hide_password=False)
        with Store.open(where, films_folder=Path(str(url.query["host"])) / "worklist") as store:  # goes with the server
            store.settings.set_waiting_cap_s(MOST_CAP_S, actor="benchmark")
            filled_s = fill(store, count)
            store.studies.page(StudyQuery())  # connects
            kinds = pages(store, count)
            found = {name: timed(store, one, times) for name, one in kinds.items()}
            plans = {name: plan_of(store, one) for name, one in kinds.items()}
    return {
        "studies": count,
        "rows_per_page": _ROWS,
        "filled_s": filled_s,
        "settings": SETTINGS,
        "pages_ms": found,
        "plans": plans,
        "machine": described(),
        "load_average": [round(load, 1) for load in os.getloadavg()],
        "date": datetime.now(UTC).date().isoformat(),
        "limits": LIMITS,
    }


def fill(store: Store, count: int) -> dict[str, float]:
    """Simulated studies, and their terms; indexes are built after the rows. Returns the seconds of each step.

    In the transaction that empties a table its new rows need no log, and neither do its new indexes.
    """
    spent: dict[str, float] = {}
    with store.database.engine.begin() as connection:
        step = _step(spent)
        made = list(connection.execute(text(_MADE)))
        connection.exec_driver_sql("TRUNCATE studies CASCADE")
        for one in made:
            connection.exec_driver_sql(one.dropping)
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")  # no foreign key is looked up
        connection.exec_driver_sql("SELECT setseed(0)")
        connection.execute(text(_FILL), {"count": count, "now": store.site.now_us(), "model": "b" * 64})
        step("studies")
        connection.exec_driver_sql("INSERT INTO terms (term, study_id) SELECT accession, id FROM studies")
        apart = max(1, count // PROBES)
        known = [{"term": store.names.sealed("accession", f"A{n}"), "study_id": n * apart + 1} for n in range(PROBES)]
        connection.execute(terms.insert(), known)
        step("terms")
        connection.exec_driver_sql("SET LOCAL maintenance_work_mem = '1GB'")
        for one in made:
            connection.exec_driver_sql(one.making)
        step("indexes")
    step("commit")
    with store.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM (ANALYZE, INDEX_CLEANUP off) studies, terms")  # no row was ever removed
        connection.exec_driver_sql("CHECKPOINT")
    step("vacuum")
    return spent | {"together": round(sum(spent.values()), 1)}


def _step(spent: dict[str, float]) -> Callable[[str], None]:
    """Notes, and reports, the seconds since the last step."""
    last = time.perf_counter()

    def done(name: str) -> None:
        nonlocal last
        now = time.perf_counter()
        spent[name], last = round(now - last, 1), now
        print(f"filled: {name}, {spent[name]} s", file=sys.stderr, flush=True)

    return done


def pages(store: Store, count: int) -> dict[str, Callable[[int], object]]:
    """Return each kind of page, by the number of the try."""
    places = _places(store, count)
    return {
        "first": lambda _: store.studies.page(StudyQuery(limit=_ROWS, blind=False)),
        "first, beside groups": lambda _: store.studies.page(StudyQuery(limit=_ROWS, blind=False, grouped=True)),
        "deep, by its key": lambda number: store.studies.page(
            StudyQuery(limit=_ROWS, blind=False, after=places[number])
        ),
        "deep, backwards": lambda number: store.studies.page(
            StudyQuery(limit=_ROWS, blind=False, before=places[number])
        ),
        "last": lambda _: store.studies.page(StudyQuery(limit=_ROWS, blind=False, last=True)),
        "by score": lambda _: store.studies.page(StudyQuery(limit=_ROWS, blind=False, order="score", reverse=True)),
        "of a source": lambda number: store.studies.page(
            StudyQuery(limit=_ROWS, blind=False, source=f"site-{number % 5}")
        ),
        "of a projection (3 %)": lambda _: store.studies.page(StudyQuery(limit=_ROWS, blind=False, view="LL")),
        "of a projection (3 %), by score": lambda _: store.studies.page(
            StudyQuery(limit=_ROWS, blind=False, view="LL", order="score", reverse=True)
        ),
        "of one reader (0.1 %)": lambda _: store.studies.page(
            StudyQuery(limit=_ROWS, blind=False, assigned="reader-0")
        ),
        "not scored yet (1 %)": lambda _: store.studies.page(StudyQuery(limit=_ROWS, blind=False, state="received")),
        "models disagree": lambda _: store.studies.page(StudyQuery(limit=_ROWS, blind=False, disagreement=True)),
        "cleared": lambda _: store.studies.page(StudyQuery(tab="cleared", limit=_ROWS, blind=False)),
        "a search by accession number": lambda number: _one(store, f"A{number}"),
    }


def _one(store: Store, accession: str) -> object:
    found = store.studies.page(StudyQuery(tab="all", text=accession, limit=_ROWS, blind=False))
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


def timed(store: Store, one: Callable[[int], object], times: int) -> Figures:
    """Milliseconds of pages on a clock on the wall; and the mean of processor time, this program's and the server's."""
    spent = []
    began_with = _processor_s(store)
    for number in range(times):
        began = time.perf_counter()
        one(number)
        spent.append(1000 * (time.perf_counter() - began))
    own, server_s = (after - before for before, after in zip(began_with, _processor_s(store), strict=True))
    cut = statistics.quantiles(spent, n=20)
    return {
        "median": round(cut[9], 1),
        "p95": round(cut[18], 1),
        "longest": round(max(spent), 1),
        "processor": round(1000 * own / times, 1),
        "processor_of_server": round(1000 * server_s / times, 1),
    }


def _processor_s(store: Store) -> tuple[float, float]:
    """Processor time so far: of this program, and of the server's process for the connection that pages use."""
    with store.database.reading() as connection:
        number = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    fields = Path(f"/proc/{number}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    ticks = int(fields[11]) + int(fields[12])  # utime and stime, 14 and 15 of proc(5)
    return time.process_time(), ticks / os.sysconf("SC_CLK_TCK")


def plan_of(store: Store, one: Callable[[int], object]) -> list[str]:
    """Return the nodes of the plans of a page's statements that read studies or terms, each once."""
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


def write_table(figures: Figures) -> None:
    """The table in docs/scale.md."""
    page = PAGE.read_text(encoding="utf-8")
    start, end = page.index(BEGIN) + len(BEGIN), page.index(END)
    write_text(PAGE, f"{page[:start]}\n\n{table(figures)}\n\n{page[end:]}")


def table(figures: Figures) -> str:
    """Milliseconds per type of page, and what they were measured on."""
    head = ["page", "median, ms", "95th percentile, ms", "processor, program, ms", "processor, server, ms"]
    lines = [head, ["---", *["---:"] * 4]]
    for name, row in figures["pages_ms"].items():
        measured = [row["median"], row["p95"], row["processor"], row["processor_of_server"]]
        lines.append([name, *(f"{value:.1f}" for value in measured)])
    rows = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    machine, filled = figures["machine"], figures["filled_s"]["together"]
    return (
        f"{rows}\n\n{figures['studies']:,} studies, {figures['rows_per_page']} rows per page. Measured on "
        f"{machine['cpu']}, {machine['cores']} cores, Python {machine['python']}, {figures['date']}, load average "
        f"{figures['load_average'][0]} at the end; shared_buffers {figures['settings']['shared_buffers']}. To fill the "
        f"list took {filled / 60:.0f} minutes, {1e6 * filled / figures['studies']:.0f} s per million studies."
    )


if __name__ == "__main__":
    main()
