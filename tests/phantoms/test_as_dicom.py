"""Phantoms as DICOM: what a reader sees is the exposure itself, in twelve bits, whichever way round it is stored."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest

from unseen.data.film import Film
from unseen.data.manifest import Entry
from unseen.data.phantoms.dicom_phantoms import Station, as_dicom
from unseen.data.phantoms.sequences import Case, draw_exposed, draw_film, draw_healthy
from unseen.data.reading import read_film

CASE = Case(seed=4, stream="abnormal", index=2, size=128, kind="effusion")
NORTH = Station(name="North")
SOUTH = Station(name="South", modality="DX", photometric="MONOCHROME1")


def written(station: Station, case: Case = CASE) -> bytes:
    healthy = draw_healthy(case)
    return as_dicom(case, healthy, draw_exposed(case, healthy), station)


@pytest.mark.parametrize("station", [NORTH, SOUTH], ids=lambda station: station.name)
def test_the_film_that_is_read_is_the_exposure(tmp_path: Path, station: Station) -> None:
    path = tmp_path / "film.dcm"
    path.write_bytes(written(station))
    film = read_film(Entry(name="film", path=path, source="ward", patient="p", study="s"))
    assert isinstance(film, Film), film
    healthy = draw_healthy(CASE)
    assert np.abs(film.pixels - draw_exposed(CASE, healthy).grey).max() <= 0.501 / 4095
    phantom = draw_film(CASE, healthy)
    assert np.abs(film.pixels - phantom.pixels).max() <= 0.501 / 255 + 0.501 / 4095
    assert (film.bits, film.view_position, film.tags["StationName"]) == (12, "PA", station.name)
    assert film.spacing_mm == pytest.approx(phantom.spacing_mm, abs=1e-5)
    assert len(np.unique(film.pixels)) > 256


def test_monochrome1_is_stored_the_other_way_round() -> None:
    north, south = (pydicom.dcmread(io.BytesIO(written(station))) for station in (NORTH, SOUTH))
    assert np.array_equal(north.pixel_array, 4095 - south.pixel_array)
    assert (south.PhotometricInterpretation, south.PresentationLUTShape) == ("MONOCHROME1", "INVERSE")


def test_the_same_case_gives_the_same_bytes_and_another_one_another_study() -> None:
    assert written(NORTH) == written(NORTH)
    names = {pydicom.dcmread(io.BytesIO(data)).StudyInstanceUID for data in (written(NORTH), written(SOUTH))}
    other = Case(seed=4, stream="abnormal", index=3, size=128, kind="effusion")
    assert len(names | {pydicom.dcmread(io.BytesIO(written(NORTH, other))).StudyInstanceUID}) == 3


@pytest.mark.parametrize("station", [NORTH, SOUTH], ids=lambda station: station.name)
def test_another_toolkit_reads_it(tmp_path: Path, program: Callable[..., str], station: Station) -> None:
    path = tmp_path / "film.dcm"
    path.write_bytes(written(station))
    done = subprocess.run(
        [program("dcmconv"), "+ti", str(path), str(tmp_path / "again.dcm")], capture_output=True, text=True
    )
    assert done.returncode == 0 and "E:" not in done.stderr, done.stderr
    again = pydicom.dcmread(tmp_path / "again.dcm")
    assert np.array_equal(again.pixel_array, pydicom.dcmread(path).pixel_array)
