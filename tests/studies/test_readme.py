"""The README's conclusions follow its rows, each with the training behind it."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from studies.pages import readme
from studies.rendering import render
from tests.docs.blocks import ROOT
from tests.studies.committed import committed_rows

Row = dict[str, Any]  # Any: JSON


def shipped() -> dict[str, Row]:
    return {name: deepcopy(dict(row)) for name, row in committed_rows().items() if name.startswith("shipped/")}


def better(row: Row, *groups: str) -> Row:
    """Let the row be significantly better than every image statistic on these groups alone."""
    above = row["metrics"]["shortcuts"]["above_all"]
    row["metrics"]["shortcuts"]["above_all"] = {group: group in groups for group in above}
    return row


def test_the_answer_on_detection_follows_the_row_of_the_model_that_fold_0_chose() -> None:
    rows = shipped()
    assert "0.80 [0.76, 0.84]" in readme.answer(rows) and "*not yet* evidence" in readme.answer(rows)
    rows["shipped/ensemble-five-0"] = better(rows["shipped/ensemble-five-0"], "pooled")
    assert "significantly better than every image statistic" in readme.answer(rows)
    assert "not yet" not in readme.answer(rows)
    rows["shipped/roi-sure-0"]["metrics"]["auroc"]["pooled"] = {"value": 0.97, "low": 0.96, "high": 0.98}
    reached = "`models/ensemble-five` (2 trained members: 30 to 200 epochs, 16 features) reaches an AUROC of 0.80"
    assert reached in readme.answer(rows), "not the highest of the test films"
    assert readme.answer({}) == "*No row yet.*"


def test_the_answer_has_the_paediatric_films_where_they_were_measured() -> None:
    rows = committed_rows()
    assert "On ZhangLab's training split (children)" in readme.answer(rows)
    assert "bytes per pixel alone 0.90" in readme.answer(rows), "a strong shortcut is stated beside the figure"
    without = {name: row for name, row in rows.items() if not name.startswith("zhanglab/")}
    assert "ZhangLab" not in readme.answer(without)


def test_what_the_table_shows_follows_its_rows_and_names_the_gans_training() -> None:
    rows = shipped()
    models = [better(row) for row in rows.values() if "metrics" in row]
    budget = (
        "(the GANs among them after 560 steps with 32 of the sources' 64 features, other networks after 1,600 steps "
        "with 16 features, networks in ensembles after 30 to 250 epochs with 16 features)"
    )
    none = f"no detector is significantly better than every single image statistic {budget}."
    assert f"- Pooled and at Shenzhen and at Montgomery, {none}" in readme.table_shows({}, models)
    [gan] = [row for row in models if row["method"] == "roi-sure"]
    better(gan, "shenzhen")
    shown = readme.table_shows({}, models)
    assert f"- Pooled and at Montgomery, {none}" in shown
    named = "`models/roi-sure` (560 steps, 32 of 64 features)†"
    assert f"- At Shenzhen, {named} is significantly better than every single image statistic." in shown
    assert readme.table_shows({}, []) == ""


def test_a_text_takes_the_place_between_its_markers_alone(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    each = "above\n<!-- {0}:begin -->\nold\n<!-- {0}:end -->\nbelow\n"
    before = "".join(each.format(name) for name in ("answer", "imaging", "results"))
    page.write_text(before, encoding="utf-8")
    render(tmp_path / "none", docs=tmp_path / "docs", readme=page)
    assert page.read_text(encoding="utf-8").startswith(
        "".join(each.format(name) for name in ("answer", "imaging")).replace("old", "*No row yet.*")
    )


@pytest.mark.parametrize("name", ["answer", "results", "imaging"])
@pytest.mark.parametrize("which", ["begin", "end"])
def test_a_marker_that_is_missing_is_an_error(name: str, which: str, tmp_path: Path) -> None:
    page, marker = tmp_path / "README.md", f"<!-- {name}:{which} -->"
    whole = (ROOT / "README.md").read_text(encoding="utf-8")
    page.write_text(whole.replace(marker, ""), encoding="utf-8")
    with pytest.raises(ValueError, match=f'README.md: the marker "{marker}" is missing'):
        render(tmp_path / "none", docs=tmp_path / "docs", readme=page)
    assert page.read_text(encoding="utf-8").endswith(whole[-1000:]), "nothing after it is removed"


def test_the_readmes_conclusion_on_imaging_is_that_of_the_first_screen() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    told = text.partition("<!-- imaging:begin -->\n")[2].partition(" [When learning pays]")[0]
    first = (ROOT / "docs" / "results-imaging.md").read_text(encoding="utf-8").partition("\n## ")[0]
    assert told in first and "of the sources' steps" in told
