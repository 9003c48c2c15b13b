"""How long a page of the worklist takes: first, middle, last and filtered, alone and while others write.

    python -m benchmarks.worklist_pages --studies 50000
    python -m benchmarks.worklist_pages --studies 1000000 --url postgresql://user@host/empty

Prints and returns JSON: milliseconds, median and 95th percentile, by kind of page, as a clock on the wall tells them;
and the processor's median, which on a machine with other work is the part that is the page's own.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, select

from unseen.worklist.ordering import order_of
from unseen.worklist.states import State
from unseen.worklist.store import Store
from unseen.worklist.tables import studies as table
from unseen.worklist.tables import terms

Figures = dict[str, Any]  # Any: JSON

SOURCES = 5
_AT_ONCE = 5_000
_SHARES: tuple[tuple[State, float], ...] = (
    ("to_read", 0.55),
    ("not_scored", 0.05),
    ("received", 0.01),
    ("cleared", 0.25),
    ("reported", 0.14),
)
_WAITED_S = 2 * 86_400.0  # received over two days: half of those to read wait longer than the cap of one


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.worklist_pages", description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=50_000)
    parser.add_argument("--url", help="an empty PostgreSQL database; without it, SQLite")
    parser.add_argument("--times", type=int, default=100, help="pages of each kind")
    given = parser.parse_args()
    print(json.dumps(measure(studies=given.studies, url=given.url, times=given.times), indent=1))


def measure(*, studies: int, url: str | None = None, times: int = 100, folder: Path | None = None) -> Figures:
    """Fill a new store, and time its pages."""
    with tempfile.TemporaryDirectory(dir=folder) as home, Store.open(url or home, films_folder=home) as store:
        began = time.perf_counter()
        fill(store, studies=studies, seed=0)
        filled_s = time.perf_counter() - began
        store.page()  # connects
        alone = {name: timed(page, times) for name, page in kinds(store).items()}
        with writers(store) as written:
            beside = {name: timed(page, times) for name, page in kinds(store).items()}
        return {
            "date": datetime.now(UTC).date().isoformat(),
            "database": store.database.engine.dialect.name,
            "studies": studies,
            "filled_s": round(filled_s, 1),
            "alone_ms": alone,
            "during_writes_ms": beside,
            "written_meanwhile": written(),
            "worst_p95_ms": max(figure["p95"] for part in (alone, beside) for figure in part.values()),
        }


def kinds(store: Store) -> dict[str, Callable[[int], object]]:
    """Each kind of page, as a function of the draw's number."""
    with store.database.reading() as connection:
        on_list = table.c.shelf == "to_read"
        count = connection.execute(select(func.count()).select_from(table).where(on_list)).scalar_one()
        names = connection.execute(select(table.c.public_id).order_by(table.c.id).limit(1000)).scalars().all()
    middles = [middle(store, count * share // 10) for share in range(1, 10)]
    return {
        "first": lambda n: store.page(),
        "middle": lambda n: store.page(after=middles[n % len(middles)]),
        "middle, backwards": lambda n: store.page(before=middles[n % len(middles)]),
        "last": lambda n: store.page(last=True),
        "of a source": lambda n: store.page(source=f"site-{n % SOURCES}"),
        "of a source, last": lambda n: store.page(source=f"site-{n % SOURCES}", last=True),
        "cleared": lambda n: store.page("cleared"),
        "not scored": lambda n: store.page("not_scored"),
        "all": lambda n: store.page("all"),
        "all, last": lambda n: store.page("all", last=True),
        "searched": lambda n: store.page("all", text=names[n % len(names)]),
        "searched, a name that all have": lambda n: store.page("all", text="IM0001"),
    }


def middle(store: Store, number: int) -> str:
    """The cursor of row `number` of the list to read."""
    from unseen.worklist.listing import cursor_of, ordering

    with store.database.reading() as connection:
        order = ordering("to_read")
        query = select(*order).where(table.c.shelf == "to_read").order_by(*order).offset(number).limit(1)
        return cursor_of(tuple(connection.execute(query).one()))


def timed(page: Callable[[int], object], times: int) -> Figures:
    spent, computed = [], []
    for number in range(times):
        began, own = time.perf_counter(), time.thread_time()
        page(number)
        spent.append(1000 * (time.perf_counter() - began))
        computed.append(1000 * (time.thread_time() - own))
    return {
        "median": round(statistics.median(spent), 2),
        "p95": round(sorted(spent)[int(0.95 * times)], 2),
        "processor": round(statistics.median(computed), 2),
    }


class writers:
    """Films come in, one after the other, while the block runs."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._over = threading.Event()
        self._count = 0
        self._thread = threading.Thread(target=self._write)

    def __enter__(self) -> Callable[[], int]:
        self._thread.start()
        return lambda: self._count

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _write(self) -> None:
        while not self._over.is_set():
            self._store.receive(f"film {self._count} of the writer".encode() * 1000, name="IM0001", source="site-0")
            self._count += 1


def fill(store: Store, *, studies: int, seed: int, shares: Sequence[tuple[State, float]] = _SHARES) -> None:
    """Made-up studies in the states of `shares`, entered in bulk; they have no films."""
    rng = random.Random(seed)
    now_us = store.now_us()
    done = 0
    while done < studies:
        count = min(_AT_ONCE, studies - done)
        rows = list(_rows(rng, done, count, now_us, shares))
        with store.database.writing() as connection:
            numbers = connection.execute(
                insert(table).returning(table.c.id, sort_by_parameter_order=True), rows
            ).scalars()
            said = [
                {"term": term, "study_id": number}
                for number, row in zip(numbers, rows, strict=True)
                for term in (row["public_id"], store.names.sealed("name", "IM0001"))
            ]
            connection.execute(insert(terms), said)
        done += count
    if not store.database.is_sqlite:
        with store.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE studies, terms")


def _rows(
    rng: random.Random, start: int, count: int, now_us: int, shares: Sequence[tuple[State, float]]
) -> Iterator[Figures]:
    states = [state for state, _ in shares]
    weights = [share for _, share in shares]
    for number in range(start, start + count):
        (state,) = rng.choices(states, weights)
        standing: State = "to_read" if state == "reported" else state
        priority = None if state == "received" else 2.0 if state == "not_scored" else rng.random()
        received_us = now_us - int(rng.random() * _WAITED_S * 1e6)
        changed_us = min(now_us, received_us + 2_000_000)
        order = order_of(
            state,
            standing=standing,
            priority=priority,
            received_us=received_us,
            changed_us=changed_us,
            overdue_before_us=now_us - 86_400_000_000,
        )
        yield {
            "public_id": f"s-{number:020x}",
            "source": f"site-{rng.randrange(SOURCES)}",
            "state": state,
            "standing": standing,
            "received_us": received_us,
            "changed_us": changed_us,
            "films": 1,
            "audit_sample": False,
            "priority": priority,
            "reason": "made up: there is no film" if state == "not_scored" else "",
            **order._asdict(),
        }


if __name__ == "__main__":
    main()
