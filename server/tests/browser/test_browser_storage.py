"""Every page works in a browser whose storage is disabled, is full, or holds what no page wrote."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import SCREEN, Site, no_errors, signed_in
from tests.browser.test_viewer import ill, sent, shows

DISABLED = """
for (const name of ["localStorage", "sessionStorage"]) {
  Object.defineProperty(window, name, { get() { throw new DOMException("denied", "SecurityError"); } });
}
"""
FULL = 'Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError"); };'
DAMAGED = """
for (const key of ["unseen.viewer", "unseen.compare", "unseen.compare.film", "unseen.touched"]) {
  localStorage.setItem(key, "{");
  sessionStorage.setItem(key, "{");
}
"""
PAGES = ("/", "/?tour=1", "/live", "/compare", "/models", "/lab", "/turing", "/administration", "/sign-in")


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(DISABLED, id="disabled"),
        pytest.param(DAMAGED + FULL, id="damaged and full"),
        pytest.param(FULL, id="full", marks=pytest.mark.nightly),
        pytest.param(DAMAGED, id="damaged", marks=pytest.mark.nightly),
    ],
)
def test_pages_work_without_the_browsers_storage(reading_site: Site, chromium: Browser, script: str) -> None:
    source = f"storage-{len(script)}"
    first, second = sent(reading_site, source, ill(2, len(script)))
    with chromium.new_context(viewport=SCREEN, reduced_motion="reduce") as context:
        context.add_init_script(script)
        page = signed_in(context, reading_site, "ada", "/static/icon.svg")
        with no_errors(page):
            page.goto(f"{reading_site.root}/studies/{first}?source={source}")
            shows(page, first)
            expect(page.locator("[data-outcome=normal]")).to_be_enabled()
            page.get_by_label("Note").fill("left apex")
            was = page.locator("html").get_attribute("data-theme")
            page.locator("#theme").click()
            expect(page.locator("html")).not_to_have_attribute("data-theme", str(was))
            page.locator("[data-outcome=abnormal]").click()
            shows(page, second)
            for path in PAGES:
                page.goto(reading_site.root + path)
                page.wait_for_load_state("networkidle")
    with reading_site.store() as store:
        assert [(one.outcome, one.note) for one in store.studies.details(first).reports] == [("abnormal", "left apex")]
