"""The rule by which one detector is worth the test folds."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from studies import crossfit
from studies.crossfit import cross_fit
from studies.detectors import __main__ as command
from studies.detectors import opening
from studies.detectors.development import RECIPES, ROWS, TWINS, phantom_row
from studies.detectors.generalisation import ROWS as MATRICES
from studies.detectors.nomination import TESTED, candidates, nominated, openings
from studies.detectors.opening import opened
from studies.detectors.page import detectors_page
from studies.pages.sections import SOURCES
from studies.row_files import read_study, write_row
from tests.docs.blocks import ROOT
from tests.studies.conftest import FOLDS, AtOnce, World
from unseen.artifacts.recipe import RecipeError

# Any: JSON


def row(pooled: float, adjusted: float, *, montgomery: float = 0.9, method: str = "dae") -> dict[str, Any]:
    def figure(value: float) -> dict[str, float]:
        return {"value": value, "low": value - 0.1, "high": value + 0.1}

    return {
        "recipe": f"{ROWS}x", "seed": 0, "device": "cpu", "date": "2026-01-01", "px": 64, "seconds": 1.0, "kept": 5,
        "milliseconds": 4.0, "method": method, "unlabelled": 0, "folds": {"1": {"facts": {}}, "2": {"facts": {}}},
        "above_shortcut": {group: {**figure(0.1), "words": "mean |Laplacian|", "strength": 0.78} for group in SOURCES},
        "above": {
            "floor": {group: figure(0.05) for group in SOURCES},
            "shortcut": {group: {**figure(0.1), "words": "spread", "strength": 0.7} for group in SOURCES},
        },
        "metrics": {
            "auroc": {"pooled": figure(pooled), "shenzhen": figure(pooled), "montgomery": figure(montgomery)},
            "adjusted": {group: figure(adjusted) for group in SOURCES},
            "site": {"a|b": figure(0.5)},
            "n": {"pooled": {"normal": 7, "abnormal": 8}},
        },
    }  # fmt: skip


def twins(low: float) -> dict[str, Any]:
    told = {"value": low + 0.1, "low": low, "high": low + 0.2}
    place = {"average_precision": told, "hit_rate": told, "chance": 0.08}
    return {
        "recipe": f"{TWINS}x",
        "pairs": 10,
        "facts": {},
        "metrics": {
            "auroc": {"pooled": told},
            "by_kind": {"nodule": told},
            "localisation": {"pooled": place, "nodule": place},
        },
    }


ALL = {
    f"{ROWS}pca-0": row(0.75, 0.6),
    f"{ROWS}sharp-0": row(0.95, 0.55),
    f"{ROWS}good-0": row(0.85, 0.75, method="ensemble"),
    f"{ROWS}quick-0": row(0.8, 0.69),
    f"{ROWS}better-0": row(0.86, 0.78),
    f"{ROWS}lopsided-0": row(0.9, 0.9, montgomery=0.6),
    f"{TWINS}pca-0": twins(0.6),
    f"{TWINS}sharp-0": twins(0.6),
    f"{TWINS}good-0": twins(0.6),
    f"{TWINS}quick-0": twins(0.6),
    f"{TWINS}better-0": twins(0.45),
    f"{TWINS}lopsided-0": twins(0.6),
}


def test_the_highest_index_of_those_that_nothing_speaks_against() -> None:
    found = {one.name: one for one in candidates(ALL)}
    assert list(found) == ["lopsided", "better", "good", "sharp", "quick", "pca"]
    assert found["good"].index == pytest.approx(0.8)
    assert found["lopsided"].against == ("below `pca` at montgomery",)
    assert found["sharp"].against == ("below `pca` by the withdrawn figure",)
    assert found["better"].against == ("does not separate matched pairs",)
    chosen, single = nominated(ALL), nominated(ALL, single=True)
    assert chosen is not None and chosen.name == "good"
    assert single is not None and single.name == "quick"


def test_nothing_is_nominated_while_a_better_one_only_lacks_its_twins() -> None:
    waiting = {name: entry for name, entry in ALL.items() if name != f"{TWINS}good-0"}
    assert nominated(waiting) is None
    single = nominated(waiting, single=True)  # `good` is an ensemble, and not waited for
    assert single is not None and single.name == "quick"
    assert nominated({name: entry for name, entry in waiting.items() if name != f"{TWINS}quick-0"}, single=True) is None


def test_whatever_looked_at_the_test_folds_is_an_opening() -> None:
    settings = {"settings": {"components": 20}, "view": {"size": 64}}
    floor = {**ALL[f"{ROWS}pca-0"], "method": "pca", **settings}
    others = {name: {**entry, "settings": {}, "view": {}} for name, entry in ALL.items() if name.startswith(ROWS)}
    known = {**others, f"{ROWS}pca-0": floor, "shipped/pca-0": {"method": "pca", "metrics": {}, **settings}}
    assert openings(known) == ["pca"]
    assert openings({**others, f"{MATRICES}good-0": {}}) == ["good"]


def test_without_phantoms_or_a_floor_nothing_is_nominated() -> None:
    fold_0 = {name: entry for name, entry in ALL.items() if not name.startswith(TWINS)}
    assert nominated(fold_0) is None and "no row of matched pairs yet" in candidates(fold_0)[0].against
    assert candidates({f"{ROWS}good-0": row(0.9, 0.9)}) == [] and nominated({}) is None


def test_what_learnt_from_more_than_normals_is_no_candidate() -> None:
    helped = {**row(0.99, 0.99), "unlabelled": 500, "recipe": f"{ROWS}helped"}
    known = {**ALL, f"{ROWS}helped-0": helped, f"{TWINS}helped-0": twins(0.9)}
    assert "helped" not in [one.name for one in candidates(known)]
    assert "| `helped`, 64 px, and 500 unlabelled films |" in detectors_page(known)


def test_openings_are_counted_and_the_page_says_so() -> None:
    assert openings(ALL) == [] and openings({**ALL, f"{TESTED}good-0": row(0.8, 0.7)}) == ["good"]
    page = detectors_page(ALL)
    assert "**Selected: `good`; of single methods: `quick`.** We have evaluated on folds 1 to 4 for 0 recipes." in page
    assert "| `good` | 0.800 | – |" in page
    image = page.partition("](images/detectors/")[2].partition(")")[0]
    assert (ROOT / "docs" / "images" / "detectors" / image).is_file()
    after = detectors_page({**ALL, f"{TESTED}good-0": {**row(0.8, 0.7), "recipe": f"{TESTED}good"}})
    assert "folds 1 to 4 for 1 recipe: `good`." in after
    assert "| montgomery | 0.90 [0.80, 1.00] | +0.05 [−0.05, +0.15] | spread, 0.70 |" in after
    assert (
        "On the test folds `good` reaches 0.80 [0.70, 0.90]; it is not significantly better than `pca` (+0.05" in after
    )
    assert (
        "On fold 0, none of the 6 recipes is significantly better than mean |Laplacian| alone (AUROC 0.78); 0 are"
        in after
    )
    assert "On the test folds" not in page
    sure: dict[str, Any] = {**row(0.8, 0.7), "recipe": f"{TESTED}good"}
    sure["above"]["floor"]["montgomery"] = {"value": 0.2, "low": 0.1, "high": 0.3}
    sure["above"]["shortcut"]["shenzhen"] |= {"value": -0.2, "low": -0.3, "high": -0.1}
    told = detectors_page({**ALL, f"{TESTED}good-0": sure})
    assert (
        "; at shenzhen significantly worse than the best shortcut; at montgomery significantly better than `pca`."
        in told
    )
    assert "*Not opened:" in page and "*Not opened:" not in after
    helped: dict[str, Any] = {**row(0.9, 0.8), "recipe": f"{TESTED}helped"}
    helped["folds"] = {"1": {"facts": {"unlabelled_films": 500}}, "2": {"facts": {"unlabelled_films": 510}}}
    beside = detectors_page(
        {**ALL, f"{TESTED}good-0": row(0.8, 0.7) | {"recipe": f"{TESTED}good"}, f"{TESTED}h-0": helped}
    )
    assert "| `helped`, 64 px, and 500 unlabelled films or more |" in beside
    assert "Of the 1 recipes on the test folds" in beside, "it stands in the table, and in no conclusion"


@pytest.fixture
def small(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The command's recipes are the small world's: `pca`, the floor, and two others."""
    named = {
        f"{RECIPES}{name}": world.recipes[which].model_copy(update={"name": f"{RECIPES}{name}"})
        for name, which in (("pca", 0), ("good", 2), ("other", 2))
    }
    shipped = opening.recipes.load
    monkeypatch.setattr(opening.recipes, "load", lambda name: named[name] if name in named else shipped(name))
    monkeypatch.setattr(command, "_names", lambda: sorted(named))
    monkeypatch.setattr(crossfit, "worker_processes", AtOnce)
    monkeypatch.setattr(opening, "cross_fit", partial(cross_fit, folds=FOLDS, root=world.root, say=lambda _: None))
    return world


@pytest.mark.nightly
def test_a_recipe_is_opened_with_what_can_be_claimed_of_it(small: World) -> None:
    ((recipe, results, found),) = opened(["good"], 1)
    assert recipe.name == f"{RECIPES}good" and [result.fold for result in results] == list(FOLDS)
    assert found["recipe"] == f"{TESTED}good" and found["metrics"]["n"]["folds"] == len(FOLDS)
    assert set(found["above"]["floor"]) == set(found["above"]["shortcut"]) == {"pooled", "montgomery", "shenzhen"}
    ((_, _, floor),) = opened(["pca"], 1)  # the floor itself is scored once, not twice
    assert floor["metrics"]["n"]["pooled"] == found["metrics"]["n"]["pooled"]
    assert floor["above"]["floor"]["pooled"]["value"] == 0 and floor["above"]["floor"]["pooled"]["p"] == 1


@pytest.mark.nightly
def test_the_rest_waits_for_the_nominated(small: World, tmp_path: Path) -> None:
    for name, entry in ALL.items():
        write_row({**entry, "recipe": name.removesuffix("-0"), "seed": 0}, tmp_path)
    arguments = ["--only", "folds", "--rows", f"{tmp_path}", "--docs", f"{tmp_path / 'docs'}", "--workers", "1"]
    readme = tmp_path / "README.md"
    marked = [f"<!-- {name}:begin --><!-- {name}:end -->" for name in ("answer", "results", "imaging")]
    readme.write_text("".join(marked), encoding="utf-8")
    with pytest.raises(SystemExit, match="opened for the nominated recipe first"):
        command.main([*arguments, "--readme", f"{readme}"])
    for name in ("good", "quick"):
        write_row({**row(0.8, 0.7), "recipe": f"{TESTED}{name}"}, tmp_path)
    before = read_study("detectors", tmp_path)[f"{TESTED}good-0"]
    command.main([*arguments, "--readme", f"{readme}"])
    after = read_study("detectors", tmp_path)
    assert {name for name in after if name.startswith(TESTED)} == {
        f"{TESTED}{name}-0" for name in ("good", "quick", "pca", "other")
    }
    assert after[f"{TESTED}good-0"] == before  # what is there is not made again


def test_a_recipe_given_twice_is_refused(small: World) -> None:
    with pytest.raises(RecipeError, match="given twice"):
        cross_fit([small.recipes[0], small.recipes[0]])


@pytest.mark.nightly
def test_a_row_of_twins_is_of_the_same_recipe_on_phantoms(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unseen.runs.cohort.PHANTOM_NORMALS", 24)
    recipe = world.recipes[2].model_copy(update={"name": "detectors/floor"})
    found = phantom_row(recipe, pairs=10, root=world.root)
    assert found["recipe"] == f"{TWINS}floor" and found["pairs"] == 10 and found["method"] == "pca"
    assert found["metrics"]["n"]["pooled"] == {"normal": 10, "abnormal": 10}


def test_what_to_conclude_follows_from_the_rows() -> None:
    plain, aligned = row(0.8, 0.7), row(0.84, 0.7)
    plain["recipe"], aligned["recipe"] = f"{ROWS}dae", f"{ROWS}dae-aligned"
    aligned["above_shortcut"]["pooled"] = {**aligned["above_shortcut"]["pooled"], "low": 0.01}
    guess = {**row(0.52, 0.5), "recipe": f"{ROWS}guess"}
    guess["above_shortcut"]["pooled"] = {**guess["above_shortcut"]["pooled"], "low": -0.3, "high": -0.1}
    page = detectors_page({f"{ROWS}dae-0": plain, f"{ROWS}dae-aligned-0": aligned, f"{ROWS}guess-0": guess})
    assert "(AUROC 0.78): `dae-aligned`; 1 are significantly worse (`guess`), and 1 are inconclusive." in page
    assert "- On fold 0, AUROC without and with alignment, one training each: `dae` 0.80 and 0.84 (paired" in page
    assert "- Not significantly better than chance on fold 0: `guess`." in page
