"""Look of every page, light and dark, 320 to 1920 points wide: axe-core finds nothing, and nothing is cut off.

`make test` runs axe-core on three pages once, on a usual screen in the light theme, and for colours on a phone in the
dark theme, too; of colours, it checks each style where it is first met (`contrast`). Live, Turing and
Compare (`test_compare`) are checked on a usual screen. `make nightly` walks through every
page: all of axe-core, also on the phone, colours in all four pairs, five screens where `make test` has three, and each
page in a browser of its own.
With UNSEEN_SCREENSHOTS=docs/images/pages the images go there (`make screenshots`).
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, expect

from tests.browser.conftest import BUT_COLOURS, COLOURS, PASSWORD, SCREEN, PageOf, Site, axe, keep_image, sign_in
from tests.browser.contrast import Contrast
from tests.once import made_once, shared_folder
from tests.web.running import Running
from unseen.data.phantoms.dicom_phantoms import Station
from unseen.data.reading import films
from unseen.detectors.saved import load
from unseen.screening.calibration import calibrate
from unseen_server.demo.filling import fill
from unseen_server.demo.simulated_sites import NORTH, SOUTH, WEST, SiteShare, write_sites
from unseen_server.worklist.store import Store

HIDDEN_BY_DESIGN = ".visually-hidden, .skip, option, script, style, title, noscript"
CUT = """
(hidden) => {
  const wrong = [];
  const root = document.documentElement;
  if (root.scrollWidth > innerWidth + 1) wrong.push(`the page is ${root.scrollWidth} wide`);
  for (const one of document.querySelectorAll("button, a, h1, h2, h3, label, th, kbd, .chip")) {
    if (one.closest(hidden) || !one.checkVisibility()) continue;
    const style = getComputedStyle(one);
    if (one.scrollWidth > one.clientWidth + 2 && style.display !== "inline" && style.overflow === "hidden"
        && style.textOverflow !== "ellipsis") {
      wrong.push(`cut off: ${one.textContent.trim().slice(0, 60)}`);
    }
  }
  return wrong;
}
"""


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory, bundles: dict[str, Path]) -> Iterator[Site]:
    """A site in the middle of a day: calibrated, with studies to read, cleared, reported and not scored."""
    day = made_once(shared_folder(tmp_path_factory) / "worked", lambda folder: _work(folder, bundles))
    home = tmp_path_factory.mktemp("worked") / "worklist"
    shutil.copytree(day / "worklist", home)
    also = [word for name, bundle in bundles.items() if name != "pca" for word in ("--also", bundle)]
    with Running(
        "--folder", home, "--port", "0", "--model", bundles["pca"], "--policy", day / "policy.json", *also
    ) as running:
        yield Site(running.started(), home)


def _work(folder: Path, bundles: dict[str, Path]) -> None:
    side, times = (384, 2) if os.environ.get("UNSEEN_SCREENSHOTS") else (192, 1)
    labelled = write_sites([_share(NORTH, 12, 8, 41), _share(SOUTH, 12, 8, 42)], folder / "labelled", side=side)
    incoming = write_sites(
        [_share(NORTH, 7 * times, 5 * times, 51), _share(SOUTH, 7 * times, 5 * times, 52), _share(WEST, 4, 2, 53)],
        folder / "in",
        side=side,
    )
    screener = calibrate(load(bundles["pca"]), films(labelled), max_miss_rate=0.3, confidence=0.9, prevalence=0.5)
    assert screener.policy is not None
    screener.policy.save(folder / "policy.json")
    broken = folder / "cut-short.dcm"
    broken.write_bytes(next((folder / "in" / "films").iterdir()).read_bytes()[:5000])
    fill(
        folder / "worklist",
        films=incoming,
        unreadable=broken,
        model=bundles["pca"],
        policy=folder / "policy.json",
        further=[bundle for name, bundle in bundles.items() if name != "pca"],
        reported=13 * times,
    )
    with Store.open(folder / "worklist") as store:
        store.accounts.add("lea", PASSWORD, "lead", actor="test")
        store.accounts.add("ada", PASSWORD, "admin", actor="test")


def _share(station: Station, normals: int, abnormals: int, seed: int) -> SiteShare:
    return SiteShare(station=station, normals=normals, abnormals=abnormals, seed=seed)


def _worklist(page: Page, site: Site) -> None:
    page.goto(site.root)
    expect(page.locator("#rows tr").first).to_be_visible()


def _study(page: Page, site: Site) -> None:
    _worklist(page, site)
    page.locator("#rows tr.flagged:not(.unscored)").first.dblclick()
    expect(page.locator("#viewer[data-film]")).to_be_visible()
    page.get_by_role("button", name="Anomaly map").click()
    page.get_by_role("button", name="Lungs").click()
    page.get_by_role("button", name="Research").scroll_into_view_if_needed()


def _compare(page: Page, site: Site) -> None:
    page.goto(f"{site.root}/compare")
    expect(page.get_by_role("heading", name="Shortcut audit")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("columnheader", name="Statistic", exact=True)).to_be_visible(timeout=60_000)
    for model in page.locator("#models .auroc").all():
        expect(model).not_to_be_empty(timeout=60_000)


def _compare_film(page: Page, site: Site) -> None:
    with site.store() as store:
        (first, *_) = store.reports.labelled()
    page.goto(f"{site.root}/compare/{first.film}")
    expect(page.locator("canvas").nth(2)).to_be_visible()
    page.wait_for_load_state("networkidle")


def _live(page: Page, site: Site) -> None:
    page.goto(f"{site.root}/live")
    expect(page.get_by_role("heading").first).to_be_visible()


def _models(page: Page, site: Site) -> None:
    page.goto(f"{site.root}/models")
    expect(page.get_by_text("decides").first).to_be_visible()


def _calibration(page: Page, site: Site) -> None:
    page.goto(f"{site.root}/models")
    page.get_by_role("tab", name="Calibration").click()
    expect(page.get_by_text("What readers have reported")).to_be_visible()
    expect(page.get_by_text("abnormal studies of each source")).to_be_visible()


def _watch(page: Page, site: Site) -> None:
    page.goto(f"{site.root}/models")
    page.get_by_role("tab", name="Watch").click()
    expect(page.get_by_role("tabpanel").filter(visible=True)).to_be_visible()


def _turing(page: Page, site: Site) -> None:
    page.goto(f"{site.root}/turing")
    expect(page.get_by_role("heading").first).to_be_visible()


def _lab(page: Page, site: Site) -> None:
    page.goto(f"{site.root}/lab")
    expect(page.get_by_role("heading").first).to_be_visible()
    page.wait_for_load_state("networkidle")


def _sign_in(page: Page, site: Site) -> None:
    page.goto(f"{site.root}/api/v1/health")  # what the list still asks for would be refused
    page.context.clear_cookies()
    page.goto(f"{site.root}/sign-in")


def _compare_report(page: Page, site: Site) -> None:
    page.goto(f"{site.root}/compare/report")
    expect(page.locator("#intervals")).to_contain_text("bootstrap", timeout=60_000)
    expect(page.locator("#difference-words")).to_contain_text("films", timeout=60_000)


def _administration(page: Page, site: Site) -> None:
    page.goto(f"{site.root}/administration")
    expect(page.locator("#people-rows tr").first).to_be_visible()


PAGES = {
    "worklist": _worklist,
    "study": _study,
    "compare": _compare,
    "compare-report": _compare_report,
    "compare-film": _compare_film,
    "live": _live,
    "models": _models,
    "calibration": _calibration,
    "watch": _watch,
    "turing": _turing,
    "lab": _lab,
    "administration": _administration,
    "sign-in": _sign_in,
}


SIZES = {"as usual": (1280, 720), "wide": (1920, 1080), "phone": (390, 844), "200 %": (640, 360), "400 %": (320, 256)}
FEW = ("as usual", "phone", "400 %")
LOADED = """() => [...document.images].every((one) => !one.checkVisibility() || !one.src
  || (one.complete && one.naturalWidth > 0) || one.getBoundingClientRect().top > innerHeight)"""
NO_TOUR = "() => localStorage.setItem('unseen.tour', 'done')"
LIMITS = "Research use only. Not a medical device. Not for diagnosis."


BACKGROUND = "(one) => getComputedStyle(one).backgroundColor"
CUT_ON_PAPER = """() => [...document.querySelectorAll("main *")].filter((one) => {
  const clipped = ".visually-hidden, .stacked thead, svg, select, input, textarea, .thumb";
  if (!one.checkVisibility() || one.closest(clipped)) return false;
  const style = getComputedStyle(one);
  const cut = one.scrollWidth > one.clientWidth + 2 && style.overflowX !== "visible" && style.display !== "inline";
  return cut || one.getBoundingClientRect().right > innerWidth + 2;
}).map((one) => `${one.tagName} ${one.id} ${one.className} ${one.textContent.trim().slice(0, 40)}`)"""


def on_paper(page: Page) -> list[str]:
    """Return what is wrong with the page on a sheet of A4, which is 688 points wide between its margins."""
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": 688, "height": 980})
    wrong = [f"cut off on paper: {one}" for one in page.evaluate(CUT_ON_PAPER)]
    if page.locator("header.bar").is_visible():
        wrong.append("the bar is printed")
    limits = page.locator("footer.limits")
    if limits.inner_text() != LIMITS or limits.evaluate("(one) => getComputedStyle(one).position") != "fixed":
        wrong.append("the intended use is not on every sheet")  # what is fixed is printed on each
    if page.evaluate("() => getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)":
        wrong.append("the paper is not white")
    page.emulate_media(media="null", color_scheme="null")
    page.set_viewport_size(SCREEN)
    return wrong


def test_list_film_and_models_are_printed_whole_with_the_intended_use(shared_site: Site, page_of: PageOf) -> None:
    page = page_of(shared_site, "lea")
    page.evaluate(NO_TOUR)
    wrong: list[str] = []
    for name, visit in {"worklist": _worklist, "study": _open_first, "models": _models}.items():
        visit(page, shared_site)
        wrong += [f"{name}: {one}" for one in on_paper(page)]
    assert not wrong, "\n".join(wrong)


def test_forced_colours_keep_what_is_selected_and_the_bars(shared_site: Site, page_of: PageOf) -> None:
    """In Windows high contrast, the selected row, tab and button looked like the others, and bars were absent."""
    page = page_of(shared_site, "lea")
    page.evaluate(NO_TOUR)
    page.emulate_media(forced_colors="active")
    _worklist(page, shared_site)
    for chosen, other in (
        ("[role=tab][aria-selected=true]", "[role=tab][aria-selected=false]"),
        ("nav a[aria-current]", "nav a:not([aria-current])"),
    ):
        colours = [page.locator(one).first.evaluate(BACKGROUND) for one in (chosen, other)]
        assert colours[0] != colours[1], chosen
    bar = page.locator(".bar-fill").first
    assert bar.evaluate(BACKGROUND) not in ("rgb(255, 255, 255)", "rgba(0, 0, 0, 0)")
    assert (
        page.locator("#rows tr[aria-selected=true]").evaluate("(one) => getComputedStyle(one).outlineStyle") == "solid"
    )
    _open_first(page, shared_site)
    pressed, free = (page.locator(one).evaluate(BACKGROUND) for one in ("#triage", "#research"))
    assert pressed != free
    page.emulate_media(forced_colors="null")


@pytest.mark.nightly
def test_every_page_is_printed_whole_with_the_intended_use(worked: Site, page_of: PageOf) -> None:
    wrong: list[str] = []
    for name, visit in PAGES.items():
        page = page_of(worked, "ada" if name == "administration" else "lea")
        page.evaluate(NO_TOUR)
        visit(page, worked)
        wrong += [f"{name}: {one}" for one in on_paper(page)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.nightly
def test_every_page_fits_each_screen_and_axe_finds_nothing_serious(worked: Site, chromium: Browser) -> None:
    """Walk through all pages and report all faults together."""
    wrong: list[str] = []
    for name, visit in PAGES.items():
        with chromium.new_context(color_scheme="light", viewport=SCREEN) as context:
            sign_in(context, worked, "ada" if name == "administration" else "lea")
            page = context.new_page()
            wrong += [f"{name}, {one}" for one in looked_at_thoroughly(page, name, partial(visit, page, worked))]
    assert not wrong, "\n".join(wrong)


def _open_first(page: Page, site: Site) -> None:
    """Open the first study of the list, which is shown."""
    page.set_viewport_size(SCREEN)
    page.locator("#rows tr").first.dblclick()
    expect(page.locator("#viewer[data-film]")).to_be_visible()
    expect(page.locator("#film")).to_have_attribute("aria-label", re.compile("."))  # it follows after a moment


def test_list_film_and_form_fit_each_screen_and_axe_finds_nothing_serious(shared_site: Site, page_of: PageOf) -> None:
    wrong: list[str] = []
    colours = {"light": Contrast(), "dark": Contrast()}
    page = page_of(shared_site, "lea")
    page.evaluate(NO_TOUR)
    for name, visit in {"worklist": _worklist, "study": _open_first, "sign-in": _sign_in}.items():
        wrong += [f"{name}, {one}" for one in looked_at(page, name, partial(visit, page, shared_site), colours)]
    assert not wrong, "\n".join(wrong)


def test_live_and_turing_fit_the_usual_screen_and_axe_finds_nothing_serious(shared_site: Site, page_of: PageOf) -> None:
    wrong: list[str] = []
    page = page_of(shared_site, "lea")
    page.evaluate(NO_TOUR)
    for name, visit in {"live": _live, "turing": _turing}.items():
        with shown(page, name, partial(visit, page, shared_site)) as faults:
            faults += [*axe(page), *cut_off(page, "as usual"), *footer(page)]
        wrong += [f"{name}, {one}" for one in faults]
    assert not wrong, "\n".join(wrong)


ROW_WHOLE = """() => {
  const [row, list] = ["#rows tr", ".list-scroll"].map((one) => document.querySelector(one).getBoundingClientRect());
  return row.top >= list.top && row.bottom <= list.bottom && list.bottom <= document.documentElement.scrollHeight;
}"""


CUT_SENTENCES = "(all) => all.filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.textContent)"


@pytest.mark.parametrize("step", [40, pytest.param(20, marks=pytest.mark.nightly)])
def test_the_bar_of_the_list_and_what_to_do_in_each_row_fit_every_width(
    shared_site: Site, page_of: PageOf, step: int
) -> None:
    """Between 700 and 1260 points the keys, the theme and *Sign out* were outside the window; between 600 and 900, also
    at a zoom of 200 %, "read earlier" was cut off."""
    page = page_of(shared_site, "ada")
    page.evaluate(NO_TOUR)
    _worklist(page, shared_site)
    expect(page.locator("#rows .says a").first).to_be_visible()
    cut = {}
    for width in range(320, 1300, step):
        page.set_viewport_size({"width": width, "height": 720})
        ends = page.locator(".bar a, .bar button").evaluate_all(
            "(all) => all.map((one) => one.getBoundingClientRect().right)"
        )
        sentences = page.locator("#rows .says a").evaluate_all(CUT_SENTENCES)
        if max(ends) > width or sentences:
            cut[width] = (max(ends), *sentences[:1])
    assert not cut


def test_the_list_shows_a_whole_row_on_a_phone_and_at_a_zoom_of_400_percent(shared_site: Site, page_of: PageOf) -> None:
    """Header, tabs and buttons took the whole window: the list was 0 points high."""
    page = page_of(shared_site, "lea")
    page.evaluate(NO_TOUR)
    _worklist(page, shared_site)
    none = []
    for width, height in ((320, 256), (320, 568), (360, 640), (390, 844), (640, 360), (768, 1024)):
        page.set_viewport_size({"width": width, "height": height})
        if not page.evaluate(ROW_WHOLE):
            none.append((width, height))
    assert not none, f"no whole row at {none}"


WHOLE_ROWS = """() => {
  document.querySelector("#rows tr").scrollIntoView({ block: "start" });
  const [head, acts] = ["#grid thead", "#selected"].map((one) => document.querySelector(one).getBoundingClientRect());
  return [...document.querySelectorAll("#rows tr")].filter((row) => {
    const box = row.getBoundingClientRect();
    return box.top >= head.bottom - 1 && box.bottom <= acts.top + 1;
  }).length;
}"""


def test_several_rows_of_several_models_are_on_a_phones_screen(shared_site: Site, page_of: PageOf) -> None:
    """The rows had 224 points, of which the scores of three models took more than half for each row."""
    page = page_of(shared_site, "lea")
    page.evaluate(NO_TOUR)
    _worklist(page, shared_site)
    for size, least in (((320, 568), 4), ((375, 667), 5), ((768, 1024), 7)):
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.wait_for_timeout(120)
        assert page.evaluate(WHOLE_ROWS) >= least, size
    page.set_viewport_size({"width": 375, "height": 667})
    expect(page.locator("#measure")).to_be_hidden()  # no model has percentiles
    page.locator("#rows .value").first.evaluate("(one) => { one.textContent = '97 %'; one.hidden = false; }")
    expect(page.locator("#measure")).to_be_visible()


UNDER_FOOTER = """() => {
  const foot = document.querySelector("footer.limits").getBoundingClientRect();
  return [...document.querySelectorAll(".tools > *, .head, .person, .decide button, canvas.film")].filter((one) => {
    const box = one.getBoundingClientRect();
    return one.checkVisibility() && box.height > 0 && box.bottom > foot.top + 1 && box.top < foot.bottom - 1;
  }).map((one) => one.id || one.className);
}"""


def test_the_footer_covers_nothing_of_the_viewer_and_keys_need_no_second_scrollbar(
    shared_site: Site, page_of: PageOf
) -> None:
    """Up to 760 points, the footer was above the name of the source or above the tools."""
    page = page_of(shared_site, "lea")
    page.evaluate(NO_TOUR)
    _worklist(page, shared_site)
    _open_first(page, shared_site)
    covered = {}
    for width, height in ((320, 256), (320, 568), (375, 812), (640, 360), (760, 1000), (800, 600), (1280, 720)):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(120)
        if found := page.evaluate(UNDER_FOOTER):
            covered[width, height] = found
    assert not covered
    page.keyboard.press("?")
    for width in (320, 480, 700, 1280):
        page.set_viewport_size({"width": width, "height": 600})
        assert page.locator("dialog#keys").evaluate("(one) => one.scrollWidth <= one.clientWidth"), width
    page.keyboard.press("Escape")


def test_the_list_comes_back_with_its_tab_and_the_study_that_was_left(shared_site: Site, page_of: PageOf) -> None:
    """The way back led to the first page of *To read*, with the first study selected and no focus in the list."""
    page = page_of(shared_site, "lea")
    page.evaluate(NO_TOUR)
    page.goto(f"{shared_site.root}/?sort=-received")
    second, third = (page.locator("#rows tr").nth(at).get_attribute("data-study") for at in (1, 2))
    page.locator("#rows tr").nth(1).dblclick()
    expect(page.locator(f"#viewer[data-study={second}]")).to_be_visible()
    expect(page.get_by_role("button", name="Skip S")).to_be_enabled()
    page.keyboard.press("s")
    expect(page.locator(f"#viewer[data-study={third}]")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(f"#rows tr[data-study={third}]")).to_have_attribute("aria-selected", "true")
    expect(page.locator(f"#rows tr[data-study={third}]")).to_be_focused()
    page.goto(f"{shared_site.root}/?tab=reported&last=1")
    expect(page.locator("#empty")).to_be_visible()
    page.evaluate("(study) => location.assign(`/studies/${study}`)", second)
    expect(page.locator(f"#viewer[data-study={second}]")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page).to_have_url(f"{shared_site.root}/?tab=reported&last=1")


def test_a_printed_list_has_all_rows_of_the_page(shared_site: Site, page_of: PageOf) -> None:
    """Paper does not scroll: rows below the edge of the window were not printed."""
    page = page_of(shared_site, "lea")
    page.evaluate(NO_TOUR)
    _worklist(page, shared_site)
    page.set_viewport_size({"width": 1280, "height": 430})
    assert page.locator(".list-scroll").evaluate("(one) => one.scrollHeight > one.clientHeight"), "the rows fit anyhow"
    page.emulate_media(media="print")
    try:
        assert not page.locator(".list-scroll").evaluate("(one) => one.scrollHeight > one.clientHeight + 1")
        expect(page.locator("#selected")).to_be_hidden()
    finally:
        page.emulate_media(media="screen")


SPILLS = "(one) => one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1"
OUTSIDE = """(all) => all.filter(
  (one) => one.getBoundingClientRect().right > one.closest("td").getBoundingClientRect().right)"""


@pytest.mark.nightly
def test_the_list_shows_prevalence_and_promise_whole_and_tells_probabilities_from_percentiles(
    worked: Site, chromium: Browser
) -> None:
    """The promise was cut off at 1280 points, and a percentile of 85 % stood between probabilities."""
    with chromium.new_context(color_scheme="light", viewport=SCREEN) as context:
        sign_in(context, worked, "lea")
        page = context.new_page()
        page.add_init_script(f"({NO_TOUR})()")
        page.goto(worked.root)
        expect(page.locator("#rows tr").first).to_be_visible()
        expect(page.locator("#policy")).to_contain_text("The policy clears at most 30 % of abnormal studies, with 90 %")
        for width, height in ((1280, 720), (1280, 800), (390, 844)):
            page.set_viewport_size({"width": width, "height": height})
            assert not page.locator("#order").evaluate(SPILLS), f"the promise is cut off at {width}"
            cut = page.locator("#rows .value").evaluate_all(f"(all) => ({OUTSIDE})(all).length")
            assert cut == 0, f"{cut} numbers are cut off at {width}"
            cut = page.locator("#rows .measure .line").evaluate_all(f"(all) => all.filter({SPILLS}).length")
            assert cut == 0, f"{cut} scores or percentiles are cut off at {width}"
        expect(page.locator("#measure")).to_have_text("Percentile")
        expect(page.locator("th #at-prevalence")).to_have_text("probability at prevalence 50\u00a0%")
        module = "await import('/static/js/percent_words.js')"
        percentiles = f"async () => [0, 0.003, 0.85, 0.9499, 1].map(({module}).placeOf)"
        assert page.evaluate(percentiles) == ["0 %", "0 %", "85 %", "94 %", "100 %"], (
            "rounded down, as in the sentences"
        )
        measured = f"async () => [null, 0, 1 / 3000, 0.5, 2999 / 3000, 1].map(({module}).measured)"
        shares = ["unknown", "0.0 %", "0.03 %", "50.0 %", "99.97 %", "100.0 %"]
        assert page.evaluate(measured) == shares, "one miss of 3,000 is not a sensitivity of 100 %"
        north = page.locator("#rows tr", has=page.locator("td.source", has_text="North")).locator(".measure .line")
        assert any(said.startswith("probability ") for said in north.all_inner_texts())
        page.set_viewport_size(SCREEN)
        page.locator("#rows tr.flagged:not(.unscored)").first.dblclick()
        expect(page.locator("#viewer[data-film]")).to_be_visible()
        expect(page.locator("#words #at-prevalence")).to_have_text(
            "probability of being abnormal, at the entered prevalence of 50 %"
        )


def looked_at(page: Page, name: str, visit: Callable[[], None], colours: dict[str, Contrast]) -> list[str]:
    """Return the faults of a page at three sizes, and of styles whose contrast was not checked before."""
    with shown(page, name, visit) as wrong:
        wrong += [f"light: {one}" for one in axe(page, BUT_COLOURS) + colours["light"].of(page)]
        theme(page, "dark")
        for size in FEW:
            wrong += cut_off(page, size)
            if size == "phone":
                wrong += [f"{size}, dark: {one}" for one in colours["dark"].of(page)]
                theme(page, "light")
        wrong += footer(page)
    return wrong


def looked_at_thoroughly(page: Page, name: str, visit: Callable[[], None]) -> list[str]:
    """Return the faults of a page at five sizes, in both themes."""
    page.add_init_script(f"({NO_TOUR})()")
    with shown(page, name, visit) as wrong:
        wrong += [f"light: {one}" for one in axe(page)]
        theme(page, "dark")
        keep_image(page, f"{name}-dark")
        wrong += [f"dark: {one}" for one in axe(page, COLOURS)]
        for size in SIZES:
            wrong += cut_off(page, size)
            if size == "phone":
                wrong += [f"{size}, dark: {one}" for one in axe(page)]
                theme(page, "light")
                wrong += [f"{size}, light: {one}" for one in axe(page, COLOURS)]
        wrong += footer(page)
    return wrong


@contextmanager
def shown(page: Page, name: str, visit: Callable[[], None]) -> Iterator[list[str]]:
    """Show the page in the light theme; what its scripts complain of within is in the list."""
    wrong: list[str] = []

    def read(message: ConsoleMessage) -> None:
        if message.type == "error":
            wrong.append(message.text)

    def hear(error: Error) -> None:
        wrong.append(str(error))

    page.on("console", read)
    page.on("pageerror", hear)
    visit()
    until_loaded(page, name)
    keep_image(page, f"{name}-light")
    yield wrong
    page.remove_listener("console", read)
    page.remove_listener("pageerror", hear)


def cut_off(page: Page, size: str) -> list[str]:
    """Return what does not fit on a screen of this size."""
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_timeout(120)
    return [f"{size}: {one}" for one in page.evaluate(CUT, HIDDEN_BY_DESIGN)]


def footer(page: Page) -> list[str]:
    named = page.locator("footer.limits").inner_text() == LIMITS
    return [] if named else ["the footer does not name the intended use"]


def theme(page: Page, name: str) -> None:
    page.evaluate("(name) => { document.documentElement.dataset.theme = name; }", name)
    page.evaluate("() => document.dispatchEvent(new CustomEvent('theme'))")
    page.wait_for_timeout(250)  # colours that change slowly


def until_loaded(page: Page, name: str) -> None:
    """Thumbnails are there, not on their way."""
    for _ in range(100):
        if page.evaluate(LOADED):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"{name}: an image in sight was not loaded")
