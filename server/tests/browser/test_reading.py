"""A radiologist's path from the door to the second film and back: each step on the screen, and in the database."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from tests.browser.conftest import Site, signed_in
from tests.browser.test_viewer import canvas
from unseen_server.worklist.study_query import StudyQuery
from unseen_server.worklist.tables import audit, reports, studies


@pytest.mark.nightly
def test_sign_in_open_the_top_film_window_overlay_report_next_undo(site: Site, chromium: Browser) -> None:
    with chromium.new_context(viewport={"width": 1280, "height": 720}) as context:
        page = signed_in(context, site, "ann")
        first_row = page.locator("#rows tr[data-study]").first
        expect(first_row).to_be_visible()
        top = str(first_row.get_attribute("data-study"))
        with site.store() as store:
            assert top == store.studies.page(StudyQuery(tab="to_read")).rows[0].study, (
                "the top of the page is the top of the list"
            )
        page.keyboard.press("Enter")
        expect(page.locator(f'#viewer[data-study="{top}"]')).to_be_attached()
        expect(page.locator("[data-outcome=abnormal]")).to_be_enabled()
        assert _row(site, top) == ("in_reading", "ann")

        before = canvas(page)
        box = page.locator("#film").bounding_box()
        assert box is not None and before.max() > 200, "a film is on the canvas"
        page.mouse.move(box["x"] + 300, box["y"] + 300)
        page.mouse.down()
        page.mouse.move(box["x"] + 180, box["y"] + 360, steps=6)
        page.mouse.up()
        page.wait_for_timeout(300)
        windowed = canvas(page)
        assert (windowed != before).any(), "dragging has moved the window"
        assert (windowed[..., 0] == windowed[..., 2]).all(), "a film is grey"
        page.get_by_role("button", name="Anomaly map").click()
        page.wait_for_timeout(500)
        overlaid = canvas(page)
        assert (overlaid[..., 0] != overlaid[..., 2]).any(), "the map is in colours"

        page.get_by_label("Note to the report").fill("as the map says")
        page.get_by_label("Note to the report").press("Escape")
        page.locator("[data-outcome=abnormal]").click()
        expect(page.locator(f'#viewer[data-study="{top}"]')).not_to_be_attached()
        expect(page.locator("#viewer[data-study]")).to_be_attached()
        second = str(page.locator("#viewer").get_attribute("data-study"))
        assert second != top and page.url.startswith(f"{site.root}/studies/{second}")
        assert _row(site, top) == ("reported", None) and _row(site, second) == ("in_reading", "ann")
        assert _reports(site) == [("ann", "abnormal", "as the map says", False)]

        page.locator("body").press("z")
        expect(page.locator(f'#viewer[data-study="{top}"]')).to_be_attached()
        expect(page.locator("[data-outcome=normal]")).to_be_enabled()
        assert _row(site, top) == ("in_reading", "ann"), "in hand again"
        assert _reports(site) == [("ann", "abnormal", "as the map says", True)], "taken back, and kept"
        with site.store() as store, store.database.reading() as connection:
            done = connection.execute(
                select(audit.c.action).where(audit.c.actor == "ann").order_by(audit.c.seq)
            ).scalars()
            acts = [act for act in done if act.startswith("study.")]
            assert store.audit.verify() is None
        assert {"study.claimed", "study.reported", "study.undone"} <= set(acts), acts


def _row(site: Site, study: str) -> tuple[str, str | None]:
    with site.store() as store, store.database.reading() as connection:
        row = connection.execute(select(studies).where(studies.c.public_id == study)).one()
    return row.state, row.claimed_by if row.state == "in_reading" else None


def _reports(site: Site) -> list[tuple[str, str, str, bool]]:
    with site.store() as store, store.database.reading() as connection:
        rows = connection.execute(select(reports).order_by(reports.c.id)).all()
    return [(row.reader, row.outcome, row.note, row.undone_us is not None) for row in rows]
