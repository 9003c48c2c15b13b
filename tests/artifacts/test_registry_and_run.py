"""Names to classes, and where a run lies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from unseen.artifacts.recipe import Recipe
from unseen.artifacts.registry import Registry, UnknownName
from unseen.artifacts.run_folder import Run, runs_root

REGISTRY = Registry(package="artifacts", kind="thing", names={"run-folder": "run_folder:Run", "gone": "nowhere:Gone"})


def test_a_key_loads_its_class_and_listing_imports_nothing() -> None:
    assert list(REGISTRY) == ["run-folder", "gone"] and len(REGISTRY) == 2
    assert REGISTRY.load("run-folder") is Run


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("run_folder", 'thing "run_folder": unknown; did you mean run-folder?'),
        ("xyz", 'thing "xyz": unknown; known: gone, run-folder'),
        ("run_folder:Run", 'thing "run_folder:Run": unknown'),
    ],
)
def test_an_unknown_key_names_the_nearest(key: str, expected: str) -> None:
    with pytest.raises(UnknownName) as caught:
        REGISTRY.load(key)
    assert str(caught.value).startswith(expected)


def test_runs_lie_below_the_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UNSEEN_RUNS", raising=False)
    assert runs_root() == Path("runs")
    monkeypatch.setenv("UNSEEN_RUNS", "/somewhere/else")
    run = Run.named("ms_cxr/pca", fold=2, seed=7, digest="fedcba9876543210")
    assert run.folder == Path("/somewhere/else/ms_cxr/pca-f2-7-fedcba98")
    assert Run.named("pca", fold=None, seed=7, digest="fedcba98", root=Path("r")).folder == Path("r/pca-7-fedcba98")


def test_a_run_holds_its_recipe_and_its_metrics(tmp_path: Path) -> None:
    run = Run(tmp_path / "a" / "b")
    recipe = Recipe.from_toml('name = "b"\n[method]\nkey = "pca"\n')
    run.write_recipe(recipe)
    run.write_metrics({"auroc": 0.5, "patient": "ünï"})
    assert Recipe.from_toml(run.recipe.read_text()) == recipe
    assert json.loads(run.metrics.read_text()) == {"auroc": 0.5, "patient": "ünï"}
    with pytest.raises(ValueError, match="not JSON compliant"):
        run.write_metrics({"auroc": float("nan")})
    assert [path.name for path in (run.log, run.checkpoint, run.bundle)] == ["log.csv", "checkpoint.pt", "bundle"]
