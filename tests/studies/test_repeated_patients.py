"""The numbers of films and patients that pages state are those of the sets' manifests."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from studies.pages.repeated_patients import FILMS_AND_PATIENTS


@pytest.mark.parametrize("name", FILMS_AND_PATIENTS)
def test_the_stated_numbers_are_the_manifests(name: str, shared_data: Path) -> None:
    with (shared_data / name / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert FILMS_AND_PATIENTS[name] == (len(rows), len({row["patient"] for row in rows}))
