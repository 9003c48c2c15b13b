"""Rules for the share of a head: formulas, continuity, and the choice among them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from studies.attempts.adapt_heads import taught
from studies.attempts.soft_share import (
    BAGGED,
    CHOOSING,
    CLEANED,
    DISEASE,
    FOLD,
    HARD,
    NORMALS,
    NULL,
    RULES,
    SETS,
    SHARES,
    MeanAuroc,
    by_rules,
    cleaned,
    expected,
    failures,
    nominated,
    soft_share_row,
    soft_share_section,
    statistics_at,
)
from studies.detectors.frozen_cells import FrozenCells
from studies.ten_labels import Labels
from unseen.evaluation.roc import auroc
from unseen.screening.adaptation import NORMALS_SHARE, Chosen, Labelled, choose, predicted

FILMS = 200
STATISTICS = ("sharpness", "bytes_per_pixel", "mean", "lung_area")


@pytest.fixture(scope="module")
def labels() -> Labels:
    """Return films whose features show the disease and the sharpness."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(1)
    abnormal, fold = np.arange(FILMS) % 2 == 1, np.arange(FILMS) // 2 % 5
    known = rng.normal(size=(FILMS, len(STATISTICS)))
    features = rng.normal(size=(FILMS, 20))
    features[:, :3] += 1.6 * abnormal[:, None]
    features[:, 3:5] += 2 * known[:, :1]
    facts = [
        {"name": f"{i}", "label": "abnormal" if ill else "normal", "source": "shenzhen", "patient": f"{i}"}
        | dict(zip(STATISTICS, known[i].tolist(), strict=True))
        for i, ill in enumerate(abnormal.tolist())
    ]
    score = np.broadcast_to(rng.normal(size=FILMS) + abnormal, (5, 5, FILMS))
    cells = FrozenCells(facts, {}, {}, np.ones((FILMS, 14, 14), np.float16))
    return Labels(cells, fold, abnormal, torch.from_numpy(features), score)


def drawn(labels: Labels, count: int = 10) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.flatnonzero(labels.abnormal & (labels.fold != FOLD))[:count]


@pytest.mark.parametrize("name", [name for name in SHARES if name != HARD])
def test_a_share_grows_without_a_jump_and_is_none_for_labels_that_show_nothing(name: str) -> None:
    z = np.linspace(-5, 30, 7001)
    f = np.array([SHARES[name](float(one)) for one in z])
    assert (np.diff(f) >= 0).all() and np.diff(f).max() < 0.01
    assert f[0] < 1e-8 and f[-1] > 0.99


def test_the_bagged_rule_is_the_mean_of_a_hard_rule_and_costs_as_much_with_labels_at_random() -> None:
    errors = np.random.default_rng(0).normal(size=200_000)
    for z in (-1.0, 0.5, 2.0):
        assert SHARES["bagged"](z) == pytest.approx(float((z + errors > 1.2).mean()), abs=0.004)
    assert expected(SHARES["bagged"]) == pytest.approx(expected(SHARES[HARD]), abs=2e-4)
    drawn = np.random.default_rng(1).normal(size=100_000)
    model = np.where(drawn > 1, 0.6441, 0.7960).mean()  # Φ(1.17 / √10), Φ(1.17 / √2)
    assert expected(SHARES[HARD]) == pytest.approx(model, abs=2e-3)


def test_the_bagged_rule_is_that_of_adapt(labels: Labels) -> None:
    ill = drawn(labels)
    at = np.sort(np.concatenate([np.flatnonzero(~labels.abnormal & (labels.fold != FOLD)), ill]))
    found, _ = by_rules(labels, at, labels.abnormal[at], statistics_at(labels))
    films, tested = taught(labels, FOLD, ill), np.flatnonzero(labels.fold == FOLD)
    chosen = choose(films, "normals-covariance")
    z, h = predicted(films, chosen, labels.features[tested], labels.normal_score[FOLD, FOLD][tested])
    assert chosen.share == pytest.approx(found[BAGGED][1]) and found[HARD][1] == NORMALS_SHARE
    assert np.allclose(found[BAGGED][0], z + chosen.share * h) and np.allclose(found[NORMALS][0], z)


def test_the_cleaned_score_does_not_follow_a_statistic_that_the_head_has_learnt() -> None:
    rng = np.random.default_rng(0)
    known = rng.normal(size=310)
    scores = 2 * known + rng.normal(size=310)
    abnormal = np.arange(210) >= 200
    films = Labelled(torch.zeros(210, 1), np.zeros(210), abnormal, [f"{i}" for i in range(210)])
    chosen = Chosen(0.003, 0.0, scores[:210], 0.0, 1.0, "normals-covariance")
    h = (scores[210:] - scores[:200].mean()) / scores[:200].std()
    found = cleaned(films, chosen, h, known[:, None])
    assert np.corrcoef(h, known[210:])[0, 1] > 0.8
    assert abs(np.corrcoef(found, known[210:])[0, 1]) < 0.2 and found.std() == pytest.approx(1, abs=0.2)


def test_the_mean_auroc_is_that_of_the_scores_and_follows_weights() -> None:
    rng = np.random.default_rng(0)
    abnormal = np.arange(30) < 12
    scores = [np.round(rng.normal(size=30), 1) + abnormal for _ in range(4)]
    mean = MeanAuroc.of(scores, abnormal)
    assert float(mean(np.ones((1, 30)))[0]) == pytest.approx(np.mean([auroc(abnormal, one) for one in scores]))
    twice = np.concatenate([np.arange(30), [0, 29]])
    weights = np.bincount(twice, minlength=30)[None].astype(float)
    expected = np.mean([auroc(abnormal[twice], one[twice]) for one in scores])
    assert float(mean(weights)[0]) == pytest.approx(expected)


def test_a_row_has_every_rule_and_the_differences_are_paired(labels: Labels, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studies.attempts.soft_share.DRAWS", 2)
    monkeypatch.setattr("studies.attempts.soft_share.NULL_DRAWS", 2)
    monkeypatch.setattr("studies.attempts.soft_share.BOOTSTRAP", 50)
    row = soft_share_row(CHOOSING, labels)
    for part in (DISEASE, NULL):
        for one in row[part].values():
            assert one[HARD]["above_hard"] == {"value": 0.0, "low": 0.0, "high": 0.0}
            for rule in RULES:
                assert one[rule]["above_normals"]["value"] == pytest.approx(
                    one[rule]["value"] - one[NORMALS]["value"], abs=2e-6
                )


def row_of(name: str, gain: dict[str, float], harm: dict[str, float]) -> dict[str, Any]:
    def part(values: dict[str, float]) -> dict[str, Any]:
        of = {rule: values.get(rule, 0.0) for rule in RULES}
        return {
            "mean": {
                rule: {"above_hard": {"value": value, "low": value - 0.01, "high": value + 0.01}}
                for rule, value in of.items()
            }
        }

    return {"set": name, DISEASE: part(gain), NULL: part(harm)}


def test_a_rule_with_more_harm_or_without_gain_is_not_nominated() -> None:
    every = {"linear": 0.02, "positive part": 0.01, "bagged": 0.015, CLEANED: 0.0}
    rows = [row_of(CHOOSING, every, {"linear": -0.02, "bagged": -0.005}), row_of("kermany", {}, {})]
    assert nominated(rows) == "bagged"
    assert failures(rows, "linear") == [f"`{CHOOSING}`, labels without a disease: significantly lower"]
    assert failures(rows, CLEANED) == [f"`{CHOOSING}`, labels of a disease: no gain"]
    assert nominated([rows[0], row_of("kermany", {"bagged": -0.02}, {})]) == "positive part"
    assert nominated([rows[0], row_of("kermany", dict.fromkeys(RULES, -0.02), {})]) is None


def test_the_section_states_the_differences_and_the_choice() -> None:
    every = {"linear": 0.02, "positive part": 0.01, "bagged": 0.015, CLEANED: 0.0}
    rows = [row_of(name, every, {"linear": -0.02, "bagged": -0.005}) for name in SETS]
    for row in rows:
        row |= {
            "features": "made up", "px": 224, "draws": 20, "null_draws": 40, "bootstrap_draws": 50,
            "device": "cpu, 1 thread", "date": "2026-11-29", "n": {"normal": 70, "abnormal": 68},
        }  # fmt: skip
        row[DISEASE] |= {
            str(count): {rule: {"value": 0.8 + every.get(rule, 0)} for rule in RULES} for count in (10, 25)
        }
        low = {"value": -0.02, "low": -0.03, "high": -0.01}
        row[NULL]["labels at random"] = {rule: {"above_hard": low} for rule in RULES}
        for rule in RULES:
            row[NULL]["mean"][rule]["above_normals"] = {"value": -0.05, "low": -0.06, "high": -0.04}
    text = "\n".join(soft_share_section(rows))
    assert (
        "| `ms_cxr` | **bagged** | 0.815 | 0.815 | +0.015 [+0.005, +0.025] | −0.050 [−0.060, −0.040] | "
        "−0.005 [−0.015, +0.005] |" in text
    )
    assert "| `kermany` | hard | 0.800 | 0.800 | – | −0.050 [−0.060, −0.040] | – |" in text
    assert "So *bagged* is nominated." in text
    assert "*linear* (`ms_cxr`, labels without a disease: significantly lower" in text
    assert "significantly below the hard rule in 4 of 4 (labels at random on `ms_cxr` −0.020 [−0.030, −0.010];" in text
    assert "and significantly above it in 0, on `ms_cxr` with none." in text
    assert "makes them" in "\n".join(soft_share_section([]))
