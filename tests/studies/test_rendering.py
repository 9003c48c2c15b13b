"""The pages are rendered from rows alone: no number stands in them without its JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studies import crossfit, twins
from studies.crossfit import cross_fit, tables_of
from studies.rendering import render
from studies.row_files import read_rows, read_study, write_row
from studies.rows import row_of
from studies.twins import twin_row
from tests.once import made_once, shared_folder
from tests.studies.conftest import FOLDS, AtOnce, SmallLungs, World, recipe_of
from unseen.anatomy.lung_finder import LungFinder
from unseen.artifacts.recipe import Recipe
from unseen.evaluation.comparison import compare
from unseen.runs import cohort
from unseen.runs.training import resolve

OTHERS = "".join(f"<!-- {name}:begin -->\n<!-- {name}:end -->\n" for name in ("answer", "imaging"))
README = f"# unseen\n\nbefore\n\n<!-- results:begin -->\nold\n<!-- results:end -->\n\nafter, 1.23\n{OTHERS}"
# what the words around the tables say of the method itself
CONSTANTS = {"95", "2,000", "0.5", "0.45", "0.55", "5"}


class Hardly(SmallLungs):
    steps: int = 2


@pytest.fixture(scope="module")
def rows_folder(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows of the tiny set and of phantom twins, and the comparison of the lung-crop rows; made by one worker."""

    def make(folder: Path) -> None:
        _write_rows(world, folder, tmp_path_factory.mktemp("runs"))

    return made_once(shared_folder(tmp_path_factory) / "rendered-rows", make)


def _write_rows(world: World, folder: Path, runs: Path) -> None:
    """One fold, one epoch and two steps of a finder: the numbers of a row are tested elsewhere."""
    short = tuple(one.model_copy(update={"training": {**one.training, "epochs": 1}}) for one in world.recipes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crossfit, "worker_processes", AtOnce)
        patch.setattr(LungFinder, "Config", Hardly)
        done = cross_fit(short, folds=FOLDS[:1], root=world.root, workers=1, say=lambda _: None)
    for recipe in short:
        write_row(row_of(recipe, done[recipe.name]), folder)
    tables = {recipe.method.key: tables_of(done[recipe.name]) for recipe in short[:2]}
    write_row({"comparison": compare(tables).to_json()}, folder, name="ms_cxr/comparison-32-lungs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LungFinder, "Config", Hardly)
        patch.setattr(cohort, "PHANTOM_NORMALS", 10)
        small = recipe_of("pca").model_dump() | {"name": "phantoms/pca-64-lungs", "data": {}}
        row = twin_row(resolve(Recipe(**small)), pairs=12, root=runs)
    write_row(row, folder)


@pytest.fixture
def pages(rows_folder: Path, tmp_path: Path) -> tuple[str, str]:
    (tmp_path / "README.md").write_text(README, encoding="utf-8")
    written = render(rows_folder, docs=tmp_path / "docs", readme=tmp_path / "README.md")
    assert written == [
        tmp_path / "docs" / "results.md",
        tmp_path / "docs" / "results-thesis.md",
        tmp_path / "docs" / "results-screening.md",
        tmp_path / "docs" / "results-detectors.md",
        tmp_path / "docs" / "results-sources.md",
        tmp_path / "docs" / "evidence.md",
        tmp_path / "README.md",
    ]
    page, *_, readme = (path.read_text(encoding="utf-8") for path in written)
    return page, readme


def leaves(entry: Any) -> Iterator[Any]:  # Any: JSON
    if isinstance(entry, dict):
        for key, value in entry.items():
            yield key
            yield from leaves(value)
    elif isinstance(entry, list):
        for value in entry:
            yield from leaves(value)
    else:
        yield entry


def numbers_of(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w.])\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?", text.replace("−", "-")))


def known_numbers(folder: Path) -> set[str]:
    """Return every number of the rows as the pages may print it."""
    known: set[str] = set()
    for row in read_rows(folder).values():
        for leaf in leaves(row):
            if isinstance(leaf, str):
                known |= numbers_of(leaf)
            elif isinstance(leaf, int | float) and not isinstance(leaf, bool):
                known |= {str(abs(leaf)), f"{abs(leaf):.2f}", f"{abs(leaf):.1f}", f"{abs(leaf):.2g}"}
        if "folds" in row:
            known.add(f"{row['seconds'] / len(row['folds']):.1f}")  # the page says seconds a fold
    return known


def test_every_number_of_the_pages_is_in_the_rows(rows_folder: Path, pages: tuple[str, str]) -> None:
    known = known_numbers(rows_folder) | CONSTANTS
    for page in pages:
        printed = numbers_of(re.sub(r"folds [01] to [34]|fold 4|[\w./*-]*-64-\w+|`[^`]*`|after, 1\.23", "", page))
        assert len(printed) > 10
        # the thesis trains 70 epochs at 64 features and 256 px: what ours is compared with
        assert not printed - known - {"64", "70", "256"}, "a number stands in the page that is in no row"


def test_a_number_that_is_in_no_row_would_be_found(rows_folder: Path, pages: tuple[str, str]) -> None:
    known = known_numbers(rows_folder)
    assert numbers_of("AUROC 0.98765 [0.1234, 1]") - known


def test_the_page_has_each_row_its_audit_and_how_it_was_made(pages: tuple[str, str]) -> None:
    page, _ = pages
    assert page.startswith("# Results: ") and page.endswith("\n")
    assert "Research use only. Not a medical device. Not for diagnosis." in page
    for heading in (
        "## Conclusions",
        "## Montgomery + Shenzhen: lung crop",
        "## Montgomery + Shenzhen: whole film",
        "## Matched pairs of phantoms",
        "## Method and provenance",
    ):
        assert heading in page
    for line in ("| `pca` |", "| mix (supervised) |"):
        assert line in page
    budget = r"`roi-oracle` \(\d+ steps, \d+ of 64 features\)†?"
    for words in (rf"\| {budget} \|", rf"{budget}: reconstruction", rf"`pca` − {budget} \| [+−]\d\.\d\d"):
        assert re.search(words, page), words
    assert re.search(r"nodule.*pneumothorax", page) and "None" not in page
    assert not re.search(r"\bnan\b", page.lower())


def test_the_page_says_what_has_not_converged(rows_folder: Path, tmp_path: Path) -> None:
    import shutil

    folder = Path(shutil.copytree(rows_folder, tmp_path / "rows"))
    row = read_study("ms_cxr", folder)["ms_cxr/roi-oracle-64-lungs-0"]
    for word in ("not converged", "converged"):
        write_row(row | {"convergence": word}, folder)
        (tmp_path / "README.md").write_text(README, encoding="utf-8")
        render(folder, docs=tmp_path / "docs", readme=tmp_path / "README.md")
        page = (tmp_path / "docs" / "results.md").read_text(encoding="utf-8")
        assert ("Not converged in the epochs given: `ms_cxr/roi-oracle-64-lungs`" in page) == (word == "not converged")
        assert re.search(rf"^\| `roi-oracle` .*\| {word} \|$", page, flags=re.MULTILINE)


def test_the_readme_keeps_its_markers_and_all_that_is_around_them(pages: tuple[str, str]) -> None:
    _, readme = pages
    head, rest = readme.split("<!-- results:begin -->")
    inside, tail = rest.split("<!-- results:end -->")
    assert head == "# unseen\n\nbefore\n\n" and tail.startswith("\n\nafter, 1.23\n")
    assert (
        not re.search(r"\bold\b", inside) and "`pca`, " in inside and "sharpness alone" in inside and "(best)" in inside
    )


def test_rendering_twice_changes_nothing(rows_folder: Path, pages: tuple[str, str], tmp_path: Path) -> None:
    render(rows_folder, docs=tmp_path / "docs", readme=tmp_path / "README.md")
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == pages[1]
    assert (tmp_path / "docs" / "results.md").read_text(encoding="utf-8") == pages[0]


def test_without_rows_both_pages_say_so(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(README, encoding="utf-8")
    render(tmp_path / "none", docs=tmp_path / "docs", readme=tmp_path / "README.md")
    page, readme = (tmp_path / "docs" / "results.md").read_text(), (tmp_path / "README.md").read_text()
    assert "No row yet" in page and "No row yet" in readme
    assert "before" in readme and "after, 1.23" in readme and readme.count("<!-- results:") == 2
    assert not numbers_of(page)


def test_a_twin_row_tells_pairs_kinds_and_where_the_map_points(rows_folder: Path) -> None:
    row = read_study("phantoms", rows_folder)["phantoms/pca-64-lungs-0"]
    assert row["pairs"] == 12 and row["convergence"] == "no training loop"
    metrics = row["metrics"]
    assert metrics["n"]["pooled"] == {"normal": 12, "abnormal": 12} and metrics["excluded_training_films"] == 0
    assert set(metrics["by_kind"]) == {"nodule", "consolidation", "effusion", "pneumothorax"}
    assert "12 phantom twin pairs" in metrics["protocol"] and "twin pairs drawn as one" in metrics["intervals"]
    assert set(metrics["localisation"]) & {"pooled", "nodule"}


def test_twins_are_other_phantoms_than_those_that_are_learnt_from(world: World) -> None:
    from unseen.data import phantoms

    learnt, _ = cohort.phantom_normals(world.recipes[0])
    tested = phantoms.twins(3, seed=twins._SEED, size=64)
    assert len(FOLDS) == 2 and learnt.cases[0].seed != tested.cases[0].seed
