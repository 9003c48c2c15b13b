"""Heads for few labels: closed forms against their definitions, independence of the tested films, and the targets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from studies.attempts.adapt_heads import (
    HEADS,
    SCORES,
    adapt_figures,
    adapt_section,
    by_products,
    products_of,
    taught,
    taught_at,
)
from studies.attempts.head_comparison import comparison_row, comparison_section
from studies.attempts.heads import (
    NAMES,
    RIDGES,
    Kernels,
    Site,
    by_logistic,
    by_normal_covariance,
    cleared,
    features_of,
    few,
    kernels_of,
    pooled,
)
from studies.attempts.joined_heads import CANDIDATES, INSIDE, MEAN, SIX, TEACHING, joined_scores, separated
from studies.attempts.label_check import accepted, earlier, relabelled, simulated
from studies.attempts.label_covariates import KNOWN, WEIGHTED, covariates_row, covariates_section
from studies.attempts.label_curves import counts_of, curve_row, curve_section
from studies.attempts.targets import targets, targets_section
from studies.detectors.frozen_cells import DEEP, FINE, GRID, VIEWS, FrozenCells
from studies.ten_labels import Labels
from tests.studies.committed import committed_rows
from unseen.evaluation.roc import auroc
from unseen.networks.efficientnet_lite import CHANNELS
from unseen.screening.adaptation import choose, predicted

FILMS = 200
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 30))
ILL = np.arange(60) % 5 == 0
X[ILL] += 0.8


def kernels() -> Kernels:
    return Kernels({"both": X @ X.T})


@pytest.fixture(scope="module")
def site() -> Site:
    """Return 200 films with features of few channels' worth of signal in the abnormal ones."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(1)
    abnormal, fold = np.arange(FILMS) % 2 == 1, np.arange(FILMS) // 2 % 5
    sides = {view: rng.normal(size=(FILMS, 4, 1, 2)).astype(np.float16) for view in VIEWS}
    cells = {view: np.repeat(np.repeat(one, GRID // 2, axis=3), GRID, axis=2) for view, one in sides.items()}
    total = sum(CHANNELS[block] for block in FINE)
    fine = {view: np.tile(one, (1, total // 4 + 1, 1, 1))[:, :total] + 0 for view, one in cells.items()}
    deep = {
        view: np.tile(one, (1, CHANNELS[DEEP] // 4, 1, 1))[:, :, : GRID // 2, : GRID // 2]
        for view, one in cells.items()
    }
    for maps in (*fine.values(), *deep.values()):
        maps[abnormal, ..., : maps.shape[-1] // 2] += 2
    facts = [
        {"name": f"{i}", "label": "abnormal" if abnormal[i] else "normal", "source": "shenzhen", "patient": f"{i}"}
        | {"sharpness": 1.0}
        for i in range(FILMS)
    ]
    found = FrozenCells(facts, fine, deep, np.ones((FILMS, GRID, GRID), np.float16))
    score = np.broadcast_to(rng.normal(size=FILMS), (5, 5, FILMS))
    return Site(Labels(found, fold, abnormal, torch.zeros(FILMS, 1), score), features_of(found))


def test_the_discriminant_of_normal_covariance_is_the_formula_without_kernels() -> None:
    trained, at, beta = np.arange(40), np.arange(40, 60), 0.03
    found = by_normal_covariance(beta, kernels(), trained, ILL[trained], at)
    normal, ill = X[trained][~ILL[trained]], X[trained][ILL[trained]]
    centred = normal - normal.mean(0)
    covariance = centred.T @ centred / len(normal) + beta * np.eye(X.shape[1])
    w = np.linalg.solve(covariance, ill.mean(0) - normal.mean(0))
    expected = (X[at] - normal.mean(0)) @ w
    assert np.allclose(found - found.mean(), expected - expected.mean(), rtol=1e-8)  # a score has no origin


def test_logistic_regression_is_the_minimum_of_its_loss_for_a_ridge_of_the_list() -> None:
    x = np.random.default_rng(2).normal(size=(40, 80)) / 9
    gram, y = x @ x.T, ILL[:40]
    f = by_logistic(Kernels({"both": gram}), np.arange(40), y, np.arange(40))
    weights = np.linalg.solve(gram + 1, f)
    v = np.where(y, 1 / y.sum(), 1 / (~y).sum()) * 20
    ridges = v * (y - 1 / (1 + np.exp(-f))) / weights  # where the gradient is 0, λ a = v (y − p)
    assert np.allclose(ridges, ridges[0], rtol=1e-3)
    assert np.abs(np.array(RIDGES) / ridges[0] - 1).min() < 1e-3
    assert f[y].mean() > 0 > f[~y].mean()


def test_pooling_inside_the_lungs_ignores_what_is_outside() -> None:
    maps = torch.from_numpy(RNG.normal(size=(2, 3, 4, 4))).float()
    inside = torch.zeros(2, 4, 4)
    inside[:, 1:3] = 1
    changed = maps.clone()
    changed[:, :, 0] = 99
    found = pooled(maps, inside)
    assert torch.equal(found, pooled(changed, inside))
    assert torch.allclose(found[:, :3], maps[:, :, 1:3].mean(dim=(2, 3)), atol=1e-6)
    assert torch.allclose(found[:, 6:], maps[:, :, 1:3].amax(dim=(2, 3)), atol=1e-6)  # a tenth of 8 cells is one


def test_mirror_images_have_one_score_by_the_mirrored_features(site: Site) -> None:
    features = dict(site.features)
    features["places"] = features["places"] + torch.randn(
        features["places"].shape, generator=torch.Generator().manual_seed(0)
    )
    swapped = {**features, "places": features["turned"], "turned": features["places"]}
    normals = site.normals(1)
    one, other = (kernels_of(some, normals).of["mirrored"] for some in (features, swapped))
    assert np.allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_head_separates_the_films_and_does_not_depend_on_other_tested_ones(site: Site, name: str) -> None:
    at, ill = np.flatnonzero(site.labels.fold == 1), np.flatnonzero(site.labels.abnormal & (site.labels.fold != 1))[:10]
    kernels = site.kernels(1)
    every, some = (site.scores([name], kernels, 1, ill, tested, np.random.default_rng(0)) for tested in (at, at[:3]))
    for key in (name, f"{name}, combined"):
        assert np.allclose(every[key][:3], some[key])
    abnormal = site.labels.abnormal[at]
    assert (every[name][abnormal][:, None] > every[name][~abnormal]).mean() > 0.8


def test_figures_have_intervals_and_a_share_of_normal_films_is_cleared(site: Site) -> None:
    figures = few(site, (1, 2), ("adapt",), draws=2)["adapt"]["10"]
    assert figures["low"] <= figures["value"] <= figures["high"] and figures["least"] <= figures["most"]
    found = cleared(site, ("adapt",), (1,), 0.2)["adapt"]
    assert found["calibrating"] == 64 and found["refused"] == 0
    assert found["normals_cleared"]["value"] > 0.3 > found["abnormals_missed"]["value"]
    few_films = cleared(site, ("adapt",), (1,), 25, 50)["adapt"]
    assert few_films["refused"] == 1 and few_films["normals_cleared"]["value"] == 0  # 59 are needed at 5 %


def test_the_joined_heads_are_the_mean_of_six_and_one_of_these_and_clear_normal_films(site: Site) -> None:
    at, ill = np.flatnonzero(site.labels.fold == 1), np.flatnonzero(site.labels.abnormal & (site.labels.fold != 1))[:16]
    kernels = site.kernels(1)
    found = joined_scores(site, CANDIDATES, kernels, 1, ill, at, np.random.default_rng(0))
    single = site.scores(SIX, kernels, 1, ill, at, np.random.default_rng(0))
    single[MEAN] = np.mean([single[name] for name in SIX], axis=0)
    single[f"{MEAN}, combined"] = np.mean([single[f"{name}, combined"] for name in SIX], axis=0)
    assert np.allclose(found[MEAN], single[MEAN])
    assert np.allclose(found[f"{MEAN}, combined"], single[f"{MEAN}, combined"])
    assert any(np.array_equal(found[INSIDE], one) for one in single.values())
    figures = cleared(site, CANDIDATES, (1,), TEACHING, scores=joined_scores)
    for name in CANDIDATES:
        assert figures[name]["normals_cleared"]["value"] > 0.3 > figures[name]["abnormals_missed"]["value"]


def test_a_division_chooses_its_head_by_the_films_that_teach_alone() -> None:
    """Features that show the label in `lung pooling` alone; the tested films' labels and number change nothing."""
    rng = np.random.default_rng(7)
    abnormal, fold = np.arange(FILMS) % 2 == 1, np.arange(FILMS) // 2 % 5
    names = ("whole", "places", "turned", "lung pooling", "sides")
    features = {name: torch.from_numpy(rng.normal(size=(FILMS, 600))).float() for name in names}
    features["lung pooling"][abnormal] += 0.2
    score = np.broadcast_to(rng.normal(size=FILMS), (5, 5, FILMS))
    nothing = FrozenCells([], {}, {}, np.zeros((0, GRID, GRID), np.float16))
    some = Site(Labels(nothing, fold, abnormal, torch.zeros(FILMS, 1), score), features)
    at, ill = np.flatnonzero(fold == 1), np.flatnonzero(abnormal & (fold != 1))[:40]
    kernels = some.kernels(1)
    found = joined_scores(some, (INSIDE,), kernels, 1, ill, at, np.random.default_rng(0))[INSIDE]
    blind = some.scores(("adapt", "mirrored", SIX[2], "sides"), kernels, 1, ill, at, np.random.default_rng(0))
    assert not any(np.array_equal(found, one) for one in blind.values())
    assert auroc(abnormal[at], found) > 0.9
    swapped = replace(some, labels=replace(some.labels, abnormal=abnormal ^ (fold == 1)))
    again = joined_scores(swapped, (INSIDE,), kernels, 1, ill, at[:5], np.random.default_rng(0))[INSIDE]
    assert np.allclose(again, found[:5])


def test_the_choice_counts_normal_films_below_the_lowest_fifth_of_the_abnormal_ones() -> None:
    score = np.array([0.0, 1, 2, 3, 4, 1.5, 5, 5, 5, 5])
    abnormal = np.arange(10) > 4
    assert separated(score, abnormal) == 0.4
    score[0] = 1.5  # equal: a half
    assert separated(score, abnormal) == pytest.approx(0.3)


def test_adapt_sees_all_normal_films_of_other_folds_and_its_figures_do_not_see_the_tested_labels(site: Site) -> None:
    """Exchanging the labels of the tested fold turns an AUROC a into 1 − a."""
    rng = np.random.default_rng(3)
    labels = site.labels
    labels = replace(labels, features=torch.from_numpy(rng.normal(size=(FILMS, 40)) + labels.abnormal[:, None]))
    ill = np.flatnonzero(labels.abnormal & (labels.fold != 1))[:10]
    films = taught(labels, 1, ill)
    assert films.abnormal.sum() == 10 and (~films.abnormal).sum() == 80 and films.mix is None
    right = adapt_figures(labels, (1,), (10,), draws=2)
    swapped = replace(labels, abnormal=labels.abnormal ^ (labels.fold == 1))
    wrong = adapt_figures(swapped, (1,), (10,), draws=2)
    for head in HEADS:
        for name in SCORES:
            one, other = (found[head]["10"][name]["value"] for found in (right, wrong))
            assert one == pytest.approx(1 - other, abs=2e-6)
        assert right[head]["10"]["head alone"]["value"] > 0.9
    rows = [
        {"head": head, "fold_0": right[head], "test": right[head], "features": "", "px": 224, "draws": 2}
        | {"bootstrap_draws": 2, "n": {"normal": 20, "abnormal": 20}, "folds": [1], "device": "", "seconds_all": 1.0}
        | {"date": "2026-11-29"}
        for head in HEADS
    ]
    assert "| `normals-covariance` | 10 |" in "\n".join(adapt_section(rows))


@pytest.fixture(scope="module")
def telling(site: Site) -> Labels:
    """Return the films with features that show the label."""
    rng = np.random.default_rng(3)
    features = torch.from_numpy(rng.normal(size=(FILMS, 40)) + site.labels.abnormal[:, None])
    return replace(site.labels, features=features)


def test_inner_products_give_the_scores_of_the_features(telling: Labels) -> None:
    ill, tested = np.flatnonzero(telling.abnormal & (telling.fold != 1))[:10], np.flatnonzero(telling.fold == 1)
    films, scores = taught(telling, 1, ill), telling.normal_score[1, 1][tested]
    chosen = choose(films, "normals-covariance")
    expected = predicted(films, chosen, telling.features[tested], scores)
    again, *found = by_products(films, taught_at(telling, 1, ill), tested, products_of(telling, 1), scores)
    assert again.share == chosen.share and again.gain == pytest.approx(chosen.gain)
    assert np.allclose(found[0], expected[0]) and np.allclose(found[1], expected[1])


def test_normal_films_that_are_called_abnormal_are_the_only_abnormal_ones(telling: Labels) -> None:
    called = np.flatnonzero(~telling.abnormal & (telling.fold != 0))[3:7]
    films = relabelled(telling, called)
    assert films.abnormal.sum() == 4 and len(films.abnormal) == (~telling.abnormal & (telling.fold != 0)).sum()
    patients = [telling.cells.facts[i]["patient"] for i in called]
    assert [one for one, ill in zip(films.patients, films.abnormal, strict=True) if ill] == patients


def test_both_checks_use_labels_of_a_clear_disease() -> None:
    films = simulated(np.random.default_rng(0), signal=3.0, scanner=0.0)
    chosen = choose(films, "normals-covariance")
    assert earlier(films, chosen) and accepted(chosen) and chosen.share > 1.9


def test_a_curve_has_each_number_of_films_that_is_left_for_teaching(telling: Labels) -> None:
    assert counts_of(telling) == (5, 10, 25, 50)
    row = curve_row("ms_cxr", replace(telling, fold=np.minimum(telling.fold, 4)), draws=2)
    assert list(row["test"]) == ["5", "10", "25", "50"]
    assert row["test"]["50"]["combined"]["value"] > 0.9 and row["test"]["50"]["kept"] == 0
    assert "| `ms_cxr` | 50 |" in "\n".join(curve_section([row]))


def test_heads_are_compared_on_the_same_films_and_the_condition_decides(telling: Labels) -> None:
    row = comparison_row("kermany", telling, draws=2)
    for one in row["fold_0"].values():
        found = one["adapted"]
        gap = found["normals-covariance"]["value"] - found["ridge"]["value"]
        assert found["difference"]["value"] == pytest.approx(gap, abs=2e-6)
        assert found["ridge"]["value"] > 0.9
    for low, said in ((-0.02, "ridge stays the default"), (-0.005, "normals-covariance is it")):
        for one in row["fold_0"].values():
            one["adapted"]["difference"]["low"] = low
        assert said in "\n".join(comparison_section([row]))


def test_labels_of_the_projection_alone_are_used_unless_the_check_knows_it(site: Site) -> None:
    """The features show the projection, the statistics are noise."""
    rng = np.random.default_rng(5)
    pa = rng.random(FILMS) < 0.5
    names = ("sharpness", "bytes_per_pixel", "mean", "lung_area")
    facts = [fact | {name: float(rng.random()) for name in names} for fact in site.labels.cells.facts]
    cells = replace(site.labels.cells, facts=facts)
    features = torch.from_numpy(rng.normal(size=(FILMS, 40)) + 2 * pa[:, None])
    labels = replace(site.labels, cells=cells, features=features)
    row = covariates_row(labels, ["PA" if one else "AP" for one in pa], draws=3)
    alone = next(one for one in row["settings"] if one["setting"].startswith("PA with weight 10000"))
    assert alone["statistics"]["used"]["value"] == 1
    for known in (KNOWN[-1], WEIGHTED):
        assert alone[known]["difference"] < 0.3 * alone["statistics"]["difference"]
    assert row["n"]["normal"]["PA"] == int((pa & ~labels.abnormal).sum())
    assert "| PA with weight 10000, 25 films | no |" in "\n".join(covariates_section(row))


def test_each_target_that_is_not_reached_has_three_attempts_with_figures() -> None:
    rows = committed_rows()
    made = targets(rows)
    assert len(made) == 8
    page = "\n".join(targets_section(rows))
    for one in made:
        assert one.reached or len(one.attempts) >= 3, one.text
        assert one.text in page and f"{one.ours[1]['value']:.3f}" in page
    assert targets_section({}) == []
