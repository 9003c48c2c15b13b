"""Suspects among the films to learn from, and what hidden abnormal films cost."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from studies.detectors.contamination import ROWS, contamination_row, dirtied, prepared
from studies.detectors.page import detectors_page
from tests.studies.conftest import World, recipe_of
from unseen.artifacts.recipe import Recipe, RecipeError
from unseen.data.film import Film
from unseen.runs.cohort import cohort_of
from unseen.runs.patient_folds import PARTS, dealt, seen
from unseen.runs.suspects import deviations, robust_deviations, suspects
from unseen.runs.training import detector_of, training_films


def quick(method: str = "pca") -> Recipe:
    return recipe_of(method, "whole")


def test_every_film_is_listed_by_a_detector_that_has_not_seen_it(world: World, tmp_path: Path) -> None:
    recipe = quick()
    found, not_read = suspects(recipe, root=tmp_path)
    films = cohort_of(recipe).training(None)
    assert {one.name for one in found} == {entry.name for entry in films.entries} and not not_read
    assert [one.deviations for one in found] == sorted((one.deviations for one in found), reverse=True)
    again, _ = suspects(recipe, root=tmp_path)
    assert again == found


def test_a_film_unlike_the_others_is_the_first_suspect(world: World, tmp_path: Path) -> None:
    """A folder whose normals hold one film upside down; where it lies changes no part and no figure."""
    from PIL import Image

    films = cohort_of(quick()).training(None).entries
    (tmp_path / "films").mkdir()
    for number, entry in enumerate(films):
        image = Image.open(entry.path)
        image = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM) if number == 7 else image
        image.save(tmp_path / "films" / f"{number:03}.png")
    found, _ = suspects(quick(), data=str(tmp_path / "films"), root=tmp_path / "runs")
    assert found[0].name.endswith("007.png") and found[0].deviations > found[1].deviations > 0
    moved = (tmp_path / "films").rename(tmp_path / "elsewhere")
    again, _ = suspects(quick(), data=str(moved), root=tmp_path / "runs")
    named = [[(Path(one.name).name, one.deviations, one.score) for one in listed] for listed in (found, again)]
    assert named[0] == named[1]


def test_it_is_the_first_suspect_however_the_films_are_dealt(world: World) -> None:
    recipe = quick()
    films, _ = training_films(recipe, fold=None, data=None)
    normals, _ = seen(detector_of(recipe), films)
    turned = dataclasses.replace(normals, images=normals.images.clone())
    turned.images[7] = turned.images[7].flip(-2)
    for deal in range(12):
        names = [hashlib.sha256(f"{deal} {one}".encode()).hexdigest() for one in normals.digests]
        found, _ = deviations(recipe, dataclasses.replace(turned, digests=tuple(names)), names)
        assert found.argmax() == 7, deal


def test_films_are_dealt_by_their_pixels_and_a_patients_films_together() -> None:
    draw = np.random.default_rng(0)
    digests = [draw.bytes(32).hex() for _ in range(40)]
    patients = [f"p{number // 2}" for number in range(40)]
    part = dealt(digests, patients)
    assert np.bincount(part).tolist() == [8] * PARTS and (part[::2] == part[1::2]).all()
    assert (dealt(digests, [f"elsewhere/{name}" for name in patients]) == part).all()
    order = draw.permutation(40)
    assert (dealt([digests[i] for i in order], [patients[i] for i in order]) == part[order]).all()


def test_deviations_are_robust() -> None:
    drawn = np.random.default_rng(0).normal(5, 2, 100_000)
    part = np.arange(100_000) % 2
    drawn[part == 1] += 100  # the other detector's scores begin elsewhere
    drawn[:1000] = 1e6
    found = robust_deviations(drawn, part)
    assert found[1000:].std() == pytest.approx(1, abs=0.03)
    assert [np.median(found[part == number]) for number in (0, 1)] == pytest.approx([0, 0], abs=1e-9)
    assert robust_deviations(np.ones(5), np.zeros(5, np.int64)).tolist() == [0.0] * 5


def test_too_few_films_are_refused(world: World, tmp_path: Path) -> None:
    source = world.data / "set"
    with (source / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["label"] == "normal"][:10]
    with (tmp_path / "few.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["file", "label"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows({**row, "file": source / row["file"]} for row in rows)
    with pytest.raises(RecipeError, match=f"fall into {PARTS} parts of .* 4 in each are needed"):
        suspects(quick(), data=str(tmp_path / "few.csv"), root=tmp_path)


def test_a_method_that_learns_from_unlabelled_films_is_refused(world: World, tmp_path: Path) -> None:
    recipe = quick().model_copy(update={"method": quick().method.model_copy(update={"key": "ddad", "settings": {}})})
    with pytest.raises(RecipeError, match="ddad learns from unlabelled films"):
        suspects(recipe, root=tmp_path)


def test_what_is_hidden_among_normals_is_abnormal_and_known(world: World, tmp_path: Path) -> None:
    recipe = quick()
    films = prepared(recipe, tmp_path)
    mixed, patients, hidden = dirtied(films, 0.25, 3)
    abnormal = {
        film.pixel_sha256: film.patient
        for fold in (1, 2)
        for film in cohort_of(recipe).testing(fold)
        if isinstance(film, Film) and film.label == "abnormal"
    }
    said = [digest for digest, ill in zip(mixed.digests, hidden, strict=True) if ill]
    assert len(said) == len(set(said)) == round(0.25 * len(films.patients)) and set(said) <= set(abnormal)
    assert [patient for patient, ill in zip(patients, hidden, strict=True) if ill] == [abnormal[one] for one in said]
    assert mixed.digests[: len(films.patients)] == films.normals.digests and len(mixed.images) == len(hidden)
    other = dirtied(films, 0.25, 4)[0]
    assert other.digests != mixed.digests and dirtied(films, 0.25, 3)[0].digests == mixed.digests
    clean = dirtied(films, 0.0, 3)
    assert clean[0].digests == films.normals.digests and not clean[2].any()


def test_hidden_films_are_counted_and_the_page_says_what_they_cost(world: World, tmp_path: Path) -> None:
    said: list[str] = []
    row = contamination_row(quick(), shares=(0.0, 0.25), seeds=(0, 1), root=tmp_path, say=said.append)
    row = json.loads(json.dumps(row, allow_nan=False))
    assert row["recipe"] == f"{ROWS}pca-64-whole" and row["device"] == "cpu" and len(said) == 4
    clean, dirty = row["shares"]
    assert clean["difference"]["value"] == 0 and clean["found"] is None and clean["hidden"] == 0
    assert dirty["hidden"] == round(0.25 * row["training_normals"])
    films, areas, hits = prepared(quick(), tmp_path), [], []
    for seed in (0, 1):
        mixed, patients, hidden = dirtied(films, 0.25, seed)
        listed, _ = deviations(quick(), mixed, patients)
        areas.append(roc_auc_score(hidden, listed))
        hits.append(hidden[np.argsort(-listed)[: hidden.sum()]].mean())
    assert dirty["suspects_auroc"] == pytest.approx(np.mean(areas), abs=1e-4)
    assert dirty["found"] == pytest.approx(np.mean(hits), abs=1e-4)
    assert dirty["difference"]["value"] == pytest.approx(dirty["auroc"]["value"] - clean["auroc"]["value"], abs=2e-6)
    page = detectors_page({f"{ROWS}pca-0": row})
    assert f"{dirty['hidden']} (25%)" in page and f"{dirty['suspects_auroc']:.2f}" in page
