"""A reader's tools in Chromium: priors, ruler, magnifier, turning, the address, drafts, frames, tags.

One server for all; each test sends films of a source of its own.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
from pathlib import Path

import numpy as np
import pydicom
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.conftest import PASSWORD, SIDE, Site, as_dicom, signed_in
from tests.browser.test_viewer import canvas, drawn, sent, set_window, shows
from tests.data.making import dicom, written
from tests.web.running import until
from tests.web.test_compressed import as_from_a_detector
from unseen.data import phantoms
from unseen.data.decode import shared_decoder


@pytest.fixture
def site(reading_site: Site) -> Site:
    return reading_site


@pytest.fixture
def page(anns_page: Page) -> Page:
    return anns_page


def one_of(page: Page, site: Site, source: str, data: bytes) -> str:
    """Return the study of this film, open and ready to be reported."""
    (study,) = sent(site, source, [data])
    page.goto(f"{site.root}/studies/{study}?source={source}")
    shows(page, study)
    expect(page.locator("[data-outcome=normal]")).to_be_enabled()
    return study


def grey(number: int, **tags: object) -> bytes:
    samples = np.random.default_rng(number).integers(0, 4096, (300, 200), dtype=np.uint16)
    return dicom(samples, bits=12, **{"ViewPosition": "PA"} | tags)


@pytest.mark.nightly
def test_list_and_viewer_name_what_they_hold(page: Page, site: Site) -> None:
    """For those who hear the page: roles and names alone lead through a reading."""
    sent(site, "names", [as_dicom(next(iter(phantoms.normals(1, seed=91, size=SIDE))))])
    page.goto(f"{site.root}/?source=names")
    expect(page.get_by_role("navigation", name="Pages").get_by_role("link", name="Worklist")).to_be_visible()
    expect(page.get_by_role("tablist").get_by_role("tab", name=re.compile(r"^To read \d+"))).to_be_visible()
    expect(page.get_by_role("combobox", name="Source")).to_be_visible()
    expect(page.get_by_role("searchbox", name=re.compile("^Accession number"))).to_be_visible()
    studies = page.get_by_role("grid", name="Studies")
    for column in ("Place in the list", "What to do", "Source", "Waiting", "State"):
        expect(studies.get_by_role("columnheader", name=column)).to_be_visible()
    row = studies.get_by_role("row", name=re.compile(r"^1 .* s-[0-9a-f]{20} "))
    expect(row).to_have_attribute("aria-selected", "true")
    selected = page.get_by_role("complementary", name="Selected study")
    for name in ("Normal N", "Abnormal A", "Unsure U"):
        expect(selected.get_by_role("button", name=name)).to_be_visible()
    selected.get_by_role("link", name=re.compile("^Open")).click()
    film = page.get_by_role("img", name=re.compile(r"^Chest film 1 of 1, PA, \d+ by \d+ pixels\. .*[Ww]indow centre"))
    expect(film).to_be_visible()
    expect(film).to_be_focused()
    tools = page.get_by_role("toolbar", name="Film tools")
    for name in ("Invert", "Ruler", "Magnifier", "Turn", "Flip", "Reset", "Fit", "1:1"):
        expect(tools.get_by_role("button", name=name, exact=True)).to_be_visible()
    expect(tools.get_by_role("link", name="List")).to_be_visible()
    expect(page.get_by_role("textbox", name=re.compile("^Note"))).to_be_visible()
    for name in ("Normal N", "Abnormal A", "Unsure U", "Undo Z", "Skip S"):
        expect(page.get_by_role("button", name=name)).to_be_visible()
    expect(
        page.get_by_role("status").filter(has_text=re.compile(r"Chest film 1 of 1.*, source names\."))
    ).to_be_attached()


@pytest.mark.nightly  # in short: test_the_key_of_priors_shows_none_of_the_last_patient_while_the_next_film_loads
def test_a_prior_lies_beside_the_film_and_moves_with_it(page: Page, site: Site) -> None:
    films = list(phantoms.normals(2, seed=88, size=SIDE))
    patient = {"PatientID": "4712", "PatientName": "Doe^Jane"}
    earlier, later = (
        as_dicom(film, StudyInstanceUID=f"1.9.{number}", AccessionNumber=f"B{number}", **patient)
        for number, film in enumerate(films)
    )
    (first,) = sent(site, "prior", [earlier])
    study = next(one for one in sent(site, "prior", [later]) if one != first)
    page.goto(f"{site.root}/studies/{study}?source=prior")
    shows(page, study)
    expect(page.get_by_role("heading", name="Another study of this patient")).to_be_visible()
    page.keyboard.press("p")
    beside = page.get_by_role("img", name=re.compile("^Received "))
    expect(beside).to_have_attribute("aria-label", re.compile("Zoom "))
    page.mouse.move(300, 300)
    page.mouse.wheel(0, -300)
    set_window(page, 1800, 900)
    expect(beside).to_have_attribute("aria-label", re.compile("Window centre 1800, width 900"))
    words = [page.locator("canvas.film").nth(number).get_attribute("aria-label") or "" for number in (0, 1)]
    zooms = [int(found[1]) for one in words if (found := re.search(r"Zoom (\d+) %", one))]
    assert len(zooms) == 2 and zooms[0] == zooms[1]
    assert "Doe" not in page.locator("main").inner_text(), "pseudonyms by default"
    page.keyboard.press("Escape")
    expect(beside).to_have_count(0)
    shows(page, study)


@pytest.mark.nightly
def test_a_prior_is_shown_when_its_key_comes_before_the_list_of_priors(page: Page, site: Site) -> None:
    earlier, later = phantoms.normals(2, seed=91, size=SIDE)
    (first,) = sent(site, "early", [as_dicom(earlier, StudyInstanceUID="1.9.91", PatientID="4713")])
    both = sent(site, "early", [as_dicom(later, StudyInstanceUID="1.9.92", PatientID="4713")])
    (study,) = (one for one in both if one != first)
    held: list[Route] = []
    page.route("**/priors", lambda route: held.append(route))
    page.goto(f"{site.root}/studies/{study}?source=early")
    shows(page, study)
    expect(page.locator("[data-outcome=normal]")).to_be_enabled()
    until(lambda: page.wait_for_timeout(20) or bool(held), 30)
    page.keyboard.press("p")
    page.evaluate("() => 0")  # the page has had the key
    held[0].continue_()
    expect(page.get_by_role("img", name=re.compile("^Received "))).to_be_visible()


def test_the_key_of_priors_shows_none_of_the_last_patient_while_the_next_film_loads(page: Page, site: Site) -> None:
    earlier, later, other = phantoms.normals(3, seed=93, size=SIDE)
    (first,) = sent(site, "next", [as_dicom(earlier, StudyInstanceUID="1.9.93", PatientID="4714")])
    (study,) = set(sent(site, "next", [as_dicom(later, StudyInstanceUID="1.9.94", PatientID="4714")])) - {first}
    (following,) = set(sent(site, "next", [as_dicom(other, StudyInstanceUID="1.9.95", PatientID="4715")])) - {
        first,
        study,
    }
    held: list[Route] = []

    def hold(route: Route) -> None:
        if following in films[route.request.url.split("/films/")[1].split("/")[0]]:
            held.append(route)
        else:
            route.continue_()

    with site.store() as store:
        films = {str(film.film): one for one in (first, study, following) for film in store.studies.details(one).films}
    page.route("**/pixels*", hold)
    page.goto(f"{site.root}/studies/{study}?source=next")
    shows(page, study)
    expect(page.get_by_role("heading", name="Another study of this patient")).to_be_visible()
    page.keyboard.press("p")
    expect(page.get_by_role("img", name=re.compile("^Received "))).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("img", name=re.compile("^Received "))).to_have_count(0)
    page.evaluate("(study) => history.pushState(null, '', `/studies/${study}?source=next`)", following)
    page.evaluate("() => dispatchEvent(new PopStateEvent('popstate'))")
    until(lambda: page.wait_for_timeout(20) or bool(held), 30)
    expect(page.get_by_role("heading", name="Another study of this patient")).to_have_count(0)
    page.keyboard.press("p")
    page.evaluate("() => 0")  # the page has had the key
    expect(page.get_by_role("img", name=re.compile("^Received "))).to_have_count(0)
    for route in held:
        route.continue_()
    shows(page, following)


@pytest.mark.nightly
def test_versions_and_copies_of_a_film_are_named(page: Page, site: Site) -> None:
    one, other = phantoms.normals(2, seed=89, size=SIDE)
    uids = {"StudyInstanceUID": "1.9.89", "SOPInstanceUID": "1.9.89.1"}
    sent(site, "versions", [as_dicom(one, **uids)])
    sent(site, "versions", [as_dicom(one, BodyPartExamined="CHEST", **uids)])
    (study,) = sent(site, "versions", [as_dicom(other, **uids)])
    page.goto(f"{site.root}/?source=versions")
    expect(page.locator("#rows")).to_contain_text("Two versions of one film came: look at both")
    page.goto(f"{site.root}/studies/{study}?source=versions")
    shows(page, study)
    expect(page.get_by_text("Films 1 and 2 are versions of one film")).to_be_visible()
    expect(page.get_by_role("group", name="Films of the study")).to_have_text("1 · PA · version2 · PA · version")
    page.get_by_text("The film", exact=True).click()
    expect(page.locator("#copies")).to_contain_text("other BodyPartExamined")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#copies")).to_have_count(0)


@pytest.mark.nightly
def test_the_ruler_says_what_its_length_is_of(page: Page, site: Site) -> None:
    calibrated = {"PixelSpacing": [0.5, 0.5], "PixelSpacingCalibrationType": "FIDUCIAL"}
    for source, tags, words in (
        ("ruler-none", {}, r"^Ruler: \d+ px, the film gives no spacing$"),
        ("ruler-detector", {"ImagerPixelSpacing": [0.5, 0.5]}, r"^Ruler: [\d.]+ mm at the detector$"),
        ("ruler-calibrated", calibrated, r"^Ruler: [\d.]+ mm$"),
    ):
        one_of(page, site, source, grey(sum(source.encode()), **tags))
        page.keyboard.press("d")
        expect(page.locator("#measured")).to_have_text(re.compile(words))
    page.get_by_role("button", name="1:1").click()
    box = page.locator("#film").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2 - 60, box["y"] + box["height"] / 2 - 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2 + 40, steps=3)
    page.mouse.up()
    expect(page.locator("#measured")).to_have_text("Ruler: 50.0 mm")  # 60 and 80 pixels of 0.5 mm
    page.keyboard.press("ArrowRight")
    expect(page.locator("#measured")).not_to_have_text("Ruler: 50.0 mm")
    page.keyboard.press("d")
    expect(page.locator("#measured")).to_be_empty()


@pytest.mark.nightly
def test_the_magnifier_and_the_grey_value_are_of_the_file(page: Page, site: Site) -> None:
    samples = np.full((200, 200), 1000, dtype=np.uint16)
    samples[:, 100:] = 3000
    tags = {"ViewPosition": "PA", "RescaleSlope": 2, "RescaleIntercept": -500}
    one_of(page, site, "value", dicom(samples, bits=12, **tags))
    box = page.locator("#film").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2 + 40, box["y"] + box["height"] / 2)
    expect(page.locator("#value")).to_have_text(re.compile(r"^5500 at 1\d\d, (99|100|101)$"))
    drawn(page)
    before = canvas(page)
    page.keyboard.press("g")
    drawn(page)
    assert (canvas(page) != before).any(), "the magnifier lies on the film"
    page.keyboard.press("g")
    drawn(page)
    assert (canvas(page) == before).all()


@pytest.mark.nightly
def test_the_address_brings_back_what_is_looked_at_and_names_nobody(page: Page, site: Site) -> None:
    named = {"PatientID": "4713", "PatientName": "Roe^Richard", "AccessionNumber": "B17"}
    study = one_of(page, site, "address", grey(302, **named))
    set_window(page, 1500, 900)
    page.keyboard.press("t")
    page.mouse.move(400, 400)
    page.mouse.wheel(0, -400)
    page.get_by_role("button", name="Anomaly map").click()
    page.wait_for_url(re.compile(r"c=.*zoom=.*turns=1.*over=map"))
    assert not re.search("4713|Roe|Richard|B17", page.url)
    shown, address = canvas(page), page.url
    page.goto("about:blank")
    page.goto(address)
    shows(page, study)
    expect(page.locator("#mark")).to_have_text("turned 90°")
    expect(page.locator("[data-outcome=normal]")).to_be_enabled()
    expect(page.get_by_role("button", name="Anomaly map")).to_have_attribute("aria-pressed", "true")
    page.wait_for_timeout(300)
    assert (canvas(page) != shown).any(axis=2).mean() < 0.01, "the same place, but for the address's rounding"


def test_what_is_written_lives_through_the_end_of_the_session(page: Page, site: Site) -> None:
    study = one_of(page, site, "session", grey(305))
    note = page.get_by_label("Note to the report")
    page.context.clear_cookies()  # the session ends before the server has the note
    note.fill("left apex, older than 2024")
    expect(page).to_have_url(re.compile(r"/sign-in\?ended=1"))  # also where each of two refusals leads there
    expect(page.get_by_text("Your session ended. Reports from before are kept")).to_be_visible()
    page.get_by_label("Name").fill("ann")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    shows(page, study)
    expect(note).to_have_value("left apex, older than 2024")
    with site.store() as store:
        assert store.studies.details(study).reports == ()


@pytest.mark.nightly  # in short: test_what_is_written_lives_through_the_end_of_the_session
def test_what_is_written_lives_through_skip_and_the_end_of_the_session(page: Page, site: Site) -> None:
    study = one_of(page, site, "draft", grey(303))
    note = page.get_by_label("Note to the report")
    note.fill("left apex, compare with 2024")
    page.get_by_role("button", name="Skip").click()
    expect(page.get_by_text("Nothing else is left to read here.")).to_be_visible()
    page.goto(f"{site.root}/studies/{study}?source=draft")
    shows(page, study)
    expect(note).to_have_value("left apex, compare with 2024")
    note.fill("left apex, older than 2024")
    page.context.clear_cookies()  # the session ends before the server has it
    expect(page).to_have_url(re.compile(r"/sign-in\?ended=1"))  # also where each of two refusals leads there
    expect(page.get_by_text("Your session ended. Reports from before are kept")).to_be_visible()
    page.get_by_label("Name").fill("ann")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    shows(page, study)
    expect(note).to_have_value("left apex, older than 2024")
    with site.store() as store:
        assert store.studies.details(study).reports == ()
    page.keyboard.press("Escape")
    page.wait_for_url(lambda url: "/studies/" not in url)  # the list, once the note is kept
    page.goto(f"{site.root}/studies/{study}?source=draft")
    expect(page.locator("[data-outcome=normal]")).to_be_enabled()
    page.locator("#film").press("n")
    expect(page.get_by_text("Nothing else is left to read here.")).to_be_visible()
    with site.store() as store:
        (report,) = store.studies.details(study).reports
        assert report.note == "left apex, older than 2024" and store.studies.details(study, reader="ann").draft == ""


def test_every_frame_of_a_file_of_several_is_shown_before_it_is_reported(page: Page, site: Site) -> None:
    frames = np.stack(
        [np.random.default_rng(number).integers(0, 4096, (130, 90), dtype=np.uint16) for number in (1, 2)]
    )
    ds = pydicom.dcmread(io.BytesIO(dicom(frames[0], bits=12, ViewPosition="PA")))
    ds.NumberOfFrames = 2
    ds.PixelData = frames.tobytes()
    (study,) = sent(site, "frames", [written(ds)])
    page.goto(f"{site.root}/studies/{study}?source=frames")
    shows(page, study)
    expect(page.locator("#why-not")).to_contain_text("Not shown yet: frame 2 of this film")
    page.get_by_role("button", name="The next frame").click()
    expect(page.locator("#frames")).to_contain_text("Frame 2 of 2")
    expect(page.locator("[data-outcome=normal]")).to_be_enabled()


@pytest.mark.nightly
def test_a_lead_searches_the_elements_of_the_file(page: Page, site: Site, chromium: Browser) -> None:
    study = one_of(page, site, "tags", grey(304, Manufacturer="Unseen Works"))
    assert page.get_by_role("button", name="All elements of the file").count() == 0, "readers have no list of elements"
    with chromium.new_context() as context:
        lead = signed_in(context, site, "lea", f"/studies/{study}")
        shows(lead, study)
        lead.get_by_text("The film", exact=True).click()
        lead.get_by_role("button", name="All elements of the file").click()
        lead.get_by_label("Search the elements").fill("manuf")
        expect(lead.get_by_role("dialog", name="Elements of the file")).to_contain_text("Unseen Works")
        expect(lead.get_by_role("dialog").get_by_role("status")).to_contain_text(re.compile("^1 of "))


SAMPLES = """async (film) => {
  const { loadFilm } = await import("/static/js/films.js");
  const { samples, width, height } = await loadFilm(film);
  const [sent] = performance.getEntriesByType("resource").filter((one) => one.name.includes(`${film}/pixels`));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", samples));
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex, width, height, sent.encodedBodySize];
}"""


@pytest.mark.nightly
def test_the_browser_has_each_sample_of_the_file_in_fewer_bytes(page: Page, site: Site) -> None:
    real = Path(os.environ.get("UNSEEN_DATA", "")) / "cxr_raw"
    names = ("cr_mono1_10bit.dcm", "mono2_12bit_rescale.dcm", "nih_1024.png") if real.is_dir() else ()
    rng = np.random.default_rng(16)
    ends = rng.choice([0, 2**16 - 1], (120, 77)).astype(np.uint16)  # the largest differences
    sent_films = [(real / name).read_bytes() for name in names]
    sent_films += [dicom(as_from_a_detector(measured=12, bits=12), bits=12), dicom(ends, bits=16)]
    with site.running.client() as client:
        films = [site.send(client, data, source="bits") for data in sent_films]
    page.goto(f"{site.root}/turing")
    for film in films:
        with site.store() as store:
            wanted = shared_decoder().decode(store.films.path(film))
        assert not isinstance(wanted, str), wanted
        digest, width, height, travelled = page.evaluate(SAMPLES, film)
        assert (height, width) == wanted.pixels.shape
        assert digest == hashlib.sha256(wanted.pixels.astype("<u2").tobytes()).hexdigest()
        if wanted.pixels.nbytes == 15_000_000:
            assert travelled <= 6_000_000
