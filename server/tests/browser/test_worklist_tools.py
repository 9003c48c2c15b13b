"""The list's tools: filters, order and page in the address, saved views, several studies at once, density, and being
told of what is urgent; on a wide screen and on a telephone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.made_up_list import fill
from tests.browser.conftest import BUT_COLOURS, SIDE, VIOLATIONS, PageOf, Site, as_dicom, axe, serving, signed_in
from tests.browser.test_worklist_page import rows, selected, tab
from tests.web.running import until
from unseen.data import phantoms
from unseen_server.worklist.study_query import StudyQuery
from unseen_server.worklist.tables import studies

WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 800}
FILLED = 400
IN_VIEW = """() => {
    const frame = document.querySelector('.list-scroll').getBoundingClientRect();
    const head = document.querySelector('#grid thead').getBoundingClientRect().bottom;
    return [...document.querySelectorAll('#rows tr')].filter((row) => {
        const box = row.getBoundingClientRect();
        return box.top >= head - 1 && box.bottom <= frame.bottom + 1;
    }).length;
}"""


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory, bundles: dict[str, Path]) -> Iterator[Site]:
    """A server with a day's list: eight phantoms, and 400 studies that have no films."""
    with serving(tmp_path_factory.mktemp("full") / "worklist", bundles) as found:
        with found.store() as store:
            fill(store, studies=FILLED, seed=4)
            with store.database.writing() as connection:
                connection.execute(studies.update().where(studies.c.id % 3 == 0).values(view="AP"))
        yield found


def shown(page: Page) -> list[str]:
    """Return the studies on the page, in their order."""
    expect(rows(page).first).to_be_visible()
    found = page.evaluate("[...document.querySelectorAll('#rows tr')].map((row) => row.dataset.study)")
    return [str(study) for study in found]


def image_of(page: Page, name: str) -> None:
    """For somebody who wants to look: with UNSEEN_SCREENSHOTS, the page as it is."""
    if folder := os.environ.get("UNSEEN_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png")


def serious(page: Page, options: dict[str, Any] = VIOLATIONS) -> list[str]:
    page.wait_for_timeout(300)
    return axe(page, options)


def test_filter_and_order_stand_in_the_address_and_a_search_does_not(shared_site: Site, page_of: PageOf) -> None:
    page = page_of(shared_site, "lea")
    page.set_viewport_size(WIDE)
    page.goto(shared_site.root)
    assert len(shown(page)) == 8
    page.keyboard.press("f")
    page.get_by_label("Projection").select_option("PA")
    until(lambda: "view=PA" in page.url, 10)
    page.get_by_role("button", name="Waiting").click()
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("Waiting")
    with shared_site.store() as store:
        found = store.studies.page(StudyQuery(view="PA", order="received", reverse=True, blind=False))
    latest = [row.study for row in found.rows]
    until(lambda: shown(page) == latest, 10)
    page.reload()
    until(lambda: shown(page) == latest, 10)
    assert "view=PA" in page.url and "sort=-received" in page.url
    assert page.get_by_label("Projection").input_value() == "PA"
    page.get_by_role("searchbox").fill("4711-secret")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="No study in this list is called that")).to_be_visible()
    assert "4711" not in page.url


def test_a_page_behind_rows_that_have_left_the_list_has_no_wrong_numbers(site: Site, page_of: PageOf) -> None:
    """While others read the first page, the second one counted from 51, and to more studies than there were."""
    with site.store() as store:
        fill(store, studies=120 - store.studies.page(StudyQuery()).total, seed=6, shares=[("to_read", 1.0)])
        first = [row.study for row in store.studies.page(StudyQuery(limit=30)).rows]
    page = page_of(site, "ann")
    page.goto(site.root)
    expect(page.locator("#range")).to_have_text("1–50 of 120")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#range")).to_have_text("51–100 of 120")
    with site.store() as store, store.database.writing() as connection:
        left = studies.update().where(studies.c.public_id.in_(first))
        connection.execute(left.values(state="reported", shelf="reported"))
    page.reload()
    expect(page.locator("#range")).to_have_text("50 of 90")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#range")).to_have_text("71–90 of 90")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#range")).to_have_text("21–70 of 90")


@pytest.mark.nightly  # in short: test_filter_and_order_stand_in_the_address_and_a_search_does_not
def test_filters_order_and_page_stand_in_the_address_and_a_search_does_not(full: Site, page_of: PageOf) -> None:
    page = page_of(full, "lea")
    page.set_viewport_size(WIDE)
    page.goto(full.root)
    whole = len(shown(page))
    assert whole == 50
    page.keyboard.press("f")
    page.get_by_label("Projection").select_option("AP")
    until(lambda: "view=AP" in page.url, 10)
    expect(rows(page).last).to_contain_text("AP")
    with full.store() as store:
        wanted = store.studies.page(StudyQuery(view="AP", blind=False))
        latest = [
            row.study
            for row in store.studies.page(StudyQuery(view="AP", order="received", reverse=True, blind=False)).rows
        ]
    until(lambda: shown(page) == [row.study for row in wanted.rows], 10)
    expect(tab(page, "To read")).to_contain_text(str(wanted.total))
    with full.store() as store:
        cleared = store.studies.page(StudyQuery(tab="cleared", view="AP")).total
    expect(tab(page, "Cleared")).to_contain_text(str(cleared))
    page.get_by_role("button", name="Waiting").click()
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("Waiting")
    until(lambda: shown(page) == latest, 10)
    page.get_by_role("button", name="Next →").click()
    expect(page.locator("#range")).to_contain_text(f"51–{min(100, wanted.total)} of {wanted.total}")
    second = shown(page)
    expect(page.locator("#rows .place").first).to_have_text("51")
    image_of(page, "list-filtered")
    assert serious(page, BUT_COLOURS) == []  # colours with filters: test_a_view_is_kept_for_everybody_and_removed
    assert "sort=-received" in page.url and "from=51" in page.url
    page.reload()
    until(lambda: shown(page) == second, 10)
    assert page.get_by_label("Projection").input_value() == "AP"
    expect(page.locator("#filters-on")).to_have_text("1")
    page.goto(f"{full.root}/?after=broken&sort=score")
    expect(rows(page).first).to_be_visible()
    assert page.url.endswith("/?sort=score"), "a place of another list is the first page"
    page.get_by_role("button", name="Filter").click()
    page.locator("#by-received").select_option("7d")
    page.get_by_label("State").select_option("to_read")
    expect(rows(page)).to_have_count(50)
    assert "received=7d" in page.url and "state=to_read" in page.url
    tab(page, "Reported").click()
    expect(page.get_by_label("State")).to_have_value("")
    page.get_by_role("searchbox").fill("4711-secret")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="No study in this list is called that")).to_be_visible()
    assert "4711" not in page.url
    page.get_by_role("button", name="Show everything").click()
    with full.store() as store:
        expect(rows(page)).to_have_count(min(50, store.studies.page(StudyQuery(tab="reported")).total))
    assert page.url.endswith("/?tab=reported")


@pytest.mark.nightly
def test_a_reader_goes_on_in_the_list_that_was_narrowed(full: Site, page_of: PageOf) -> None:
    page = page_of(full, "ann")
    page.set_viewport_size(WIDE)
    page.goto(full.root + "/?source=ward&sort=received")
    order = shown(page)
    assert len(order) == 8
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/studies/{order[0]}?source=ward&sort=received**")
    expect(page.locator(f'#viewer[data-study="{order[0]}"]')).to_be_attached()
    page.get_by_role("button", name="Skip").click()
    page.wait_for_url(f"**/studies/{order[1]}?source=ward&sort=received**")
    page.keyboard.press("Escape")
    page.wait_for_url(f"{full.root}/?source=ward&sort=received")


@pytest.mark.nightly
def test_a_view_is_kept_for_everybody_and_removed(full: Site, page_of: PageOf) -> None:
    lea, ann = page_of(full, "lea"), page_of(full, "ann")
    lea.set_viewport_size(WIDE)
    ann.set_viewport_size(PHONE)
    lea.goto(full.root + "/?view=AP&for=@nobody&sort=source")
    wanted = shown(lea)
    lea.get_by_role("button", name="Keep this view…").click()
    lea.get_by_label("Name", exact=True).fill("AP, for nobody")
    lea.get_by_label("for everybody").check()
    image_of(lea, "list-keep")
    assert serious(lea) == []
    lea.get_by_role("button", name="Keep", exact=True).click()
    expect(lea.locator(".toast")).to_contain_text("is kept for everybody")
    ann.goto(full.root)
    shown(ann)
    expect(ann.get_by_label("Projection")).to_be_hidden()
    ann.get_by_role("button", name="Filter").click()
    ann.get_by_label("View kept").select_option(label="AP, for nobody (lea)")
    until(lambda: shown(ann) == wanted, 10)
    assert "view=AP" in ann.url and ann.get_by_role("button", name="Remove it").is_hidden()
    assert ann.evaluate("document.documentElement.scrollWidth") <= 390
    image_of(ann, "list-phone-filters")
    assert serious(ann) == []
    ann.get_by_role("button", name="Filter").click()
    expect(ann.get_by_label("Projection")).to_be_hidden()
    lea.get_by_role("button", name="Remove it").click()
    expect(lea.locator(".toast").last).to_contain_text("is removed")
    assert shown(lea) == wanted, "the list stays as it is"


@pytest.mark.nightly
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_a_lead_acts_on_several_by_keyboard_and_by_touch(full: Site, page_of: PageOf, size: Any) -> None:
    page = page_of(full, "lea")
    page.set_viewport_size(size)
    page.goto(full.root + "/?source=site-1")
    order = shown(page)
    if size is WIDE:
        page.keyboard.press("x")
        page.keyboard.press("Shift+ArrowDown")
        page.keyboard.press("Shift+ArrowDown")
        assert selected(page) == order[2]
    else:
        for study in order[:3]:
            page.get_by_label(f"Choose {study}").check()
    expect(page.locator("#chosen-count")).to_have_text("3 chosen")
    assert page.locator("#rows tr.chosen").count() == 3
    image_of(page, f"list-chosen-{size['width']}")
    assert serious(page, BUT_COLOURS if size is WIDE else VIOLATIONS) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    page.get_by_label("Assign to").select_option("ben")
    page.get_by_role("button", name="Assign", exact=True).click()
    expect(page.locator(".toast").last).to_contain_text("3 studies assigned to ben.")
    expect(page.locator("#several")).to_be_hidden()
    if size is WIDE:
        expect(rows(page).first).to_contain_text("for ben")
    with full.store() as store:
        assert {row.study for row in store.studies.page(StudyQuery(assigned="ben", limit=200)).rows} >= set(order[:3])
    page.get_by_label(f"Choose {order[0]}").check()
    page.get_by_label(f"Choose {order[1]}").check()
    page.get_by_role("button", name="Record as returned…").click()
    expect(page.locator("#return")).to_contain_text("Nothing is sent: tell the sender yourself.")
    page.get_by_label("What is wrong").fill("Send it as DICOM.")
    page.get_by_role("button", name="Record", exact=True).click()
    expect(page.locator(".toast").last).to_contain_text("2 studies left as they are: Every film of this study can")
    page.keyboard.press("Escape")
    expect(page.locator("#several")).to_be_hidden()
    with full.store() as store:
        assert not [
            row for row in store.studies.page(StudyQuery(tab="reported", limit=200)).rows if row.reported_by == "lea"
        ]
    page = page_of(full, "ann")
    page.set_viewport_size(size)
    page.goto(full.root)
    shown(page)
    page.keyboard.press("x")
    assert page.locator("#rows input, #several").count() == 0, "for leads alone"


@pytest.mark.nightly
def test_twenty_rows_fit_when_they_stand_close(full: Site, page_of: PageOf) -> None:
    page = page_of(full, "lea")
    page.set_viewport_size(WIDE)
    page.goto(full.root)
    shown(page)
    roomy = page.evaluate(IN_VIEW)
    page.get_by_role("button", name="Compact").click()
    assert page.evaluate(IN_VIEW) >= 20 > roomy
    expect(page.locator("#selected")).to_be_in_viewport()
    image_of(page, "list-compact")
    assert serious(page) == []
    page.reload()
    shown(page)
    assert page.evaluate(IN_VIEW) >= 20, "it is kept"
    page.get_by_role("button", name="Compact").click()
    assert page.evaluate(IN_VIEW) == roomy


@pytest.mark.nightly
def test_one_is_told_of_what_is_urgent_only_if_one_wants(site: Site, chromium: Browser) -> None:
    """The page asks the browser for leave on a click, never by itself; and tells nothing of a patient."""
    asked = """
        window.asked = []; window.noted = [];
        window.Notification = class { static permission = "default";
            static async requestPermission() { window.asked.push(1); return (Notification.permission = "granted"); }
            constructor(title, { body }) { window.noted.push(`${title}: ${body}`); } addEventListener() {} };
    """
    with chromium.new_context(viewport=WIDE) as context:
        page = signed_in(context, site, "ann")
        page.add_init_script(asked)
        page.goto(f"{site.root}/")
        shown(page)
        looked: list[str] = []
        page.on("request", lambda request: looked.append(request.post_data or "") if "search" in request.url else None)
        page.wait_for_timeout(500)
        assert page.evaluate("window.asked") == [] and not [body for body in looked if '"flag":true' in body]
        page.get_by_role("button", name="Tell me").click()
        expect(page.locator(".toast")).to_contain_text("also while this page is in the background")
        assert page.evaluate("window.asked") == [1]
        until(lambda: page.wait_for_timeout(50) or any('"flag":true' in body for body in looked), 10)
        page.evaluate(
            """() => { const hidden = { get: () => window.away ?? true, configurable: true };
                Object.defineProperty(document, "hidden", hidden);
                window.setTimeout(() => document.dispatchEvent(new Event("visibilitychange")), 0); }"""
        )
        page.route("**/studies/search", lambda route: route.fulfill(json=flagged) if asks(route) else route.continue_())
        film = next(iter(phantoms.abnormals(1, seed=4711, size=SIDE)))
        with site.running.client() as other:
            site.send(other, as_dicom(film, PatientName="Doe^Jane"))
        site.judged()
        answer = page.request.post(
            f"{site.running.base}/studies/search", data={"tab": "to_read", "order": "received", "reverse": True},
            headers={"X-Requested-With": "unseen"},
        ).json()  # fmt: skip
        flagged = answer | {"rows": answer["rows"][:1]}
        expect(page).to_have_title("(1) Worklist · unseen", timeout=40_000)
        assert page.evaluate("window.noted") == ["unseen: 1 study came that is to be read earlier."]
        page.evaluate("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")
        expect(page).to_have_title("Worklist · unseen")
        page.unroute_all(behavior="ignoreErrors")
        page.get_by_role("button", name="Show").click()
        until(lambda: "flag=yes" in page.url, 10)
        page.get_by_role("button", name="Tell me").click()
        expect(page.get_by_role("button", name="Tell me")).to_have_attribute("aria-pressed", "false")


def asks(route: Any) -> bool:
    return '"flag":true' in (route.request.post_data or "") and '"limit":20' in (route.request.post_data or "")
