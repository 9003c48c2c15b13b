"""A reader's morning in Chromium, from the door to the last sentence, by keyboard alone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import PASSWORD, SIDE, Site, as_dicom
from tests.worklist.reporting import look_and_report
from unseen.data import phantoms
from unseen_server.worklist.study_query import StudyQuery

WITH_PRIOR = {"PatientID": "4711", "PatientName": "Doe^Jane"}


@pytest.mark.parametrize("studies", [4, pytest.param(30, marks=pytest.mark.nightly)])
def test_a_morning_by_keyboard_with_a_prior_and_a_measurement(site: Site, chromium: Browser, studies: int) -> None:
    """Eight studies are there; others come, one of them of a patient whose earlier study ben has reported. Where that
    is too many, ben has reported some more. The last three are read on a screen as narrow as a telephone's."""
    followed = _arrived(site, studies)
    with chromium.new_context(viewport={"width": 1280, "height": 800}) as context:
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{site.root}/sign-in")
        expect(page.get_by_label("Name")).to_be_focused()  # a browser does this when it first paints, after the load
        page.keyboard.type("ann")
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.locator("#rows tr[data-study]").first).to_be_visible()
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
        assert errors == [] and followed in read
    with site.store() as store:
        for number, study in enumerate(read):
            found = store.studies.details(study, reader="ann")
            (report,) = found.reports
            assert (report.reader, report.outcome) == ("ann", ("normal", "abnormal")[number % 2])
            assert all(film.seen for film in found.films)
        assert store.studies.page(StudyQuery(tab="to_read")).total == 0 and store.audit.verify() is None


def _arrived(site: Site, in_all: int) -> str:
    """So many studies in all, scored; the one with a prior."""
    earlier, later, *others = phantoms.normals(max(2, in_all - 8 + 1), seed=4190, size=SIDE)
    with site.running.client() as client:
        first = site.send(client, as_dicom(earlier, StudyInstanceUID="1.9.1", **WITH_PRIOR))
        second = site.send(client, as_dicom(later, StudyInstanceUID="1.9.2", **WITH_PRIOR))
        for film in others:
            site.send(client, as_dicom(film))
        site.judged()
        studies = [str(client.get(f"films/{film}").json()["study"]["study"]) for film in (first, second)]
    with site.store() as store:
        store.studies.claim(studies[0], "ben")
        look_and_report(store, studies[0], "ben", "normal")
        there = [row.study for row in store.studies.page(StudyQuery(tab="to_read")).rows if row.study != studies[1]]
        for study in there[: len(there) + 1 - in_all]:
            store.studies.claim(study, "ben")
            look_and_report(store, study, "ben", "normal")
        assert store.studies.page(StudyQuery(tab="to_read")).total == in_all
    return studies[1]
