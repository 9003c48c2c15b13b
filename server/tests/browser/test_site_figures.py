"""No figure of the documentation leaves its column: at 1280 pixels none is wider than it, and at 390 pixels a wider one
scrolls in a container of its own, which the screen shows whole.

Nightly: the site is built whole.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.browser.test_site_look import DRAWN, HEIGHT, READY

CUT = """(scrolling) => {
    const column = document.querySelector('.md-content article').getBoundingClientRect();
    const within = (box) => box.left >= column.left - 1 && box.right <= column.right + 1;
    const scroller = (element) => {
        for (let at = element.parentElement; at && at.tagName !== 'ARTICLE'; at = at.parentElement)
            if (at.scrollWidth > at.clientWidth + 1 && ['auto', 'scroll'].includes(getComputedStyle(at).overflowX))
                return at;
        return null;
    };
    const cut = [];
    for (const figure of document.querySelectorAll('article :is(img, svg, figure)')) {
        const box = figure.getBoundingClientRect(), around = scroller(figure);
        if (box.width <= 1) continue;
        const seen = around ? around.getBoundingClientRect() : column;
        const whole = within(box) && box.right <= seen.right + 1;
        const shown = seen.left >= 0 && seen.right <= document.documentElement.clientWidth + 1;
        const reached = scrolling && around && shown;
        if (!whole && !reached)
            cut.push(`${figure.getAttribute('src') ?? figure.tagName} reaches from ${Math.round(box.left)} to ` +
                     `${Math.round(box.right)}, the column to ${Math.round(Math.min(seen.right, column.right))}`);
    }
    return cut;
}"""


@pytest.mark.nightly
@pytest.mark.parametrize(("width", "scrolling"), [(1280, False), (390, True)])
def test_no_figure_leaves_its_column(
    built_site: tuple[str, list[str]],
    chromium: Browser,
    width: int,
    scrolling: bool,
) -> None:
    address, pages = built_site
    cut: dict[str, list[str]] = {}
    figures = 0
    with chromium.new_context(viewport={"width": width, "height": HEIGHT}) as context:
        page = context.new_page()
        for path in pages:
            page.goto(f"{address}/{path}", wait_until="load")
            if not page.locator("article :is(img, figure)").count():
                continue
            page.evaluate(READY)
            page.wait_for_function("() => [...document.images].every((image) => image.complete)")
            page.evaluate(DRAWN)
            figures += page.locator("article :is(img, figure)").count()
            if found := page.evaluate(CUT, scrolling):
                cut[path] = found
    assert figures > 50, "figures were looked for where they are"
    assert not cut, "\n".join(f"{path}: {one}" for path, found in cut.items() for one in found)
