"""Every page of the documentation in Chromium, at two widths, light and dark: nothing is wider than the page or cut
without a scroll bar of its own, images load and have alternative texts, and axe finds nothing serious.

Nightly: the site is built whole. A page is loaded once for its four looks. Nearly all of axe's time goes into contrast,
which depends on colours, size and weight alone: of each such style one element is checked.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import BUT_COLOURS, COLOURS, VIOLATIONS, axe
from tests.browser.contrast import MARK_STYLES

HEIGHT = 900
WIDTHS = (1280, 390)
SCHEMES: tuple[tuple[Literal["light", "dark"], str], ...] = (("light", "default"), ("dark", "slate"))
EVERY_PAGES = 10  # a line of progress

LEGIBLE = 600  # pixels; the figures with several panels have letters of 5 pixels there
FAULTS = """(LEGIBLE) => {
    const faults = [];
    const width = document.documentElement.clientWidth;
    const what = (element) => `${element.tagName} "${element.textContent.trim().slice(0, 60)}"`;
    if (document.documentElement.scrollWidth > width + 1)
        faults.push(`the page is ${document.documentElement.scrollWidth} wide on a screen of ${width}`);
    const scrolls = (element) => {
        for (let at = element; at && at !== document.body; at = at.parentElement)
            if (['auto', 'scroll'].includes(getComputedStyle(at).overflowX)) return true;
        return false;
    };
    for (const element of document.querySelectorAll('article *')) {
        const box = element.getBoundingClientRect();
        if (box.width > 1 && (box.right > width + 1 || box.left < -1) && !scrolls(element))
            faults.push(`${what(element)} reaches from ${Math.round(box.left)} to ${Math.round(box.right)}`);
        const hides = ['hidden', 'clip'].includes(getComputedStyle(element).overflowX);
        if (box.width > 1 && hides && element.scrollWidth > element.clientWidth + 1)
            faults.push(`${what(element)} is cut at ${element.clientWidth} of ${element.scrollWidth} pixels`);
    }
    for (const image of document.querySelectorAll('article img')) {
        if (!image.alt) faults.push(`no alternative text: ${image.src}`);
        if (image.complete && !image.naturalWidth) faults.push(`not loaded: ${image.src}`);
        const legible = Math.min(image.naturalWidth, LEGIBLE), shown = image.getBoundingClientRect().width;
        if (image.src.endsWith('.png') && shown > 0 && shown < legible - 1)
            faults.push(`${image.src} is shown ${Math.round(shown)} pixels wide, and is legible from ${legible}`);
    }
    return faults;
}"""
READY = """() => {
    for (const folded of document.querySelectorAll('details')) folded.open = true;
    for (const image of document.querySelectorAll('img')) image.loading = 'eager';
    const still = Object.assign(document.createElement('style'), {textContent: '* {transition: none !important}'});
    document.head.append(still);
}"""
DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))"


@dataclass
class Looks:
    """A page, and the styles whose contrast was checked, by scheme."""

    page: Page
    checked: dict[str, list[str]] = field(default_factory=dict)

    def take(self, width: int, scheme: Literal["light", "dark"], palette: str) -> None:
        """Show the loaded page so."""
        self.page.set_viewport_size({"width": width, "height": HEIGHT})
        self.page.emulate_media(color_scheme=scheme)
        self.page.evaluate("palette => document.body.setAttribute('data-md-color-scheme', palette)", palette)
        self.page.evaluate(DRAWN)

    def contrast(self, scheme: str) -> list[str]:
        """Return axe's faults of contrast, of styles that it has not seen in this scheme."""
        known = self.checked.setdefault(scheme, [])
        fresh: list[str] = self.page.evaluate(MARK_STYLES, known)
        known += fresh
        return axe(self.page, COLOURS, within="[data-style]") if fresh else []


def faults_of(looks: Looks, address: str) -> list[str]:
    """Return the faults of one page in its four looks."""
    faults: list[str] = []
    looks.page.set_viewport_size({"width": WIDTHS[0], "height": HEIGHT})
    looks.page.goto(address, wait_until="load")
    looks.page.evaluate(READY)
    for width in WIDTHS:
        for scheme, palette in SCHEMES:
            looks.take(width, scheme, palette)
            found = looks.page.evaluate(FAULTS, LEGIBLE) + looks.contrast(scheme)
            if (width, scheme) == (WIDTHS[0], SCHEMES[0][0]):
                found += axe(looks.page, BUT_COLOURS)
            elif scheme == SCHEMES[0][0]:
                found += axe(looks.page, VIOLATIONS | {"runOnly": ["scrollable-region-focusable", "target-size"]})
            faults += [f"{width} {scheme}: {fault}" for fault in found]
    return faults


@pytest.mark.nightly
@pytest.mark.parametrize(("scheme", "palette"), SCHEMES)
def test_the_site_begins_in_the_scheme_of_the_system(
    built_site: tuple[str, list[str]], chromium: Browser, scheme: Literal["light", "dark"], palette: str
) -> None:
    with chromium.new_context(color_scheme=scheme) as context:
        page = context.new_page()
        page.goto(built_site[0])
        assert page.locator("body").get_attribute("data-md-color-scheme") == palette


@pytest.mark.nightly
def test_every_page_of_the_site_fits_and_axe_finds_nothing_serious(
    built_site: tuple[str, list[str]], chromium: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    address, pages = built_site
    wrong: dict[str, list[str]] = {}
    began = time.monotonic()
    with chromium.new_context() as context:
        looks = Looks(context.new_page())
        for number, path in enumerate(pages, start=1):
            if faults := faults_of(looks, f"{address}/{path}"):
                wrong[path] = faults
            if number % EVERY_PAGES == 0 or number == len(pages):
                with capsys.disabled():
                    print(
                        f"{number} of {len(pages)} pages, {len(WIDTHS) * len(SCHEMES)} looks each, "
                        f"{time.monotonic() - began:.0f} s, {len(wrong)} with faults: {path}",
                        flush=True,
                    )
    assert not wrong, "\n".join(f"{path}: {fault}" for path, faults in wrong.items() for fault in faults[:5])
