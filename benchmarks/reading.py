"""Waiting times of a reader: the first page, the next film, and the score of a film that was dropped.

    python -m benchmarks.reading --studies 100000 --readers 4

starts `unseen serve` on a list of that many studies, of which the first ones to be read have films (phantoms as 12-bit
DICOM, 2000 × 2000; the others have none), and a Chromium with one context a reader, each signed in as somebody else.
In turn they load the list with nothing cached. Then all of them read at once: each opens a study of the first page,
looks at each film for about `--look` seconds, and reports it with the key N. At last one of them puts films of
3000 × 3000 into the page Live. It prints JSON, in milliseconds:

    first_page    from the navigation's start until the list's rows are there and painted
    film_to_film  from the key until the next film's pixels are painted, as the page measures it itself
    windowing     from one frame to the next while a drag moves the window of the film with every frame
    drop_to_score from the choice of the file until the score of the model is on the page, likewise

`make bench-pages` calls it for one reader and films of 2750 × 2750 (as many pixels as 2500 × 3000), and keeps the
figures (`--keep`) for docs/speed-list.md.

Everything is on one machine: the browser's own work is in the figures, and takes the same cores.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from playwright.async_api import Browser, Page, async_playwright

from benchmarks.kept_figures import show
from benchmarks.machine import described
from benchmarks.made_up_list import fill
from unseen.artifacts.research_only import LIMITS
from unseen.data.phantoms.dicom_phantoms import Station, as_dicom
from unseen.data.phantoms.sequences import Case, draw_exposed, draw_healthy
from unseen.detectors.saved import load, save
from unseen_server.web.server import OwnServer
from unseen_server.worklist.store import Store

PASSWORD = "a password of the benchmark"
DISTINCT = 4  # phantoms that are drawn; each film has noise of its own
AGO_S = 3 * 86_400.0  # films that have waited longer than all others come first
SPARE = 8  # films beyond those that are read
MOST_ROWS = 50  # on the list's first page
STATES: Sequence[tuple[Any, float]] = (("to_read", 0.6), ("received", 0.01), ("cleared", 0.25), ("reported", 0.14))
WINDOW: Any = {"width": 1280, "height": 720}
SEEN = """
new MutationObserver((_, watching) => {
  if (!document.querySelector("#rows tr")) return;
  watching.disconnect();
  requestAnimationFrame(() => setTimeout(() => performance.mark("rows-painted")));
}).observe(document, { childList: true, subtree: true });
"""
MARKS = "name => performance.getEntriesByName(name, 'mark').map(entry => entry.startTime)"
MEASURES = "name => performance.getEntriesByName(name, 'measure').map(entry => entry.duration)"
DRAG = """
frames => new Promise((done) => {
  const canvas = document.querySelector("#film"), box = canvas.getBoundingClientRect(), times = [];
  const moved = (now) => {
    times.push(now);
    if (times.length > frames) return done(times.slice(1).map((one, i) => one - times[i]));
    const clientX = box.x + box.width / 2 + 90 * Math.sin(times.length / 9);
    const clientY = box.y + box.height / 2 + 90 * Math.cos(times.length / 7);
    const how = { pointerId: 1, buttons: 1, bubbles: true, clientX, clientY };
    canvas.dispatchEvent(new PointerEvent("pointermove", how));
    requestAnimationFrame(moved);
  };
  requestAnimationFrame(moved);
})
"""
FRAMES = 240
POLL_S = 0.05


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Amount of work of the benchmark.

    Args:
        loads: Loads of the first page by each reader.
        films: Films that each reader reports.
        drops: Films that are dropped, one at a time.
        look_s: Seconds that a reader looks at a film, plus or minus a half.
    """

    studies: int = 100_000
    readers: int = 4
    loads: int = 5
    films: int = 18
    drops: int = 10
    look_s: float = 8.0
    side: int = 2000
    drop_side: int = 3000
    model: str = "models/pca"


def films(side: int, *, seed: int) -> Iterator[bytes]:
    """Ever other films: phantoms of `side` × `side` pixels, drawn at a part of that, each with noise of its own."""
    times = next(times for times in range(1, 100) if side % times == 0 and side // times <= 1024)
    cases = [Case(seed=seed, stream="normal", index=i, size=side // times, kind=None) for i in range(DISTINCT)]
    drawn = [(case, healthy, draw_exposed(case, healthy)) for case in cases for healthy in [draw_healthy(case)]]
    rng = np.random.default_rng(seed)
    number = 0
    while True:
        case, healthy, exposed = drawn[number % DISTINCT]
        grey = np.repeat(np.repeat(exposed.grey, times, axis=0), times, axis=1)
        grey = np.clip(grey + rng.normal(0, 0.004, grey.shape).astype(np.float32), 0, 1)
        named = replace(case, index=DISTINCT + number)  # a patient of its own
        yield as_dicom(named, healthy, replace(exposed, grey=grey), Station(name="bench"))
        number += 1


def prepare(home: Path, settings: Settings) -> list[str]:
    """Fill the worklist; returns the films' studies."""
    with Store.open(home) as store:
        fill(store, studies=settings.studies, seed=0, shares=STATES)
        for number in range(settings.readers):
            store.accounts.add(f"reader-{number}", PASSWORD, "reader", actor="benchmark")
    supply = films(settings.side, seed=1)
    wanted = settings.readers * (settings.films + 1) + SPARE
    with Store.open(home, clock=lambda: time.time() - AGO_S) as store:
        return [store.films.receive(next(supply), name="film", source="bench").study for _ in range(wanted)]


def settled(root: str, *, within_s: float) -> None:
    """Wait until every film was judged."""
    end = time.monotonic() + within_s
    while True:
        queue = httpx.get(f"{root}/api/v1/health", timeout=60).json()["queue"]
        if queue["waiting"] == 0:
            return
        if time.monotonic() > end:
            raise RuntimeError(f"{queue['waiting']} films were not judged within {within_s:.0f} s")
        time.sleep(0.2)


async def signed_in(browser: Browser, root: str, number: int) -> Any:  # Any: Playwright's state
    """Cookies of a reader."""
    context = await browser.new_context(viewport=WINDOW)
    page = await context.new_page()
    await page.goto(root)
    await page.get_by_label("Name").fill(f"reader-{number}")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(f"{root}/")
    state = await context.storage_state()
    await context.close()
    return state


async def entries(page: Page, kind: str, name: str, *, count: int, within_s: float) -> list[float]:
    """Return the page's performance entries of a name, as soon as there are so many. (The page's policy forbids
    Playwright's own way to wait for them, which is `eval`.)"""
    end = time.monotonic() + within_s
    while len(found := await page.evaluate(kind, name)) < count:
        if time.monotonic() > end:
            raise RuntimeError(f"{page.url}: {len(found)} of {count} {name} within {within_s:.0f} s")
        await asyncio.sleep(POLL_S)
    return [float(spent) for spent in found]


async def first_pages(browser: Browser, address: str, state: Any, *, times: int) -> list[float]:
    """Milliseconds of loads of a page of the list, each with nothing cached."""
    found = []
    for _ in range(times):
        context = await browser.new_context(storage_state=state, viewport=WINDOW)
        page = await context.new_page()
        await page.add_init_script(SEEN)
        await page.goto(address)
        found += await entries(page, MARKS, "rows-painted", count=1, within_s=120)
        await context.close()
    return found


async def windowing(page: Page) -> list[float]:
    """Milliseconds from frame to frame while the mouse drags the window of the film in sight."""
    film = page.locator("#film")
    box, before = await film.bounding_box(), await film.get_attribute("aria-label")
    assert box is not None
    await page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    await page.mouse.down()
    spent: list[float] = await page.evaluate(DRAG, FRAMES)
    await page.mouse.up()
    await asyncio.sleep(0.5)  # the description follows a moment later
    if await film.get_attribute("aria-label") == before:
        raise RuntimeError(f"the drag has not moved the window: {before}")
    return spent


async def read(
    browser: Browser, root: str, state: Any, first: str, settings: Settings, *, rng: random.Random
) -> tuple[list[float], list[float]]:
    """Milliseconds from one film to the next, as the page measured them, and from frame to frame of a drag."""
    context = await browser.new_context(storage_state=state, viewport=WINDOW)
    page = await context.new_page()
    await page.goto(f"{root}/studies/{first}")
    await entries(page, MEASURES, "film-open", count=1, within_s=120)
    found: list[float] = []
    for done in range(settings.films):
        await asyncio.sleep(settings.look_s * rng.uniform(0.5, 1.5))
        await page.wait_for_selector("[data-outcome=normal]:not(:disabled)")
        await page.keyboard.press("n")
        found = await entries(page, MEASURES, "film-to-film", count=done + 1, within_s=60)
    await asyncio.sleep(settings.look_s)  # what is fetched ahead is there
    frames = await windowing(page)
    await context.close()
    return found, frames


async def drops(page: Page, root: str, folder: Path, settings: Settings) -> list[float]:
    """Milliseconds from a file's choice to its score on the page, one file at a time."""
    supply = films(settings.drop_side, seed=2)
    await page.goto(f"{root}/live")
    found: list[float] = []
    for number in range(settings.drops):
        path = folder / f"drop-{number}.dcm"
        path.write_bytes(next(supply))
        await page.set_input_files("#files", path)
        found = await entries(page, MEASURES, "drop-to-score", count=number + 1, within_s=120)
        await asyncio.sleep(0.5)
    return found


async def browse(root: str, studies: Sequence[str], folder: Path, settings: Settings) -> dict[str, Any]:
    """Return all that is measured in the browser."""
    async with async_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("chromium-headless-shell")
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        version = browser.version
        states = [await signed_in(browser, root, number) for number in range(settings.readers)]
        pages = [await first_pages(browser, f"{root}/", state, times=settings.loads) for state in states]
        apart = min(len(studies), MOST_ROWS) // settings.readers
        read_by = [
            read(browser, root, state, studies[apart * n], settings, rng=random.Random(n))
            for n, state in enumerate(states)
        ]
        steps = await asyncio.gather(*read_by)
        context = await browser.new_context(storage_state=states[0], viewport=WINDOW)
        dropped = await drops(await context.new_page(), root, folder, settings)
        await browser.close()
    return {
        "browser": f"Chromium {version}",
        "first_page": figures([spent for reader in pages for spent in reader]),
        "film_to_film": figures([spent for films_ms, _ in steps for spent in films_ms]),
        "windowing": figures([spent for _, frames_ms in steps for spent in frames_ms]),
        "drop_to_score": figures(dropped),
    }


def figures(spent_ms: Sequence[float]) -> dict[str, float]:
    """Median and 95th percentile."""
    return {
        "count": len(spent_ms),
        "median_ms": round(statistics.median(spent_ms), 1),
        "p95_ms": round(float(np.percentile(spent_ms, 95)), 1),
        "most_ms": round(max(spent_ms), 1),
    }


def measure(settings: Settings) -> dict[str, Any]:
    """Return the figures."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        home = folder / "worklist"
        save(load(settings.model), folder / "model")  # without its input gate, which refuses phantoms
        studies = prepare(home, settings)
        words: list[str | Path] = ["--folder", home, "--model", folder / "model", "--port", "0"]
        with OwnServer(words, log=folder / "serve.log") as server:
            settled(server.root, within_s=60 + 10 * len(studies))
            found = asyncio.run(browse(server.root, studies, folder, settings))
    return {
        "studies": settings.studies,
        "films": len(studies),
        "film": f"phantom, 12-bit DICOM, {settings.side} × {settings.side}",
        "dropped": f"phantom, 12-bit DICOM, {settings.drop_side} × {settings.drop_side}",
        "readers": settings.readers,
        "look_s": settings.look_s,
        "model": settings.model,
        "database": "sqlite",
        **found,
        "load_average": os.getloadavg()[0],
        "date": datetime.now(UTC).date().isoformat(),
        "machine": described(),
        "limits": LIMITS,
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reading", description=(__doc__ or "").splitlines()[0])
    usual = Settings()
    parser.add_argument("--studies", type=int, default=usual.studies, help="in the list")
    parser.add_argument("--readers", type=int, default=usual.readers, help="who read at once")
    parser.add_argument("--loads", type=int, default=usual.loads, help="of the first page, by each reader")
    parser.add_argument("--films", type=int, default=usual.films, help="that each reader reports")
    parser.add_argument("--drops", type=int, default=usual.drops, help="films dropped, one at a time")
    parser.add_argument(
        "--look", dest="look_s", type=float, default=usual.look_s, help="seconds a reader looks at a film, about"
    )
    parser.add_argument("--side", type=int, default=usual.side, help="pixels, of the films in the list")
    parser.add_argument("--drop-side", type=int, default=usual.drop_side, help="pixels, of those that are dropped")
    parser.add_argument("--model", default=usual.model, help="the bundle that scores")
    parser.add_argument("--keep", type=Path, help="a file for the figures")
    given = vars(parser.parse_args())
    keep = given.pop("keep")
    show(measure(Settings(**given)), keep)


if __name__ == "__main__":
    main()
