"""A reader's morning in Chromium, from the door to the last sentence, by keyboard alone."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD, SIDE, PageOf, Site, as_dicom, no_errors
from tests.web.conftest import token_of
from tests.worklist.reporting import look_and_report
from unseen.data import phantoms
from unseen_server.worklist.study_query import StudyQuery


@pytest.mark.parametrize("studies", [4, pytest.param(30, marks=pytest.mark.nightly)])
def test_a_morning_by_keyboard_with_a_prior_and_a_measurement(
    reading_site: Site, page_of: PageOf, studies: int
) -> None:
    """So many studies of one source are there, one of them of a patient whose earlier study ben has reported. The last
    three are read on a screen as narrow as a telephone's."""
    site, source = reading_site, f"morning-{studies}"
    followed = _arrived(site, source, studies)
    page = page_of(site, "ann")
    page.context.clear_cookies()
    page.set_viewport_size({"width": 1280, "height": 800})
    with no_errors(page):
        page.goto(f"{site.root}/sign-in?next={quote(f'/?source={source}', safe='')}")
        expect(page.get_by_label("Name")).to_be_focused()  # a browser does this when it first paints, after the load
        page.keyboard.type("ann")
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        top = page.locator("#rows tr[data-study]").first
        expect(top).to_be_visible()
        first = top.get_attribute("data-study")
        page.keyboard.press("Enter")
        read: list[str] = []
        for number in range(studies):
            if number == studies - 3:
                page.set_viewport_size({"width": 390, "height": 800})
            expect(page.locator("[data-outcome=normal]")).to_be_enabled()
            study = str(page.locator("#viewer").get_attribute("data-study"))
            assert study not in read, "each comes once"
            if study == followed:
                page.keyboard.press("p")
                expect(page.get_by_role("img", name=re.compile("^Received "))).to_be_visible()
                page.keyboard.press("Escape")
                expect(page.get_by_role("img", name=re.compile("^Received "))).to_have_count(0)
            if number == 0:
                page.keyboard.press("d")
                expect(page.locator("#measured")).to_have_text(re.compile(r"^Ruler: [\d.]+ px"))
                before = page.locator("#measured").inner_text()
                page.keyboard.press("ArrowRight")
                expect(page.locator("#measured")).not_to_have_text(before)
                page.keyboard.press("d")
            page.keyboard.press("na"[number % 2])
            read.append(study)
            if number < studies - 1:
                expect(page.locator(f'#viewer[data-study="{study}"]')).not_to_be_attached()
        expect(page.get_by_text("Nothing else is left to read here.")).to_be_visible()
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), "390 px, nothing sideways"
        assert followed in read and read[0] == first, "Enter opens the top one"
    with site.store() as store:
        for number, study in enumerate(read):
            found = store.studies.details(study, reader="ann")
            (report,) = found.reports
            assert (report.reader, report.outcome) == ("ann", ("normal", "abnormal")[number % 2])
            assert all(film.seen for film in found.films)
        assert store.studies.page(StudyQuery(tab="to_read", source=source)).total == 0 and store.audit.verify() is None


def _arrived(site: Site, source: str, in_all: int) -> str:
    """So many studies to read, scored; the one with a prior."""
    earlier, later, *others = phantoms.normals(in_all + 1, seed=4190, size=SIDE)
    uid, patient = f"1.8.{in_all}", {"PatientID": f"{source}-1", "PatientName": "Doe^Jane"}
    with site.store() as store:
        token = token_of(store, "ada", "admin")
    with site.running.client(token) as client:
        first = site.send(client, as_dicom(earlier, StudyInstanceUID=f"{uid}.1", **patient), source=source)
        second = site.send(client, as_dicom(later, StudyInstanceUID=f"{uid}.2", **patient), source=source)
        for film in others:
            site.send(client, as_dicom(film), source=source)
        site.judged()
        studies = [str(client.get(f"films/{film}").json()["study"]["study"]) for film in (first, second)]
    with site.store() as store:
        store.studies.claim(studies[0], "ben")
        look_and_report(store, studies[0], "ben", "normal")
        assert store.studies.page(StudyQuery(tab="to_read", source=source)).total == in_all
    return studies[1]
