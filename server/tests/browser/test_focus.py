"""Focus in Chromium: it stays in place after an action that removes, hides or disables the element that has it.

The browser gives the focus to the page's body, from where users of a keyboard or a screen reader start at the top.
"""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import PageOf, Site
from tests.browser.test_viewer import ill, opened, sent, shows


def pressed(page: Page, name: str, *, within: str = "main") -> None:
    """Press a button by the keyboard."""
    page.locator(within).get_by_role("button", name=name).first.focus()
    page.keyboard.press("Enter")


def test_the_focus_stays_after_a_proposal_and_its_withdrawal(site: Site, page_of: PageOf) -> None:
    page = page_of(site, "lea")
    page.goto(f"{site.root}/models#calibration")
    page.get_by_label("Note for the second person").fill("too few")
    pressed(page, "Propose this calibration")
    expect(page.locator("#calibrate-problem")).not_to_be_empty()
    expect(page.get_by_role("button", name="Propose this calibration")).to_be_focused()  # it was disabled meanwhile

    page.get_by_role("tab", name="Models", exact=True).click()
    card = page.locator("#cards .card").nth(1)
    card.get_by_role("button", name="Propose for ranking").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Why; the second person reads it").fill("to compare")
    pressed(page, "Propose", within="dialog")
    expect(page.locator(".proposal")).to_be_visible()
    expect(card.get_by_role("button", name="Propose for ranking")).to_be_focused()  # the cards were drawn again

    pressed(page, "Withdraw", within=".proposal")
    expect(page.locator(".proposal")).to_have_count(0)
    expect(page.locator("#panel-models")).to_be_focused()


def test_the_focus_goes_to_the_next_film_after_a_report_by_its_button(anns_page: Page, reading_site: Site) -> None:
    first, second = sent(reading_site, "focus", ill(2, 38))
    opened(anns_page, reading_site, first, "focus")
    pressed(anns_page, "Unsure")
    shows(anns_page, second)
    expect(anns_page.locator("#film")).to_be_focused()
    expect(anns_page.locator("[data-outcome=normal]")).to_be_enabled()
    expect(anns_page.locator("#film")).to_be_focused()


def test_the_focus_goes_back_to_the_place_before_a_message(anns_page: Page, reading_site: Site) -> None:
    anns_page.goto(reading_site.root)
    expect(anns_page.locator("#rows tr").first).to_be_visible()
    pressed(anns_page, "Filter")
    anns_page.get_by_label("Projection").focus()
    anns_page.keyboard.press("Escape")
    anns_page.evaluate("document.activeElement.blur()")
    pressed(anns_page, "Tell me", within="header")
    pressed(anns_page, "Dismiss", within="#toasts")
    expect(anns_page.locator("#toasts .toast")).to_have_count(0)
    expect(anns_page.get_by_role("button", name="Tell me")).to_be_focused()
