"""The tour: three cards beside what they speak of, which take no key from the page's films and do not come again."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import PageOf, Site
from unseen_server.worklist.study_query import StudyQuery


def link(site: Site) -> str:
    """Return a way in like the one that the server prints."""
    with site.store() as store:
        return store.accounts.one_time_link("local", "admin")


def begun(context: BrowserContext, site: Site) -> Page:
    page = context.new_page()
    begin(page, site)
    return page


def begin(page: Page, site: Site) -> None:
    page.goto(f"{site.root}/sign-in?next={quote('/?tour=1', safe='')}#link={link(site)}")
    expect(page.get_by_role("dialog", name="The top of the list")).to_be_visible()
    expect(page.locator("#rows > tr").first).to_be_visible()


def test_the_cards_take_no_key_from_the_list_and_end_at_the_third(shared_site: Site, page_of: PageOf) -> None:
    page = page_of(shared_site, "ann")
    page.context.clear_cookies()
    begin(page, shared_site)
    page.keyboard.press("n")
    for _ in ("The top of the list", "Open a film, look, decide"):
        page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Compare, and what stands behind it")).to_be_visible()
    page.get_by_role("button", name="Done").click()
    expect(page.locator(".tour, .tour-target")).to_have_count(0)
    with shared_site.store() as store:
        assert store.studies.page(StudyQuery(tab="reported")).total == 0, "a key in the card is not the list's"


@pytest.mark.nightly
def test_three_cards_point_at_what_they_speak_of(shared_site: Site, page_of: PageOf) -> None:
    page = page_of(shared_site, "ann")
    page.context.clear_cookies()
    begin(page, shared_site)
    assert page.url == f"{shared_site.root}/"
    expect(page.locator("#rows > tr").first).to_have_class("tour-target")
    expect(page.get_by_role("dialog").get_by_role("button", name="Next")).to_be_focused()
    page.keyboard.press("n")
    page.keyboard.press("a")
    with shared_site.store() as store:
        assert store.studies.page(StudyQuery(tab="reported")).total == 0, "a key in the card is not the list's"
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Open a film, look, decide")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Next").click()
    expect(page.get_by_role("dialog", name="Compare, and what stands behind it")).to_be_visible()
    expect(page.locator(".bar nav a[href='/compare']")).to_have_class("tour-target")
    for card in page.get_by_role("dialog").all():
        box = card.bounding_box()
        assert box is not None and box["x"] >= 0 and box["y"] >= 0
        assert box["x"] + box["width"] <= 1280 and box["y"] + box["height"] <= 720
    page.get_by_role("button", name="Done").click()
    expect(page.locator(".tour, .tour-target")).to_have_count(0)
    assert page.evaluate("document.activeElement.id") == "main"


@pytest.mark.nightly
def test_escape_ends_it_for_good(shared_site: Site, chromium: Browser) -> None:
    with chromium.new_context() as context:
        page = begun(context, shared_site)
        page.keyboard.press("Escape")
        expect(page.locator(".tour")).to_have_count(0)
        page.goto(f"{shared_site.root}/?tour=1")
        expect(page.locator("#rows > tr").first).to_be_visible()
        expect(page.locator(".tour")).to_have_count(0)


@pytest.mark.nightly
def test_it_goes_along_to_the_film(shared_site: Site, chromium: Browser) -> None:
    with chromium.new_context() as context:
        page = begun(context, shared_site)
        page.locator("#rows > tr a").first.click()
        page.wait_for_url("**/studies/*")
        expect(page.get_by_role("dialog", name="Open a film, look, decide")).to_be_visible()
        expect(page.locator("#decide .verdicts.tour-target")).to_be_visible()
        page.get_by_role("button", name="Skip the tour").click()
        page.goto(shared_site.root)
        expect(page.locator("#rows > tr").first).to_be_visible()
        expect(page.locator(".tour")).to_have_count(0)


@pytest.mark.nightly  # no card is in the way of other tests, which did not ask either
def test_nobody_is_led_about_who_did_not_ask(shared_site: Site, chromium: Browser) -> None:
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(f"{shared_site.root}/sign-in#link={link(shared_site)}")
        expect(page.locator("#rows > tr").first).to_be_visible()
        expect(page.locator(".tour")).to_have_count(0)
        expect(page.locator("link[href='/static/tour.css']")).to_have_count(0)
