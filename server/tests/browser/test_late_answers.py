"""Answers that are lost, or come late or in another order, on pages that stay open: what a page shows belongs together,
and what is missing is named.

One server for all; each test sends films of a source of its own.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, Request, Route, expect

from tests.browser.conftest import SCREEN, SIDE, PageOf, Site, as_dicom, look_at, signed_in
from tests.browser.test_viewer import ill, opened, sent, shows
from tests.web.running import until
from unseen.data import phantoms

JS = "text/javascript"
BROKEN = [f"this is text number {number}\n".encode() * 20 for number in range(6)]


@pytest.fixture
def site(reading_site: Site) -> Site:
    return reading_site


@pytest.fixture
def page(anns_page: Page) -> Page:
    return anns_page


class Held:
    """Requests for these addresses, which are held back or refused until the test changes `how`."""

    def __init__(self, page: Page, pattern: str) -> None:
        self.page, self.routes = page, list[Route]()
        self.how: Literal["hold", "refuse", "pass"] = "hold"
        page.route(pattern, lambda route: self._met(route))

    def _met(self, route: Route) -> None:
        if self.how == "hold":
            self.routes.append(route)
        elif self.how == "refuse":
            route.abort()
        else:
            route.continue_()

    def one_came(self) -> None:
        until(lambda: self.page.wait_for_timeout(20) or bool(self.routes), 60)

    def end(self, how: Literal["refuse", "pass"]) -> None:
        """Answer the requests that are held, and those that follow, in this way."""
        self.how = how
        for route in self.routes:
            self._met(route)
        self.routes.clear()


def film_of(site: Site, study: str) -> str:
    with site.store() as store:
        return str(store.studies.details(study).films[0].film)


def notes(site: Site, study: str) -> list[str]:
    with site.store() as store:
        return [report.note for report in store.studies.details(study).reports]


# the viewer -----------------------------------------------------------------------------------------------------------


def test_nothing_of_the_last_patient_stays_next_to_a_film_that_loads(page: Page, site: Site) -> None:
    """Patient and file of the film before stood next to an empty canvas, and its scores stayed if those of the next
    film could not be fetched.
    """
    films = [
        as_dicom(film, PatientID=f"501{number}", StudyInstanceUID=f"1.9.501.{number}")
        for number, film in enumerate(phantoms.normals(2, seed=501, size=SIDE))
    ]
    first, second = sent(site, "loads", films)
    opened(page, site, first, "loads")
    expect(page.locator("#chart")).to_contain_text("Score")
    person, scores = page.locator("#person").inner_text(), page.locator("#chart").inner_text()
    assert person
    look, priors = Held(page, f"**/films/{film_of(site, second)}/look"), Held(page, "**/priors")
    for one in (look, priors):
        one.end("refuse")
    held = Held(page, f"**/films/{film_of(site, second)}/pixels*")
    page.goto(f"{site.root}/studies/{first}?source=loads")
    shows(page, first)
    expect(page.locator("#chart")).to_contain_text("Score")
    page.evaluate("(study) => history.pushState(null, '', `/studies/${study}?source=loads`)", second)
    page.evaluate("() => dispatchEvent(new PopStateEvent('popstate'))")
    expect(page.locator("#film")).to_have_attribute("aria-label", re.compile("nothing is shown"))
    expect(page.locator("#person")).to_be_hidden()
    expect(page.locator("#facts")).to_be_empty()
    expect(page.locator("#chart")).to_be_hidden()
    held.end("pass")
    shows(page, second)
    expect(page.locator("#of-research")).to_contain_text("The scores of this film could not be fetched")
    expect(page.locator("#of-research")).not_to_contain_text(scores)
    expect(page.locator("#priors")).to_contain_text("Other studies of this patient could not be fetched")
    for one in (look, priors):
        one.end("pass")
    expect(page.locator("#chart")).to_contain_text("Score")
    expect(page.locator("#priors")).to_be_hidden()


def test_a_film_that_comes_before_the_shown_one_does_not_take_its_place(page: Page, site: Site) -> None:
    """The page took the film that had just come for the one on the canvas, and no report was possible."""
    same = {"StudyInstanceUID": "1.9.500", "PatientID": "5000"}
    earlier, shown = (
        as_dicom(film, InstanceNumber=number, SOPInstanceUID=f"1.9.500.{number}", **same)
        for number, film in enumerate(phantoms.normals(2, seed=500, size=SIDE), start=1)
    )
    (study,) = sent(site, "order", [shown])
    opened(page, site, study, "order")
    film = film_of(site, study)
    sent(site, "order", [earlier])
    films = page.get_by_role("group", name="Films of the study")
    expect(films.get_by_role("button", name="2 · PA")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#film")).to_have_attribute("aria-label", re.compile(r"^Chest film 2 of 2, PA, \d+"))
    expect(page.locator("#viewer")).to_have_attribute("data-film", film)
    expect(page.locator("#why-not")).to_contain_text("Not shown yet: film 1 of 2")
    page.keyboard.press("n")
    expect(films.get_by_role("button", name="1 · PA")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("[data-outcome=normal]")).to_be_enabled()
    assert notes(site, study) == []


def test_a_report_is_called_kept_where_the_next_study_cannot_be_opened(page: Page, site: Site) -> None:
    """The page wrote that it is not known whether the report was kept, and offered to report the study again."""
    first, second = sent(site, "no-next", ill(2, 502))
    opened(page, site, first, "no-next")
    claim = Held(page, f"**/studies/{second}/claim*")
    claim.end("refuse")
    page.keyboard.press("n")
    expect(page.locator("#toasts")).to_contain_text("Reported normal.")
    expect(page.locator("#toasts")).to_contain_text("The next study could not be opened")
    expect(page.locator("#toasts")).not_to_contain_text("It is not known")
    expect(page.locator("[data-outcome=normal]")).to_be_disabled()
    claim.end("pass")
    page.keyboard.press("s")
    shows(page, second)


def test_a_report_that_the_server_does_not_answer_is_named(page: Page, site: Site) -> None:
    """The buttons were disabled without a word, for as long as the connection was silent."""
    (study,) = sent(site, "silent", ill(1, 513))
    opened(page, site, study, "silent")
    held = Held(page, "**/report")
    page.keyboard.press("n")
    held.one_came()
    silent = page.get_by_text("The server has not answered yet")
    expect(silent).to_be_visible()
    held.end("pass")
    expect(silent).to_have_count(0)
    expect(page.locator("#toasts")).to_contain_text("Reported normal.")


def test_a_study_that_is_left_before_its_claim_is_answered_is_free_again(page: Page, site: Site) -> None:
    """It stayed reserved for half an hour."""
    first, second = sent(site, "left", ill(2, 503))
    held = Held(page, f"**/studies/{first}/claim*")
    page.goto(f"{site.root}/studies/{first}?source=left")
    shows(page, first)
    held.one_came()
    page.keyboard.press("s")
    shows(page, second)
    held.end("pass")
    with site.store() as store:
        until(lambda: page.wait_for_timeout(50) or store.studies.details(second).entry.claimed_by == "ann", 60)
        page.wait_for_timeout(2000)
        until(lambda: page.wait_for_timeout(50) or store.studies.details(first).entry.claimed_by is None, 60)


def test_the_reason_for_one_film_is_not_the_reason_for_the_next(page: Page, site: Site) -> None:
    """It stood in the field of the next film that cannot be shown, and was lost at the end of the session."""
    first, second = sent(site, "reason", BROKEN[:2])
    page.goto(f"{site.root}/studies/{first}?source=reason")
    reason = page.get_by_label("What is wrong with it?")
    reason.fill("cut off at the apex")
    page.get_by_role("button", name="Skip").click()
    shows(page, second)
    expect(reason).to_be_visible()
    expect(reason).to_have_value("")
    page.goto(f"{site.root}/studies/{first}?source=reason")
    shows(page, first)
    expect(reason).to_have_value("cut off at the apex")


def test_a_note_of_another_tab_is_shown_when_its_study_opens(page: Page, site: Site) -> None:
    """The study had been fetched in advance, without the note, which the report then deleted."""
    first, second = sent(site, "two-tabs", ill(2, 504))
    opened(page, site, first, "two-tabs")
    with site.store() as store:
        store.reports.keep_draft(second, "ann", "compare with the CT")
    page.keyboard.press("s")
    shows(page, second)
    expect(page.get_by_label("Note to the report")).to_have_value("compare with the CT")


def test_skipped_studies_are_named_when_nothing_else_is_left(page: Page, site: Site) -> None:
    first, second = sent(site, "skipped", ill(2, 505))
    opened(page, site, first, "skipped")
    page.keyboard.press("s")
    shows(page, second)
    page.keyboard.press("s")
    expect(page.locator("#absent")).to_contain_text("2 studies of this list are still to be read: you skipped them")


def test_the_waiting_time_of_an_open_study_goes_on(site: Site, chromium: Browser) -> None:
    """It stayed what it was when the study was opened."""
    (study,) = sent(site, "waits", ill(1, 506))
    with chromium.new_context(viewport=SCREEN) as context:
        page = signed_in(context, site, "ann", at="/sign-in")
        asked = set[Request]()
        page.on("request", lambda request: asked.add(request))
        page.on("requestfinished", lambda request: asked.discard(request))
        page.on("requestfailed", lambda request: asked.discard(request))
        page.clock.install(time=datetime.now(UTC))
        page.goto(f"{site.root}/studies/{study}?source=waits")
        shows(page, study)
        expect(page.locator("#head")).to_contain_text(re.compile(r"Received \d+ (s|min) ago"))
        # no answer may come from here on: each sets the page's clock by the server's
        page.route("**/api/**", lambda route: route.abort())
        until(lambda: page.wait_for_timeout(50) or all(request.resource_type != "fetch" for request in asked), 60)
        page.clock.fast_forward("25:00")
        expect(page.locator("#head")).to_contain_text(re.compile(r"Received (2[5-9]|3\d) min ago"))


# the list -------------------------------------------------------------------------------------------------------------


def test_a_list_that_cannot_be_fetched_shows_no_rows_of_the_one_before(page: Page, site: Site) -> None:
    """Rows of To read stood under Reported, and a reload that failed was not tried again."""
    (study,) = sent(site, "list-tabs", ill(1, 507))
    page.goto(f"{site.root}/?source=list-tabs")
    expect(page.locator(f'tr[data-study="{study}"]')).to_be_visible()
    held = Held(page, "**/studies/search")
    page.get_by_role("tab", name="Reported").click()
    held.one_came()
    expect(page.locator("#grid")).to_have_attribute("aria-busy", "true")
    expect(page.locator(f'tr[data-study="{study}"]')).to_be_hidden()
    held.end("refuse")
    expect(page.locator("#empty")).to_contain_text("This list could not be fetched")
    held.end("pass")
    expect(page.locator("#empty")).to_contain_text("Nothing from list-tabs in this list")
    page.get_by_role("tab", name="To read").click()
    expect(page.locator(f'tr[data-study="{study}"]')).to_be_visible()

    failed: list[Route] = []

    def once(route: Route) -> None:
        if failed:
            route.continue_()
        else:
            failed.append(route)
            route.fulfill(status=503, json={"error": "The database is busy."})

    page.wait_for_timeout(3000)  # the page is at rest
    page.route("**/studies/search", once)
    (other,) = set(sent(site, "list-tabs", ill(2, 508)[1:])) - {study}
    expect(page.locator(f'tr[data-study="{other}"]')).to_be_visible()
    assert failed


def test_a_report_from_the_list_has_the_note_that_was_written_in_the_viewer(page: Page, site: Site) -> None:
    """The note was deleted, and the report had none."""
    (study,) = sent(site, "noted", ill(1, 509))
    opened(page, site, study, "noted")
    page.get_by_label("Note to the report").fill("nodule in the left apex")
    page.get_by_label("Note to the report").press("Escape")
    page.locator("#film").press("Escape")
    expect(page.locator(f'tr[data-study="{study}"]')).to_be_visible()
    page.keyboard.press("a")
    expect(page.locator("#toasts")).to_contain_text("Reported abnormal")
    expect(page.locator("#toasts")).to_contain_text("with your note")
    assert notes(site, study) == ["nodule in the left apex"]


def test_a_stream_of_news_that_is_silent_counts_as_lost(site: Site, chromium: Browser) -> None:
    """A connection that ends without a word stays open for the browser: the list was out of date, without a notice."""
    with chromium.new_context(viewport=SCREEN) as context:
        page = signed_in(context, site, "ann", at="/sign-in")
        page.clock.install(time=datetime.now(UTC))
        held = Held(page, "**/api/v1/events")
        page.goto(site.root)
        held.one_came()
        page.clock.run_for(70_000)
        expect(page.get_by_role("alert")).to_contain_text("No connection to the server since")
        until(lambda: page.wait_for_timeout(20) or len(held.routes) > 1, 60)
        held.how = "pass"
        page.clock.run_for(70_000)
        expect(page.get_by_role("alert")).to_have_count(0)


# several models on one film ------------------------------------------------------------------------------------------


def test_no_film_or_score_of_the_last_film_stays_on_the_page_of_the_next(site: Site, page_of: PageOf) -> None:
    """The film before, its link and its scores stayed under the next film's name, also where those could not be
    fetched.
    """
    films = [film_of(site, study) for study in sent(site, "models", ill(2, 510))]
    page = page_of(site, "lea")
    page.goto(f"{site.root}/compare/{films[0]}")
    kept = json.dumps({"title": "", "films": films})
    page.evaluate("(kept) => sessionStorage.setItem('unseen.compare.list', kept)", kept)
    look, held = Held(page, f"**/films/{films[1]}/look"), Held(page, f"**/films/{films[1]}/pixels*")
    look.end("refuse")
    page.reload()
    expect(page.locator("#seen .column")).to_have_count(1)
    expect(page.locator("#film")).to_have_attribute("aria-label", re.compile(rf"{SIDE} by {SIDE}"))
    page.get_by_role("button", name="Next").click()
    expect(page.locator("#title")).to_contain_text(films[1])
    expect(page.locator("#film")).to_have_attribute("aria-label", re.compile("nothing is shown"))
    expect(page.locator("#study")).to_be_hidden()
    expect(page.locator("#models input")).to_have_count(0)
    page.get_by_role("button", name="Network input").click()  # draws the columns again
    expect(page.locator("#seen .column")).to_have_count(0)
    for one in (look, held):
        one.end("pass")
    expect(page.locator("#seen .column")).to_have_count(1)
    expect(page.locator("#study")).to_be_visible()


# settings -------------------------------------------------------------------------------------------------------------


def test_a_setting_that_another_admin_has_changed_is_not_set_back(site: Site, page_of: PageOf) -> None:
    """The page sent all fields: an earlier period of retention came back, by which studies would have been removed."""
    with site.store() as store:
        before = store.settings.read()
        store.settings.change(actor="test", kept_days=3000)
    page = page_of(site, "ada")
    page.goto(f"{site.root}/administration#settings")
    kept = page.get_by_label("Remove cleared and reported")
    expect(kept).to_have_value("3000")
    with site.store() as store:
        store.settings.change(actor="test", kept_days=3650)
        page.get_by_label("Longest wait").fill("8")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.locator("#toasts")).to_contain_text("Saved")
        expect(kept).to_have_value("3650")
        found = store.settings.read()
        store.settings.change(actor="test", kept_days=0, waiting_cap_s=before.waiting_cap_s)
    assert (found.waiting_cap_s, found.kept_days, found.settle_s) == (8 * 3600, 3650, before.settle_s)


# dialogs --------------------------------------------------------------------------------------------------------------


def test_no_key_acts_on_the_study_behind_a_dialog(page: Page, site: Site) -> None:
    """After a click on the text of a dialog nothing in it has the focus, and N reported the study behind it."""
    (study,) = sent(site, "dialog", ill(1, 511))
    opened(page, site, study, "dialog")
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    keys.get_by_role("heading", name="Keys").click()
    page.keyboard.press("n")
    page.wait_for_timeout(1500)
    assert notes(site, study) == []
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    shows(page, study)
    look_at(site, study, "ann")
    page.goto(f"{site.root}/?source=dialog")
    expect(page.locator(f'tr[data-study="{study}"]')).to_be_visible()
    page.keyboard.press("?")
    page.get_by_role("heading", name="Keys of the list").click()
    page.keyboard.press("n")
    page.wait_for_timeout(1500)
    assert notes(site, study) == []


def test_a_dialog_that_is_closed_by_escape_does_nothing_also_the_second_time(site: Site, page_of: PageOf) -> None:
    """A dialog keeps the answer of its last use: the studies were recorded as returned although Escape was pressed."""
    first, second = sent(site, "escape", BROKEN[2:4])
    page = page_of(site, "lea")
    page.goto(f"{site.root}/?source=escape")
    for study, end in ((first, "Record"), (second, "Escape")):
        page.get_by_label(f"Choose {study}").check()
        page.get_by_role("button", name="Record as returned…").click()
        page.get_by_label("What is wrong").fill("Send it as DICOM.")
        if end == "Escape":
            page.keyboard.press("Escape")
        else:
            page.get_by_role("button", name=end, exact=True).click()
            expect(page.locator(f'tr[data-study="{study}"]')).to_have_count(0)
    page.wait_for_timeout(1500)
    with site.store() as store:
        assert [store.studies.details(one).entry.how for one in (first, second)] == ["returned", None]


def test_studies_that_are_returned_in_parts_are_counted_if_a_later_part_fails(site: Site, page_of: PageOf) -> None:
    """The page stated the error alone, although the studies of the parts before were recorded as returned."""
    first, second = sent(site, "parts", BROKEN[4:])
    page = page_of(site, "lea")

    def alone(route: Route) -> None:  # a study a part
        route.fulfill(body=route.fetch().text().replace("MOST_RETURNED = 50", "MOST_RETURNED = 1"), content_type=JS)

    page.route("**/worklist_chosen.js*", alone)
    page.goto(f"{site.root}/?source=parts")
    for study in (first, second):
        page.get_by_label(f"Choose {study}").check()
    page.get_by_role("button", name="Record as returned…").click()
    page.get_by_label("What is wrong").fill("Send it as DICOM.")
    returned: list[Route] = []

    def one_alone(route: Route) -> None:
        returned.append(route)
        route.continue_() if len(returned) == 1 else route.abort()

    page.route("**/studies/return", one_alone)
    page.get_by_role("button", name="Record", exact=True).click()
    said = page.locator(".toast").filter(has_text="1 study recorded as returned")
    expect(said).to_contain_text("1 study left as it is: ")
    page.unroute("**/studies/return")
    page.unroute("**/worklist_chosen.js*")
    with site.store() as store:
        assert [store.studies.details(one).entry.how for one in (first, second)] == ["returned", None]


def test_earlier_rows_of_the_audit_trail_are_those_of_the_shown_search(site: Site, page_of: PageOf) -> None:
    """They were those of the fields, which may have been changed after the search; and an answer that came late
    replaced that of a later search.
    """
    page = page_of(site, "ada")
    page.goto(f"{site.root}/administration#audit")
    page.get_by_role("tab", name="Audit trail").click()
    rows, more = page.locator("#audit-rows tr"), page.get_by_role("button", name="Earlier rows")
    expect(rows).to_have_count(50)
    page.locator("#audit-actor").fill("ada")
    with page.expect_request("**/audit/search") as earlier:
        more.click()
    assert earlier.value.post_data_json["actor"] == "" and earlier.value.post_data_json["before"] is not None
    expect(page.locator("#audit-none")).to_be_hidden()
    late = Held(page, "**/audit/search")
    page.get_by_role("button", name="Search", exact=True).click()
    late.one_came()
    late.how = "pass"
    page.locator("#audit-actor").fill("nobody-of-this-name")
    with page.expect_response("**/audit/search"):
        page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator("#audit-none")).to_be_visible()
    with page.expect_response("**/audit/search"):
        late.end("pass")
    page.wait_for_timeout(500)
    expect(page.locator("#audit-none")).to_be_visible()


# parts of the pages ---------------------------------------------------------------------------------------------------


def test_an_empty_list_states_only_what_is_known(page: Page, site: Site) -> None:
    """Before the other lists were counted, the page stated that there are no films; films that a policy has cleared
    counted as read.
    """
    page.goto(site.root)
    expect(page.locator("#rows tr").first).to_be_visible()
    said = page.evaluate(
        """async () => {
            const { emptied } = await import("/static/js/worklist_empty.js");
            const { viewOf } = await import("/static/js/worklist_view.js");
            const of = (total) => ({ total, more: false });
            const counted = (cleared) => ({ to_read: of(0), cleared: of(cleared), reported: of(0) });
            return [{}, counted(0), counted(3)].map((counts) => {
                const place = document.createElement("div");
                emptied(place, { view: viewOf(""), counts, goTo() {}, unfiltered() {} });
                return place.querySelector("h2").textContent;
            });
        }"""
    )
    assert said == ["Nothing in this list", "No films yet", "Nothing is left to read"]


def test_pictures_over_films_are_kept_up_to_a_size(page: Page, site: Site) -> None:
    """A picture counted as 64 kB, so that thousands of them were kept, each with what was painted of it."""
    page.goto(site.root)
    made = page.evaluate(
        """async () => {
            const { Kept } = await import("/static/js/films.js");
            let made = 0;
            const make = async () => { made += 1; return { width: 1, values: new Uint8Array(1) }; };
            const kept = new Kept(make, { bytesOf: () => 10, most: 25 });
            for (const name of ["a", "b", "c", "c", "b", "a"]) await kept.get(name);
            return made;
        }"""
    )
    assert made == 4, "two are kept: the first was made again"


def test_urgent_studies_are_told_in_one_message(page: Page, site: Site) -> None:
    """Each study left a message of its own, which over a shift covered the page."""
    studies = sent(site, "urgent", ill(3, 512))
    held: list[str] = studies[:1]

    def flagged(route: Route) -> None:
        if '"flag":true' not in (route.request.post_data or ""):
            route.continue_()
            return
        rows = [row | {"changed": "2099-01-01T00:00:00Z"} for row in everything["rows"] if row["study"] in held]
        answer = route.fetch()
        route.fulfill(response=answer, json=answer.json() | {"rows": rows})

    everything = page.request.post(
        f"{site.running.base}/studies/search",
        data={"tab": "to_read", "source": "urgent"},
        headers={"X-Requested-With": "unseen"},
    ).json()
    page.goto(f"{site.root}/?source=urgent")
    expect(page.locator("#rows tr").first).to_be_visible()
    page.route("**/studies/search", flagged)
    page.get_by_role("button", name="Tell me").click()
    for count, study in enumerate(studies[1:], start=1):
        page.wait_for_timeout(4000)
        held.append(study)
        with site.store() as store:  # some news
            store.studies.claim(study, "ben")
        expect(page.locator("#toasts .urgent")).to_have_count(1)
        expect(page.locator("#toasts .urgent")).to_contain_text(
            "1 study came" if count == 1 else f"{count} studies came"
        )
    page.unroute_all(behavior="ignoreErrors")
