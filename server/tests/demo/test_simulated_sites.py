"""Simulated sites: as many labelled films as were asked for, lesions that a reader sees, patients of their own."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from unseen.data.film import Film
from unseen.data.reading import films
from unseen_server.demo.simulated_sites import NORTH, SOUTH, SiteShare, write_sites


def shares(seed: int) -> list[SiteShare]:
    return [
        SiteShare(station=NORTH, normals=3, abnormals=4, seed=seed),
        SiteShare(station=SOUTH, normals=3, abnormals=4, seed=seed + 10),
    ]


def test_each_site_has_its_films_and_no_lesion_is_faint(tmp_path: Path) -> None:
    manifest = write_sites(shares(0), tmp_path, side=64)
    rows = list(csv.DictReader(manifest.open(encoding="utf-8", newline="")))
    for site in ("North", "South"):
        labels = [row["label"] for row in rows if row["source"] == site]
        assert (labels.count("normal"), labels.count("abnormal")) == (3, 4)
        assert labels != sorted(labels) and labels != sorted(labels, reverse=True), "mixed"
    assert {row["kind"] for row in rows} == {"none", "consolidation", "effusion", "pneumothorax"}
    assert {row["contrast"] for row in rows} <= {"none", "moderate", "obvious"}
    found = [film for film in films(manifest) if isinstance(film, Film)]
    assert len(found) == 14 and len({film.pixel_sha256 for film in found}) == 14
    assert {(film.source, film.tags["StationName"]) for film in found} == {("North", "North"), ("South", "South")}
    assert {film.label for film in found} == {"normal", "abnormal"}


@pytest.mark.nightly
def test_another_seed_is_other_patients(tmp_path: Path) -> None:
    first, second = (
        {(film.patient, film.pixel_sha256) for film in films(write_sites(shares(seed), tmp_path / str(seed), side=64))}
        for seed in (0, 1)
    )
    patients = [{patient for patient, _ in found} for found in (first, second)]
    assert not first & second and not patients[0] & patients[1]
    assert len(patients[0]) == 14
