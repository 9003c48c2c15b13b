"""Days and waiting times on the pages: local days that a change of the clocks makes longer or shorter, and a browser
whose clock is wrong.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Browser, Page, Request, expect

from tests.browser.conftest import SCREEN, Site, signed_in
from tests.browser.test_worklist_page import rows

ONE_DAY = ["2025-09-07T04:00:00.000Z", "2025-09-08T03:00:00.000Z"]
"""7 September 2025 in Chile: the clocks were set forward at midnight, so it began at 01:00 and had 23 hours."""


def asked_period(request: Request) -> list[str]:
    body = request.post_data_json
    return [body["since"], body["until"]]


def test_a_day_without_midnight_ends_where_the_next_one_begins(shared_site: Site, chromium: Browser) -> None:
    """The audit trail's search also returned the first hour of the next day."""
    with chromium.new_context(viewport=SCREEN, timezone_id="America/Santiago") as context:
        page = signed_in(context, shared_site, "ada", at="/administration#audit")
        page.get_by_role("tab", name="Audit trail").click()
        for field in ("#audit-since", "#audit-until"):
            page.locator(field).fill("2025-09-07")
        with page.expect_request("**/audit/search") as searched:
            page.get_by_role("button", name="Search", exact=True).click()
        assert asked_period(searched.value) == ONE_DAY
        with page.expect_request("**/studies/search") as listed:
            page.goto(f"{shared_site.root}/?received=2025-09-07..2025-09-07")
        assert asked_period(listed.value) == ONE_DAY


def test_waiting_times_are_right_where_the_browsers_clock_is_hours_ahead(site: Site, chromium: Browser) -> None:
    with chromium.new_context(viewport=SCREEN) as context:
        page: Page = signed_in(context, site, "ann", at="/sign-in")
        page.clock.set_fixed_time(datetime.now(UTC) + timedelta(hours=5))
        page.goto(site.root)
        expect(rows(page).first.locator("time")).to_have_text(re.compile(r"^\d+ (s|min)$"))
        rows(page).first.dblclick()
        expect(page.locator("#head")).to_contain_text(re.compile(r"Received \d+ (s|min) ago"))
