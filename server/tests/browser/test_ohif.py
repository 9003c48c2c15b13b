"""OHIF in a real Chromium, before an archive: our report's point stands on the film, and a report without one is text.

With UNSEEN_SCREENSHOTS=docs/images/pages the image goes there (`make screenshots`).
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pydicom
import pytest
from playwright.sync_api import Browser, Locator, Page, Playwright, TimeoutError, expect
from pydicom.dataset import Dataset

from conftest import absent
from tests.browser import ohif
from tests.browser.conftest import keep_image
from tests.pacs.film_headers import phantoms, study_result
from tests.pacs.orthanc_server import Orthanc, free_ports, start_orthanc
from tests.web.running import Running, until
from unseen.artifacts.research_only import LIMITS
from unseen.data.phantoms.dicom_phantoms import Station
from unseen_server.demo.simulated_sites import SiteShare, write_sites
from unseen_server.pacs.config import PacsConfig
from unseen_server.pacs.node import Node
from unseen_server.pacs.objects import as_file, result_objects
from unseen_server.pacs.study_result import DECISIONS, FilmResult
from unseen_server.worklist.store import Store

pytestmark = pytest.mark.nightly
PATIENCE_MS = 120_000  # a processor draws what a graphics card would
# Chromium's own renderer of WebGL in software
WEBGL = ("--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
SIDE = 512
REPORT = "Research use only: report by unseen"
AGAIN = 4


@pytest.fixture(scope="module")
def chromium_with_webgl(playwright: Playwright, program: Callable[..., str]) -> Iterator[Browser]:
    path = program("chromium-headless-shell", "chromium")
    browser = playwright.chromium.launch(executable_path=path, args=list(WEBGL))
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def viewer(program: Callable[..., str]) -> Path:
    """OHIF's files."""
    try:
        return ohif.packaged(program("npm"))
    except ohif.OhifError as error:
        absent(f"{error}.")


@pytest.fixture
def reported(tmp_path: Path, bundles: dict[str, Path], program: Callable[..., str]) -> Iterator[Orthanc]:
    """An archive with a phantom that has a consolidation, and with the report that the node has sent on it."""
    write_sites(
        [SiteShare(station=Station(name="Phantoms"), normals=0, abnormals=1, seed=8)], tmp_path / "phantoms", side=SIDE
    )
    (film,) = (tmp_path / "phantoms" / "films").iterdir()
    (port,) = free_ports(1)
    peers = {"triage": ("TRIAGE", "127.0.0.1", port)}
    home = tmp_path / "worklist"
    with start_orthanc(tmp_path / "orthanc", modalities=peers, program=program("Orthanc")) as archive:
        peer = {"name": "archive", "ae_title": "ORTHANC", "host": "127.0.0.1", "port": archive.dicom_port}
        config = PacsConfig.model_validate(
            {"host": "127.0.0.1", "port": port, "settle_s": 1, "peers": [peer | {"send": ["sr"]}]}
        )
        with (
            Running("--folder", home, "--port", "0", "--model", bundles["pca"]) as server,
            Store.open(home) as store,
            Node(config, store),
        ):
            server.started()
            stored = archive.put(film.read_bytes())
            archive.json("/modalities/triage/store", data=json.dumps([stored["ID"]]).encode())
            until(lambda: bool(store.outbox.list(state="kept")), 120)
        yield archive


def test_the_point_is_drawn_where_the_report_has_it(
    reported: Orthanc, viewer: Path, chromium_with_webgl: Browser
) -> None:
    objects = [pydicom.dcmread(io.BytesIO(reported.file(uid))) for uid in reported.instances()]
    (report,) = (one for one in objects if one.Modality == "SR")
    tracking, (column, row), score = point_of(report)
    with opened(chromium_with_webgl, viewer, reported, report) as page:
        label = page.locator(f'svg.svg-layer g[data-annotation-uid="{tracking}"]')
        for _ in range(AGAIN):  # on a busy machine OHIF draws no point if the film is drawn after it
            if not shown_within(label, PATIENCE_MS / AGAIN):
                page.locator("[data-cy=study-browser-thumbnail]").first.dblclick()
                page.get_by_text(REPORT).dblclick()
        expect(label).to_have_text(f"Anomaly score: {score:.2f} 1", timeout=PATIENCE_MS)
        question = page.get_by_role("button", name="No", exact=True)  # on measurements of the reader's own
        if question.count():  # it is asked once
            question.click()
        page.mouse.move(5, 715)
        expect(question).to_have_count(0)
        keep_image(page, "ohif")
        width, height = page.locator("svg.svg-layer").evaluate("one => [one.clientWidth, one.clientHeight]")
        tip = page.locator("svg.svg-layer > line").first.evaluate("one => [one.x2.baseVal.value, one.y2.baseVal.value]")
    scale = min(width, height) / SIDE  # the whole film, in the middle
    drawn = [(at - (room - SIDE * scale) / 2) / scale for at, room in zip(tip, (width, height), strict=True)]
    assert drawn == pytest.approx([column, row], abs=1.0), "pixels of the film"


def test_a_report_without_a_point_is_shown_as_text(
    tmp_path: Path, viewer: Path, chromium_with_webgl: Browser, program: Callable[..., str]
) -> None:
    film = phantoms()["phantom CR"]
    header = pydicom.dcmread(io.BytesIO(film), stop_before_pixels=True)
    unscored = study_result(FilmResult(header=header), action="not_scored", probability=None, reason="It is a lateral.")
    (report,) = result_objects(unscored, ["sr"])
    with start_orthanc(tmp_path / "orthanc", program=program("Orthanc")) as archive:
        archive.put(film)
        archive.put(as_file(report))
        with opened(chromium_with_webgl, viewer, archive, report) as page:
            shown = page.locator("[data-cy=viewport-grid]")
            for text in ("X-Ray Report", DECISIONS["not_scored"], "It is a lateral.", LIMITS):
                expect(shown).to_contain_text(text, timeout=PATIENCE_MS)


@contextmanager
def opened(chromium: Browser, viewer: Path, archive: Orthanc, report: Dataset) -> Iterator[Page]:
    """OHIF with the report's study, where a double-click on the report was made; an error of its scripts fails."""
    with (
        ohif.serving(viewer, dicomweb=archive.dicomweb) as url,
        chromium.new_context(viewport={"width": 1280, "height": 720}) as context,
    ):
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda one: errors.append(one.text) if "Error Boundary" in one.text else None)
        page.goto(f"{url}/viewer?StudyInstanceUIDs={report.StudyInstanceUID}")
        page.get_by_text("Skip all").click()  # the tour
        page.get_by_text(REPORT).dblclick()
        yield page
        assert errors == []


def shown_within(label: Locator, milliseconds: float) -> bool:
    try:
        label.wait_for(timeout=milliseconds)
    except TimeoutError:
        return False
    return True


def point_of(report: Dataset) -> tuple[str, tuple[float, float], float]:
    """Return the tracking identifier, the point (column, row) and the score of a report with one measurement group."""
    (measurements,) = (one for one in report.ContentSequence if meaning(one) == "Imaging Measurements")
    (group,) = measurements.ContentSequence
    found = {meaning(one): one for one in group.ContentSequence}
    column, row = found["Image Region"].GraphicData
    score = found["Anomaly score"].MeasuredValueSequence[0].NumericValue
    return str(found["Tracking Unique Identifier"].UID), (column, row), float(score)


def meaning(item: Dataset) -> str:
    return str(item.ConceptNameCodeSequence[0].CodeMeaning)
