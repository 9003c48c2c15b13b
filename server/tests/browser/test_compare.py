"""Comparing models in a real Chromium: the page's numbers are scikit-learn's on the table that the page exports."""

from __future__ import annotations

import base64
import csv
import io
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect
from sklearn.metrics import confusion_matrix, precision_score, recall_score, roc_auc_score
from sqlalchemy import delete, select

from tests.browser.conftest import PASSWORD, SIDE, PageOf, Site, as_dicom, axe, signed_in
from tests.browser.test_pages_look import cut_off, footer
from tests.web.running import Running
from tests.worklist.reporting import look_and_report
from unseen.data import phantoms
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery
from unseen_server.worklist.tables import findings

PAIRS = 8
SOURCES = ("ward", "clinic")
WIDE = {"width": 1280, "height": 720}


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory, bundles: dict[str, Path]) -> Iterator[Site]:
    """A server with three models and 16 films of two sources, all of them reported by a lead."""
    also = [word for name in list(bundles)[1:] for word in ("--also", str(bundles[name]))]
    home = tmp_path_factory.mktemp("compared") / "worklist"
    with Store.open(home) as store:
        store.accounts.add("lea", PASSWORD, "lead", actor="test")
        store.accounts.add("ann", PASSWORD, "reader", actor="test")
    with Running("--folder", home, "--port", "0", "--model", bundles["pca"], *also) as running:
        site = Site(running.started(), home)
        _reported(site)
        yield site


def _reported(site: Site) -> None:
    with site.running.client() as client:
        labels = {
            site.send(client, as_dicom(film), source=SOURCES[number // 2 % 2]): film.label
            for number, film in enumerate(phantoms.twins(PAIRS, seed=41, size=SIDE))
        }
    site.judged(within_s=300)
    with site.store() as store:
        for film, label in labels.items():
            study = store.films.study(film)
            store.studies.claim(study, "lea")
            look_and_report(store, study, "lea", label)


@dataclass
class Exported:
    """Return the page's export of one model."""

    films: np.ndarray
    sources: np.ndarray
    abnormal: np.ndarray
    score: np.ndarray

    @classmethod
    def of(cls, page: Page, model: str) -> Exported:
        answer = page.request.get(page.url.split("/compare")[0] + page.locator("#csv").get_attribute("href"))  # type: ignore[operator]
        rows = [row for row in csv.DictReader(io.StringIO(answer.text())) if row[model]]
        return cls(
            np.array([row["film"] for row in rows]),
            np.array([row["source"] for row in rows]),
            np.array([row["label"] == "abnormal" for row in rows]),
            np.array([float(row[model]) for row in rows]),
        )


@pytest.fixture
def page(compared: Site, page_of: PageOf) -> Page:
    """The comparison's page, ready, as a lead sees it."""
    opened = page_of(compared, "lea")
    opened.goto(f"{compared.root}/compare")
    ready(opened)
    return opened


def ready(page: Page) -> None:
    expect(page.locator("#intervals")).to_contain_text("bootstrap", timeout=90_000)
    expect(page.locator("#roc-words")).to_contain_text("Beside each name", timeout=90_000)


def shown(page: Page, name: str) -> float:
    return float(page.locator(f"#{name}").get_attribute("data-value") or "nan")


def at_threshold(page: Page) -> float:
    return float(page.locator("#threshold").input_value())


@pytest.mark.parametrize("model", ["pca", pytest.param("pca-whole", marks=pytest.mark.nightly)])
def test_the_page_fits_and_its_numbers_are_scikit_learns_at_five_random_thresholds(
    compared: Site, page: Page, model: str
) -> None:
    if model == "pca":  # the page as it comes
        assert axe(page) + cut_off(page, "as usual") + footer(page) == []
    rng = np.random.default_rng(20)
    prevalence = 0.07
    page.get_by_label("Prevalence in per cent").fill("7")
    page.get_by_label("Whose threshold").select_option(label=model)
    data = Exported.of(page, model)
    with compared.store() as store:
        rows = {film.film: film for film in store.reports.labelled()}
    assert set(data.films) == set(rows) and len(rows) == 2 * PAIRS
    for film, ill, score in zip(data.films, data.abnormal, data.score, strict=True):
        assert rows[film].abnormal == ill and score in rows[film].scores.values()
    auroc = page.locator("#models .model", has=page.get_by_text(model, exact=True)).locator(".auroc")
    expect(auroc).to_contain_text(f"{roc_auc_score(data.abnormal, data.score):.2f} (")
    random = rng.uniform(data.score.min(), data.score.max(), 5)
    for threshold in [*random, data.score[3], data.score.min()]:  # a score that is the threshold is read
        page.get_by_label("Threshold, as a number").fill(repr(float(threshold)))
        read = data.score >= threshold  # the screener clears what lies strictly below
        weights = np.where(data.abnormal, prevalence / data.abnormal.sum(), (1 - prevalence) / (~data.abnormal).sum())
        (right, alarms), (missed, caught) = confusion_matrix(data.abnormal, read)
        assert shown(page, "sensitivity") == pytest.approx(recall_score(data.abnormal, read), abs=1e-12)
        assert shown(page, "specificity") == pytest.approx(
            recall_score(data.abnormal, read, pos_label=False), abs=1e-12
        )
        ppv = precision_score(data.abnormal, read, sample_weight=weights)
        assert shown(page, "ppv") == pytest.approx(ppv, abs=1e-12)
        assert shown(page, "cleared") == right + missed == (~read).sum() and shown(page, "missed") == missed
        expect(page.locator("#ppv")).to_have_text(f"{100 * ppv:.1f} %")
        cells = {"right": right, "alarms": alarms, "missed": missed, "caught": caught}
        for name, count in cells.items():
            expect(page.locator(f"[data-cell={name}] b")).to_have_text(str(count))
        for source in SOURCES:
            among = data.sources == source
            row = page.locator(f"#sources [data-source={source}]")
            sensitivity = recall_score(data.abnormal[among], read[among])
            expect(row.locator("[data-what=sensitivity]")).to_have_text(f"{100 * sensitivity:.1f} %")
            missed_here = (data.abnormal & ~read & among).sum()
            expect(row.locator("[data-what=missed]")).to_have_text(str(missed_here))


@pytest.mark.nightly
def test_a_drag_moves_the_numbers_without_a_request(page: Page) -> None:
    data = Exported.of(page, "pca")
    hold = page.locator("#spread .hold").bounding_box()
    assert hold is not None
    height = hold["y"] + hold["height"] / 2
    page.mouse.move(hold["x"] + 0.15 * hold["width"], height)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.mouse.down()
    seen = []
    for share in (0.2, 0.35, 0.5, 0.65, 0.8):
        page.mouse.move(hold["x"] + share * hold["width"], height, steps=3)
        cleared = data.score < at_threshold(page)
        assert shown(page, "cleared") == cleared.sum()
        assert shown(page, "missed") == (cleared & data.abnormal).sum()
        point = page.locator("#roc .point")
        side = 380.0  # the curve's square, in its own units
        expected = 44 + side * (1 - (cleared & ~data.abnormal).sum() / (~data.abnormal).sum())
        assert float(point.get_attribute("cx") or "nan") == pytest.approx(expected, abs=0.1)
        seen.append(int(shown(page, "cleared")))
    assert not asked, asked
    assert seen == sorted(seen) and seen[0] < seen[-1]
    line = page.locator("#spread .threshold").bounding_box()
    assert line is not None
    page.mouse.up()
    page.mouse.move(1, 1)
    place = line["x"] + line["width"] / 2, line["y"] + line["height"] / 2
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    ink = page.evaluate("getComputedStyle(document.body).color")
    colour = tuple(int(part) for part in re.findall(r"\d+", ink)[:3])
    near = [picture.getpixel((round(place[0]) + dx, round(place[1]))) for dx in (-1, 0, 1)]
    assert colour in near, "the line is drawn where the pointer let go"
    page.get_by_role("slider", name="Threshold", exact=True).focus()
    before = at_threshold(page)
    page.keyboard.press("ArrowRight")
    assert at_threshold(page) > before, "keys move it too"


@pytest.mark.nightly
def test_a_cell_opens_its_films_and_leads_through_them(compared: Site, page: Page) -> None:
    data = Exported.of(page, "pca")
    threshold = float(np.median(data.score))
    page.get_by_label("Threshold, as a number").fill(repr(threshold))
    missed = data.abnormal & (data.score < threshold)
    expected = list(data.films[missed][np.argsort(data.score[missed], kind="stable")])
    assert len(expected) > 1
    page.locator("[data-cell=missed]").click()
    films = page.locator("#cell-films a.film")
    expect(page.locator("#cell-title")).to_have_text(f"{len(expected)} films missed")
    assert [films.nth(n).get_attribute("data-film") for n in range(films.count())] == expected[: films.count()]
    picture = films.first.locator("img")
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    films.first.click()
    page.wait_for_url(f"{compared.root}/compare/{expected[0]}")
    expect(page.locator("#position")).to_contain_text(f"1 of {len(expected)} · missed, by pca")
    page.keyboard.press("ArrowRight")
    page.wait_for_url(f"{compared.root}/compare/{expected[1]}")
    expect(page.locator("#position")).to_contain_text(f"2 of {len(expected)}")
    page.keyboard.press("Escape")
    page.wait_for_url(f"{compared.root}/compare")
    ready(page)
    assert at_threshold(page) == threshold, "the page is as it was left"


def canvases(page: Page, what: str) -> list[Locator]:
    found = page.locator(f"#seen figure[data-what={what}] canvas")
    return [found.nth(n) for n in range(found.count())]


def pixels(canvas: Locator) -> np.ndarray:
    """Return the pixels of a canvas, (height, width, 3)."""
    data = base64.b64decode(canvas.evaluate("c => c.toDataURL()").partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), dtype=np.int64)


def zoom(canvas: Locator) -> float:
    expect(canvas).to_have_attribute("aria-label", re.compile(r"Zoom \d+ %"))
    return float(re.search(r"Zoom (\d+) %", canvas.get_attribute("aria-label") or "").group(1))  # type: ignore[union-attr]


@pytest.mark.nightly
def test_three_models_side_by_side_have_one_zoom_and_one_window(compared: Site, page: Page) -> None:
    page.locator("#disagree a.film").first.click()
    expect(page.locator("#seen canvas")).to_have_count(6, timeout=30_000)
    expect(page.locator("#side")).not_to_have_attribute("aria-busy", "true")
    film = page.url.rsplit("/", 1)[1]
    with compared.store() as store:
        scores = next(one for one in store.reports.labelled() if one.film == film).scores
    for column in page.locator("#seen .column").all():
        score = float(column.locator("[data-score]").get_attribute("data-score") or "nan")
        assert score == scores[column.get_attribute("data-model") or ""]

    whole = page.locator("#film")
    residuals, made = canvases(page, "residual"), canvases(page, "reconstruction")
    every = [whole, *residuals, *made]
    assert len(residuals) == len(made) == 3
    page.wait_for_timeout(400)  # labels follow after a moment
    before = [zoom(canvas) for canvas in every]
    first = pixels(residuals[1])
    assert (first.max(axis=2) - first.min(axis=2)).max() > 60, "the residual is in colours"
    box = residuals[1].bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 3, box["y"] + box["height"] / 3)
    page.mouse.wheel(0, -240)
    page.wait_for_timeout(500)
    ratios = [after / was for after, was in zip([zoom(canvas) for canvas in every], before, strict=True)]
    assert ratios[0] == pytest.approx(math.exp(240 * 0.0018), rel=0.03) and np.ptp(ratios) < 0.04, ratios
    assert not np.array_equal(pixels(residuals[1]), first)

    grey, colours = pixels(made[2]), pixels(residuals[2])
    page.keyboard.press("i")
    expect(page.locator("#invert")).to_have_attribute("aria-pressed", "true")
    page.wait_for_timeout(400)
    inverted = pixels(made[2])
    beside = (grey == 0).all(axis=(0, 2)) & (inverted == 0).all(axis=(0, 2))  # columns beside the film
    assert beside.mean() < 0.2
    difference = np.abs(inverted - (255 - grey))[:, ~beside]
    assert difference.max() <= 1, "black and white are exchanged, pixel by pixel"
    assert np.array_equal(pixels(residuals[2]), colours), "deviations have no window"
    assert all("inverted" in (canvas.get_attribute("aria-label") or "") for canvas in every)


@pytest.mark.nightly
def test_which_models_are_compared_is_chosen_and_two_stay(page: Page) -> None:
    page.locator("#models").get_by_text("pca-few").click()
    expect(page.locator("#roc .line")).to_have_count(2)
    page.locator("#models").get_by_text("pca-whole").click()
    expect(page.locator("#toasts")).to_contain_text("Two models at least are compared")
    assert page.locator("#models").get_by_role("checkbox", checked=True).count() == 2
    page.reload()
    ready(page)
    assert page.locator("#models").get_by_role("checkbox", checked=True).count() == 2, "a choice outlives the page"


@pytest.mark.nightly  # the words: web/test_comparing.py
def test_the_difference_is_told_in_words(page: Page) -> None:
    words = page.locator("#difference-words")
    expect(words).to_contain_text("95 % interval", timeout=60_000)
    one, other = (Exported.of(page, name) for name in ("pca", "pca-few"))
    gap = roc_auc_score(one.abnormal, one.score) - roc_auc_score(other.abnormal, other.score)
    expect(words).to_contain_text(f"{gap:+.2f} (95 % interval".replace("-", "−"))
    page.get_by_label("First model").select_option(label="pca-whole")
    expect(words).to_contain_text("pca-whole reaches an AUROC of", timeout=60_000)


SCALES = """() => [...document.querySelectorAll("svg.chart:has(text)")].filter((one) => one.checkVisibility())
  .map((one) => one.getBoundingClientRect().width / one.viewBox.baseVal.width)"""


def test_films_are_counted_for_each_model_and_words_of_charts_keep_their_size(site: Site, page_of: PageOf) -> None:
    """One film has no score of the model that decides; charts were scaled to 5 points a word at 320 points."""
    with site.store() as store:
        rows = store.studies.page(StudyQuery(tab="to_read")).rows
        for number, row in enumerate(rows):
            store.studies.claim(row.study, "ann")
            look_and_report(store, row.study, "ann", "abnormal" if number % 2 else "normal")
        model = next(model for model in store.studies.details(rows[0].study).films[0].findings).model
        with store.database.writing() as connection:
            (film,) = connection.execute(select(findings.c.film_id).where(findings.c.model == model).limit(1)).scalars()
            connection.execute(delete(findings).where(findings.c.model == model, findings.c.film_id == film))
    page = page_of(site, "lea")
    page.goto(f"{site.root}/compare")
    ready(page)
    expect(page.locator("#about")).to_contain_text("8 films of studies that readers reported: 4 normal, 4 abnormal")
    expect(page.locator("#about")).to_contain_text("only films that it has scored and was not trained on: pca")
    expect(page.locator("#about")).to_contain_text(re.compile(r": [\w-]+ 7\.$"))
    for width in (1280, 320):
        page.set_viewport_size({"width": width, "height": 720})
        page.wait_for_function(
            f"() => {{ const all = ({SCALES})(); return all.length === 2 && Math.min(...all) > 0.9; }}"
        )


REFILLED = """async ([again, ...widths]) => {
  const { fillByWidth } = await import("/static/js/chart_width.js");
  const box = document.body.appendChild(document.createElement("div")), drawn = [];
  const settled = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  box.style.width = "900px";
  fillByWidth(box, 600, (width) => { drawn.push(width); return [`chart of ${width}`]; });
  await settled();
  if (again) box.replaceChildren("no data");
  for (const width of widths) { box.style.width = `${width}px`; await settled(); }
  return [drawn, box.textContent];
}"""


def test_a_chart_is_drawn_again_only_for_another_width_and_where_it_still_is(
    anns_page: Page, reading_site: Site
) -> None:
    anns_page.goto(reading_site.root)
    assert anns_page.evaluate(REFILLED, [False, 800, 400, 100, 120]) == [[600, 400, 230], "chart of 230"]
    assert anns_page.evaluate(REFILLED, [True, 400]) == [[600], "no data"]


@pytest.mark.nightly  # what is missing: web/test_comparing.py
def test_before_anything_is_reported_the_page_says_so_and_shows_disagreements(site: Site, chromium: Browser) -> None:
    with chromium.new_context(viewport=WIDE) as context:  # type: ignore[arg-type]
        page = signed_in(context, site, "lea")
        broken: list[str] = []
        page.on("pageerror", lambda error: broken.append(str(error)))
        page.goto(f"{site.root}/compare")
        expect(page.locator("#missing")).to_contain_text("No study has been reported yet.")
        expect(page.locator("#board")).to_be_hidden()
        expect(page.locator("#disagree a.film")).to_have_count(8)
        expect(page.locator("#difference-words")).to_contain_text("a ROC needs 2 of each")
        assert not broken, broken


@pytest.mark.nightly
def test_the_address_brings_the_same_comparison_to_another_browser_and_onto_paper(
    compared: Site, chromium: Browser, page: Page
) -> None:
    page.get_by_label("Whose threshold").select_option(label="pca-few")
    data = Exported.of(page, "pca-few")
    page.get_by_label("Threshold, as a number").fill(repr(float(np.median(data.score))))
    page.get_by_label("Prevalence in per cent").fill("7")
    page.locator("#models").get_by_role("checkbox", name=re.compile("^pca-whole")).uncheck()
    expect(page).to_have_url(re.compile(r"models=[0-9a-f]{12},[0-9a-f]{12}&of=[0-9a-f]{12}&at=[\d.]+&prevalence=0\.07"))
    assert "f-" not in page.url, "no film, no study, no patient"
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the figures at this threshold as CSV").click()
    expect(page.locator(".toast").filter(has_text="Copied")).to_be_visible()
    (row,) = csv.DictReader(io.StringIO(page.evaluate("() => navigator.clipboard.readText()")))
    tiles = {name: shown(page, name) for name in ("sensitivity", "specificity", "ppv", "cleared", "missed")}
    assert [float(row[name]) for name in ("sensitivity", "specificity", "ppv")] == list(tiles.values())[:3]
    assert int(row["false_negatives"]) == tiles["missed"] and row["model"] == "pca-few"
    page.get_by_role("button", name="Copy the shortcut audit as Python").click()
    expect(page.locator(".toast").filter(has_text="shortcut audit as Python")).to_be_visible()
    program = page.evaluate("() => navigator.clipboard.readText()")
    assert "read_scores(TABLE, model='pca-few')" in program and compile(program, "copied", "exec")
    with chromium.new_context(viewport=WIDE) as context:  # type: ignore[arg-type]
        other = signed_in(context, compared, "lea")
        other.goto(page.url)
        ready(other)
        assert {name: shown(other, name) for name in tiles} == tiles
        assert other.locator("#models input:checked").count() == 2
        other.get_by_role("link", name="Report to print").click()
        expect(other.locator("#report")).not_to_have_attribute("aria-busy", "true", timeout=60_000)
        report = other.locator("#report")
        expect(report).to_contain_text("Research use only. Not a medical device. Not for diagnosis.")
        auroc = roc_auc_score(data.abnormal, data.score)
        expect(other.locator("#models tr", has=other.get_by_text("pca-few"))).to_contain_text(f"{auroc:.2f} (")
        expect(other.locator("#models tbody tr")).to_have_count(2)
        expect(other.locator("#at-threshold")).to_contain_text(f"{100 * tiles['sensitivity']:.1f} %")
        expect(other.locator("#difference-words")).to_contain_text("DeLong")
        other.emulate_media(media="print", color_scheme="dark")
        expect(other.locator("header.bar")).to_be_hidden()
        expect(other.locator("footer.limits")).to_be_visible()
        assert other.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        paper = other.pdf(format="A4")
        assert paper.startswith(b"%PDF-") and 1 <= paper.count(b"/Type /Page\n") <= 6
