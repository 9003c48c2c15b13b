"""The age of a film's patient: from the age tag, else from the dates of its header."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.data.making import dicom
from unseen.data import Film, films
from unseen.data.patient_age import age_from_dates
from unseen.screening.gate.tag_checks import judge_tags

PIXELS = np.random.default_rng(0).integers(0, 4095, (48, 48), dtype=np.uint16)


def read(folder: Path, **tags: Any) -> Film:
    (folder / "film.dcm").write_bytes(dicom(PIXELS, bits=12, **tags))
    (film,) = films(folder)
    assert isinstance(film, Film)
    return film


@pytest.mark.parametrize(
    ("birth", "dates", "age"),
    [
        ("19820315", ["20260314"], "043Y"),
        ("19820315", ["20260315"], "044Y"),
        ("20100101", ["20251231"], "015Y"),
        ("20100101", ["20260101"], "016Y"),
        ("20240229", ["20260228"], "023M"),
        ("20260101", ["20260102"], "001D"),
        ("20260101", ["20260101"], "000D"),
        ("1982.03.15", ["2026-03-15"], "044Y"),
        ("19820315", ["", "nonsense", "20260315120000.000+0100"], "044Y"),
        ("19060102", ["20260101"], "119Y"),
    ],
)
def test_the_age_is_that_on_the_day_of_the_film(birth: str, dates: list[str], age: str) -> None:
    assert age_from_dates(birth, dates) == age


@pytest.mark.parametrize(
    ("birth", "dates"),
    [
        ("", ["20260101"]),
        ("19820315", []),
        ("19820315", ["", "x"]),
        ("20260102", ["20260101"]),
        ("19000101", ["20260101"]),
        ("00010101", ["20260101"]),
        ("18900101", ["20260101"]),
        ("19821315", ["20260101"]),
        ("19820230", ["20260101"]),
        ("1982", ["20260101"]),
        ("99999999", ["20260101"]),
    ],
)
def test_implausible_dates_give_no_age(birth: str, dates: list[str]) -> None:
    assert age_from_dates(birth, dates) is None


def test_a_child_without_an_age_tag_is_refused_by_its_birth_date(tmp_path: Path) -> None:
    film = read(tmp_path, PatientBirthDate="20200301", StudyDate="20260301", AcquisitionDate="20260302")
    assert film.tags["PatientAge"] == "006Y"
    refusal = judge_tags(film.tags, least_age_years=16)
    assert refusal is not None and refusal.kind == "age"
    assert "20200301" not in repr(film.tags), "the birth date names a person, and is not kept"


@pytest.mark.parametrize(("written", "age"), [("044Y", "044Y"), ("44", "006Y"), ("", "006Y")])
def test_an_age_tag_counts_before_the_dates_where_it_is_one(tmp_path: Path, written: str, age: str) -> None:
    tags = read(tmp_path, PatientAge=written, PatientBirthDate="20200301", StudyDate="20260301").tags
    assert tags["PatientAge"] == age


def test_an_adult_and_a_film_without_dates_are_not_refused(tmp_path: Path) -> None:
    adult = read(tmp_path, PatientBirthDate="19600301", StudyDate="20260301")
    unknown = read(tmp_path, StudyDate="20260301")
    assert judge_tags(adult.tags, least_age_years=16) is None
    assert "PatientAge" not in unknown.tags and judge_tags(unknown.tags, least_age_years=16) is None
