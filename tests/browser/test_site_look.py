"""Every page of the documentation in Chromium: nothing is wider than the page without a scroll bar of its own.

Nightly: the site is built whole, and some hundred pages are opened four times.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import axe
from tests.docs.blocks import ROOT
from tests.warm_python import warm_python

WIDTHS = (1280, 390)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
FAULTS = """() => {
    const faults = [];
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth > width + 1)
        faults.push(`the page is ${document.documentElement.scrollWidth} wide on a screen of ${width}`);
    const scrolls = (element) => {
        for (let at = element; at && at !== document.body; at = at.parentElement)
            if (['auto', 'scroll'].includes(getComputedStyle(at).overflowX)) return true;
        return false;
    };
    for (const element of document.querySelectorAll('article table, article pre, article img, article svg')) {
        const box = element.getBoundingClientRect();
        if (box.width > 0 && box.right > width + 1 && !scrolls(element))
            faults.push(`${element.tagName} reaches to ${Math.round(box.right)}: ${element.textContent.slice(0, 60)}`);
    }
    for (const image of document.querySelectorAll('article img')) {
        if (!image.alt) faults.push(`no alternative text: ${image.src}`);
        if (image.complete && !image.naturalWidth) faults.push(`not loaded: ${image.src}`);
    }
    return faults;
}"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *words: Any) -> None: ...


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[str]]]:
    """The site's address, and its pages."""
    folder = tmp_path_factory.mktemp("site")
    mkdocs = Path(sys.executable).with_name("mkdocs")
    done = warm_python().run(mkdocs, "build", "--strict", "--site-dir", folder, cwd=ROOT, environment=dict(os.environ))
    assert done.code == 0, done.err[-4000:]
    pages = sorted(page.relative_to(folder).as_posix() for page in folder.rglob("index.html"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", pages
    server.shutdown()


@pytest.mark.nightly
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_page_of_the_site_fits_and_axe_finds_nothing_serious(
    site: tuple[str, list[str]], chromium: Browser, width: int, scheme: Literal["light", "dark"]
) -> None:
    address, pages = site
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    wrong: dict[str, list[str]] = {}
    page = context.new_page()
    for path in pages:
        page.goto(f"{address}/{path}", wait_until="load")
        page.evaluate("for (const folded of document.querySelectorAll('details')) folded.open = true")
        page.wait_for_timeout(50)
        if faults := page.evaluate(FAULTS) + axe(page):
            wrong[path] = faults
    context.close()
    assert not wrong, "\n".join(f"{path}: {fault}" for path, faults in wrong.items() for fault in faults[:5])
