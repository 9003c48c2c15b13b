"""Each evidence page begins with a figure, a conclusion and a table, in this order; the rest is folded below."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from studies.detectors.adjusted_by_finder import OPEN
from studies.evidence.charts import SHOWN, WIDTH, ChartRow, Mark, bars, forest, ticks
from studies.evidence.overview import _TITLES, PAGE
from studies.evidence.reliability import reliability_screen
from studies.evidence.repeats import of_pca_on_fold_0, on_test_folds, over_films_and_trainings, repeats
from studies.evidence.screen import best_first, folded
from studies.evidence.screening import lungs_screen
from studies.evidence.speed import bench_screen, history_screen, imaging_speed_screen, list_screen, pacs_screen
from studies.lung_finder import rows_in
from studies.lung_finder import screen_of as lungs_of
from studies.pages.cells import DAGGER
from studies.priors.page import screen_of as priors_of
from studies.row_files import read_study
from tests.docs.blocks import ROOT
from tests.studies.committed import committed_rows
from unseen.artifacts.research_only import LIMITS

DOCS, RESULTS = ROOT / "docs", ROOT / "studies" / "results"
PAGES = [PAGE, *_TITLES]
NARROW = 358  # pixels that a screen of 390 leaves for a figure


def figures_of(name: str) -> Any:  # Any: JSON
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", PAGES)
def test_the_first_screen_is_a_figure_a_conclusion_and_a_table(name: str) -> None:
    text = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    title, figure, conclusion, table = text.replace("<!-- lung finder table -->\n", "").split("\n\n")[:4]
    assert title.startswith("# ") and LIMITS in text
    shown = re.fullmatch(r"!\[(?P<alt>.+)\]\((?P<image>images/evidence/[a-z-]+\.svg)\)", figure)
    assert shown is not None, figure
    assert len(shown["alt"]) > 40 and (DOCS / shown["image"]).is_file()
    assert len(re.findall(r"[.!?](?:\s|$)", conclusion)) >= 3
    assert all(line.startswith("- ") for line in conclusion.splitlines())
    assert table.startswith("| ")


@pytest.mark.parametrize("name", PAGES)
def test_below_the_first_screen_every_section_is_folded(name: str) -> None:
    text = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    headings = [block for block in text.split("\n\n") if block.startswith("## ")]
    if name == "results-lungs":
        headings = headings[:-1]  # what the models learn from is text alone
    assert text.count('<details markdown="1">') == text.count("</details>") == len(headings)


@pytest.mark.parametrize("name", PAGES)
def test_a_figure_can_be_read_on_a_telephone_and_in_the_dark(name: str) -> None:
    root = ElementTree.parse(DOCS / "images" / "evidence" / f"{name}.svg").getroot()
    spaces = {"svg": "http://www.w3.org/2000/svg"}
    paper = root.find("svg:rect", spaces)
    assert paper is not None and paper.get("fill") == "#ffffff", "a background of its own"
    assert float(root.get("font-size", "0")) * NARROW / WIDTH >= 9.5
    assert root.find("svg:title", spaces) is not None
    for text in root.findall("svg:text", spaces):
        assert 0 <= float(text.get("x", "-1")) <= WIDTH and text.text


def test_the_figures_are_drawn_from_the_committed_rows() -> None:
    history = (RESULTS / "bench-history.jsonl").read_text(encoding="utf-8").splitlines()
    found = [
        reliability_screen(figures_of("soak")),
        bench_screen(figures_of("bench")),
        history_screen([json.loads(line) for line in history]),
        imaging_speed_screen(figures_of("bench-imaging")),
        list_screen(figures_of("worklist-pages"), figures_of("reading-large")),
        pacs_screen(figures_of("pacs-speed")),
        lungs_of(rows_in(RESULTS)),
        priors_of(list(read_study("priors", RESULTS).values())),
    ]
    for screen in found:
        assert screen is not None
        drawn = (DOCS / screen.image).read_text(encoding="utf-8")
        assert drawn == screen.figure, (
            f"{screen.page}: run {screen.answer.command.replace('make', 'its --render, see')}"
        )


def test_what_the_guarantee_does_after_a_drift_is_not_hidden() -> None:
    """Every page that describes the guarantee states how often the bound breaks, and how often an alarm follows."""
    (drift,) = (
        one
        for one in read_study("screening", RESULTS)["screening/adapted-hospitals-0"]["settings"]
        if one["setting"] == "drift"
    )
    (row,) = (one for one in drift["rates"] if one["max_miss_rate"] == 0.05)
    broken, alarms = row["broken"], row["broken"] - row["broken_without_alarm"]
    first = (DOCS / "results-screening.md").read_text(encoding="utf-8").partition("## ")[0]
    assert f"{broken} of {row['thresholds']} thresholds" in first and f"{alarms} of these {broken}" in first
    for name in ("get-started/what-a-score-means", "get-started/before-a-pilot", "theory/screening"):
        text = (DOCS / f"{name}.md").read_text(encoding="utf-8")
        assert f"{broken} of {row['thresholds']}" in text and f"{alarms} of these {broken}" in text, name


def test_one_model_is_to_be_used_wherever_one_is_called_best() -> None:
    for name in ("README.md", "docs/results.md", "docs/results-detectors.md", "docs/evidence.md"):
        assert "`models/ensemble-five`" in (ROOT / name).read_text(encoding="utf-8"), name
    for name in ("results-detectors", "evidence"):
        text = (DOCS / f"{name}.md").read_text(encoding="utf-8")
        assert "(best)" not in text and "by a commit before these films were opened for it" in text, name
    page = (DOCS / "results-screening.md").read_text(encoding="utf-8")
    assert (
        "| `models/ensemble-five` (2 trained members: 30 to 200 epochs, 16 features)‡, Shenzhen | 5 % |"
        in page.partition("## ")[0]
    )


def test_every_row_that_did_not_converge_is_marked_in_the_table_and_in_the_readme() -> None:
    rows = committed_rows()
    page = (DOCS / "results-detectors.md").read_text(encoding="utf-8").partition("## The test folds")[2]
    tested = [row for name, row in rows.items() if name.startswith("detectors/folds-1-4/")]
    for row in tested:
        name = row["recipe"].removeprefix("detectors/folds-1-4/")
        assert (f"| `{name}`{DAGGER}, " in page) == (row["convergence"] == "not converged"), name
    readme = (ROOT / "README.md").read_text(encoding="utf-8").partition("<!-- results:begin -->")[2]
    readme = readme.partition("<!-- results:end -->")[0]
    gans = [row for name, row in rows.items() if re.match(r"ms_cxr/.*-64-lungs-0", name)]
    assert len(gans) == 5 and f"{DAGGER} Not converged" in readme
    for row in gans:
        marked = re.search(rf"`{row['method']}`, 64 px(?: \([^)]*\))?{DAGGER} \|", readme) is not None
        assert marked == (row["convergence"] == "not converged")


def test_the_three_figures_of_one_recipe_stand_in_one_table_with_their_spread() -> None:
    rows = committed_rows()
    trainings = of_pca_on_fold_0(rows)
    values = [one.auroc["value"] for one in trainings]
    assert len(values) == 3 and min(values) < max(values)
    mean = over_films_and_trainings(trainings)
    films = [one.auroc["high"] - one.auroc["low"] for one in trainings if "low" in one.auroc]
    assert mean["high"] - mean["low"] > sum(films) / len(films), "the spread of trainings widens the interval"
    text = "\n\n".join(repeats(rows))
    assert all(f"{value:.3f} (" in text for value in values)
    assert text.splitlines()[2] in (DOCS / "results-detectors.md").read_text(encoding="utf-8")


def test_a_recipe_on_the_lungs_of_other_seeds_counts_as_a_training_of_it() -> None:
    rows = committed_rows()
    some = rows["detectors/adjusted/pca-aligned-0"]["finders"][OPEN]
    trainings = on_test_folds(rows)["pca-aligned"]
    assert {one["seed"] for one in some} == {0, 1, 2}
    assert [one.auroc for one in trainings if "seed" in one.study] == [one["auroc"] for one in some if one["seed"]]
    assert len(on_test_folds(rows)["ensemble-aligned"]) == 1


def test_reproduced_is_said_only_of_what_ran_to_the_end_at_the_width_of_the_thesis() -> None:
    text = (DOCS / "results-thesis.md").read_text(encoding="utf-8")
    rows = committed_rows()
    unfinished = {entry["recipe"] for entry in rows["unfinished-0"]["unfinished"]}
    for method in ("ganomaly", "roi-oracle", "roi-sure"):
        assert f"thesis/{method}" not in unfinished
        assert rows[f"thesis/{method}-0"]["epochs_done"] == 70
    assert "All detectors of the thesis's table 5.2 ran to the end at its width." in text
    assert "has not run to the end" not in text
    assert "reproduced" not in (ROOT / "mkdocs.yml").read_text(encoding="utf-8")


def test_the_overview_has_a_line_for_each_page_below_it() -> None:
    text = (DOCS / f"{PAGE}.md").read_text(encoding="utf-8")
    menu = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("  - Evidence:\n")[2].partition("\n  - ")[0]
    listed = re.findall(r"([a-z-]+)\.md", menu)
    others = ["results-deepinv", "results-sources"]  # lists of figures, which the text below the table names
    assert [name for name in listed if name not in others] == PAGES
    assert all(f"]({name}.md)" in text for name in others)
    for name in _TITLES:
        (line,) = (line for line in text.splitlines() if f"]({name}.md)" in line)
        assert re.search(r"`make [a-z-]+` \| \d{4}-\d\d-\d\d \|$", line), line
    assert all(len(re.findall(r"\d", line)) > 8 for line in text.splitlines() if line.startswith("| How"))


def test_sections_are_folded_and_what_stands_before_them_is_not() -> None:
    found = folded(["before", "## One", "text", "| a |\n|---|\n| 1 |", "## Two", "text"])
    assert found[:2] == ["before", "## One"] and found[-1] == "</details>"
    assert [block for block in found if block.startswith("<details")] == [
        '<details markdown="1"><summary>Show the table and its notes</summary>',
        '<details markdown="1"><summary>Show the text</summary>',
    ]
    assert folded(["only this"]) == ["only this"]


def test_the_best_row_is_first_and_marked() -> None:
    assert best_first([["a", "–"], ["b", "1"]]) == [["**a** (best)", "–"], ["b", "1"]]


def test_charts_put_values_where_they_belong() -> None:
    rows = [ChartRow("left", (Mark(0.5, 0.4, 0.6),)), ChartRow("right & far", (Mark(0.9, 0.8, 1.2),), strong=True)]
    drawn = forest("t", rows, axis="a", span=(0.4, 1.0))
    first, second = (float(x) for x in re.findall(r'<circle cx="([0-9.]+)"', drawn))
    assert first < second < WIDTH and "right &amp; far" in drawn
    ends = [float(x) for x in re.findall(r'x2="([0-9.]+)" y2="[0-9.]+" stroke="#0b5c8a"', drawn)]
    assert max(ends) <= WIDTH, "what lies outside is drawn at the edge"
    wide = [float(x) for x in re.findall(r'width="([0-9.]+)" height="12"', bars("t", rows, axis="a"))]
    assert wide[1] / wide[0] == pytest.approx(0.9 / 0.5, rel=0.01)
    assert ticks(0.45, 0.92) == [0.5, 0.6, 0.7, 0.8, 0.9] and ticks(-14, 14)[0] == -10


def grid_pixels(drawn: str) -> float:
    """Return the distance between the first and the last vertical line of the grid, in pixels on a wide screen."""
    lines = [
        float(x) for x in re.findall(r'<line x1="([0-9.]+)" y1="[0-9.]+" x2="\1" y2="[0-9.]+" stroke="#dfe3e8"', drawn)
    ]
    return (max(lines) - min(lines)) * SHOWN / WIDTH


@pytest.mark.parametrize("letters", [4, 20, 28, 40, 64])
@pytest.mark.parametrize("strong", [False, True])
def test_labels_of_any_length_leave_the_axis_300_pixels(letters: int, strong: bool) -> None:
    rows = [
        ChartRow("x" * letters, (Mark(0.5), Mark(1.0)), strong),
        ChartRow("", (Mark(0.7),)),
        ChartRow("short", (Mark(0.9),)),
    ]
    for drawn in (forest("t", rows, axis="a", span=(0.4, 1.0)), bars("t", rows, axis="a")):
        assert grid_pixels(drawn) >= 290, "the bars' axis ends 2 % beyond its last line"
        root = ElementTree.fromstring(drawn)
        texts = [one for one in root.iter("{http://www.w3.org/2000/svg}text") if one.text in ("x" * letters, "short")]
        for text in texts:
            wide = 6 * len(str(text.text))
            left = float(text.get("x", "-1")) - (wide if text.get("text-anchor") == "end" else 0)
            assert left >= 0 and left + wide <= WIDTH
        first, second = (float(text.get("y", "-1")) for text in texts)
        assert second - first >= 30, "the row without a label has a place of its own"


def test_the_forest_plot_of_the_overview_has_an_axis_that_can_be_read() -> None:
    assert grid_pixels((DOCS / "images" / "evidence" / f"{PAGE}.svg").read_text(encoding="utf-8")) >= 300


def test_without_rows_there_is_no_first_screen(tmp_path: Path) -> None:
    assert lungs_screen([], {}, (0.95, 0.85)) is None and priors_of([]) is None
    assert repeats({}) == [] and rows_in(tmp_path) == []
