"""A real archive takes the objects by DIMSE and by DICOMweb, keeps them with the film, and shows the same text."""

from __future__ import annotations

import io
import json
import subprocess
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest

from tests.pacs.film_headers import film_result, grey, headers, phantoms, study_result
from tests.pacs.orthanc_server import Orthanc, orthanc
from unseen_server.pacs.identifiers import is_ours
from unseen_server.pacs.objects import as_file, result_objects

__all__ = ["orthanc"]  # a fixture


def test_sent_twice_by_dimse_they_are_kept_once_in_the_films_study(
    orthanc: Orthanc, program: Callable[..., str], tmp_path: Path
) -> None:
    film = phantoms()["phantom CR"]
    orthanc.put(film)
    result = study_result(film_result(pydicom.dcmread(io.BytesIO(film), stop_before_pixels=True), pixels=grey()))
    made = result_objects(result, ["sr", "capture", "overlay"])
    files = [tmp_path / f"{one.Modality}.dcm" for one in made]
    for file, one in zip(files, made, strict=True):
        file.write_bytes(as_file(one))
    port = str(orthanc.dicom_port)
    for _ in range(2):
        subprocess.run([program("storescu"), "-aec", "ORTHANC", "127.0.0.1", port, *map(str, files)], check=True)
    assert len(orthanc.instances()) == 4
    (study,) = orthanc.json("/studies?expand")
    assert len(study["Series"]) == 4 and study["PatientMainDicomTags"]["PatientID"] == "phantom-abnormal-4-2"
    for one in made:
        kept = pydicom.dcmread(io.BytesIO(orthanc.file(one.SOPInstanceUID)))
        assert is_ours(kept)
        assert kept == pydicom.dcmread(io.BytesIO(as_file(one)))


def test_sent_by_stow_a_japanese_name_and_the_point_are_found_by_dicomweb(orthanc: Orthanc) -> None:
    film = headers()["Japanese, three writings"]
    (made,) = result_objects(study_result(film_result(film)), ["sr"])
    part = b"--part\r\nContent-Type: application/dicom\r\n\r\n" + as_file(made) + b"\r\n--part--\r\n"
    sent = urllib.request.Request(f"{orthanc.dicomweb}/studies", data=part)
    sent.add_header("Content-Type", 'multipart/related; type="application/dicom"; boundary=part')
    sent.add_header("Accept", "application/dicom+json")
    with urllib.request.urlopen(sent) as answer:
        assert "00081199" in json.loads(answer.read()), "Referenced SOP Sequence: what was stored (PS3.18, 10.5)"
    with urllib.request.urlopen(f"{orthanc.dicomweb}/studies/1.2.3/series/{made.SeriesInstanceUID}/metadata") as answer:
        (found,) = json.loads(answer.read())
    assert found["00100010"]["Value"] == [
        {"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎", "Phonetic": "やまだ^たろう"}
    ]
    assert [54.0, 18.0] in list(graphic_data(found))


@pytest.mark.nightly
def test_all_headers_are_imported(orthanc: Orthanc) -> None:
    films = headers()
    for name, film in films.items():
        (made,) = result_objects(study_result(film_result(film), site=name), ["sr"])
        assert orthanc.put(as_file(made))["Status"] == "Success", name
    assert len(orthanc.instances()) == len(films)


def graphic_data(item: object) -> list[object]:
    """Every Graphic Data (0070,0022) in a data set as DICOM JSON, however deep."""
    if isinstance(item, list):
        return [found for one in item for found in graphic_data(one)]
    if not isinstance(item, dict):
        return []
    own = [item["00700022"]["Value"]] if "00700022" in item else []
    return own + [found for value in item.values() for found in graphic_data(value)]
