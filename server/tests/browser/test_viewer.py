"""The viewer in Chromium: what is on the canvas is what NumPy makes of the DICOM, and what a reader does is in the
database.

One server for all; each test sends films of a source of its own, and reads that source alone.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.conftest import (
    SCREEN,
    SIDE,
    WITHOUT_SCRIPTS,
    PageOf,
    Site,
    as_dicom,
    signed_in,
)
from tests.data.making import dicom
from tests.web.conftest import token_of
from tests.web.running import until
from tests.worklist.reporting import look_and_report
from unseen.data import phantoms
from unseen_server.worklist.labels import EVERY
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery

WINDOWS = [(2048, 4096), (1500, 900), (700.5, 1)]  # centre, width
PRESSED_WHEN_THE_NEXT_IS_THERE = """
() => new MutationObserver((_, watching) => {
  watching.disconnect();
  setTimeout(() => {
    document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: "u", bubbles: true }));
    document.body.dataset.pressed = "yes";
  }, 80);
}).observe(document.querySelector("#viewer"), { attributes: true, attributeFilter: ["data-study"] })
"""


@pytest.fixture
def site(reading_site: Site) -> Site:
    return reading_site


@pytest.fixture
def page(anns_page: Page) -> Page:
    return anns_page


def sent(site: Site, source: str, films: list[bytes]) -> list[str]:
    """Films in the list, scored; their studies, in the list's order."""
    with site.store() as store:
        token = token_of(store, "ada", "admin")
    with site.running.client(token) as client:
        for data in films:
            site.send(client, data, source=source)
    site.judged()
    with site.store() as store:
        return [row.study for row in store.studies.page(StudyQuery(tab="to_read", source=source)).rows]


def ill(number: int, seed: int) -> list[bytes]:
    return [as_dicom(film) for film in list(phantoms.twins(number, seed=seed, size=SIDE))[:number]]


def noise(height: int, width: int, *, low: int = 0) -> bytes:
    samples = np.random.default_rng(height).integers(low, 4096, (height, width), dtype=np.uint16)
    return dicom(samples, bits=12, ViewPosition="PA")


def opened(page: Page, site: Site, study: str, source: str) -> None:
    """Open a study by its address, and wait until the page has nothing left to ask for."""
    page.goto(f"{site.root}/studies/{study}?source={source}")
    shows(page, study)
    expect(page.locator("[data-outcome=normal]")).to_be_enabled()
    page.wait_for_timeout(2500)  # the claim comes back as news, and the list is looked at again


@contextmanager
def names_shown(site: Site) -> Iterator[None]:
    """Show patients' names to readers, and afterwards to those who saw them before."""
    with site.store() as store:
        before = store.settings.read().identity
        store.settings.change(actor="ada", identity="reader")
        try:
            yield
        finally:
            store.settings.change(actor="ada", identity=before)


def shows(page: Page, study: str) -> None:
    expect(page.locator(f'#viewer[data-study="{study}"]')).to_be_attached()


def canvas(page: Page) -> NDArray[np.uint8]:
    """Return the canvas: (height, width, 3)."""
    data = page.evaluate("() => document.querySelector('#film').toDataURL('image/png').split(',')[1]")
    return np.array(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))


def set_window(page: Page, centre: float, width: float) -> None:
    page.get_by_label("Centre", exact=True).fill(str(centre))
    page.get_by_label("Width", exact=True).fill(str(width))
    page.get_by_label("Width", exact=True).press("Enter")
    drawn(page)


def drawn(page: Page) -> None:
    """Wait until a change is on the canvas, which is drawn with the next frame."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def linear(samples: NDArray[Any], centre: float, width: float) -> NDArray[np.float64]:
    """DICOM PS3.3 C.11.2.1.2.1, with output from 0 to 255."""
    x = samples.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        y = ((x - (centre - 0.5)) / (width - 1) + 0.5) * 255
    y = np.where(x > centre - 0.5 + (width - 1) / 2, 255, y)
    return np.where(x <= centre - 0.5 - (width - 1) / 2, 0, y)


def film_on(picture: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Return the film of so many pixels in the middle of a canvas."""
    top, left = (int(np.floor((whole - part) / 2 + 0.5)) for whole, part in zip(picture.shape, (height, width)))  # noqa: B905
    return picture[top : top + height, left : left + width]


def frame_of(picture: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """Top, left, height, width of what is not black."""
    rows, columns = (np.flatnonzero(picture.max(axis=2).any(axis=axis)) for axis in (1, 0))
    return int(rows[0]), int(columns[0]), int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


def test_the_canvas_is_what_numpy_makes_of_the_dicom_windowed_turned_and_flipped(page: Page, site: Site) -> None:
    data = noise(300, 211)
    (study,) = sent(site, "windows", [data])
    opened(page, site, study, "windows")
    page.get_by_role("button", name="1:1").click()
    samples = pydicom.dcmread(io.BytesIO(data)).pixel_array
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for centre, width in WINDOWS:
        set_window(page, centre, width)
        shown = film_on(canvas(page), *samples.shape).astype(int)
        assert (shown[..., 0] == shown[..., 1]).all() and (shown[..., 0] == shown[..., 2]).all()
        assert np.abs(shown[..., 0] - linear(samples, centre, width)).max() <= 1, (centre, width)
    page.get_by_role("button", name="Invert").click()
    drawn(page)
    inverted = film_on(canvas(page), *samples.shape).astype(int)[..., 0]
    assert np.abs(255 - inverted - linear(samples, *WINDOWS[-1])).max() <= 1
    assert asked == []
    page.get_by_role("button", name="Invert").click()
    set_window(page, 2048, 4096)
    expected = linear(samples, 2048, 4096)
    for key, wanted, mark in (
        ("t", np.rot90(expected, -1), "turned 90°"),
        ("h", np.rot90(expected, -1)[:, ::-1], "turned 90°, flipped left to right"),
    ):
        page.keyboard.press(key)
        expect(page.locator("#mark")).to_have_text(mark)
        page.keyboard.press("0")
        drawn(page)
        assert np.abs(film_on(canvas(page), *wanted.shape)[..., 0] - wanted).max() <= 1, mark
    page.keyboard.press("x")
    expect(page.locator("#mark")).to_be_empty()
    page.keyboard.press("d")
    expect(page.locator("#measured")).to_have_text(re.compile(r"^Ruler: \d+ px"))


@pytest.mark.nightly
def test_a_drag_moves_the_window_and_double_click_fits(page: Page, site: Site) -> None:
    (study,) = sent(site, "drag", [noise(301, 211)])
    opened(page, site, study, "drag")
    before = [float(page.get_by_label(name, exact=True).input_value()) for name in ("Centre", "Width")]
    first = canvas(page)
    for button in ("left", "right"):
        page.mouse.move(400, 400)
        page.mouse.down(button=button)  # type: ignore[arg-type]
        page.mouse.move(440, 380, steps=4)
        page.mouse.up(button=button)  # type: ignore[arg-type]
        drawn(page)
        after = [float(page.get_by_label(name, exact=True).input_value()) for name in ("Centre", "Width")]
        assert after[0] < before[0] and after[1] > before[1], "up is brighter, right is wider"
        before = after
    assert (canvas(page) != first).any()
    page.mouse.wheel(0, -600)
    page.mouse.dblclick(400, 400)
    page.get_by_role("button", name="Reset").click()
    drawn(page)
    assert (canvas(page) == first).all()


@pytest.mark.nightly  # in short: test_the_canvas_is_what_numpy_makes_of_the_dicom_windowed_turned_and_flipped
def test_zoom_and_pan_keep_the_film_in_proportion(page: Page, site: Site) -> None:
    (study,) = sent(site, "proportion", [noise(300, 200, low=2000)])
    opened(page, site, study, "proportion")
    set_window(page, 500, 1000)  # all of the film is white
    _, _, height, width = frame_of(canvas(page))
    assert height == canvas(page).shape[0] and abs(width - height * 2 / 3) <= 2, "it fits"
    page.mouse.move(450, 400)
    page.mouse.wheel(0, 300)
    drawn(page)
    _, _, smaller, narrower = frame_of(canvas(page))
    assert smaller < height and abs(narrower - smaller * 2 / 3) <= 2
    place = frame_of(canvas(page))
    page.keyboard.down("Shift")
    page.mouse.down()
    page.mouse.move(500, 370, steps=3)
    page.mouse.up()
    page.keyboard.up("Shift")
    drawn(page)
    moved = frame_of(canvas(page))
    assert np.abs(np.array(moved) - (place[0] - 30, place[1] + 50, *place[2:])).max() <= 1


@pytest.mark.nightly
def test_wheel_zooms_about_the_pointer(page: Page, site: Site) -> None:
    rows, columns = np.mgrid[:300, :200]
    ramp = np.asarray((rows + columns) * 4095 / 498, dtype=np.uint16)  # a grey says where on the film it is
    (study,) = sent(site, "wheel", [dicom(ramp, bits=12, ViewPosition="PA")])
    opened(page, site, study, "wheel")
    frame = page.locator("#film").bounding_box()
    assert frame is not None
    x, y = 350, 250
    at = (int(y - frame["y"]), int(x - frame["x"]), 0)
    before, middle = int(canvas(page)[at]), int(canvas(page)[300, 452, 0])
    assert abs(middle - before) > 30, "zooming about the middle would be seen"
    page.mouse.move(x, y)
    for _ in range(5):
        page.mouse.wheel(0, -240)
    drawn(page)
    assert abs(int(canvas(page)[at]) - before) <= 2
    assert abs(int(canvas(page)[300, 452, 0]) - before) < abs(middle - before) / 4


@pytest.mark.nightly  # on the page: test_every_page_fits_each_screen_and_axe_finds_nothing_serious
def test_overlays_are_in_colour_and_only_in_research_mode(page: Page, site: Site) -> None:
    study = sent(site, "overlay", ill(1, 31))[0]
    opened(page, site, study, "overlay")
    film = canvas(page).astype(int)
    assert np.ptp(film, axis=2).max() == 0, "the film alone is grey"
    for key in ("r", "Shift+R", "l"):
        page.keyboard.press(key)
        page.wait_for_timeout(700)
        over = canvas(page).astype(int)
        assert (np.ptp(over, axis=2) > 20).mean() > 0.001, key
    page.get_by_role("button", name="Reconstruction").click()
    page.wait_for_timeout(700)
    expect(page.locator("#film")).to_have_attribute("aria-label", re.compile("Overlaid: reconstruction"))
    page.keyboard.press("m")
    page.wait_for_timeout(300)
    assert (canvas(page) == film).all()
    expect(page.get_by_role("button", name="Reconstruction")).to_be_hidden()


def test_a_study_is_reported_the_next_one_comes_by_itself_and_it_is_taken_back(page: Page, site: Site) -> None:
    first, second, third = sent(site, "reading", ill(3, 32))
    with site.store() as store:
        (ahead,) = (film.film for film in store.studies.details(second).films)
    fetched: list[str] = []
    hear = lambda request: fetched.append(request.url) if f"/films/{ahead}/pixels" in request.url else None  # noqa: E731
    page.on("requestfinished", hear)
    opened(page, site, first, "reading")
    until(lambda: page.wait_for_timeout(20) or bool(fetched), 30)
    page.evaluate("() => { window.stays = 'yes' }")
    pixels = canvas(page)
    page.get_by_label("Note").fill("left apex")
    page.get_by_label("Note").press("Escape")
    page.keyboard.press("n")
    shows(page, second)
    assert page.url.endswith(f"/studies/{second}?source=reading")
    assert page.evaluate("() => window.stays") == "yes", "no page was loaded"
    expect(page.locator("[data-outcome=normal]")).to_be_enabled()  # shown first, then claimed
    assert (canvas(page) != pixels).any()
    with site.store() as store:
        (report,) = store.studies.details(first).reports
        assert (report.reader, report.outcome, report.note) == ("ann", "normal", "left apex")
        assert store.studies.details(second).entry.claimed_by == "ann"
    assert page.evaluate("() => performance.getEntriesByName('film-to-film').length") == 1, "benchmarks/ has its time"
    assert len(fetched) == 1, "the next film was fetched before it was wanted, and not again"
    page.remove_listener("requestfinished", hear)
    expect(page.get_by_label("Note")).to_have_value("")

    page.wait_for_timeout(400)
    page.get_by_role("button", name="Abnormal").click()
    shows(page, third)
    page.keyboard.press("z")
    shows(page, second)
    with site.store() as store:
        until(
            lambda: (
                store.studies.details(second).entry.claimed_by == "ann"
                and not store.studies.details(third).entry.claimed_by
            ),
            30,
        )
        taken = store.studies.details(second)
        assert (taken.entry.state, taken.entry.claimed_by) == ("in_reading", "ann")
        assert taken.reports[0].outcome == "abnormal" and taken.reports[0].undone is not None
        assert store.studies.details(third).entry.claimed_by is None, "what was opened by itself is released"
    page.go_back()
    shows(page, third)


@pytest.mark.nightly  # in the list: test_a_key_that_is_held_down_reports_one_study
def test_a_key_that_bounces_reports_one_study(page: Page, site: Site) -> None:
    first, second, _ = sent(site, "bounce", ill(3, 33))
    opened(page, site, first, "bounce")
    page.evaluate(PRESSED_WHEN_THE_NEXT_IS_THERE)  # in the page: from here a key may come later than the guard lasts
    page.keyboard.press("u")
    page.keyboard.press("u")
    shows(page, second)
    expect(page.locator("body[data-pressed=yes]")).to_be_attached()
    page.wait_for_timeout(1000)
    shows(page, second)
    with site.store() as store:
        assert store.studies.page(StudyQuery(tab="reported", source="bounce")).total == 1


def test_the_first_of_two_tabs_that_closes_does_not_release_the_study_of_the_other(page: Page, site: Site) -> None:
    first, second = sent(site, "tabs", ill(2, 37))
    opened(page, site, first, "tabs")
    tab = page.context.new_page()
    opened(tab, site, first, "tabs")
    tab.close(run_before_unload=True)
    with site.store() as store:
        assert released_within(store, first, 2) is False, "the other tab still shows it"
        page.keyboard.press("s")
        shows(page, second)
        assert released_within(store, first, 30), "no tab shows it"


# pages, not computers, are told apart: test_the_first_of_two_tabs_that_closes_does_not_release_the_study_of_the_other
@pytest.mark.nightly
def test_closing_the_study_on_one_computer_does_not_release_it_on_another(
    page: Page, site: Site, chromium: Browser
) -> None:
    first, second = sent(site, "computers", ill(2, 43))
    opened(page, site, first, "computers")
    with chromium.new_context(viewport=SCREEN) as elsewhere:
        opened(signed_in(elsewhere, site, "ann", WITHOUT_SCRIPTS), site, first, "computers")
        elsewhere.pages[0].close(run_before_unload=True)
        with site.store() as store:
            assert released_within(store, first, 2) is False, "the other computer still shows it"
    page.keyboard.press("s")
    shows(page, second)
    with site.store() as store:
        assert released_within(store, first, 30)


def test_a_page_from_the_cache_of_the_browser_claims_its_study_again(page: Page, site: Site) -> None:
    (first,) = sent(site, "cached", ill(2, 39)[:1])
    opened(page, site, first, "cached")
    with site.store() as store:
        page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
        assert released_within(store, first, 30)
        page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
        until(lambda: store.studies.details(first).entry.claimed_by == "ann", 30)
    page.keyboard.press("s")


def test_a_page_that_is_loaded_again_keeps_its_claim(page: Page, site: Site) -> None:
    (first,) = sent(site, "reloaded", ill(2, 40)[:1])
    opened(page, site, first, "reloaded")
    with site.store() as store:
        for _ in range(3):
            page.reload()
            shows(page, first)
            expect(page.locator("[data-outcome=normal]")).to_be_enabled()
            assert store.studies.details(first).entry.claimed_by == "ann"
    page.keyboard.press("s")


def released_within(store: Store, study: str, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while store.studies.details(study).entry.claimed_by is not None:
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.nightly  # the sentence: test_another_film_of_the_study_begins_the_second_again
def test_the_last_study_leaves_a_sentence(page: Page, site: Site) -> None:
    (only,) = sent(site, "only", ill(1, 34))
    opened(page, site, only, "only")
    page.get_by_role("button", name="Unsure").click()
    expect(page.get_by_text("Nothing else is left to read here.")).to_be_visible()
    assert canvas(page).max() == 0
    page.keyboard.press("z")
    shows(page, only)
    expect(page.get_by_text("Nothing else is left to read here.")).to_be_hidden()


@pytest.mark.nightly  # who has it: web/test_studies.py
def test_the_second_of_two_readers_is_told_who_has_it_and_gets_another_one(
    page: Page, site: Site, page_of: PageOf
) -> None:
    first, second, _ = sent(site, "collision", ill(3, 35))
    opened(page, site, first, "collision")
    other = page_of(site, "ben")
    other.goto(f"{site.root}/studies/{first}?source=collision")
    shows(other, first)
    expect(other.locator("#claim")).to_contain_text("ann has had this study since")
    expect(other.locator("[data-outcome=normal]")).to_be_disabled()
    other.keyboard.press("a")
    other.keyboard.press("s")
    shows(other, second)
    expect(other.locator("[data-outcome=normal]")).to_be_enabled()  # shown first, then claimed
    with site.store() as store:  # while the page is open: closing it hands the claim back
        assert store.studies.details(first).reports == ()
        assert (store.studies.details(first).entry.claimed_by, store.studies.details(second).entry.claimed_by) == (
            "ann",
            "ben",
        )


@pytest.mark.nightly  # web/test_safety.py
def test_a_file_that_cannot_be_shown_is_returned_with_a_reason_and_never_labelled(page: Page, site: Site) -> None:
    data = b"this is a text file\n" * 20
    (study,) = sent(site, "broken", [data])
    page.goto(f"{site.root}/studies/{study}?source=broken")
    shows(page, study)
    expect(page.locator("#absent")).to_contain_text("The film cannot be shown:")
    expect(page.locator("#absent")).to_contain_text("enter it exactly in the search of the list")
    expect(page.locator("#absent")).to_contain_text("has its SOP Instance UID as its name, and a SHA-256 of its own")
    expect(page.locator("#absent")).to_contain_text(f"begins with {hashlib.sha256(data).hexdigest()[:16]}.")
    expect(page.locator("[data-aside=returned]")).to_be_enabled()
    expect(page.locator("[data-outcome=normal]")).to_be_disabled()
    for key in "nau":
        page.keyboard.press(key)
    expect(page.locator(".toast.bad").first).to_contain_text("cannot be shown")
    expect(page.locator("#aside")).to_contain_text("Nothing is sent: tell the sender yourself.")
    page.get_by_role("button", name="Record as returned").click()
    expect(page.locator(".toast.bad").last).to_contain_text("Give the reason first")
    page.get_by_label("What is wrong with it?").fill("a text file")
    page.get_by_role("button", name="Record as returned").click()
    expect(page.get_by_text("Recorded as returned. Nothing was sent: tell the sender yourself.").first).to_be_visible()
    expect(page.get_by_text("Nothing else is left to read here.")).to_be_visible()
    with site.store() as store:
        entry = store.studies.details(study).entry
        assert (entry.state, entry.how, entry.outcome) == ("set_aside", "returned", None)
        assert study not in {one.study for one in store.reports.labelled(origins=EVERY)}
    page.keyboard.press("z")
    shows(page, study)
    with site.store() as store:
        assert store.studies.details(study).entry.state == "in_reading"
    page.get_by_label("What is wrong with it?").fill("a text file")
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_text("Nothing else is left to read here.")).to_be_visible()


@pytest.mark.nightly  # test_another_film_of_the_study_begins_the_second_again
def test_every_frontal_film_is_painted_before_the_study_can_be_reported(page: Page, site: Site) -> None:
    same = {"StudyInstanceUID": "1.2.3.4", "PatientID": "4711"}
    pair = [as_dicom(film, **same) for film in phantoms.normals(2, seed=4712, size=SIDE)]
    lateral = as_dicom(next(iter(phantoms.normals(1, seed=4713, size=SIDE))), **same | {"ViewPosition": "LL"})
    (study,) = sent(site, "two", [*pair, lateral])
    page.goto(f"{site.root}/studies/{study}?source=two")
    shows(page, study)
    expect(page.locator("#why-not")).to_contain_text("Not shown yet: film 2 of 3")
    expect(page.locator("[data-outcome=normal]")).to_be_disabled()
    page.wait_for_timeout(1000)  # a key that comes with the film itself does nothing
    page.keyboard.press("n")
    expect(page.get_by_role("button", name="2 · PA")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("[data-outcome=normal]")).to_be_enabled()
    expect(page.locator("#why-not")).to_be_empty()
    with site.store() as store:
        assert store.studies.details(study).reports == (), "the key has shown the other film, and reported nothing"
        assert [film.seen for film in store.studies.details(study, reader="ann").films] == [True, True, False]
    page.keyboard.press("n")
    expect(page.get_by_text("Nothing else is left to read here.")).to_be_visible()
    with site.store() as store:
        assert [(one.outcome, one.how) for one in store.studies.details(study).reports] == [("normal", "seen")]


@pytest.mark.nightly  # a prior beside: test_the_key_of_priors_shows_none_of_the_last_patient_while_the_next_film_loads
def test_a_normal_film_is_shown_beside_and_moves_along(page: Page, site: Site) -> None:
    first, *others = sent(site, "beside", ill(3, 36))
    with site.store() as store:
        for study in others:
            store.studies.claim(study, "ben")
            look_and_report(store, study, "ben", "normal")
    opened(page, site, first, "beside")
    page.locator(".nearest button").first.click()
    beside = page.locator("canvas.film").nth(1)
    expect(beside).to_have_attribute("aria-label", re.compile(f"^Reported normal · distance [0-9.]+, {SIDE} by {SIDE}"))
    zoomed = beside.get_attribute("aria-label")
    page.mouse.move(200, 400)
    page.mouse.wheel(0, -400)
    expect(beside).not_to_have_attribute("aria-label", str(zoomed))
    page.keyboard.press("Escape")
    expect(beside).to_have_count(0)
    shows(page, first)


@pytest.mark.nightly  # what readers are told: web/test_viewing.py
def test_a_reader_who_must_be_blind_gets_triage_alone(clearing: Site, page_of: PageOf) -> None:
    (study,) = sent(clearing, "blind", ill(1, 37))
    page = page_of(clearing, "ann")
    opened(page, clearing, study, "blind")
    expect(page.get_by_role("button", name="Research")).to_be_disabled()
    expect(page.locator("#of-research")).to_be_hidden()
    film = canvas(page)
    page.keyboard.press("r")
    page.wait_for_timeout(500)
    assert (canvas(page) == film).all()


def test_a_report_whose_answer_is_lost_is_not_called_lost(page: Page, site: Site) -> None:
    """The server had kept the report, the page wrote that it had not, and later that the study is not the reader's."""
    study, *_ = sent(site, "answer", ill(2, 411))
    opened(page, site, study, "answer")

    def answer_lost(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route("**/report", answer_lost)
    page.keyboard.press("n")
    toast = page.locator(".toast.bad").last
    expect(toast).to_contain_text("The server cannot be reached. It is not known whether it kept what you did last")
    page.unroute("**/report")
    expect(page.locator("#head")).to_contain_text("reported")
    page.keyboard.press("a")
    expect(toast).to_contain_text("You have reported this study already: normal. Z takes the report back")
    page.keyboard.press("z")
    expect(page.locator("[data-outcome=normal]")).to_be_enabled()
    with site.store() as store:
        assert store.studies.details(study).entry.state == "in_reading"


def test_priors_have_their_study_dates_and_a_cut_off_film_has_its_patient(page: Page, site: Site) -> None:
    """Both priors were called by the minute of their reception; of a cut-off film nothing told whose it is."""
    films = list(phantoms.normals(3, seed=412, size=SIDE))
    dates = ("20261129", "20190704", "20240115")
    patient = {"PatientID": "4716", "PatientName": "Yamada^Tarou=山田^太郎", "SpecificCharacterSet": "ISO_IR 192"}
    studies = [
        as_dicom(film, StudyInstanceUID=f"1.9.41{number}", StudyDate=date, **patient)
        for number, (film, date) in enumerate(zip(films, dates, strict=True))
    ]
    cut = as_dicom(films[0], StudyInstanceUID="1.9.419", **patient | {"PatientID": "4717"})[:-1000]
    (own,) = sent(site, "dates", studies[:1])
    sent(site, "dates", studies[1:])
    (broken,) = sent(site, "cut", [cut])
    with names_shown(site):
        page.goto(f"{site.root}/studies/{own}")
        expect(page.locator("#priors button")).to_have_text(["15 Jan 2024", "4 Jul 2019"])
        page.keyboard.press("p")
        expect(page.locator(".frame.beside .caption")).to_contain_text("15 Jan 2024")
        page.goto(f"{site.root}/studies/{broken}")
        expect(page.locator("#absent")).to_contain_text("cannot be shown")
        expect(page.locator("#absent")).to_contain_text("only a keyed hash of the file's name is available here")
        expect(page.locator("#person")).to_contain_text("Yamada Tarou (山田 太郎) · patient 4717")
