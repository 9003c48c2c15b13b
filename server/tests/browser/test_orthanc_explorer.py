"""Orthanc's own pages in a real Chromium: our report stands in the film's study, and is the file that is downloaded."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable

import pydicom
import pytest
from playwright.sync_api import BrowserContext, expect

from tests.pacs.film_headers import film_result, phantoms, study_result
from tests.pacs.orthanc_server import Orthanc, orthanc
from unseen.artifacts.research_only import LIMITS
from unseen_server.pacs.objects import as_file, result_objects

__all__ = ["orthanc"]  # a fixture


@pytest.mark.nightly
def test_the_report_is_listed_beside_the_film_and_its_download_has_the_text(
    orthanc: Orthanc, context: BrowserContext, program: Callable[..., str]
) -> None:
    film = phantoms()["phantom CR"]
    orthanc.put(film)
    (report,) = result_objects(study_result(film_result(pydicom.dcmread(io.BytesIO(film)))), ["sr"])
    study = orthanc.put(as_file(report))["ParentStudy"]
    page = context.new_page()
    page.goto(f"{orthanc.url}/app/explorer.html#study?uuid={study}")
    series = page.locator("#list-series li")
    expect(series.filter(has_text="Modality: CR")).to_have_count(1)
    series.filter(has_text="Modality: SR").get_by_text("Research use only: report by unseen").click()
    page.locator("#list-instances").get_by_text(f"SOPInstanceUID: {report.SOPInstanceUID}").click()
    tags = page.locator("#dicom-tree")
    expect(tags).to_contain_text("(VerificationFlag): UNVERIFIED")
    expect(tags).to_contain_text("(PreliminaryFlag): PRELIMINARY")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the DICOM file").click()
    dumped = subprocess.run(
        [program("dsrdump"), "+Pl", download.value.path()], capture_output=True, text=True, check=True
    ).stdout
    for text in ('"Decision")=(read,99UNSEEN,"To be read")', "(POINT,86.4000015/38.4000015)", LIMITS):
        assert text in dumped, dumped
