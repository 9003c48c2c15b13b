"""The study of a site's labels: heads that the other folds' labels taught, and the section of the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studies.detectors import few_labels
from studies.detectors.few_labels import ROWS, beside_labels, few_labels_row
from tests.studies.committed import committed_study
from tests.studies.conftest import World, recipe_of
from tests.studies.test_labelled import write_shaded
from unseen.detectors.errors import FitError
from unseen.screening.adaptation import FilmCounts

RESULTS = Path(__file__).parents[2] / "studies" / "results"


@pytest.mark.nightly
def test_it_learns_from_labels_of_other_folds_alone(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exchanging the labels of the tested fold leaves the scores as they are, and turns an AUROC a into 1 − a."""
    monkeypatch.setattr(few_labels, "_SPLITS", 4)
    found = []
    for swapped in (False, True):
        data = tmp_path / str(swapped)
        write_shaded(data / "set", tested_swapped=swapped)
        monkeypatch.setenv("UNSEEN_DATA", str(data))
        recipe = recipe_of("pca", "whole")
        row = few_labels_row(recipe, folds=(1,), counts=(4,), draws=2, root=tmp_path / "root")
        found.append(row)
    right, wrong = found
    assert right["recipe"].startswith(ROWS) and [entry["abnormals"] for entry in right["curve"]] == [4, None]
    head = right["curve"][-1]["head"]["value"]
    assert head > 0.9 and wrong["curve"][-1]["head"]["value"] == pytest.approx(1 - head)
    page = "\n".join(beside_labels([json.loads(json.dumps(right, allow_nan=False))]))
    assert "| 4 |" in page and "refused" in page and "drawn 2 times" in page


def test_the_section_says_what_is_in_the_committed_row() -> None:
    row = committed_study("detectors")[f"{ROWS}ensemble-features-0"]
    page = "\n".join(beside_labels([row]))
    (forty,) = (entry for entry in row["curve"] if entry["abnormals"] == 40)
    assert f"| 40 | 0.80 [0.80, 0.80] | {forty['adapted']['value']:.2f} [" in page
    assert "normal films alone" in page and "No row yet" in beside_labels([])[1]


def test_what_is_cleared_is_shown_on_every_set_once() -> None:
    rows = [row for name, row in committed_study("detectors").items() if name.startswith(ROWS)]
    page = "\n".join(beside_labels(rows))
    for row in rows:
        name = row.get("set", "ms_cxr")
        if name != "ms_cxr":
            assert page.count(f"| 5 % | `{name}` |") == 1, name
    assert "Both" in page and "`both`" not in page


def test_a_row_that_is_made_again_keeps_what_it_replaced() -> None:
    row = committed_study("detectors")[f"{ROWS}ensemble-features-0"]
    (kept,) = row["earlier"]
    other = {"auroc": {**row["all"]["auroc"], "pooled": kept["auroc"]}}
    again = few_labels.earlier(row, other)
    assert few_labels.earlier(row, row["all"]) == [kept], "the same figures again replace nothing"
    assert again[0] == kept and again[1]["auroc"] == row["all"]["auroc"]["pooled"] and len(again) == 2
    assert set(again[1]["cleared"]) == {"shenzhen", "both"}, "Montgomery is refused at 5 %"
    page = "\n".join(beside_labels([row]))
    assert f"An earlier run of the same recipe and seed ({kept['date']}, version {kept['version']})" in page


def test_the_message_on_too_few_films_has_the_figures_of_the_row() -> None:
    row = committed_study("detectors")[f"{ROWS}ensemble-features-0"]
    with pytest.raises(FitError) as raised:
        FilmCounts(fresh=24, trained=0, abnormal=3, kept=50).check()
    message = str(raised.value)
    assert f"the AUROC is {row['curve'][0]['normals_only']['value']:.2f} from normal films alone" in message
    shown = {entry["abnormals"]: f"{entry['adapted']['value']:.2f}" for entry in row["curve"]}
    assert (
        f"{shown[10]} with 10 abnormal films, {shown[20]} with 20, {shown[40]} with 40, {shown[80]} with 80" in message
    )
    assert (
        "Label 2 more abnormal films" in message and "6 more normal films" in message and "50 further films" in message
    )
