"""The yardstick: classifiers that are given labels, of the other folds' films alone."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from studies.detectors import labelled_network
from studies.detectors.elsewhere import ROWS as ELSEWHERE
from studies.detectors.labelled import ROWS, labelled_elsewhere_row, labelled_row
from studies.detectors.page import detectors_page
from tests.studies.conftest import World, recipe_of
from unseen.data import phantoms
from unseen.data.film import Film


def shaded(film: Film) -> Film:
    """Darker towards its base, which a linear classifier learns from few films, and `pca` does not look for."""
    height, width = film.pixels.shape
    pixels = film.pixels * np.linspace(1.0, 0.4, height, dtype=np.float32)[:, None]
    return replace(film, pixels=np.broadcast_to(pixels, (height, width)).astype(film.pixels.dtype), label="abnormal")


def write_shaded(folder: Path, *, tested_swapped: bool) -> None:
    """30 phantoms without a lesion, half of them shaded and called abnormal; ten a fold. Where swapped, fold 1's labels
    are the other way round."""
    films = [shaded(film) if i % 2 else film for i, film in enumerate(phantoms.normals(30, seed=3, size=64))]
    manifest = phantoms.write(films, folder)
    with manifest.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    folds = [(i // 2) % 3 for i in range(len(rows))]
    for row, fold in zip(rows, folds, strict=True):
        if tested_swapped and fold == 1:
            row["label"] = "normal" if row["label"] == "abnormal" else "abnormal"
    with manifest.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    with (folder / "splits.csv").open("w", newline="", encoding="utf-8") as file:
        named = csv.DictWriter(file, ["file", "fold"])
        named.writeheader()
        named.writerows({"file": row["file"], "fold": fold} for row, fold in zip(rows, folds, strict=True))


@pytest.mark.parametrize("kind", ["linear", pytest.param("network", marks=pytest.mark.nightly)])
def test_it_learns_from_labels_of_other_folds_alone(
    kind: str, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for swapped in (False, True):
        data = tmp_path / str(swapped)
        write_shaded(data / "set", tested_swapped=swapped)
        monkeypatch.setenv("UNSEEN_DATA", str(data))
        monkeypatch.setattr(labelled_network, "STEPS", 60)
        found.append(labelled_row(kind, recipe_of("pca", "whole"), folds=(1,), root=tmp_path / "root"))
    told, swapped_row = found
    assert told["recipe"] == f"{ROWS}{kind}-pca-64-whole" and told["learnt"] == [{"normal": 10, "abnormal": 10}]
    auroc = told["metrics"]["auroc"]["pooled"]["value"]
    assert auroc > 0.9
    assert swapped_row["metrics"]["auroc"]["pooled"]["value"] == pytest.approx(1 - auroc)  # the scores are the same
    assert told["above"]["floor"]["pooled"]["films"] == 10
    page = detectors_page({told["recipe"]: json.loads(json.dumps(told, allow_nan=False))})
    assert "as `pca-64-whole` sees them, 32 px" in page and "(20 of them)" in page


@pytest.mark.nightly
def test_another_set_is_learnt_from_with_its_own_labels(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("set", "another"):
        write_shaded(tmp_path / "data" / name, tested_swapped=False)
    monkeypatch.setenv("UNSEEN_DATA", str(tmp_path / "data"))
    row = labelled_elsewhere_row("linear", recipe_of("pca", "whole"), "another", folds=(1, 2), root=tmp_path / "root")
    assert row["recipe"] == f"{ELSEWHERE}another/linear-pca-64-whole" and row["kind"] == "linear"
    came, matched = row["cells"]
    assert (came["matched"], matched["matched"]) == (False, True) and came["n"] == matched["n"]
    assert came["auroc"]["value"] > 0.9
    page = detectors_page({row["recipe"]: json.loads(json.dumps(row, allow_nan=False))})
    assert "| logistic regression on principal components, with labels | another, matched |" in page
