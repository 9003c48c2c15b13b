"""Sentences of the detectors' pages follow the rows: where a row changes, its sentence changes or goes."""

from __future__ import annotations

import re

import pytest

from studies.attempts.label_covariates import covariates_section
from studies.attempts.targets import targets
from studies.detectors.adjusted_by_finder import ALL_INSIDE, beside_adjusted
from studies.detectors.adjusted_by_finder import ROWS as ADJUSTED
from studies.detectors.page import detectors_page
from studies.evidence.detectors import detectors_screen
from studies.evidence.pretrained_models import results_screen
from studies.evidence.screening import screening_screen
from studies.pages.noise import noise_study
from studies.pages.results_page import readme_table
from studies.pages.screening_page import PRODUCTS
from studies.rows import Row
from tests.docs.blocks import ROOT
from tests.studies.committed import OwnRows, committed_rows

CLEARED = "screening/shipped/ensemble-five-0"


@pytest.fixture
def rows() -> dict[str, Row]:
    return OwnRows(committed_rows())


def test_the_model_to_use_is_the_one_that_fold_0_chose_not_the_highest_of_the_test_films(rows: dict[str, Row]) -> None:
    other = rows["detectors/folds-1-4/ensemble-aligned-0"]["metrics"]["auroc"]["pooled"]
    other |= {"value": 0.803, "low": 0.77, "high": 0.84}  # above `ensemble-five`, and pretrained too
    screen = detectors_screen(rows)
    assert screen is not None
    assert "Use `models/ensemble-five`" in screen.sentences[0] and "to be used: `models/ensemble-five`" in (
        screen.answer.answer
    )


def test_the_supervised_reference_says_that_the_test_films_chose_it(rows: dict[str, Row]) -> None:
    screen = detectors_screen(rows)
    assert screen is not None and "(the best of 2 on these films; 1,600 steps, 16 features)" in screen.sentences[-1]
    del rows["detectors/labelled/linear-pca-0"]
    screen = detectors_screen(rows)
    assert screen is not None and "on these films" not in screen.sentences[-1]


def test_no_difference_of_auroc_after_a_straight_line_stands_on_the_page(rows: dict[str, Row]) -> None:
    """It is the withdrawn adjustment by another name."""
    page = detectors_page(rows)
    assert "taken out of both scores" not in page and "straight line" not in page


def test_a_lower_figure_on_other_lungs_is_significant_only_where_its_interval_is_below_0(rows: dict[str, Row]) -> None:
    def verdict() -> str:
        return "\n".join(beside_adjusted([row for name, row in rows.items() if name.startswith(ADJUSTED)]))

    assert "Lower by more than 0.01: `ensemble-features`; significantly lower: none." in verdict()
    (lower,) = rows[f"{ADJUSTED}ensemble-features-0"]["finders"][ALL_INSIDE]
    lower["minus_open"]["pooled"]["high"] = -0.001
    assert "significantly lower: `ensemble-features`." in verdict()


def test_a_verdict_on_noise_states_steps_and_width_of_the_gans(rows: dict[str, Row]) -> None:
    studies = [row for name, row in rows.items() if name.startswith("robustness/")]
    assert len(studies) == 3
    for row in studies:
        told = [line for line in noise_study(row) if "significant" in line]
        assert len(told) == 2
        for line in told:
            assert f"({row['steps']} steps, {row['features']} of 64 features)" in line, line


def test_a_model_scored_on_other_films_is_not_the_best_of_the_screening_page(rows: dict[str, Row]) -> None:
    (rate,) = (one for one in rows[CLEARED]["rates"] if one["max_miss_rate"] == 0.05)
    rate["sources"]["shenzhen"]["halves"]["normals_cleared"] |= {"value": 0.9, "low": 0.8, "high": 0.95}
    screen = screening_screen(rows, PRODUCTS)
    assert screen is not None
    assert screen.lines[0][0].startswith("**`models/pca`") and "`models/pca`" in screen.sentences[0]
    assert "clear 24.5 to 53 % and miss 0.1 to 2 %" in screen.alt


def test_a_drift_that_keeps_the_promise_is_not_said_to_break_it(rows: dict[str, Row]) -> None:
    def told() -> str:
        screen = screening_screen(rows, PRODUCTS)
        assert screen is not None
        return next(one for one in screen.sentences if one.startswith("After a drift"))

    assert "does not hold" in told()
    (drift,) = (one for one in rows["screening/adapted-hospitals-0"]["settings"] if one["setting"] == "drift")
    (rate,) = (one for one in drift["rates"] if one["max_miss_rate"] == 0.05)
    rate["broken_low"] = 0.04
    assert "does not hold" not in told()


def test_what_the_table_of_the_readme_shows_is_computed(rows: dict[str, Row]) -> None:
    shown = readme_table(rows).partition("What the table shows:")[2]
    assert (
        "`models/ensemble-five` (2 trained members: 30 to 200 epochs, 16 features), `models/ensemble-aligned` (3"
        in shown
    )
    assert " and `models/anatpaste-all-aligned` (1,600" in shown
    assert "- Pooled and at Shenzhen, no detector is significantly better" in shown and "is not claimed" in shown
    rows["shipped/ensemble-aligned-0"]["metrics"]["shortcuts"]["above_all"] |= {"montgomery": False, "pooled": True}
    shown = readme_table(rows).partition("What the table shows:")[2]
    assert (
        "- Pooled, `models/ensemble-aligned` (3 trained members: 30 to 250 epochs, 16 features) is significantly better"
        in shown
    )
    five = "`models/ensemble-five` (2 trained members: 30 to 200 epochs, 16 features)"
    assert f"At Montgomery, {five} and `models/anatpaste-all-aligned` (1,600" in shown


def test_the_figures_of_the_readme_outside_its_table_are_those_of_the_rows(rows: dict[str, Row]) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    best = rows["shipped/ensemble-five-0"]["metrics"]
    auroc, films = best["auroc"]["pooled"], best["n"]["pooled"]
    sharp = best["shortcuts"]["pooled"]["sharpness"]["value"]
    head = rows["detectors/few-labels/ensemble-features-0"]["all"]["auroc"]["pooled"]["value"]
    assert f"({films['normal'] + films['abnormal']} tested films;" in text
    assert f"AUROC of {auroc['value']:.2f} [{auroc['low']:.2f}, {auroc['high']:.2f}]. Image sharpness" in text
    assert f"alone reaches {sharp:.2f}, so" in text and f"abnormal films reaches {head:.2f}." in text
    nodules = [
        row["figures"]["nodule"]["value"]
        for name, row in rows.items()
        if name.startswith("phantom_screener/") and row["contrast"] == "moderate"
    ]
    assert f"AUROC is {min(nodules):.2f} to {max(nodules):.2f} " in text


def test_a_refusal_is_explained_by_the_number_of_films_only_where_more_films_show_the_disease(
    rows: dict[str, Row],
) -> None:
    row = rows["attempts/label-covariates/nih_cxr8-0"]
    said = "\n".join(covariates_section(row))
    assert "So a refusal does not mean" in said and "So the files differ within each projection" in said
    ten, most = (
        next(one for one in row["settings"] if one["setting"] == f"disease, {count} abnormal films")["statistics"]
        for count in (10, 50)
    )
    assert f"What remains is {ten['difference'] / ten['error']:.1f} standard errors" in said
    most["used"]["low"] = 0.1
    for name in row["auroc"].keys() - {"projection"}:
        row["auroc"][name]["AP"] |= {"low": 0.4, "high": 0.6}
    said = "\n".join(covariates_section(row))
    assert "So a refusal does not mean" not in said and "So the files differ" not in said


def test_the_approaches_to_a_target_are_of_the_films_that_its_note_names(rows: dict[str, Row]) -> None:
    def note() -> str:
        return targets(rows)[0].note

    assert "The approaches have the same 137 films." in note()
    rows["nominate/pca-0"]["folds-1-4"]["laterality"]["left"] = 5
    assert "The approaches have 97 or 137 films." in note()


def test_the_decision_on_the_instruments_has_the_outcome_of_the_results_page() -> None:
    page = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    decision = (ROOT / "docs" / "decisions" / "0035-instruments.md").read_text(encoding="utf-8")
    outcome = re.search(r"(place \d+ of \d+) recipes .* rank correlation of (\S+) \(Spearman\)", page)
    first = re.search(r"real films alone, (`[\w-]+`) would be first, ([^;]+);", page)
    assert outcome is not None and first is not None
    assert f"{outcome[1]}. The rank correlation of index and figures is {outcome[2]} " in decision
    assert f"alone would have chosen {first[1]} ({first[2]})" in decision


def test_a_verdict_against_image_statistics_names_its_films(rows: dict[str, Row]) -> None:
    """At Montgomery some models are above every statistic, on all films together none is."""
    models = [row for name, row in rows.items() if name.startswith("shipped/") and "metrics" in row]
    above = [row["metrics"]["shortcuts"]["above_all"] for row in models]
    assert any(one["montgomery"] for one in above) and not any(one["pooled"] for one in above)
    screen = results_screen(rows)
    assert screen is not None
    (told,) = (one for one in screen.sentences if "every single statistic" in one)
    assert "every single statistic on all films together" in told


def test_a_table_without_marks_says_that_its_rows_record_no_convergence(rows: dict[str, Row]) -> None:
    def section(heading: str) -> str:
        return detectors_page(rows).partition(f"## {heading}")[2].partition("\n## ")[0]

    for heading in ("Fold 0: selection", "Higher resolution"):
        assert "do not record whether a training had converged" in section(heading)
    rows["detectors/fold-0/dae-0"]["convergence"] = "converged"
    assert "do not record" not in section("Fold 0: selection")
