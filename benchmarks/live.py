"""Films dropped on the page Live, with three models: time to three scores and percentiles, of one film and of 24.

    python -m benchmarks.live                                  prints the figures
    python -m benchmarks.live --keep studies/results/live.json     as `make bench-pages`, for docs/speed-list.md

It starts `unseen serve` with phantom-screener, which decides, and two models to compare with, and opens Live in
Chromium. First it drops films one at a time, each when the one before has its scores; then 24 at once, further films
that the server has not seen. Films: phantoms as 12-bit DICOM, 3000 × 3000, each with noise of its own. Milliseconds
from the choice of the files until the page shows the card of the film, of the 24: of the last one, as the page measures
them. Each card must show a score and a percentile of every model; if one does not, the benchmark ends with an error.

Everything is on one machine: the browser's own work is in the figures, and takes the same cores.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from playwright.async_api import Page, async_playwright

from benchmarks.kept_figures import show
from benchmarks.machine import described
from benchmarks.reading import MEASURES, PASSWORD, WINDOW, entries, figures, films, signed_in
from unseen.artifacts.research_only import LIMITS
from unseen_server.web.server import OwnServer
from unseen_server.worklist.store import Store

MODELS = ("models/phantom-screener", "models/pca", "models/ensemble-aligned")
WITHIN_S = 300.0
CELLS = """
() => [...document.querySelectorAll("article.film")].map((card) =>
  [...card.querySelectorAll("table.models .rank, table.models .score")].map((cell) => cell.textContent.trim()))
"""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Number of films, and their size.

    drops    films dropped one at a time
    at_once  films dropped together
    side     pixels
    workers  processes that score, as `unseen serve --workers`
    """

    drops: int = 10
    at_once: int = 24
    side: int = 3000
    workers: int = 2


def measure(settings: Settings) -> dict[str, Any]:
    """Return the figures."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with Store.open(folder / "worklist") as store:
            store.accounts.add("reader-0", PASSWORD, "lead", actor="benchmark")
        paths = []
        for number, content in enumerate(islice(films(settings.side, seed=2), 1 + settings.drops + settings.at_once)):
            paths.append(folder / f"drop-{number}.dcm")
            paths[-1].write_bytes(content)
        words: list[str | Path] = ["--folder", folder / "worklist", "--port", "0", "--model", MODELS[0]]
        words += ["--workers", str(settings.workers)]
        words += [word for model in MODELS[1:] for word in ("--also", model)]
        with OwnServer(words, log=folder / "serve.log") as server:
            found = asyncio.run(_browse(server.root, paths, settings))
    return {
        "models": MODELS,
        "workers": settings.workers,
        "film": f"phantom, 12-bit DICOM, {settings.side} × {settings.side}",
        **asdict(settings),
        **found,
        "load_average": round(os.getloadavg()[0], 1),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": described(),
        "limits": LIMITS,
    }


async def _browse(root: str, paths: list[Path], settings: Settings) -> dict[str, Any]:
    """Drop the films: one to warm up, then one at a time, then the others together."""
    async with async_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("chromium-headless-shell")
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        context = await browser.new_context(storage_state=await signed_in(browser, root, 0), viewport=WINDOW)
        page = await context.new_page()
        await page.goto(f"{root}/live")
        spent: list[float] = []
        for number, file in enumerate(paths[: 1 + settings.drops]):
            spent = await _dropped(page, [file], number + 1)
            await asyncio.sleep(0.5)
        together = await _dropped(page, paths[1 + settings.drops :], len(paths))
        _check(await page.evaluate(CELLS), len(paths))
        version = browser.version
        await browser.close()
    return {
        "browser": f"Chromium {version}",
        "first": figures(spent[:1]),
        "one": figures(spent[1:]),
        "together": figures(together[1 + settings.drops :]),
    }


async def _dropped(page: Page, files: list[Path], count: int) -> list[float]:
    """Drop files; the milliseconds of all `count` films so far, when each has its card."""
    await page.set_input_files("#files", files)
    return await entries(page, MEASURES, "drop-to-score", count=count, within_s=WITHIN_S)


def _check(cards: list[list[str]], count: int) -> None:
    """Every card has a percentile and a score of each model. Raises RuntimeError otherwise."""
    whole = [card for card in cards if len(card) == 2 * len(MODELS) and all(any(map(str.isdigit, c)) for c in card)]
    if len(cards) != count or len(whole) != count:
        odd = next((card for card in cards if card not in whole), [])
        raise RuntimeError(
            f"{len(whole)} of {count} cards show a percentile and a score of each of {len(MODELS)} models; another "
            f"shows {odd}. The figures would be those of less work."
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live", description=(__doc__ or "").splitlines()[0])
    usual = Settings()
    parser.add_argument("--drops", type=int, default=usual.drops, help="films dropped one at a time")
    parser.add_argument("--at-once", type=int, default=usual.at_once, help="films dropped together")
    parser.add_argument("--side", type=int, default=usual.side, help="pixels of their sides")
    parser.add_argument("--workers", type=int, default=usual.workers, help="processes that score")
    parser.add_argument("--keep", type=Path, help="a file for the figures")
    given = vars(parser.parse_args())
    keep = given.pop("keep")
    show(measure(Settings(**given)), keep)


if __name__ == "__main__":
    main()
