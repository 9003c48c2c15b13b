"""The worklist page: its order, its keys, what reports leave in the database, what appears by itself, two readers at
once, and what a reader does not see where a policy clears.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.browser.conftest import (
    PASSWORD,
    SIDE,
    PageOf,
    Site,
    as_dicom,
    axe,
    judged_first,
    look_at,
    serving,
    signed_in,
)
from tests.web.running import until
from unseen.data import phantoms
from unseen_server.worklist.study_query import StudyQuery

FLAG = "Differs from normal films: read earlier"


def client(site: Site, name: str) -> httpx.Client:
    """Another program of this account's."""
    answer = httpx.post(
        f"{site.running.base}/tokens", json={"name": name, "password": PASSWORD}, timeout=30, verify=False
    )
    return site.running.client(answer.raise_for_status().json()["token"])


def rows(page: Page) -> Locator:
    return page.locator("#rows tr")


def shown(page: Page) -> list[str]:
    """Return the studies on the page, in their order."""
    expect(rows(page).first).to_be_visible()
    return [str(row.get_attribute("data-study")) for row in rows(page).all()]


def selected(page: Page) -> str | None:
    row = page.locator("#rows tr[aria-selected=true]")
    return row.get_attribute("data-study") if row.count() else None


def listed(site: Site, tab: Any = "to_read", source: str | None = None) -> list[str]:
    with site.store() as store:
        return [row.study for row in store.studies.page(StudyQuery(tab=tab, source=source)).rows]


def reports(site: Site, study: str) -> list[tuple[str, str | None, bool]]:
    """Return each report of a study with its author, and whether it was taken back; from the database."""
    with site.store() as store:
        return [(one.reader, one.outcome, one.undone is not None) for one in store.studies.details(study).reports]


def tab(page: Page, name: str) -> Locator:
    return page.get_by_role("tab", name=name)


# what is shown --------------------------------------------------------------------------------------------------------


def test_the_rows_are_the_apis_and_keys_move_in_them(shared_site: Site, page_of: PageOf) -> None:
    page = page_of(shared_site, "ann")
    page.goto(f"{shared_site.root}/?from=3")  # the rank of a page's first row, which is no place in the list by itself
    wanted = listed(shared_site)
    assert shown(page) == wanted and len(wanted) == 8
    expect(page.locator("#rows .place").first).to_have_text("1")
    assert page.url == f"{shared_site.root}/"
    expect(rows(page).first).to_have_attribute("aria-selected", "true")
    expect(rows(page).first).to_contain_text("To be read in this order")
    few = (
        "No reference: this model keeps no scores of its training normals; a percentile needs 20 normals of this site, "
        "and there are 0."
    )
    expect(page.locator("#compared")).to_have_text(few)
    expect(page.locator("#rows .value").first).to_be_hidden()
    lines = [re.compile(rf"^{name} \d\S* · no reference$") for name in ("pca", "pca-few", "pca-whole")]
    expect(rows(page).first.locator(".measure .line")).to_have_text(lines)
    drawn = "() => [...document.querySelectorAll('#rows img')].filter((i) => i.naturalWidth > 60).length"
    until(lambda: page.evaluate(drawn) > 6, within_s=30)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("j")
    assert selected(page) == wanted[2]
    page.keyboard.press("k")
    assert selected(page) == wanted[1]
    for _ in range(2):
        page.keyboard.press("ArrowUp")
        assert selected(page) == wanted[0]
    page.keyboard.press("ArrowDown")
    expect(page.locator("[data-act=normal]")).to_have_attribute(
        "title", "Its films were not shown to you yet: this opens it"
    )
    page.keyboard.press("n")
    page.wait_for_url(f"{shared_site.root}/studies/{wanted[1]}**")
    assert listed(shared_site, "reported") == [], "the key has opened it"


@pytest.mark.nightly  # each screen: test_every_page_fits_each_screen_and_axe_finds_nothing_serious
def test_eight_rows_and_the_sentence_fit_on_a_small_screen(shared_site: Site, page_of: PageOf) -> None:
    page = page_of(shared_site, "ann")
    page.goto(shared_site.root)
    shown(page)
    expect(page.locator("#selected")).to_be_visible()
    seen = page.evaluate(
        """() => {
            const frame = document.querySelector('.list-scroll').getBoundingClientRect();
            return [...document.querySelectorAll('#rows tr')].filter((row) => {
                const box = row.getBoundingClientRect();
                return box.top >= frame.top && box.bottom <= frame.bottom;
            }).length;
        }"""
    )
    assert seen >= 8
    expect(page.get_by_text("Not a medical device")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


@pytest.mark.nightly
def test_a_search_is_exact_and_never_in_the_address(shared_site: Site, page_of: PageOf) -> None:
    study = listed(shared_site)[5]
    page = page_of(shared_site, "ann")
    page.goto(shared_site.root)
    shown(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.keyboard.press("/")
    page.keyboard.type(study)
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_count(1)
    assert shown(page) == [study]
    page.get_by_role("searchbox").fill(study[:-1])
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="No study in this list is called that")).to_be_visible()
    assert not [url for url in asked if study[:-1] in url and "/thumbnail" not in url and "/films/" not in url]
    assert study[:-1] not in page.url
    page.get_by_role("searchbox").press("Escape")
    expect(rows(page)).to_have_count(8)


@pytest.mark.nightly  # in short: test_every_page_fits_each_screen_and_axe_finds_nothing_serious
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(shared_site: Site, chromium: Browser, scheme: Any) -> None:
    with chromium.new_context(color_scheme=scheme) as context:
        page = signed_in(context, shared_site, "lea")
        shown(page)
        page.wait_for_timeout(500)  # colours that change slowly
        for before in ("", "]", "?"):
            if before:
                page.keyboard.press(before)
                page.wait_for_timeout(500)
            assert axe(page) == []


# what is done ---------------------------------------------------------------------------------------------------------


@pytest.mark.nightly  # in the viewer: test_viewer.py
def test_a_report_and_its_undo_reach_the_database(site: Site, page_of: PageOf) -> None:
    page = page_of(site, "ann")
    page.goto(site.root)
    first, second = shown(page)[:2]
    look_at(site, first, "ann")
    page.reload()
    shown(page)
    page.keyboard.press("a")
    expect(page.get_by_text("Reported abnormal.")).to_be_visible()
    assert reports(site, first) == [("ann", "abnormal", False)] and reports(site, second) == []
    expect(page.locator(f"tr[data-study={first}]")).to_have_count(0)
    assert selected(page) == second, "the next one is selected"
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.get_by_text("The report is taken back")).to_be_visible()
    assert reports(site, first) == [("ann", "abnormal", True)]
    expect(page.locator(f"tr[data-study={first}]")).to_contain_text("you have it")
    expect(page.locator(f"tr[data-study={first}]")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("u")
    expect(page.get_by_text("Reported unsure. It is no label, and nobody is asked to look again.")).to_be_visible()
    page.keyboard.press("z")
    expect(page.locator(f"tr[data-study={first}]")).to_have_attribute("aria-selected", "true")
    assert reports(site, first) == [("ann", "abnormal", True), ("ann", "unsure", True)]
    page.get_by_role("button", name="Release").click()
    expect(page.locator(f"tr[data-study={first}]")).to_contain_text("to read")
    with site.store() as store:
        assert store.studies.details(first).entry.state == "to_read"


@pytest.mark.nightly  # one key: test_the_rows_are_the_apis_and_keys_move_in_them; films: web/test_safety.py
@pytest.mark.parametrize("keys", ["n", "nau"])
def test_twenty_keys_in_the_list_report_nothing_that_was_not_shown(site: Site, chromium: Browser, keys: str) -> None:
    """On the page of release 0.1, twenty films were reported normal in ten seconds without one being opened."""
    with site.running.client() as other:
        site.send(other, b"this is a text file\n" * 20)
    site.judged()
    with chromium.new_context() as context:
        page = signed_in(context, site, "ann")
        assert len(shown(page)) == 9
        expect(page.locator("[data-act=normal]")).to_have_attribute(
            "title", "Its films were not shown to you yet: this opens it"
        )
        for key in keys:
            page.keyboard.press(key)
            page.wait_for_url("**/studies/**")
            assert listed(site, "reported") == []
            page.goto(f"{site.root}/")
            shown(page)
            page.keyboard.press("ArrowDown")
        for _ in range(20):
            page.keyboard.press("n")
        page.wait_for_timeout(1500)
    with site.store() as store:
        for study in listed(site, "reported"):
            assert all(film.seen for film in store.studies.details(study, reader="ann").films), (
                "only what the viewer has shown"
            )
        assert not [row for row in store.studies.page(StudyQuery(tab="reported")).rows if row.how != "seen"]


@pytest.mark.nightly  # in the viewer: test_deliberate_reports.py
def test_a_key_that_is_held_down_reports_one_study(site: Site, page_of: PageOf) -> None:
    page = page_of(site, "ann")
    page.goto(site.root)
    first = shown(page)[0]
    look_at(site, first, "ann")
    page.reload()
    shown(page)
    for _ in range(8):
        page.keyboard.down("n")  # the browser sends repeats
    page.keyboard.up("n")
    expect(tab(page, "Reported")).to_contain_text("1")
    assert listed(site, "reported") == [first]
    tab(page, "Reported").click()
    expect(rows(page)).to_have_count(1)
    expect(rows(page).first).to_contain_text("Reported normal by ann")
    page.get_by_role("button", name="Undo the report").click()
    expect(page.get_by_role("heading", name="Nothing is reported yet")).to_be_visible()
    assert reports(site, first)[-1:] == [("ann", "normal", True)] and listed(site, "reported") == []
    with client(site, "ann") as ann:
        ann.post(f"studies/{first}/release").raise_for_status()


@pytest.mark.nightly
def test_a_new_film_appears_by_itself_and_what_was_there_stays(site: Site, page_of: PageOf) -> None:
    page = page_of(site, "ann")
    page.goto(site.root)
    before = shown(page)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.evaluate("for (const row of document.querySelectorAll('#rows tr')) row.sameAsBefore = true")
    film = next(iter(phantoms.abnormals(1, seed=4711, size=SIDE)))
    with client(site, "ada") as other:
        name = site.send(other, as_dicom(film, AccessionNumber="A-4711"), source="night")
    expect(rows(page)).to_have_count(len(before) + 1, timeout=10_000)
    expect(page.locator("#announcement")).to_have_text("1 new study")
    site.judged()
    expect(page.locator("#rows img")).to_have_count(len(before) + 1)
    assert shown(page) == listed(site)
    assert page.evaluate("[...document.querySelectorAll('#rows tr')].filter((row) => row.sameAsBefore).length") == len(
        before
    )
    assert selected(page) == before[2]
    assert page.evaluate("document.activeElement.dataset.study") == before[2]
    page.get_by_label("Source").select_option("night")
    expect(rows(page)).to_have_count(1)
    assert page.url.endswith("/?source=night")
    page.get_by_label("Source").select_option("")
    page.get_by_role("searchbox").fill("A-4711")
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_count(1)
    assert "A-4711" not in page.url
    with site.store() as store:
        (found,) = store.studies.page(StudyQuery(text=name)).rows
    assert shown(page) == [found.study]


@pytest.mark.nightly
def test_of_two_readers_one_has_the_study_and_a_lead_can_free_it(site: Site, page_of: PageOf) -> None:
    ann, ben, lea = (page_of(site, name) for name in ("ann", "ben", "lea"))
    for page in (ann, ben, lea):
        page.goto(site.root)
    study = shown(ben)[0]
    earlier = reports(site, study)
    look_at(site, study, "ben")
    ben.reload()
    shown(ben)
    with client(site, "ann") as held:
        held.post(f"studies/{study}/claim").raise_for_status()
    ben.keyboard.press("n")
    expect(ben.locator(".toast")).to_contain_text("ann has taken this study at")
    assert reports(site, study) == earlier
    expect(ben.locator(f"tr[data-study={study}]")).to_contain_text("ann has it")
    expect(ann.locator(f"tr[data-study={study}]")).to_contain_text("you have it")
    expect(ben.get_by_role("button", name="Abnormal")).to_be_disabled()
    lea.get_by_role("button", name="Take it from ann").click()
    expect(ben.get_by_role("button", name="Abnormal")).to_be_enabled()
    ben.keyboard.press("n")
    expect(ben.get_by_text("Reported normal.")).to_be_visible()
    assert reports(site, study) == [*earlier, ("ben", "normal", False)]
    expect(ann.locator(f"tr[data-study={study}]")).to_have_count(0)
    assert selected(ann) is None, "nothing takes its place by itself"
    ann.keyboard.press("a")
    expect(ann.locator(".toast")).to_contain_text("No study is selected")


@pytest.mark.nightly
def test_what_could_not_be_scored_is_on_top_and_a_lead_has_it_tried_again(site: Site, page_of: PageOf) -> None:
    with client(site, "ada") as other:
        film = site.send(other, b"no film at all", source="ward")
    site.judged()
    with site.store() as store:
        (entry,) = store.studies.page(StudyQuery(tab="not_scored")).rows
        assert entry.reason and entry.film is None
    page = page_of(site, "lea")
    page.goto(site.root)
    assert shown(page)[0] == entry.study
    expect(rows(page).first).to_contain_text("Not scored: look at it first")
    expect(rows(page).first).to_contain_text(entry.reason.split(".")[0])  # the study's page holds all of it
    page.get_by_role("button", name="Score again").click()
    expect(page.get_by_text("Its film is scored again.")).to_be_visible()
    with site.store() as store:
        history = [event.action for event in store.studies.details(entry.study, blind=False).history]
    assert "study.requeued" in history, film


# blindness and lost connections ---------------------------------------------------------------------------------------


@pytest.mark.nightly  # what readers are told: web/test_studies.py and web/test_viewing.py
def test_a_reader_sees_order_and_flag_alone_where_a_policy_clears(clearing: Site, page_of: PageOf) -> None:
    with clearing.store() as store:
        sample = store.reports.audit_sample().waiting
        cleared = len(store.studies.page(StudyQuery(tab="cleared")).rows)
    assert sample + cleared > 1, "the policy of this test clears something"
    page = page_of(clearing, "ann")
    page.goto(f"{clearing.root}/?source=ward")
    assert shown(page) == listed(clearing, source="ward")
    expect(page.locator("#order")).to_contain_text("Triage: flag and order only.")
    expect(rows(page).first).to_contain_text(FLAG)
    text = page.locator("#grid").inner_text()
    assert "score" not in text.lower().replace("not scored", "") and "%" not in text and FLAG in text
    assert none_is_called_normal(page)
    assert page.locator("#rows .bar-track, #rows .value, #rows .line, #measure").count() == 0
    told = page.request.post(
        f"{clearing.running.base}/studies/search", data={"tab": "all"}, headers={"X-Requested-With": "unseen"}
    ).json()
    assert {(row["score"], row["probability"], row["number"]) for row in told["rows"]} == {(None, None, None)}
    if cleared:
        tab(page, "Cleared").click()
        expect(rows(page)).to_have_count(cleared)
        expect(rows(page).first).to_contain_text("Cleared by the policy")
    page = page_of(clearing, "lea")
    page.goto(f"{clearing.root}/?source=ward")
    shown(page)
    expect(page.locator("#rows .value").first).to_contain_text(re.compile(r"%|above all"))
    expect(page.locator("#rows .measure .line").first).to_have_text(re.compile(r"^pca \d\S* · \d+\s%$"))
    assert none_is_called_normal(page)


def none_is_called_normal(page: Page) -> bool:
    """Return names of the films that were not cleared."""
    text = page.locator("#grid").inner_text().lower()
    return "normal" not in text.replace("normal films", "").replace("abnormal", "")


@pytest.mark.nightly
def test_a_list_that_begins_to_be_blind_does_not_call_off_the_study_that_is_opened(site: Site, page_of: PageOf) -> None:
    """A policy begins to clear while a study's page is on its way: the list would load itself again."""
    held: list[Route] = []
    told: list[bool] = []

    def blindly(route: Route) -> None:
        if not held:
            return route.continue_()
        told.append(True)
        return route.fulfill(json=listed_page | {"blind": True})

    page = page_of(site, "ann")
    page.goto(site.root)
    study = shown(page)[0]
    with client(site, "ann") as other:
        listed_page = other.post("studies/search", json={"tab": "to_read"}).raise_for_status().json()
    page.route(f"{site.root}/studies/{study}**", lambda route: held.append(route))
    page.route("**/api/v1/studies/search", blindly)
    page.evaluate(
        """study => {
            setTimeout(() => document.querySelector(`[data-study="${study}"] a`).click(), 100);
            setTimeout(() => document.dispatchEvent(new Event("visibilitychange")), 600); // as news: it looks again
        }""",
        study,
    )
    until(lambda: page.wait_for_timeout(50) or bool(told), 10)
    page.wait_for_timeout(500)
    held[0].continue_()
    expect(page.locator(f'#viewer[data-study="{study}"]')).to_be_attached()
    assert len(held) == 1
    page.unroute_all(behavior="ignoreErrors")


def test_a_lost_connection_is_told(tmp_path: Path, bundles: dict[str, Path], chromium: Browser) -> None:
    alone = {"pca": bundles["pca"]}
    with (
        serving(tmp_path / "worklist", alone, filled=judged_first(bundles)) as site,
        chromium.new_context() as context,
    ):
        look_at(site, listed(site)[0], "ann")
        page = signed_in(context, site, "ann")
        before = shown(page)
        site.running.process.kill()
        expect(page.get_by_role("alert")).to_contain_text("No connection to the server since")
        assert shown(page) == before, "what was there can still be read"
        for _ in range(2):
            page.keyboard.press("n")
            expect(page.locator(".toast.bad")).to_contain_text("The server cannot be reached")
        assert page.locator(".toast.bad").count() == 1, "the same words twice are one note"
        assert reports(site, before[0]) == []
