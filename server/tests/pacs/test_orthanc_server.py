"""The archive of the tests: it takes films by both of its doors, and keeps them over an outage."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.data.making import data_set, ramp, written
from tests.pacs.orthanc_server import Orthanc, OrthancError, free_ports, orthanc, start_orthanc

__all__ = ["orthanc"]  # a fixture
TAGS = {"StudyInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.3.1", "PatientID": "p"}


def test_what_it_stored_outlives_an_outage_and_dicomweb_finds_it(
    orthanc: Orthanc, program: Callable[..., str], tmp_path: Path
) -> None:
    film = written(data_set(ramp(), bits=8, **TAGS))
    (tmp_path / "film.dcm").write_bytes(film)
    port = str(orthanc.dicom_port)
    subprocess.run([program("storescu"), "-aec", "ORTHANC", "127.0.0.1", port, str(tmp_path / "film.dcm")], check=True)
    assert orthanc.put(film)["Status"] == "AlreadyStored"
    orthanc.stop(kill=True)
    with pytest.raises(urllib.error.URLError):
        orthanc.instances()
    orthanc.start()
    assert list(orthanc.instances()) == ["1.2.3.4"]
    with urllib.request.urlopen(f"{orthanc.dicomweb}/studies") as answer:
        (study,) = json.loads(answer.read())
    assert study["0020000D"]["Value"] == ["1.2.3"]


def test_one_that_cannot_start_shows_why(program: Callable[..., str], tmp_path: Path) -> None:
    missing = {"peer": {"AET": "PEER"}}
    with (
        pytest.raises(OrthancError, match="status"),
        start_orthanc(tmp_path / "orthanc", modalities=missing, program=program("Orthanc")),
    ):
        pass


def test_free_ports_differ() -> None:
    assert len(set(free_ports(20))) == 20
