"""The admins' page in a real Chromium: a person is added and chooses a password, a patient is erased, the audit
trail is verified."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.conftest import (
    BUT_COLOURS,
    SCREEN,
    SIDE,
    VIOLATIONS,
    PageOf,
    Site,
    as_dicom,
    axe,
    judged_first,
    no_errors,
    serving,
    signed_in,
)
from tests.web.running import until
from unseen.data import phantoms
from unseen_server.worklist.outbox import Destination
from unseen_server.worklist.received_header import ReceivedHeader

TABS = ("People", "Sources and retention", "Erase and retire", "Results", "Audit trail", "System")
WIDE = "document.documentElement.scrollWidth - innerWidth"


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory: pytest.TempPathFactory, bundles: dict[str, Path]) -> Iterator[Site]:
    """A server of this module's own: its tests change settings."""
    filled, alone = judged_first(bundles), {"pca": bundles["pca"]}
    with serving(tmp_path_factory.mktemp("administration") / "worklist", alone, filled=filled) as found:
        yield found


def tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()
    expect(page.get_by_role("tabpanel", name=name)).to_be_visible()


@pytest.mark.parametrize("width", [1280, pytest.param(390, marks=pytest.mark.nightly)])
def test_an_admin_adds_a_person_erases_a_patient_and_verifies_the_audit(
    shared_site: Site, page_of: PageOf, width: int
) -> None:
    name, patient = f"rita-{width}", f"P-{width}"
    with shared_site.running.client(_token(shared_site)) as client:
        (film,) = phantoms.normals(1, seed=width, size=SIDE)
        sent = shared_site.send(client, as_dicom(film, PatientID=patient, StudyInstanceUID=f"1.2.{width}"))
        shared_site.judged()
        study = client.get(f"films/{sent}").json()["study"]["study"]
    page = page_of(shared_site, "ada")
    page.set_viewport_size({"width": width, "height": 720})
    with no_errors(page):
        page.goto(f"{shared_site.root}/administration")

        page.get_by_role("textbox", name="Name", exact=True).fill(name)
        page.get_by_role("combobox", name="Role", exact=True).select_option("lead")
        page.get_by_role("button", name="Add, and make a link").click()
        link = page.get_by_role("textbox", name=f"Link for {name}").input_value()
        row = page.locator(f"[data-account='{name}']")
        expect(row).to_contain_text("no password yet")
        door = page_of(shared_site, "lea")
        door.context.clear_cookies()
        door.goto(link)
        door.get_by_label("New password").fill("a long sentence of hers")
        door.get_by_label("The same once more").fill("another one altogether")
        door.get_by_role("button", name="Set the password").click()
        expect(door.get_by_role("alert")).to_contain_text("The two passwords differ")
        door.get_by_label("The same once more").fill("a long sentence of hers")
        door.get_by_role("button", name="Set the password").click()
        door.wait_for_url(f"{shared_site.root}/")
        expect(door.locator(".who")).to_contain_text(name)
        door.goto(f"{shared_site.root}/administration")
        expect(door.get_by_role("heading", name="Not for this role")).to_be_visible()
        page.reload()
        expect(row).to_contain_text("may sign in")
        page.get_by_role("button", name=f"Disable {name}").click()
        expect(row).to_contain_text("disabled")

        tab(page, "Erase and retire")
        page.get_by_label("Patient number").fill(patient)
        page.get_by_role("button", name="Show what would go").click()
        asked = page.get_by_role("dialog", name="Erase this patient?")
        expect(asked).to_contain_text("1 study with 1 film")
        expect(asked).to_contain_text("backups")
        expect(asked.get_by_role("button", name="Erase")).to_be_disabled()
        _check(page, f"asked-{width}", VIOLATIONS)
        asked.get_by_label("This cannot be undone").fill("erase")
        asked.get_by_role("button", name="Erase").click()
        expect(page.locator("#erase-done")).to_contain_text(": 1 study, 1 film")
        page.get_by_label("Patient number").fill(patient)
        page.get_by_role("button", name="Show what would go").click()
        expect(page.get_by_role("alert").filter(visible=True)).to_contain_text("no study of this patient")

        tab(page, "Audit trail")
        page.get_by_role("button", name="Verify the trail").click()
        expect(page.locator("#verified")).to_contain_text("whole Verified on")
        page.get_by_label("What", exact=True).select_option("study.erased")
        page.get_by_role("textbox", name="Study, accession").fill(study)
        page.get_by_role("button", name="Search", exact=True).click()
        expect(page.locator("#audit-rows tr")).to_have_count(1)
        expect(page.locator("#audit-rows tr")).to_contain_text("Study erased")
        assert patient not in page.locator("#audit-table").inner_text()
        for one in TABS:
            tab(page, one)
            assert page.evaluate(WIDE) <= 0, f"{one} scrolls sideways"
        _check(page, f"{TABS[-1]}-{width}")  # each tab: test_axe_finds_nothing_serious_in_any_tab
        page.set_viewport_size({"width": 390, "height": 844})
        for one in TABS:
            tab(page, one)
            assert page.evaluate(WIDE) <= 0, f"{one} scrolls sideways on a narrow screen"


@pytest.mark.nightly  # the sources: web/test_film_source.py
def test_an_admin_adds_a_sender_and_changes_its_sources(shared_site: Site, page_of: PageOf) -> None:
    page = page_of(shared_site, "ada")
    page.goto(f"{shared_site.root}/administration")
    page.get_by_role("textbox", name="Name", exact=True).fill("room-3")
    page.get_by_role("combobox", name="Role", exact=True).select_option("sender")
    page.get_by_role("button", name="Add, and make a link").click()
    expect(page.locator("#account-problem")).to_contain_text("A sender needs at least one source")
    page.get_by_label("Sources under which it may send films").fill("ward 3\n\n north ")
    page.get_by_role("button", name="Add, and make a link").click()
    sources = page.get_by_label("Sources of room-3, one per line")
    expect(sources).to_have_value("ward 3\nnorth")
    sources.fill("clinic")
    sources.blur()
    expect(page.locator("body")).to_contain_text("The sources of room-3 are changed")
    with shared_site.store() as store:
        found = {account.name: account for account in store.accounts.listed()}
        assert (found["room-3"].role, found["room-3"].sources) == ("sender", ("clinic",))
    expect(page.get_by_label("Sources of room-3, one per line")).to_have_value("clinic")
    assert page.evaluate(WIDE) <= 0


def test_settings_are_saved_and_seen_by_everybody(shared_site: Site, page_of: PageOf) -> None:
    page = page_of(shared_site, "ada")
    held: list[Route] = []
    page.route("**/api/v1/settings", lambda route: route.continue_() if held else held.append(route))
    page.goto(f"{shared_site.root}/administration#settings")
    for one in ("Who sees patients", "Longest wait", "Remove cleared and reported"):
        expect(page.get_by_label(one)).to_be_disabled()  # what is typed before they are there would be lost
    expect(page.get_by_role("button", name="Save", exact=True)).to_be_disabled()
    until(lambda: page.wait_for_timeout(20) or bool(held), 30)
    held[0].continue_()
    page.get_by_label("Who sees patients").select_option("lead")
    page.get_by_label("Longest wait").fill("6")
    page.get_by_label("Remove cleared and reported").fill("400")
    page.get_by_label("A study is complete when").fill("90")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("dialog", name="Change who sees names?").get_by_role("button", name="Change").click()
    expect(page.locator("#toasts")).to_contain_text("Saved")
    days = page.get_by_role("spinbutton", name="Days that studies of ward")
    days.fill("30")
    with page.expect_response("**/api/v1/settings"):  # it draws the rows again
        page.get_by_role("button", name="Save for ward").click()
    seconds = page.get_by_role("spinbutton", name="Seconds after which a study of ward")
    seconds.fill("15")
    page.get_by_role("button", name="Save the seconds of ward").click()
    expect(page.locator("#toasts")).to_contain_text("films that come from now on")
    with shared_site.store() as store:
        page.reload()
        expect(days).to_have_value("30")
        expect(seconds).to_have_value("15")
        found = store.settings.read()
    assert (found.identity, found.waiting_cap_s, found.kept_days) == ("lead", 6 * 3600, 400)
    assert dict(found.kept_of) == {"ward": 30}
    assert (found.settle_s, dict(found.settle_of)) == (90, {"ward": 15})


def test_who_sees_names_changes_only_after_a_question(shared_site: Site, page_of: PageOf) -> None:
    """The list takes its next value from a key, or from a wheel that was meant for the page."""
    with shared_site.store() as store:
        store.settings.change(actor="test", identity="nobody", kept_days=0)
    page = page_of(shared_site, "ada")
    page.goto(f"{shared_site.root}/administration#settings")
    who = page.get_by_label("Who sees patients")
    save = page.get_by_role("button", name="Save", exact=True)
    asked = page.get_by_role("dialog", name="Change who sees names?")
    for answer in ("Cancel", "Escape"):
        who.select_option("reader")
        page.get_by_label("Remove cleared and reported").fill("300")
        save.click()
        expect(asked).to_contain_text("Nobody: everybody sees pseudonyms")
        expect(asked).to_contain_text("Everybody who can sign in sees names, numbers and dates")
        expect(asked.get_by_role("button", name="Cancel")).to_be_focused()
        if answer == "Escape":
            page.keyboard.press("Escape")
        else:
            page.keyboard.press("Enter")  # what was pressed once too often says no
        expect(asked).to_have_count(0)
        expect(who).to_have_value("nobody")
        with shared_site.store() as store:
            assert (store.settings.read().identity, store.settings.read().kept_days) == ("nobody", None), (
                "nothing is saved"
            )
    who.select_option("lead")
    save.click()
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate(WIDE) <= 0
    _check(page, "who-sees-names-390", VIOLATIONS)
    asked.get_by_role("button", name="Change").click()
    expect(page.locator("#toasts")).to_contain_text("Saved")
    with shared_site.store() as store:
        assert (store.settings.read().identity, store.settings.read().kept_days) == ("lead", 300)


@pytest.mark.nightly  # with a question: test_who_sees_names_changes_only_after_a_question
def test_other_settings_are_saved_without_a_question_and_names_stay(shared_site: Site, chromium: Browser) -> None:
    """Another admin has hidden the names since this page was drawn: it must not show them again."""
    with shared_site.store() as store:
        store.settings.change(actor="test", identity="reader")
    with chromium.new_context(viewport={"width": 1280, "height": 720}) as context:
        page = signed_in(context, shared_site, "ada", "/administration#settings")
        expect(page.get_by_label("Who sees patients")).to_have_value("reader")
        with shared_site.store() as store:
            store.settings.change(actor="test", identity="nobody")
        page.get_by_label("Longest wait").fill("7")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.locator("#toasts")).to_contain_text("Saved")
        expect(page.get_by_label("Who sees patients")).to_have_value("nobody")
        with shared_site.store() as store:
            assert (store.settings.read().identity, store.settings.read().waiting_cap_s) == ("nobody", 7 * 3600)


@pytest.mark.nightly  # one: test_an_admin_adds_a_person_erases_a_patient_and_verifies_the_audit
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_any_tab(shared_site: Site, chromium: Browser, scheme: Any) -> None:
    with chromium.new_context(viewport=SCREEN, color_scheme=scheme) as context:
        page = signed_in(context, shared_site, "ada", "/administration")
        for one in TABS:
            tab(page, one)
            page.wait_for_load_state("networkidle")
            _check(page, f"{one}-{scheme}", VIOLATIONS)


@pytest.mark.nightly
def test_a_result_that_could_not_be_sent_is_sent_again(site: Site, chromium: Browser) -> None:
    with chromium.new_context(viewport={"width": 390, "height": 844}) as context:
        page = signed_in(context, site, "ada", "/administration#results")
        expect(page.get_by_text("No destination is configured")).to_be_visible()
        (film,) = phantoms.normals(1, seed=30, size=SIDE)
        data = as_dicom(film, StudyInstanceUID="1.2.30", SOPInstanceUID="1.2.30.1")
        header = ReceivedHeader.of(pydicom.dcmread(io.BytesIO(data)))
        with site.store() as store:
            store.outbox.set_destinations([Destination(name="archive")], actor="pacs")
            study = store.films.receive(data, name="a", source="ward", header=header, settle_s=0).study
            site.judged()
            parcel = store.outbox.take("archive")
            assert parcel is not None
            store.outbox.failed(parcel, "The peer has refused it (0x0122).", most_tries=5, dead=True)
            page.reload()
            row = page.locator("#dead-rows tr")
            expect(row).to_contain_text("The peer has refused it (0x0122).")
            expect(row.get_by_role("link", name=study)).to_have_attribute("href", f"/studies/{study}")
            assert page.evaluate(WIDE) <= 0, "the results scroll sideways on a narrow screen"
            _check(page, "Results-dead")
            row.get_by_role("button", name=f"Send the result of {study} to archive again").press("Enter")
            expect(page.locator("#toasts")).to_contain_text("The result is sent again")
            expect(page.locator("#dead-none")).to_be_visible()
            expect(page.locator("#longest-rows")).to_contain_text("to be sent")
            expect(page.locator("[data-destination=archive]")).to_contain_text("all")
            assert [one.state for one in store.outbox.list()] == ["waiting"]


def _token(site: Site) -> str:
    with site.store() as store:
        return store.accounts.redeem(store.accounts.one_time_link("ada", "admin"))


def _check(page: Page, name: str, options: dict[str, Any] = BUT_COLOURS) -> None:
    """Nothing serious for axe; an image where images are wanted."""
    assert axe(page, options) == []
    if folder := os.environ.get("UNSEEN_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"administration-{name}.png", full_page=True)
