"""`python -m studies.lung_finder`: how well finders outline lungs, and how much of a lesion stays inside them.

Cross-fitted on folds 1 to 4: each finder learns without a fold's films and is asked about the fold's normal films (Dice
with their drawn masks) and about phantoms with a lesion, whose lungs and lesion are known. A finder that outlines
healthy lungs well may still cut a consolidation or an effusion out; then no detector sees the lesion. Choices are made
on fold 0 and on other phantoms (`--development`, which writes no row).
"""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from studies import recipe_files as recipes
from studies.crossfit import TEST_FOLDS
from studies.evidence.screen import Screen, folded
from studies.evidence.screening import lungs_screen
from studies.pages.cells import Entry, put_between, table
from studies.pages.cells import exact_interval as figure
from studies.row_files import add_rows_option, read_study, write_row
from studies.rows import Row
from unseen import __version__
from unseen.anatomy.found_lungs import Finder
from unseen.anatomy.lung_finder import LungExamples, LungFinder
from unseen.artifacts.recipe import Recipe, digest
from unseen.artifacts.run_folder import runs_root
from unseen.data import phantoms
from unseen.data.film import Film, area
from unseen.data.phantoms.lesion_ranges import KINDS
from unseen.evaluation.intervals import Interval
from unseen.runs.cohort import Cohort, cohort_of, lung_films
from unseen.runs.lung_finders import finder_config, lungs_folder
from unseen.runs.training import resolve, with_changes

RECIPES = {
    "all-masks": "ms_cxr/pca-64-lungs",
    "open-masks": "detectors/pca-aligned",
    "all-masks-inside": "detectors/pca-inside-all",
    "open-masks-inside": "detectors/pca-inside-open",
}
"""Rows, and the recipe whose films and finder each is about."""
SEEDS = (0, 1, 2)
DEVELOPMENT_FOLD = 0
ABNORMAL_PHANTOMS, NORMAL_PHANTOMS = 400, 100
TEST_PHANTOMS, DEVELOPMENT_PHANTOMS = 42_000, 41_000  # their seeds, far from those that are trained on
LEAST_DICE, LEAST_KEPT = 0.95, 0.85
"""Targets of a finder: Dice on normal films of unseen folds; share kept of consolidations and effusions."""
BEGIN, END = "<!-- lung finder table -->", "<!-- end of the lung finder table -->"
_GROUPS = ("normal, pooled", "normal, shenzhen", "normal, montgomery", "abnormal, pooled", "phantoms, normal")

Measured = dict[str, list[float]]
"""One value a film, by what was measured."""


@dataclass(frozen=True)
class Asked:
    """The films of one fold that its finders have not seen."""

    films: Sequence[Film]
    phantoms: Sequence[Film]


def measured(finder: Finder, asked: Asked) -> Measured:
    """Dice of each film, by label and source; of each phantom lesion, the share inside the found lungs."""
    found: Measured = {}

    def add(name: str, value: float) -> None:
        found.setdefault(name, []).append(value)

    for film in asked.films:
        assert film.lungs is not None, film.name
        value = dice(on_film(finder, film), film.lungs)
        add(f"dice {film.label}, pooled", value)
        add(f"dice {film.label}, {film.source}", value)
    for film in asked.phantoms:
        assert film.lungs is not None and film.lesion is not None, film.name
        mask, kind = on_film(finder, film), film.columns["kind"]
        if film.label == "normal":
            add("dice phantoms, normal", dice(mask, film.lungs))
            continue
        add(f"dice phantoms, {kind}", dice(mask, film.lungs))
        add(f"whole {kind}", share(film.lesion, mask))
        if (film.lesion & film.lungs).any():
            add(f"kept {kind}", share(film.lesion & film.lungs, mask))
    return found


def on_film(finder: Finder, film: Film) -> NDArray[np.bool_]:
    """Return the found lungs on the film's own pixels, so that finders of different grids are compared on the same."""
    return np.asarray(area(finder.find(film).astype(np.float32), *film.pixels.shape) > 0.5)


def dice(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """2 |found ∩ truth| / (|found| + |truth|).

    >>> dice(np.array([True, True, False]), np.array([True, False, False])) == 2 / 3
    True
    """
    return float(2 * (found & truth).sum() / (found.sum() + truth.sum()))


def share(lesion: NDArray[np.bool_], found: NDArray[np.bool_]) -> float:
    """|lesion ∩ found| / |lesion|.

    >>> share(np.array([True, True, False]), np.array([True, False, True]))
    0.5
    """
    return float((lesion & found).sum() / lesion.sum())


def interval(values: NDArray[np.float64], *, seed: int = 0, draws: int = 2000) -> Interval:
    """Return the mean of values (trainings, films), with its bootstrap interval over trainings and films.

    >>> interval(np.full((3, 20), 0.5))
    Interval(value=0.5, low=0.5, high=0.5)
    """
    rng = np.random.default_rng(seed)
    trainings, films = values.shape
    means = [
        values[rng.integers(0, trainings, trainings)].mean(axis=0)[rng.integers(0, films, films)].mean()
        for _ in range(draws)
    ]
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(values.mean()), float(low), float(high))


def asked_of(
    cohort: Cohort,
    fold: int,
    *,
    folds: Sequence[int],
    seed: int,
    n: tuple[int, int] = (ABNORMAL_PHANTOMS, NORMAL_PHANTOMS),
) -> Asked:
    """The fold's films with their masks, and its part of the phantoms, of which each fold has as many of a kind."""
    films = [film for film in replace(cohort.testing(fold), masks=True) if isinstance(film, Film)]
    turn, every = list(folds).index(fold), len(folds)
    abnormal, normal = phantoms.abnormals(n[0], seed=seed), phantoms.normals(n[1], seed=seed)
    kinds = len(KINDS)
    drawn = [abnormal[i] for i in range(n[0]) if i // kinds % every == turn]
    return Asked(films, [*drawn, *(normal[i] for i in range(n[1]) if i % every == turn)])


def fold_finder(recipe: Recipe, cohort: Cohort, fold: int, examples: LungExamples, *, root: Path) -> LungFinder:
    """The finder that learnt without `fold`, trained now or found again; detectors of the same recipe share it."""
    folder = lungs_folder(recipe, fold=fold, data_digest=cohort.digest, root=root)
    return LungFinder(finder_config(recipe)).fit(examples, seed=recipe.seed, device="cpu", folder=folder / "lungs")


def finder_row(
    name: str,
    recipe: Recipe,
    *,
    seeds: Sequence[int] = SEEDS,
    folds: Sequence[int] = TEST_FOLDS,
    phantom_seed: int = TEST_PHANTOMS,
    n: tuple[int, int] = (ABNORMAL_PHANTOMS, NORMAL_PHANTOMS),
    root: Path | None = None,
) -> Row:
    """Return the row of one recipe's finder over `seeds` trainings."""
    root, recipe = runs_root() if root is None else root, resolve(recipe)
    cohort = cohort_of(recipe)
    found: dict[int, Measured] = {seed: {} for seed in seeds}
    for fold in folds:
        asked = asked_of(cohort, fold, folds=folds, seed=phantom_seed, n=n)
        examples = LungExamples.of(lung_films(recipe, cohort.training(fold)), size=finder_config(recipe).size)
        for seed in seeds:
            finder = fold_finder(with_changes(recipe, seed=seed), cohort, fold, examples, root=root)
            for key, some in measured(finder, asked).items():
                found[seed].setdefault(key, []).extend(some)
            print(f"{name}: fold {fold}, seed {seed}: measured")
    keys = list(found[seeds[0]])
    values = {key: np.array([found[seed][key] for seed in seeds]) for key in keys}

    def figures(prefix: str) -> dict[str, object]:
        chosen = [key for key in keys if key.startswith(prefix)]
        return {
            key.removeprefix(prefix): {**interval(values[key]).to_json(), "films": values[key].shape[1]}
            for key in chosen
        }

    return {
        "recipe": f"lungs/{name}",
        "recipe_digest": digest(recipe, data_digest=cohort.digest, version=__version__),
        "seed": seeds[0],
        "seeds": list(seeds),
        "of": recipe.name,
        "masks": recipe.data.lungs_from,
        "finder": finder_config(recipe).model_dump(mode="json"),
        "folds": list(folds),
        "phantoms": {"seed": phantom_seed, "abnormal": n[0], "normal": n[1]},
        "dice": figures("dice "),
        "kept": figures("kept "),
        "whole": figures("whole "),
        "device": f"cpu ({platform.machine()}), {torch.get_num_threads()} thread(s)",
        "date": datetime.now(UTC).date().isoformat(),
        "version": __version__,
    }


def _trainings(rows: Sequence[Entry]) -> str:
    """Return the number of trainings of each row: the interval of a single training does not cover the seed."""
    counts = [len(row["seeds"]) for row in rows]
    others = [
        f"{count} of {_called(row).partition(',')[0]}"
        for row, count in zip(rows, counts, strict=True)
        if count != counts[0]
    ]
    return ", ".join([str(counts[0]), *others])


def as_markdown(rows: Sequence[Entry]) -> str:
    """Return the tables of the page: Dice; the share of lesions that lies in the found lungs, of two areas."""
    if not rows:
        return "*No row yet: `python -m studies.lung_finder` makes them.*"
    first = rows[0]
    groups = [group for group in _GROUPS if group in first["dice"]]
    heads = [f"{group} ({first['dice'][group]['films']})" for group in groups]
    kinds = list(first["kept"])
    sections = [
        "## Method",
        f"Folds {', '.join(map(str, first['folds']))}; trainings a fold: {_trainings(rows)}; "
        f"{first['phantoms']['abnormal']} phantoms with a lesion and {first['phantoms']['normal']} without; "
        f"{first['device']}, {max(row['date'] for row in rows)}. Mean over films and trainings, with the 95 % "
        "bootstrap interval over both.",
        "## Dice with the drawn mask",
        "In brackets: the number of films.",
        table(["Finder", *heads], ([_called(row), *(figure(row["dice"][group]) for group in groups)] for row in rows)),
        "## Share of the lesion kept",
        "Of the lesion's visible area within the true lungs, the part inside the predicted lungs:",
        table(["Finder", *kinds], ([_called(row), *(figure(row["kept"][kind]) for kind in kinds)] for row in rows)),
        "The same for the lesion's whole visible area, which also covers heart and diaphragm:",
        table(["Finder", *kinds], ([_called(row), *(figure(row["whole"][kind]) for kind in kinds)] for row in rows)),
        "## Targets",
        f"Targets: Dice ≥ {LEAST_DICE:g} on normal films; ≥ {LEAST_KEPT:g} of consolidations and effusions kept.",
        "\n".join(f"- {_called(row)}: {verdict(row)}" for row in rows),
    ]
    screen = screen_of(rows)
    return "\n\n".join([*([] if screen is None else screen.blocks()), *folded(sections)])


def screen_of(rows: Sequence[Entry]) -> Screen | None:
    """Return the page's first screen; None without a row."""
    return lungs_screen(rows, {str(row["recipe"]): verdict(row) for row in rows}, (LEAST_DICE, LEAST_KEPT))


def verdict(row: Entry) -> str:
    """Return the targets that the row's means reach and those that they miss.

    >>> one = {"value": 0.96}, {"value": 0.7}
    >>> verdict({"dice": {"normal, pooled": one[0]}, "kept": {"consolidation": one[0], "effusion": one[1]}})
    'Dice reached, consolidation reached, effusion missed'
    """
    reached = {"Dice": row["dice"]["normal, pooled"]["value"] >= LEAST_DICE}
    reached |= {kind: row["kept"][kind]["value"] >= LEAST_KEPT for kind in ("consolidation", "effusion")}
    return ", ".join(f"{name} {'reached' if good else 'missed'}" for name, good in reached.items())


def _called(row: Entry) -> str:
    """Return the name of a lung segmentation model as code, with its resolution, steps and width."""
    finder = row["finder"]
    return (
        f"`{row['recipe'].removeprefix('lungs/')}`, {finder['size']} px, {finder['steps']:,} steps, "
        f"{finder['features']} features"
    )


def render(page: Path, rows: Sequence[Entry]) -> None:
    """Put the first screen and the tables between the page's two markers, and write the figure."""
    if (first := screen_of(rows)) is not None:
        first.write(page.parent)
    put_between(page, BEGIN, END, as_markdown(rows))


def rows_in(folder: Path) -> list[Row]:
    """Return the rows of this study, in the order of `RECIPES`."""
    found = read_study("lungs", folder)
    return [row for name in RECIPES for row in found.values() if row["recipe"] == f"lungs/{name}"]


def main(arguments: Iterable[str] | None = None) -> None:
    """Measure and write the rows, or print those of the development fold; put what was measured into the page."""
    parser = argparse.ArgumentParser(prog="python -m studies.lung_finder", description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=tuple(RECIPES), help="only this finder")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS), help="trainings (default: 0 1 2)")
    parser.add_argument("--development", action="store_true", help="fold 0 and other phantoms, one seed; writes no row")
    add_rows_option(parser)
    parser.add_argument("--page", type=Path, default=Path("docs/results-lungs.md"))
    parser.add_argument("--render", action="store_true", help="only put the rows into the page")
    given = parser.parse_args(None if arguments is None else list(arguments))
    torch.set_num_threads(1)
    for name in () if given.render else (given.only,) if given.only else RECIPES:
        recipe = recipes.load(RECIPES[name])
        if given.development:
            tried = finder_row(
                name, recipe, seeds=(0,), folds=(DEVELOPMENT_FOLD,), phantom_seed=DEVELOPMENT_PHANTOMS, n=(160, 40)
            )
            print(json.dumps({key: tried[key] for key in ("dice", "kept", "whole")}, indent=1))
        else:
            print("wrote", write_row(finder_row(name, recipe, seeds=given.seeds), given.rows), flush=True)
    if not given.development:
        render(given.page, rows_in(given.rows))
        print("rendered", given.page)


if __name__ == "__main__":
    main()
