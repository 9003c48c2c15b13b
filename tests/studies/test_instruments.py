"""Laterality and like pairs of the shipped models, and the proof against the adjusted AUROC, from committed rows."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from studies.evidence import screening
from studies.one_sided import side_of
from studies.pages.instruments import (
    WITHDRAWN,
    both_figures,
    cells,
    claim,
    laterality_section,
    nomination_section,
    sided_rows,
)
from studies.pages.training_cost import ensemble_line
from studies.rows import Row
from tests.studies.committed import committed_rows

ROOT = Path(__file__).parents[2]
PAGES = [*(ROOT / "docs").glob("results*.md"), ROOT / "docs" / "evidence.md", ROOT / "README.md"]


@pytest.fixture(scope="module")
def rows() -> dict[str, Row]:
    return committed_rows()


def test_readings_name_one_side_in_168_films(shared_data: Path) -> None:
    with (shared_data / "ms_cxr" / "manifest.csv").open(encoding="utf-8") as file:
        sides = [side_of(row["findings"]) for row in csv.DictReader(file) if row["label"] == "abnormal"]
    assert (sides.count("right"), sides.count("left")) == (115, 53)


def test_sharpness_keeps_the_withdrawn_figure_and_has_one_half_on_pairs(rows: dict[str, Row]) -> None:
    found = rows[WITHDRAWN]["sharpness"]
    assert {entry["auroc"] for entry in found.values()} == {found["sharpness"]["auroc"]}
    assert found["sharpness"]["adjusted"] > 0.75 > 0.25 > found["log sharpness"]["adjusted"]
    for entry in found.values():
        assert [entry["like_pairs"][end] for end in ("low", "value", "high")] == [0.5, 0.5, 0.5]


def test_transforms_move_the_withdrawn_figure_and_no_pairs(rows: dict[str, Row]) -> None:
    for scores in rows[WITHDRAWN]["scores"].values():
        adjusted = [entry["adjusted"] for entry in scores.values()]
        assert max(adjusted) - min(adjusted) > 0.1
        assert len({entry["like_pairs"]["value"] for entry in scores.values()}) == 1


def test_each_statistic_has_one_half_on_pairs_alike_in_all(rows: dict[str, Row]) -> None:
    some = sided_rows(rows)
    assert len(some) == 5
    for row in some:
        for name, entry in row["balance"].items():
            assert entry["value"] is None or entry["low"] <= 0.5 <= entry["high"], (row["recipe"], name)


def test_detection_is_claimed_only_above_each_statistic_of_a_lung(rows: dict[str, Row]) -> None:
    assert "detection of disease is not claimed" in claim(rows)
    row = sided_rows(rows)[0]
    better = {**row, "laterality": {**row["laterality"], "above_shortcuts": True}}
    assert "Significantly above" in claim({f"{row['recipe']}-0": better})
    assert claim({}) == "" and laterality_section({}) == [] and cells({}, "shipped/pca") == ["–", "–"]


def test_no_page_of_results_shows_the_withdrawn_figure() -> None:
    for page in PAGES:
        for line in page.read_text(encoding="utf-8").splitlines():
            assert "adjusted" not in line.lower() or "withdrawn" in line, f"{page.name}: {line[:200]}"


def test_the_first_table_of_the_results_is_ordered_by_both_instruments(rows: dict[str, Row]) -> None:
    ordered = [name for name, *_ in both_figures(rows)]
    assert len(ordered) >= 5
    text = (ROOT / "docs" / "results.md").read_text(encoding="utf-8").partition("\n## ")[0]
    lines = [
        line.split("|")[1].strip(" *").split("`")[1] for line in text.splitlines() if line.startswith(("| `", "| **`"))
    ]
    assert lines[: len(ordered)] == ordered
    means = [float(side["value"]) + float(alike["value"]) for _, side, alike, *_ in both_figures(rows)]
    assert means == sorted(means, reverse=True)


def test_a_table_without_the_ensemble_says_what_its_row_would_cost(rows: dict[str, Row]) -> None:
    ((name, said, *rest),) = ensemble_line(rows, 277, 5)
    assert name == "`ensemble-five`" and said.startswith("*not computed: at least 0.20 core-hours")
    assert rest == ["–", "–", "–"]
    text = (ROOT / "docs" / "results-detectors.md").read_text(encoding="utf-8")
    for heading in ("## Fold 0: selection", "## ZhangLab: paediatric films", "## Other data sets"):
        assert "| `ensemble-five`" in text.partition(heading)[2].partition("\n## ")[0], heading
    [cell] = [one for one in rows["detectors/elsewhere/kermany/ensemble-five-0"]["cells"] if not one["matched"]]
    similar = cell["like_pairs"]["all statistics"]["value"]
    assert f"| `ensemble-five` | kermany | 318 + 321 | {cell['auroc']['value']:.2f} [" in text
    assert f"] | {similar:.2f} [" in next(
        line for line in text.splitlines() if line.startswith("| `ensemble-five` | k")
    )


def test_the_nomination_marks_trainings_that_had_not_converged(rows: dict[str, Row]) -> None:
    blocks = nomination_section(rows, {})
    chosen, tested = (block for block in blocks if block.startswith("| Recipe"))
    assert "†" not in chosen and "do not record whether a training had converged" in blocks[1]
    names = {name for name, *_ in both_figures(rows)}
    marked = {name for name in names if re.search(rf"`{re.escape(name)}`( \([^)]* features\))?†", tested)}
    late = {
        name
        for name in names
        for kind in ("detectors/folds-1-4/", "shipped/")
        if rows.get(f"{kind}{name.removeprefix('models/')}-0", {}).get("convergence") == "not converged"
        and name.startswith("models/") == (kind == "shipped/")
    }
    assert marked == late >= {"deep-svdd", "one-class-svm"}
    assert sum(block.startswith("† Not converged") for block in blocks) == 1
    converged = {name: {**row, "convergence": "converged"} for name, row in rows.items()}
    assert "† " not in "\n".join(nomination_section(converged, {}))


def test_several_hospitals_have_too_few_abnormal_studies(rows: dict[str, Row], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screening, "_RATE", 0.001)
    known = {name: row for name, row in rows.items() if name != f"{screening.ADAPTED}-0"}  # has no such rate
    first = screening.screening_screen(known, [])
    assert first is not None
    assert "Montgomery and Shenzhen have too few abnormal studies for 0.1 %" in " ".join(first.sentences)
