"""The live page in a real Chromium: files, a folder and a broken file dropped; nothing acknowledged is lost."""

from __future__ import annotations

import base64
import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select

from tests.browser.conftest import SIDE, PageOf, Site, as_dicom, as_png, serving
from tests.data.making import dicom
from unseen.artifacts.bundle import card_of
from unseen.artifacts.research_only import LIMITS
from unseen.data import phantoms
from unseen_server.worklist.tables import audit, films

WAIT = 60_000


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, bundles: dict[str, Path]) -> Iterator[Site]:
    with serving(tmp_path_factory.mktemp("live") / "worklist", bundles) as site:
        yield site


@pytest.fixture
def page(live: Site, page_of: PageOf) -> Page:
    opened = page_of(live, "lea")
    opened.goto(f"{live.root}/live")
    return ready(opened)


def ready(page: Page) -> Page:
    expect(page.get_by_text("Drop films anywhere on this page")).to_be_visible()
    expect(page.locator("#sources option").first).to_be_attached()  # the page's script has run
    return page


def folder_of(folder: Path, seed: int) -> dict[str, bytes]:
    """A folder with a film of each format, one in a folder of its own, a broken one, and what systems leave behind."""
    one, two, three = phantoms.normals(3, seed=seed, size=SIDE)
    files = {
        "film 10.dcm": as_dicom(one),
        "film 9.png": as_png(two),
        "old/broken.dcm": as_dicom(three)[:5000],
        ".DS_Store": b"\0\0\0\1Bud1",
        "DICOMDIR": b"index",
    }
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return files


def drop(page: Page, *paths: Path) -> None:
    """Drag files over the page and drop them."""
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, "x": 640, "y": 300, "data": data})
        if kind == "dragOver":
            expect(page.get_by_text("Let go to score")).to_be_visible()
    expect(page.get_by_text("Let go to score")).to_be_hidden()


def all_done(page: Page) -> None:
    expect(page.locator("#going.over")).to_be_visible(timeout=WAIT)


def card(page: Page, name: str) -> Locator:
    return page.get_by_role("article", name=name, exact=True)


def rows(site: Site, source: str) -> list[Any]:
    with site.store() as store, store.database.reading() as connection:
        return list(connection.execute(select(films).where(films.c.source == source).order_by(films.c.id)).all())


def thumbnail(page: Page, name: str) -> np.ndarray[Any, Any]:
    """Return the pixels of the card's image, from a screenshot."""
    picture = card(page, name).locator("img")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.complete)")
    data = picture.evaluate(
        """image => {
          const canvas = document.createElement("canvas");
          Object.assign(canvas, { width: image.naturalWidth, height: image.naturalHeight });
          canvas.getContext("2d").drawImage(image, 0, 0);
          return canvas.toDataURL("image/png").split(",")[1];
        }"""
    )
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("L"))


def test_a_dicom_a_folder_and_a_broken_file_are_dropped(live: Site, page: Page, tmp_path: Path) -> None:
    files = folder_of(tmp_path / "ward 3", seed=301)
    (alone,) = phantoms.normals(1, seed=302, size=SIDE)
    (tmp_path / "alone.dcm").write_bytes(as_dicom(alone))
    page.get_by_label("Source").fill("ward 3")
    drop(page, tmp_path / "alone.dcm")
    all_done(page)
    drop(page, tmp_path / "ward 3")
    expect(page.get_by_text("2 files were left out")).to_be_visible()
    expect(page.locator("#progress-text")).to_have_text("4 of 4 sent · 3 scored · 1 could not be scored", timeout=WAIT)
    all_done(page)
    told = [one.get_attribute("aria-label") for one in page.locator(".film").all()]
    assert told == [
        "ward 3/film 9.png",
        "ward 3/film 10.dcm",
        "ward 3/old/broken.dcm",
        "alone.dcm",
    ]  # latest drop first

    kept = rows(live, "ward 3")
    assert len(kept) == 4
    sent = {(tmp_path / "alone.dcm").read_bytes(), *(data for name, data in files.items() if "." in name[1:])}
    with live.store() as store:
        assert {store.films.path(row.public_id).read_bytes() for row in kept} == sent
        for row in kept:
            shown = page.locator(f"[data-film='{row.public_id}']")
            (film,) = [
                one for one in store.studies.details(study_of(shown), blind=False).films if one.film == row.public_id
            ]
            scores = {finding.model: finding.score for finding in film.findings if finding.score is not None}
            if row.file_format is None:
                assert not scores
                expect(shown).to_contain_text("not scored")
                expect(shown).to_contain_text(store.studies.details(study_of(shown)).entry.reason.rstrip("."))
                continue
            assert len(scores) == 3  # every model that is loaded
            cells = [float(cell) for cell in shown.locator("td.score").all_text_contents()]
            assert sorted(cells) == pytest.approx(sorted(scores.values()), rel=5e-3)

    seen = thumbnail(page, "alone.dcm").astype(float)
    pixels = np.asarray(Image.fromarray(alone.pixels).resize(seen.shape[::-1], Image.Resampling.BOX))
    assert np.abs(seen - 255 * pixels).max() <= 1, "dense is white, nothing turned, and no window but the film's own"


def study_of(shown: Locator) -> str:
    href = shown.get_by_role("link", name="Open").get_attribute("href")
    assert href is not None
    return href.rsplit("/", 1)[1]


@pytest.mark.nightly  # dense is white: test_a_dicom_a_folder_and_a_broken_file_are_dropped
def test_a_monochrome1_film_is_shown_dense_white(live: Site, page: Page) -> None:
    (film,) = phantoms.normals(1, seed=303, size=SIDE)
    steps = np.asarray(np.round((1 - film.pixels) * 4095), dtype=np.uint16)
    data = dicom(steps, bits=12, ViewPosition="PA", PhotometricInterpretation="MONOCHROME1")
    page.set_input_files("#files", {"name": "inverted.dcm", "mimeType": "", "buffer": data})
    all_done(page)
    seen = thumbnail(page, "inverted.dcm").astype(float)
    pixels = np.asarray(Image.fromarray(film.pixels).resize(seen.shape[::-1], Image.Resampling.BOX))
    assert np.corrcoef(seen.ravel(), pixels.ravel())[0, 1] > 0.98


@pytest.mark.nightly
def test_files_and_folders_are_chosen_by_keyboard(live: Site, page: Page, tmp_path: Path) -> None:
    folder_of(tmp_path / "chosen", seed=304)
    for name, key in (("Choose files", "Enter"), ("Choose a folder", "Space")):
        field = page.get_by_label(name)
        for _ in range(20):
            page.keyboard.press("Tab")
            if field.evaluate("field => field === document.activeElement"):
                break
        expect(field).to_be_focused()
        outline = page.locator(f"label:text-is('{name}')").evaluate("label => getComputedStyle(label).outlineStyle")
        assert outline == "solid"  # the label is what is seen of the field
        with page.expect_file_chooser() as asked:
            field.press(key)
        asked.value.set_files(tmp_path / "chosen" if "folder" in name else tmp_path / "chosen" / "film 9.png")
        all_done(page)
    expect(page.locator("#progress-text")).to_have_text("4 of 4 sent · 3 scored · 1 could not be scored", timeout=WAIT)
    expect(card(page, "chosen/film 9.png")).to_contain_text("The same file was here already; nothing was stored twice.")
    expect(page.get_by_role("status").filter(has_text="All is done")).to_have_text(
        "All is done: 4 of 4 sent · 3 scored · 1 could not be scored."
    )


@pytest.mark.nightly  # stored once: web/test_films.py
def test_the_same_file_is_stored_once(live: Site, page: Page) -> None:
    (film,) = phantoms.normals(1, seed=305, size=SIDE)
    page.get_by_label("Source").fill("twice")
    for name in ("first.dcm", "second.dcm"):
        page.set_input_files("#files", {"name": name, "mimeType": "", "buffer": as_dicom(film)})
        all_done(page)
    assert len(rows(live, "twice")) == 1
    expect(card(page, "second.dcm")).to_contain_text("nothing was stored twice")
    expect(card(page, "first.dcm")).not_to_contain_text("nothing was stored twice")
    scores = [card(page, name).locator("td.score").all_text_contents() for name in ("first.dcm", "second.dcm")]
    assert scores[0] == scores[1] and len(scores[0]) == 3


@pytest.mark.nightly
def test_stopping_keeps_what_was_acknowledged_and_the_rest_can_be_sent(live: Site, page: Page) -> None:
    sent = [
        {"name": f"{number}.dcm", "mimeType": "", "buffer": as_dicom(film)}
        for number, film in enumerate(phantoms.normals(8, seed=306, size=SIDE))
    ]
    page.get_by_label("Source").fill("slow")
    network = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 40_000}
    network.send("Network.emulateNetworkConditions", slow)
    page.set_input_files("#files", sent)  # type: ignore[arg-type]
    page.get_by_role("button", name="Stop sending").click()
    expect(page.locator("#progress-text")).to_contain_text("5 not sent")  # three are on their way at a time
    all_done(page)
    expect(page.locator("#progress-text")).to_contain_text("3 of 3 sent")
    assert len(rows(live, "slow")) == 3
    network.send("Network.emulateNetworkConditions", slow | {"uploadThroughput": -1})
    page.get_by_role("button", name="Send again").click()
    expect(page.locator("#progress-text")).to_have_text("8 of 8 sent · 8 scored", timeout=WAIT)
    network.detach()
    assert len(rows(live, "slow")) == 8


@pytest.mark.nightly
def test_films_come_back_after_a_reload(live: Site, page: Page) -> None:
    (film,) = phantoms.normals(1, seed=307, size=SIDE)
    page.set_input_files("#files", {"name": "Doe^Jane.dcm", "mimeType": "", "buffer": as_dicom(film)})
    expect(page.locator("#progress-text")).to_contain_text("1 of 1 sent")
    page.reload()
    expect(page.locator(".film")).to_have_count(1, timeout=WAIT)
    all_done(page)
    expect(page.locator(".film")).not_to_contain_text("Doe")  # the browser keeps no name, and the server a pseudonym
    expect(page.locator(".film h3 bdi")).to_have_text(re.compile(r"^f-[0-9a-f]{20}$"))
    page.get_by_role("button", name="Empty this page").click()
    expect(page.locator(".film")).to_have_count(0)
    page.reload()
    expect(page.locator("#going")).to_be_hidden()


@pytest.mark.nightly
def test_the_table_holds_the_scores_of_the_store(live: Site, page: Page, bundles: dict[str, Path]) -> None:
    (film,) = phantoms.normals(1, seed=308, size=SIDE)
    page.get_by_label("Source").fill('a "quoted", source')
    page.set_input_files(
        "#files",
        [
            {"name": "=1+1.dcm", "mimeType": "", "buffer": as_dicom(film)},
            {"name": "broken.dcm", "mimeType": "", "buffer": as_dicom(film)[:4000]},
        ],
    )
    all_done(page)
    with page.expect_download() as asked:
        page.get_by_role("button", name="Table as CSV").click()
    assert asked.value.suggested_filename == "scores.csv"
    found = list(csv.DictReader(io.StringIO(Path(asked.value.path()).read_text(encoding="utf-8"), newline="")))
    assert [row["limits"] for row in found] == [LIMITS] * 2
    good, broken = found
    assert good["file"] == "'=1+1.dcm"  # no formula for a spreadsheet
    assert good["source"] == 'a "quoted", source'
    assert broken["result"] == "not scored" and "Pixel Data" in broken["reason"]
    names = {card_of(folder).weights_sha256: name for name, folder in bundles.items()}
    with live.store() as store:
        (kept,) = [one for one in store.studies.details(good["study"], blind=False).films if one.film == good["film"]]
    for finding in kept.findings:
        assert float(good[f"{names[finding.model]} score"]) == finding.score
        assert good[f"{names[finding.model]} percentile"] == ""
        assert good[f"{names[finding.model]} reference"].startswith("no reference: this model keeps no scores of its")
        assert broken[f"{names[finding.model]} score"] == ""


@pytest.mark.nightly
def test_each_film_is_measured_from_drop_to_score(live: Site, page: Page) -> None:
    sent = list(phantoms.normals(2, seed=309, size=SIDE))
    page.set_input_files(
        "#files", [{"name": f"{n}.dcm", "mimeType": "", "buffer": as_dicom(film)} for n, film in enumerate(sent)]
    )
    all_done(page)
    measured = page.evaluate(
        "performance.getEntriesByName('drop-to-score').map(one => ({ ms: one.duration, film: one.detail.film }))"
    )
    assert {one["film"] for one in measured} == {one.get_attribute("data-film") for one in page.locator(".film").all()}
    assert all(0 < one["ms"] < WAIT for one in measured)


@pytest.mark.nightly  # what readers are told: web/test_viewing.py
def test_a_reader_where_a_policy_clears_sees_no_score(clearing: Site, page_of: PageOf) -> None:
    page = page_of(clearing, "ann")
    page.goto(f"{clearing.root}/live")
    ready(page)
    expect(page.locator("body")).to_have_attribute("data-blind", "yes")
    expect(page.get_by_label("Source").locator("option")).to_have_text(["unknown"])  # a reader cannot name another
    asked: list[str] = []
    said: list[str] = []
    hear = lambda request: asked.append(request.url)  # noqa: E731
    read = lambda answer: said.append(answer.text()) if "/api/v1/films/f-" in answer.url else None  # noqa: E731
    page.on("request", hear)
    page.on("response", read)
    good, bad = phantoms.twins(1, seed=310, size=SIDE)
    page.set_input_files(
        "#files",
        [
            {"name": "ill.dcm", "mimeType": "", "buffer": as_dicom(bad)},
            {"name": "broken.dcm", "mimeType": "", "buffer": as_dicom(good)[:4000]},
        ],
    )
    all_done(page)
    expect(card(page, "ill.dcm")).to_contain_text("Scores are not shown where a policy clears.")
    expect(card(page, "broken.dcm")).to_contain_text("Pixel Data has")
    expect(page.locator("td.score")).to_have_count(0)
    expect(page.get_by_role("link", name="Compare")).to_have_count(1)  # the bar's own
    page.remove_listener("request", hear)
    page.remove_listener("response", read)
    assert not [url for url in asked if url.endswith("/look")]
    with clearing.store() as store, store.database.reading() as connection:
        scores = [
            one.score
            for row in connection.execute(select(films)).all()
            if row.source == "unknown"
            for one in store.studies.details(_study(page, row.public_id), blind=False).films[0].findings
            if one.score is not None
        ]
        assert connection.execute(select(audit.c.seq).where(audit.c.action == "study.judged")).first() is not None
    assert len(scores) == 1
    for score in scores:
        assert not [text for text in said if repr(score)[:8] in text]


def _study(page: Page, film: str) -> str:
    return study_of(page.locator(f"[data-film='{film}']"))
