"""User films that are trained on: labels by the folders normal and abnormal alone; a blank label is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from unseen.artifacts.recipe import RecipeError
from unseen.data import phantoms
from unseen.data.label_names import LabelNames
from unseen.detectors.detector import FitError
from unseen.detectors.pca import Pca
from unseen.runs.cohort import own_films, own_normals


def test_folders_called_normal_and_otherwise_are_not_trained_on_together(tmp_path: Path) -> None:
    for name, films in (("Normal", phantoms.normals(2, size=64)), ("pneumonia", phantoms.abnormals(1, size=64))):
        written = phantoms.write(films, tmp_path / "made" / name).parent / "films"
        (tmp_path / "chest").mkdir(exist_ok=True)
        written.rename(tmp_path / "chest" / name)
    with pytest.raises(RecipeError, match=r"Normal, pneumonia.*`normal="):
        own_films(str(tmp_path / "chest"))
    named = own_films(str(tmp_path / "chest"), LabelNames(normal=("Normal",)))
    assert len(own_normals(named).films.entries) == 2


def test_a_film_without_a_label_among_labelled_ones_is_left_aside(tmp_path: Path) -> None:
    manifest = phantoms.write(phantoms.normals(3, size=64), tmp_path)
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace(",normal,", ",,", 1), encoding="utf-8")
    assert len(own_normals(str(manifest)).films.entries) == 2
    manifest.write_text(text.replace(",normal,", ",,"), encoding="utf-8")
    assert len(own_normals(str(manifest)).films.entries) == 3


def test_the_folders_normal_and_abnormal_label_their_films(tmp_path: Path) -> None:
    for name, drawn in (("Normal", phantoms.normals(2, size=64)), ("abnormal", phantoms.abnormals(1, size=64))):
        written = phantoms.write(drawn, tmp_path / "made" / name).parent / "films"
        (tmp_path / "chest").mkdir(exist_ok=True)
        written.rename(tmp_path / "chest" / name)
    listed = own_films(str(tmp_path / "chest"))
    assert sorted(str(entry.label) for entry in listed.entries) == ["abnormal", "normal", "normal"]
    assert len(own_normals(listed).films.entries) == 2
    with pytest.raises(FitError, match=r"labelled abnormal.*Give these alone"):
        Pca(size=32, components=2).fit(tmp_path / "chest", finder="models/lungs")
