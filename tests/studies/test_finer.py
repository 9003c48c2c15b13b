"""Recipes at twice their size, beside themselves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from torch import Tensor

from studies import crossfit
from studies.crossfit import cross_fit, tables_of
from studies.detectors import labelled_network
from studies.detectors.finer import ROWS, finer_row, labelled_finer_row
from studies.detectors.page import detectors_page
from tests.studies.conftest import FOLDS, AtOnce, World, recipe_of
from tests.studies.test_labelled import write_shaded
from unseen.evaluation.delong import delong_test


def test_a_recipe_at_twice_its_size_is_set_beside_itself(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crossfit, "worker_processes", AtOnce)
    recipe = world.recipes[0]
    row = finer_row(recipe, folds=FOLDS, root=world.root, workers=1)
    assert row["recipe"] == f"{ROWS}{recipe.short}" and row["px"] == [32, 64]
    twice = recipe.model_copy(update={"view": {**recipe.view, "size": 64}})
    own, finer = (
        tables_of(cross_fit([one], folds=FOLDS, root=world.root, workers=1, say=lambda said: None)[one.name])
        for one in (recipe, twice)
    )
    both = own.join(finer.select("pixel_sha256", twice="score"), on="pixel_sha256").drop_nulls(["score", "twice"])
    assert (both["score"] != both["twice"]).any()
    expected = delong_test(
        both["twice"].to_numpy(),
        both["score"].to_numpy(),
        (both["label"] == "abnormal").to_numpy(),
        fold=both["fold"].to_numpy(),
    )
    found = row["above"]["itself"]["pooled"]
    # rows keep six decimals: one figure is off by 5e-7 at most, a difference of two beside a third by 1.5e-6
    assert found["value"] == pytest.approx(expected.difference.value, abs=1e-6) and found["films"] == len(both)
    differ = row["metrics"]["auroc"]["pooled"]["value"] - row["before"]["auroc"]["pooled"]["value"]
    assert found["value"] == pytest.approx(differ, abs=2e-6)
    page = detectors_page({row["recipe"]: json.loads(json.dumps(row, allow_nan=False))})
    assert "64 px instead of 32" in page and f"| `{recipe.short}` |" in page.partition("## Higher resolution")[2]


def test_the_classifier_that_is_given_labels_is_trained_at_both_sizes(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_shaded(tmp_path / "data" / "set", tested_swapped=False)
    monkeypatch.setenv("UNSEEN_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(labelled_network, "STEPS", 20)
    sizes = []
    train = labelled_network.train

    def seen(learner: object, tensors: tuple[Tensor, ...], *given: object, **told: object) -> object:
        sizes.append((tensors[0].shape[-1], told["folder"]))
        return train(learner, tensors, *given, **told)  # type: ignore[arg-type]

    monkeypatch.setattr(labelled_network, "train", seen)
    row = labelled_finer_row("network", recipe_of("pca", "whole"), folds=(1,), root=tmp_path / "root")
    assert [size for size, _ in sizes] == [32, 64] and sizes[0][1] != sizes[1][1]
    assert row["kind"] == "network" and row["recipe"] == f"{ROWS}network-pca-64-whole"
    page = detectors_page({row["recipe"]: json.loads(json.dumps(row, allow_nan=False))})
    assert "| the network of `anatpaste`, with labels |" in page.partition("## Higher resolution")[2]
