"""`python -m studies`: train and test every recipe of the results, write their rows, render the docs
from rows.

python -m studies                   real films, phantoms, shipped models (`make results`); finished runs
                                               are found again
python -m studies --only thesis     the thesis's protocol (`make results-thesis`)
python -m studies --only thesis/ganomaly  one recipe of the thesis, `thesis/NAME`
python -m studies --only noise      the noise study: two recipes under added noise (`make results-noise`)
python -m studies --only screening  calibration on real films, and the guarantee in simulated hospitals
python -m studies --only screening-weights  cleared shares of models/ensemble-five by its own weights (two minutes)
python -m studies --only unfinished  how far trainings got that have no row yet
python -m studies --render          the pages and the README's table, from the committed rows alone
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from studies import recipe_files as recipes
from studies.adapted_hospitals import adapted_hospitals_row
from studies.crossfit import cross_fit, tables_of
from studies.halves import halves_row, weights_row
from studies.hospitals import hospitals_row
from studies.open_masks import finder_row
from studies.out_of_fold_scores import scored_studies
from studies.pca_choice import choice_row
from studies.rendering import render
from studies.robustness.study import robustness
from studies.row_files import add_rows_option, read_rows, write_row
from studies.rows import Row, annotate_bundles, row_of
from studies.shipping import ship, ship_finder
from studies.thesis_rows import beside_earlier, thesis_row
from studies.thesis_training import train_thesis
from studies.twins import twin_row
from studies.unfinished import unfinished
from unseen.artifacts.recipe import RecipeError
from unseen.artifacts.run_folder import runs_root
from unseen.data.manifest import ManifestError, SourceError
from unseen.runs.training import resolve
from unseen.training.progress_display import shown_on

SHIPPED = Path("models/src/unseen_models")
PARTS = ("real", "phantoms", "shipped", "thesis", "noise", "screening", "screening-weights", "unfinished")


def main() -> None:
    """Parse, run, and tell a user's mistakes in one sentence, with status 2."""
    try:
        _run()
    except (RecipeError, SourceError, ManifestError) as error:
        sys.exit(f"make results: {error}")


def _run() -> None:
    given = parsed(sys.argv[1:])
    if not given.render:
        train(given)
    for path in render(given.rows, docs=given.docs, readme=given.readme):
        print("rendered", path)


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m studies", description=__doc__.splitlines()[0])
    parser.add_argument("--render", action="store_true", help="only render the docs from the rows in --rows")
    parser.add_argument(
        "--only", choices=(*PARTS, *_shipped("thesis/")), metavar="PART", help=f"of {', '.join(PARTS)}, thesis/NAME"
    )
    add_rows_option(parser)
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="where results.md goes (default: docs)")
    parser.add_argument("--readme", type=Path, default=Path("README.md"))
    parser.add_argument("--models", type=Path, default=SHIPPED, help="folder of the shipped models")
    parser.add_argument("--workers", type=int, default=2, help="folds at a time, one thread each (default: 2)")
    return parser.parse_args(arguments)


def train(given: argparse.Namespace) -> None:
    """Train the recipes that are asked for, and write their rows."""
    if given.only in (None, "real"):
        _real(given.rows, given.workers)
    if given.only in (None, "phantoms"):
        for name in _shipped("phantoms/"):
            print("wrote", write_row(twin_row(resolve(recipes.load(name))), given.rows), flush=True)
    if given.only in (None, "shipped"):
        _models(given.rows, given.models, given.workers)
    if given.only == "screening":
        _screening(given.rows)
    if given.only == "screening-weights":
        print("wrote", write_row(weights_row("models/ensemble-five"), given.rows), flush=True)
    if given.only == "unfinished":
        asked = [recipes.load(name) for prefix in ("thesis/", "ms_cxr/") for name in _shipped(prefix)]
        print("wrote", write_row(unfinished(asked, given.rows), given.rows))
    if given.only == "noise":
        print("wrote", write_row(_noise_row(given.workers), given.rows), flush=True)
    if given.only is not None and given.only.startswith("thesis"):
        _thesis(given.rows, _shipped("thesis/") if given.only == "thesis" else [given.only])


def _real(rows: Path, workers: int) -> None:
    from unseen.evaluation.comparison import compare

    chosen = [resolve(recipes.load(name)) for name in _shipped("ms_cxr/")]
    done = cross_fit(chosen, workers=workers)
    tables = {}
    for recipe in chosen:
        print("wrote", write_row(row_of(recipe, done[recipe.name]), rows), flush=True)
        annotate_bundles(done[recipe.name])
        tables[recipe.name] = tables_of(done[recipe.name])
        kept = runs_root() / "tables" / f"{recipe.name}-{recipe.seed}.parquet"
        kept.parent.mkdir(parents=True, exist_ok=True)
        tables[recipe.name].write_parquet(kept)  # beside the runs, never in the repository: it names films
    for size, frame in sorted({(str(recipe.view["size"]), str(recipe.view["frame"])) for recipe in chosen}):
        some = {
            recipe.method.key: tables[recipe.name]
            for recipe in chosen
            if str(recipe.view["size"]) == size and recipe.view["frame"] == frame
        }
        name = f"ms_cxr/comparison-{size}-{frame}"
        print("wrote", write_row({"comparison": compare(some).to_json()}, rows, name=name))


def _models(rows: Path, models: Path, workers: int) -> None:
    """The shipped models' rows, and the bundles themselves."""
    chosen = [resolve(recipes.load(name)) for name in _shipped("shipped/")]
    done = cross_fit(chosen, workers=workers)
    print("wrote", write_row(choice_row(chosen[0]), rows), flush=True)
    finder = finder_row(chosen[0], resolve(recipes.load("ms_cxr/pca-64-lungs")))
    print("wrote", write_row(finder, rows), flush=True)
    print("wrote", ship_finder(chosen[0], finder, models), flush=True)
    for recipe in chosen:
        annotate_bundles(done[recipe.name])
        row = ship(recipe, row_of(recipe, done[recipe.name]), done[recipe.name], models)
        print("wrote", write_row(row, rows), "and", models / recipe.short, flush=True)


def _noise_row(workers: int) -> Row:
    """Return the row of two recipes that are trained and tested under added noise."""
    pair = [recipes.load(name) for name in ("ms_cxr/roi-sure-64-lungs", "ms_cxr/roi-oracle-64-lungs")]
    return robustness(pair, workers=workers)


def _thesis(rows: Path, names: Sequence[str]) -> None:
    """Train recipes of the thesis, which takes hours, and write a row after each."""
    arms = [resolve(recipes.load(name)) for name in names]
    for recipe in sorted(arms, key=lambda arm: int(str(arm.method.settings.get("features", 0)))):  # the short first
        train_thesis(recipe, progress=shown_on())
        row = thesis_row(recipe)
        row = beside_earlier(row, read_rows(rows).get(f"{row['recipe']}-{row['seed']}"))
        print("wrote", write_row(row, rows), flush=True)


def _screening(rows: Path) -> None:
    """Write the rows of calibration on real films, and of its guarantee in simulated hospitals."""
    scores = {}
    for name in ("shipped/pca", "ms_cxr/roi-sure-64-lungs"):
        recipe = resolve(recipes.load(name))
        studies = scored_studies(recipe)
        print("wrote", write_row(halves_row(recipe, studies), rows), flush=True)
        known = [(study.score, study.abnormal) for study in studies if study.score is not None]
        scores[name] = ([s for s, abnormal in known if abnormal], [s for s, abnormal in known if not abnormal])
    print("wrote", write_row(hospitals_row(scores), rows), flush=True)
    print("wrote", write_row(adapted_hospitals_row(), rows), flush=True)


def _shipped(prefix: str) -> list[str]:
    """Return the recipes that come with the package under `prefix`: a new one joins the results by being there."""
    return [name for name in recipes.names() if name.startswith(prefix)]


if __name__ == "__main__":
    main()
