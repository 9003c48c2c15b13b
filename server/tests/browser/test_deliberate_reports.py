"""A report is a deliberate act: a key pressed twice, held down, or repeated by a remote desktop reports one study.

In Chromium; the test moves the page's clock, so that the second after a film's display lasts as long on a slow machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from tests.browser.conftest import SCREEN, SIDE, WITHOUT_SCRIPTS, Site, as_dicom, keep_image, look_at, signed_in
from tests.browser.test_viewer import ill, sent, shows
from tests.browser.test_worklist_page import selected
from unseen.data import phantoms
from unseen_server.worklist.tables import reports, studies

STEP_MS = 60
REAL_MS = 40
NIGHTLY = pytest.mark.nightly
PRESS = """
([key, repeat]) => {
  const told = { key, repeat, bubbles: true, cancelable: true };
  document.activeElement.dispatchEvent(new KeyboardEvent("keydown", told));
  document.activeElement.dispatchEvent(new KeyboardEvent("keyup", told));
}
"""


@pytest.fixture(scope="module")
def site(reading_site: Site) -> Site:
    """One server for all; each test has studies of a source of its own."""
    return reading_site


@pytest.fixture(scope="module")
def anns(site: Site, chromium: Browser) -> Iterator[Page]:
    with chromium.new_context(viewport=SCREEN, reduced_motion="reduce") as context:
        made = signed_in(context, site, "ann", WITHOUT_SCRIPTS)
        made.clock.install()
        made.clock.pause_at(datetime.now(UTC) + timedelta(seconds=1))  # until then, it goes on by itself as well
        yield made


@pytest.fixture
def page(site: Site, anns: Page) -> Iterator[Page]:
    """Ann's page; its timers, frames and times move when the test says so."""
    yield anns
    anns.goto(site.root + WITHOUT_SCRIPTS)
    anns.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
    anns.set_viewport_size(SCREEN)


def opened(page: Page, site: Site, source: str, number: int, seed: int) -> list[str]:
    """Send studies of a new source, open the first one for reporting, and return them."""
    studies = sent(site, source, ill(number, seed))
    page.goto(f"{site.root}/studies/{studies[0]}?source={source}")
    passes_until(page, f"document.querySelector('#viewer').dataset.study === '{studies[0]}'")
    can_report(page)
    page.clock.run_for(2500)  # the list is looked at again: the next film is known
    return studies


def passes_until(page: Page, condition: str, step_ms: int = STEP_MS) -> None:
    """Let the page's time pass in short steps, with a moment of real time for its requests, until this is so."""
    for _ in range(1200):
        if page.evaluate(f"() => {condition}"):
            return
        page.clock.run_for(step_ms)
        page.wait_for_timeout(REAL_MS)
    raise AssertionError(f"{1.2 * step_ms:g} s of the page's time have passed, and it is not so: {condition}")


def next_comes(page: Page, study: str) -> None:
    """Let time pass until the film of this study has just been painted."""
    passes_until(page, f"document.querySelector('#viewer').dataset.study === '{study}'")


def made(site: Site, source: str) -> list[tuple[str, int | None]]:
    """Return every report on a source: its outcome, and for how long the film had been shown, in milliseconds."""
    of_source = select(reports).join(studies, studies.c.id == reports.c.study_id).where(studies.c.source == source)
    with site.store() as store, store.database.reading() as connection:
        return [(row.outcome, row.dwell_ms) for row in connection.execute(of_source.order_by(reports.c.id))]


def can_report(page: Page) -> None:
    """Let time pass until the report keys act."""
    passes_until(page, "!document.querySelector('[data-outcome=normal]').disabled", step_ms=200)


@pytest.mark.parametrize("apart_ms", [*(pytest.param(one, marks=NIGHTLY) for one in (150, 300, 500)), 800])
def test_of_two_presses_the_second_never_reports_the_film_that_has_just_come(
    page: Page, site: Site, apart_ms: int
) -> None:
    source = f"twice-{apart_ms}"
    first, second, _ = opened(page, site, source, 3, 7100 + apart_ms)
    page.evaluate(PRESS, ["n", False])
    next_comes(page, second)
    page.clock.run_for(apart_ms)
    page.evaluate(PRESS, ["n", False])
    page.clock.run_for(3000)
    shows(page, second)
    ((outcome, dwell_ms),) = made(site, source)
    assert outcome == "normal" and dwell_ms is not None and dwell_ms >= 1000
    can_report(page)
    page.evaluate(PRESS, ["n", False])
    passes_until(page, f"document.querySelector('#viewer').dataset.study !== '{second}'")
    assert [outcome for outcome, _ in made(site, source)] == ["normal", "normal"], (
        "after that second the key reports again"
    )
    with site.store() as store:
        assert [store.studies.details(one).entry.state for one in (first, second)] == ["reported", "reported"]


@pytest.mark.parametrize(
    ("key", "repeat", "seconds"),
    [("n", True, 2), *(pytest.param(*one, 10, marks=NIGHTLY) for one in (("n", True), ("a", True), ("u", False)))],
)
def test_a_key_that_is_held_down_for_seconds_reports_one_study(
    page: Page, site: Site, key: str, repeat: bool, seconds: int
) -> None:
    """The browser marks repeats of a key; some remote desktops send each as a press of its own.

    The key acts again a second after the film's display, unless it is held down.
    """
    source = f"held-{key}-{seconds}"
    _, second, _ = opened(page, site, source, 3, 7200 + ord(key) + seconds)
    page.evaluate(PRESS, [key, False])
    for _ in range(30 * seconds):
        page.clock.run_for(33)
        page.evaluate(PRESS, [key, repeat])
    shows(page, second)
    assert len(made(site, source)) == 1


def test_a_button_that_is_clicked_twice_reports_one_study(page: Page, site: Site) -> None:
    first, second, _ = opened(page, site, "click", 3, 73)
    button = page.locator("[data-outcome=abnormal]")
    button.dblclick()
    next_comes(page, second)
    expect(button).to_be_disabled()
    keep_image(page, "first-second-1280")
    page.clock.run_for(400)
    button.click(force=True)
    can_report(page)
    assert len(made(site, "click")) == 1
    page.goto(f"{site.root}/studies/{first}?source=click")
    page.get_by_text("Reports and history").click()
    expect(page.locator("#past")).to_contain_text(re.compile(r"film shown for \d+\.\d s"))
    keep_image(page, "dwell-time-1280")
    page.set_viewport_size({"width": 390, "height": 800})
    page.locator("#past").scroll_into_view_if_needed()
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    keep_image(page, "dwell-time-390")


@pytest.mark.nightly  # a key: test_a_key_that_is_held_down_for_seconds_reports_one_study
@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_a_button_whose_key_is_held_down_reports_one_study(page: Page, site: Site, key: str) -> None:
    source = f"button-{key}"
    _, second, _ = opened(page, site, source, 3, 7400 + ord(key[0]))
    page.locator("[data-outcome=unsure]").focus()
    for _ in range(70):  # each but the first is a repeat; the button has the focus again whenever it can
        page.keyboard.down(key)
        page.clock.run_for(33)
        page.locator("[data-outcome=unsure]").focus()
    page.keyboard.up(key)
    page.clock.run_for(500)
    assert len(made(site, source)) <= 1
    page.wait_for_load_state("networkidle")
    assert len(made(site, source)) == 1
    passes_until(page, f"document.querySelector('#viewer').dataset.study === '{second}'")


def test_another_film_of_the_study_begins_the_second_again(page: Page, site: Site) -> None:
    same = {"StudyInstanceUID": "1.2.71", "PatientID": "4711"}
    pair = [as_dicom(film, **same) for film in phantoms.normals(2, seed=711, size=SIDE)]
    (study,) = sent(site, "pair", pair)
    page.goto(f"{site.root}/studies/{study}?source=pair")
    passes_until(page, "document.querySelector('#why-not').textContent.includes('film 2 of 2')")
    page.clock.run_for(1500)
    page.evaluate(PRESS, ["n", False])  # shows the other film
    for apart_ms in (150, 300, 300):
        page.clock.run_for(apart_ms)
        page.evaluate(PRESS, ["n", False])
    assert made(site, "pair") == []
    can_report(page)
    page.evaluate(PRESS, ["n", False])
    passes_until(page, "document.body.textContent.includes('Nothing else is left to read here.')")
    ((outcome, dwell_ms),) = made(site, "pair")
    assert outcome == "normal" and dwell_ms is not None and 2500 < dwell_ms < 60_000, "since the first of its films"


@pytest.mark.parametrize("apart_ms", [150, pytest.param(800, marks=NIGHTLY)])
def test_in_the_list_a_second_press_does_not_report_the_row_that_has_moved_up(
    page: Page, site: Site, apart_ms: int
) -> None:
    source = f"list-{apart_ms}"
    first, second, _ = sent(site, source, ill(3, 7600 + apart_ms))
    for study in (first, second):
        look_at(site, study, "ann")
    page.goto(f"{site.root}/?source={source}")
    passes_until(page, "document.querySelectorAll('#rows tr[data-study]').length === 3")
    assert selected(page) == first
    page.evaluate(PRESS, ["n", False])
    passes_until(page, f"document.querySelector('tr[data-study=\"{first}\"]') === null")
    assert selected(page) == second
    page.clock.run_for(apart_ms)
    page.evaluate(PRESS, ["n", False])
    page.clock.run_for(3000)
    page.wait_for_load_state("networkidle")
    assert made(site, source) == [("normal", None)], "the list shows no film, and has no time of it"
    page.evaluate(PRESS, ["n", False])
    passes_until(page, f"document.querySelector('tr[data-study=\"{second}\"]') === null")
    assert len(made(site, source)) == 2
