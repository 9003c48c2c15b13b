"""`docs/results-thesis.md`: what has a row is told, what has none is said to have none; words follow the figures."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from studies.pages.thesis_page import thesis_page
from studies.thesis_rows import beside_earlier
from tests.docs.blocks import ROOT
from tests.studies.committed import committed_rows

Row = dict[str, Any]  # Any: JSON


def interval(value: float) -> Row:
    return {"value": value, "low": round(value - 0.1, 3), "high": round(min(1.0, value + 0.1), 3)}


def arm(method: str, *, done: int, peak: float, last: float, features: int = 64) -> Row:
    curve = [0.5] * (done - 2) + [peak, last]
    return {
        "method": method,
        "features": features,
        "epochs": 70,
        "epochs_done": done,
        "convergence": "converged",
        "date": "2026-01-02",
        "by_epoch": {"auroc": curve, "auroc_reconstruction": curve, "cosine": [0.0] * (done - 1) + [0.25]},
        "chosen": {"epoch": done - 1, "best_epoch_auroc": peak, "last_epoch_auroc": last},
        "auroc": {"best_epoch": interval(peak), "last_epoch": interval(last), "chosen_on_one_half": 0.61},
    }


def noise(low: float, high: float, *, not_converged: int = 0) -> Row:
    first, second = "ms_cxr/roi-sure-64-lungs", "ms_cxr/roi-oracle-64-lungs"
    cells = [
        {
            "trained": trained,
            "tested": tested,
            first: interval(0.7),
            second: interval(0.7),
            "difference": {"value": 0.0, "low": 0.0, "high": 0.0}
            if trained == 0
            else {"value": (low + high) / 2, "low": low, "high": high},
        }
        for trained in (0.0, 0.1)
        for tested in (0.0, 0.1)
    ]
    return {
        "recipes": [first, second],
        "fold": 0,
        "noise": "gaussian",
        "seeds": [0, 1],
        "n": {"normal": 7, "abnormal": 6},
        "own_sigma": {"0.25": 0.031, "0.5": 0.041, "0.75": 0.051},
        "px": 64,
        "features": 32,
        "steps": 560,
        "draws": 2000,
        "trainings": 8,
        "not_converged": not_converged,
        "auroc": {"score": cells, "reconstruction": cells},
    }


def test_without_rows_each_part_says_so() -> None:
    page = thesis_page({})
    assert page.count("*No row yet.*") == 4
    assert "Research use only. Not a medical device. Not for diagnosis." in page


def test_the_thesiss_figure_stands_beside_ours_and_is_judged_by_the_interval() -> None:
    page = thesis_page({"thesis/ganomaly-0": arm("ganomaly", done=70, peak=0.85, last=0.7)})
    assert (
        "| `ganomaly`: GANomaly | 64 | 0.9061 | 0.85 [0.75, 0.95] | 69 | 0.61 | 0.70 [0.60, 0.80] | 70 | converged |"
        in page
    )
    assert "0.9061 lies within the interval of our best epoch" in page
    assert "adds +0.15 to the last one" in page
    page = thesis_page({"thesis/ganomaly-0": arm("ganomaly", done=70, peak=0.75, last=0.7)})
    assert "lies **outside** the interval" in page


def test_at_another_width_the_thesis_has_no_figure() -> None:
    page = thesis_page({"thesis/ganomaly-16-0": arm("ganomaly", done=70, peak=0.75, last=0.7, features=16)})
    assert "| `ganomaly`: GANomaly | 16 | – | 0.75 [0.65, 0.85] |" in page and "interval of our best" not in page


def test_a_training_that_is_still_under_way_says_how_far_it_is() -> None:
    page = thesis_page({"thesis/roi-sure-0": arm("roi-sure", done=23, peak=0.85, last=0.7)})
    assert "23 of 70, training not finished" in page and "(epoch 23)" in page and "features: " not in page
    assert "| converged |" not in page, "nothing is said of its losses"


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (-0.05, 0.04, "In all 2 comparisons trained on noisy films"),
        (0.01, 0.04, "`roi-sure` is significantly better in 2 and worse in 0"),
        (-0.05, -0.01, "`roi-sure` is significantly better in 0 and worse in 2"),
    ],
)
def test_what_is_said_of_noise_follows_the_intervals(low: float, high: float, said: str) -> None:
    page = thesis_page({"robustness/x-0": noise(low, high)})
    assert page.count(said) == 2, "once for the score, once for its other part"
    assert "median 0.041, quartiles 0.031 to 0.051" in page and "had not converged" not in page


def test_trainings_that_had_not_converged_are_counted_beside_the_noise() -> None:
    page = thesis_page({"robustness/x-0": noise(-0.05, 0.04, not_converged=3)})
    assert "over films and seeds. 3 of the trainings had not converged." in page


def test_the_cross_validated_table_has_every_committed_row() -> None:
    rows = committed_rows()
    page = thesis_page(rows)
    cross_fitted = [row for name, row in rows.items() if name.startswith("ms_cxr/") and "metrics" in row]
    for row in cross_fitted:
        pooled = row["metrics"]["auroc"]["pooled"]
        assert f"| `{row['method']}` | {row['view']['frame']}, {row['px']} px | {pooled['value']:.2f} [" in page
    assert (ROOT / "docs" / "results-thesis.md").read_text(encoding="utf-8") == page
    fewer = deepcopy(rows)
    for row in fewer.values():
        if "features" in row and row.get("method") == "ganomaly" and "metrics" in row:
            row["features"] = 8
            row["metrics"]["n"]["pooled"]["normal"] = 12
    told = thesis_page(fewer).partition("## Cross-validated results")[2].partition("\n\n|")[0]
    assert "(12 normal and " in told and "8 to 32 features" in told


def test_what_each_step_of_the_sources_protocol_is_worth() -> None:
    row = arm("ganomaly", done=70, peak=0.7, last=0.5)
    assert "No row yet" in thesis_page({"thesis/ganomaly-0": row}).partition("0.9061 can arise")[2][:90]
    curve = row["by_epoch"]["auroc"]
    row["by_epoch"] |= {
        "auroc_train_mode_by_class": [value + 0.2 for value in curve],
        "auroc_train_mode_mixed": [value + 0.01 for value in curve],
    }
    text = thesis_page({"thesis/ganomaly-0": row}).partition("0.9061 can arise")[2]
    assert "| `ganomaly` | 0.70 | 0.50 | 0.71 | 0.51 | 0.90 | 0.70 |" in text
    assert "add +0.20" in text and "batches add +0.01" in text
    assert "class after class these are 32 normal; 3 normal and 29 abnormal; 6 abnormal:" in text
    assert "has 0.90. That does not reach 0.9061: the steps explain a part" in text
    row["by_epoch"]["auroc_train_mode_by_class"] = [value - 0.1 for value in curve]
    assert "the steps explain nothing of it" in thesis_page({"thesis/ganomaly-0": row})
    row["by_epoch"]["auroc_train_mode_by_class"][0] = 0.95
    assert "has 0.95. That reaches 0.9061, so the figure *can* arise" in thesis_page({"thesis/ganomaly-0": row})


def test_another_training_of_the_same_recipe_and_seed_is_not_forgotten() -> None:
    first, again = arm("ganomaly", done=70, peak=0.7, last=0.5), arm("ganomaly", done=70, peak=0.6, last=0.4)
    first |= {"date": "2026-01-02", "device": "cpu"}
    row = beside_earlier(again, first)
    assert [one["date"] for one in row["earlier"]] == ["2026-01-02"]
    page = thesis_page({"thesis/ganomaly-0": row})
    assert "an earlier training of the same recipe and seed (2026-01-02, cpu) had 0.70" in page
    assert beside_earlier(dict(again), row)["earlier"] == row["earlier"], "made again from the same run, it stays"
    assert beside_earlier(again, None) == again
    of_no_epochs = {"method": "pca", "metrics": {}}
    assert beside_earlier(dict(of_no_epochs), of_no_epochs) == of_no_epochs
    assert "earlier" not in beside_earlier(again, arm("ganomaly", done=20, peak=0.7, last=0.5)), "an unfinished one"
