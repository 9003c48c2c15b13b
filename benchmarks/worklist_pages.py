"""Time of a page of the worklist: first, deep, sorted, filtered, searched; in the store, over HTTP, in Chromium.

    python -m benchmarks.worklist_pages                      10,000 and 1,000,000 studies, and docs/speed-list.md
    python -m benchmarks.worklist_pages --page               docs/speed-list.md from the kept figures
    python -m benchmarks.worklist_pages --studies 50000 --no-page
    python -m benchmarks.worklist_pages --studies 1000000 --url postgresql://user@host/empty --no-page

A list of made-up studies is entered in bulk; they have no films. Times are milliseconds: median and 95th percentile by
a clock on the wall, and for the store the processor's median, the part that is the page's own. The browser's figure is
from the navigation's start until the rows are painted, with nothing cached; its own work takes the same cores.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import async_playwright
from sqlalchemy import func, select

from benchmarks.kept_figures import as_json
from benchmarks.machine import described
from benchmarks.made_up_list import SOURCES, fill
from benchmarks.reading import PASSWORD, first_pages, signed_in
from studies.evidence.screen import folded
from studies.evidence.speed import LIVE_TARGETS_MS, TARGETS_MS, list_screen
from unseen_server.web.server import OwnServer
from unseen_server.worklist.list_sorting import cursor_of, sort_columns
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery
from unseen_server.worklist.tables import studies as table

Figures = dict[str, Any]  # Any: JSON

ROOT = Path(__file__).parents[1]
RESULTS, PAGE = ROOT / "studies" / "results" / "worklist-pages.json", ROOT / "docs" / "speed-list.md"
READING = ROOT / "studies" / "results" / "reading-large.json"  # by `python -m benchmarks.reading --keep`
LIVE = ROOT / "studies" / "results" / "live.json"  # by `python -m benchmarks.live --keep`
SIZES = (10_000, 1_000_000)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.worklist_pages", description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--url", help="an empty PostgreSQL database, for one list; without it, SQLite")
    parser.add_argument("--times", type=int, default=20, help="pages of each kind")
    parser.add_argument("--loads", type=int, default=5, help="of each page in the browser")
    parser.add_argument("--no-page", action="store_true", help="print the figures alone")
    parser.add_argument("--page", action="store_true", help="render the page from the kept figures alone")
    given = parser.parse_args()
    if given.page:
        write(json.loads(RESULTS.read_text(encoding="utf-8")))
        return
    lists = [measure(studies=count, url=given.url, times=given.times, loads=given.loads) for count in given.studies]
    figures = {
        "lists": lists,
        "machine": described(),
        "load_average": [round(load, 1) for load in os.getloadavg()],
        "date": datetime.now(UTC).date().isoformat(),
    }
    if not given.no_page:
        RESULTS.write_text(as_json(figures), encoding="utf-8")
        write(figures)
    print(as_json(figures).rstrip() if given.no_page else page(figures))


def measure(*, studies: int, url: str | None = None, times: int = 20, loads: int = 5) -> Figures:
    """Fill a new store, and time its pages."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "worklist"
        with Store.open(url or home, films_folder=home) as store:
            store.accounts.add("reader-0", PASSWORD, "lead", actor="benchmark")
            began = time.perf_counter()
            fill(store, studies=studies, seed=0)
            filled_s = time.perf_counter() - began
            store.studies.page(StudyQuery())  # connects
            deep = middle(store)
            alone = {name: timed(one, times) for name, one in in_store(store, deep).items()}
            with writers(store) as written:
                beside = {name: timed(one, times) for name, one in in_store(store, deep).items()}
            database, count = store.database.engine.dialect.name, written()
        found = {
            "studies": studies,
            "database": database,
            "filled_s": round(filled_s, 1),
            "store_ms": alone,
            "store_during_writes_ms": beside,
            "written_meanwhile": count,
        }
        if url is None:
            with OwnServer(["--folder", home, "--port", "0"], log=Path(folder) / "serve.log") as server:
                found["api_ms"] = over_http(server.root, deep, times)
                found["browser_ms"] = asyncio.run(in_browser(server.root, deep, loads))
        return found


def asked(deep: str) -> dict[str, Figures]:
    """Return each kind of page, as what is asked for."""
    hour = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    return {
        "first": {},
        "deep, by its key": {"after": deep},
        "deep, backwards": {"before": deep},
        "last": {"last": True},
        "by reception": {"order": "received", "reverse": True},
        "by score": {"order": "score", "reverse": True},
        "by source": {"order": "source"},
        "of a source": {"source": f"site-{SOURCES - 1}"},
        "of a projection (27 %)": {"view": "AP"},
        "of a projection (3 %)": {"view": "LL"},
        "of the last hour": {"since": hour},
        "of one reader (0.1 %)": {"assigned": "@me"},
        "models disagree": {"disagreement": True},
        "all filters at once": {"source": "site-1", "view": "LL", "state": "to_read", "disagreement": True},
        "cleared": {"tab": "cleared"},
        "cleared, by score": {"tab": "cleared", "order": "score"},
        "a search, one study": {"tab": "all", "text": f"s-{7:020x}"},
        "a search, a name that all have": {"tab": "all", "text": "IM0001"},
    }


def in_store(store: Store, deep: str) -> dict[str, Callable[[], object]]:
    def one(wanted: Figures) -> Callable[[], object]:
        how = wanted | ({"since": datetime.fromisoformat(wanted["since"])} if "since" in wanted else {})
        return lambda: store.studies.page(StudyQuery(**how, blind=False, reader="reader-0"))

    return {name: one(wanted) for name, wanted in asked(deep).items()}


def middle(store: Store) -> str:
    """Return the cursor of a row in the middle of the list to read."""
    with store.database.reading() as connection:
        order = sort_columns("to_read")
        on_list = table.c.shelf == "to_read"
        count = connection.execute(select(func.count()).select_from(table).where(on_list)).scalar_one()
        query = select(*order).where(on_list).order_by(*order).offset(count // 2).limit(1)
        return cursor_of(tuple(connection.execute(query).one()))


def over_http(root: str, deep: str, times: int) -> Figures:
    """Return each kind of page as another program gets it."""
    with httpx.Client(base_url=f"{root}/api/v1", timeout=120) as client:
        token = client.post("tokens", json={"name": "reader-0", "password": PASSWORD}).raise_for_status().json()
        client.headers["Authorization"] = f"Bearer {token['token']}"
        kinds = asked(deep) | {"flagged": {"flag": True}, "not flagged": {"flag": False}}
        return {
            name: timed(lambda body=body: client.post("studies/search", json=body).raise_for_status(), times)  # type: ignore[misc]
            for name, body in kinds.items()
        }


async def in_browser(root: str, deep: str, loads: int) -> Figures:
    """Pages from the navigation's start until their rows are painted, with nothing cached."""
    addresses = {
        "first": "/",
        "deep, by its key": f"/?after={deep}&from=1001",
        "a projection, latest first": "/?view=LL&sort=-received",
        "models disagree": "/?disagree=yes",
    }
    async with async_playwright() as playwright:
        path = shutil.which("chromium-headless-shell") or shutil.which("chromium")
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        state = await signed_in(browser, root, 0)
        found = {
            name: summary(await first_pages(browser, f"{root}{address}", state, times=loads))
            for name, address in addresses.items()
        }
        await browser.close()
    return found


def timed(one: Callable[[], object], times: int) -> Figures:
    spent, computed = [], []
    for _ in range(times):
        began, own = time.perf_counter(), time.thread_time()
        one()
        spent.append(1000 * (time.perf_counter() - began))
        computed.append(1000 * (time.thread_time() - own))
    return summary(spent) | {"processor": round(statistics.median(computed), 1)}


def summary(spent: Sequence[float]) -> Figures:
    """Median and 95th percentile; of few, the longest."""
    return {
        "median": round(statistics.median(spent), 1),
        "p95": round(sorted(spent)[min(len(spent) - 1, int(0.95 * len(spent)))], 1),
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
            self._store.films.receive(
                f"film {self._count} of the writer".encode() * 1000, name="IM0001", source="site-0"
            )
            self._count += 1


def write(figures: Figures) -> None:
    """docs/speed-list.md and its figure."""
    PAGE.write_text(page(figures), encoding="utf-8")
    list_screen(figures, _viewer()).write(PAGE.parent)


def _viewer() -> Figures | None:
    """Return the figures of the viewer, where they were kept."""
    return json.loads(READING.read_text(encoding="utf-8")) if READING.exists() else None


def page(figures: Figures) -> str:
    """docs/speed-list.md."""
    viewer = _viewer()
    machine = figures["machine"]
    busy = max(figures["load_average"]) > machine["cores"] / 2
    quiet = "other programs ran on the machine meanwhile, so a quiet one is faster" if busy else "the machine was quiet"
    sizes = [one["studies"] for one in figures["lists"]]
    head = ["", *(f"{count:,} studies" for count in sizes)]
    blocks = [
        "## Machine and method",
        f"Measured on {machine['cpu']}, {machine['cores']} cores, Python {machine['python']}, unseen "
        f"{machine['unseen']}; {figures['date']}; load average {figures['load_average'][0]} at the end: {quiet}. The "
        "list is SQLite's, of simulated studies without films. Milliseconds: the median, and in brackets the 95th "
        "percentile.",
        "## In the browser",
        "From the navigation's start until the rows are painted, nothing cached; Chromium takes the same cores.",
        _table(head, figures, "browser_ms"),
        *(
            f"Target for the first page of {count:,} studies: {TARGETS_MS[count]} ms or less. Measured: "
            f"{one['browser_ms']['first']['median']:.0f} ms."
            for count, one in zip(sizes, figures["lists"], strict=True)
            if count in TARGETS_MS
        ),
        *(_reading(viewer) if viewer is not None else []),
        *(_live(json.loads(LIVE.read_text(encoding="utf-8"))) if LIVE.exists() else []),
        "## Over HTTP",
        "50 rows with their counts, which are bounded: a page shows *at least* where not all were counted.",
        _table(head, figures, "api_ms"),
        "## In the store",
        "Processor time per page. The rest of the time in the other tables is waiting, HTTP and JSON.",
        _table(head, figures, "store_ms", "processor"),
        "While films arrive continuously:",
        _table(head, figures, "store_during_writes_ms"),
    ]
    first = list_screen(figures, viewer).blocks()
    return "\n\n".join(["# Speed of the list", *first, *folded(blocks)]) + "\n"


def _reading(figures: Figures) -> list[str]:
    """From film to film, and while a drag moves the window."""
    steps, frames, machine = figures["film_to_film"], figures["windowing"], figures["machine"]
    row = "| {} | {:.0f} | {:.0f} | {} |".format
    return [
        "## In the viewer",
        f"*From `studies/results/reading-large.json`.* Readers: {figures['readers']}, looking at each film for about "
        f"{figures['look_s']:g} s; {figures['film']}; a list of {figures['studies']:,} studies; {figures['browser']} "
        f"on the same {machine['cores']} cores ({machine['cpu']}); {figures['date']}; load average "
        f"{figures['load_average']:.1f} at the end. From film to film: from the key that reports until the next film "
        "is painted. A drag that moves the window asks for a new image with every frame; 60 frames a second are "
        "16.7 ms, and the browser makes no more.",
        "\n".join(
            [
                "| Milliseconds | median | 95th percentile | target |",
                "| --- | --- | --- | --- |",
                row("from film to film", steps["median_ms"], steps["p95_ms"], "150 and 200"),
                f"| from frame to frame | {frames['median_ms']:.1f} | {frames['p95_ms']:.1f} | 16.7 |",
            ]
        ),
    ]


def _live(figures: Figures) -> list[str]:
    """From the drop of films on Live to their scores."""
    one, together, machine = figures["one"], figures["together"], figures["machine"]
    names = ", ".join(f"`{name}`" for name in figures["models"])
    busy = figures["load_average"] > 2 * machine["cores"]  # the benchmark itself keeps the cores busy
    load = "other programs ran on the machine meanwhile, so a quiet one is faster" if busy else "the machine was quiet"
    return [
        "## On the page Live",
        f"*From `studies/results/live.json`.* Models: {names}; {figures['workers']} workers; {figures['film']}; "
        f"{figures['browser']} on the same "
        f"{machine['cores']} cores ({machine['cpu']}); {figures['date']}; load average {figures['load_average']:.1f} "
        f"at the end: {load}. From the drop until the film's card shows a score and a percentile of each model.",
        "\n".join(
            [
                "| Milliseconds | median | longest | target |",
                "| --- | --- | --- | --- |",
                f"| one film ({one['count']} films, one at a time) | {one['median_ms']:.0f} | {one['most_ms']:.0f} "
                f"| {LIVE_TARGETS_MS['one']:,} |",
                f"| {together['count']} films at once | {together['median_ms']:.0f} | {together['most_ms']:.0f} "
                f"| {LIVE_TARGETS_MS['together']:,} for the last |",
            ]
        ),
    ]


def _table(head: list[str], figures: Figures, part: str, only: str = "") -> str:
    def cell(row: Figures) -> str:
        return f"{row[only]:.1f}" if only else f"{row['median']:.0f} ({row['p95']:.0f})"

    names = figures["lists"][0][part]
    rows = [[name, *(cell(one[part][name]) for one in figures["lists"])] for name in names]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, ["---"] * len(head), *rows])


if __name__ == "__main__":
    main()
