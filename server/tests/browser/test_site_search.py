"""The search of the documentation finds the pages *Cite* and *Licences* in all spellings. Nightly: the site is built
whole."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

FIRST = 3  # results that are seen without scrolling


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("words", "page"),
    [
        ("cite", "cite/"),
        ("citation", "cite/"),
        ("bibtex", "cite/"),
        ("license", "licences/"),
        ("licence", "licences/"),
        ("licences", "licences/"),
    ],
)
def test_the_search_finds_how_to_cite_and_the_licences(
    built_site: tuple[str, list[str]], chromium: Browser, words: str, page: str
) -> None:
    address, _ = built_site
    with chromium.new_context(viewport={"width": 1280, "height": 900}) as context:
        shown = context.new_page()
        shown.goto(f"{address}/index.html", wait_until="load")
        box = shown.get_by_role("textbox", name="Search")
        box.click()
        expect(shown.locator(".md-search-result__meta")).to_contain_text("Type to start")  # the index is loaded
        box.press_sequentially(words)
        results = shown.locator(".md-search-result__item > a")
        expect(results.first).to_be_visible()
        found = [str(one.get_attribute("href")) for one in results.all()[:FIRST]]
    assert any(f"/{page}" in one for one in found), found
