"""`python -m unseen.experiments`: train and test every recipe of the results, write their rows, render the docs
from rows.

python -m unseen.experiments                   real films, phantoms, shipped models (`make results`); finished runs
                                               are found again
python -m unseen.experiments --only thesis     the thesis's protocol and the noise study (`make results-thesis`)
python -m unseen.experiments --only screening  calibration on real films, and the guarantee in simulated hospitals
python -m unseen.experiments --only detectors  every detector on fold 0, for choosing (`make results-detectors`)
python -m unseen.experiments --only twins      the same recipes on phantom twins, which the nomination asks for
python -m unseen.experiments --only nominated  the nominated recipe and the best single one on folds 1 to 4; both ship
python -m unseen.experiments --only folds      every other recipe on folds 1 to 4, after the nominated
python -m unseen.experiments --only generalisation  learnt at one place, used at another
python -m unseen.experiments --only counts     roi-sure and roi-oracle on films with noise of counts
python -m unseen.experiments --only unfinished  how far trainings got that have no row yet
python -m unseen.experiments --render          the pages and the README's table, from the committed rows alone
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from unseen.artifacts import recipe as recipes
from unseen.artifacts.recipe import Recipe, RecipeError
from unseen.artifacts.run import runs_root
from unseen.data.manifest import ManifestError, SourceError
from unseen.experiments.claim import above_floor, above_shortcut
from unseen.experiments.contamination import QUICK, contamination_row
from unseen.experiments.crossfit import FoldResult, cross_fit, tables_of
from unseen.experiments.development import RECIPES, development_row, phantom_row
from unseen.experiments.generalisation import QUICK as MATRICES
from unseen.experiments.generalisation import generalisation_row
from unseen.experiments.halves import halves_row, scored_studies
from unseen.experiments.hospitals import hospitals_row
from unseen.experiments.nomination import FLOOR, TESTED, nominated
from unseen.experiments.pages.results_page import render
from unseen.experiments.preparations import comparing as preparing
from unseen.experiments.robustness import robustness
from unseen.experiments.rows import Row, annotate_bundles, read_rows, row_of, write_row
from unseen.experiments.running import resolve, takes_unlabelled
from unseen.experiments.shipping import choice_row, finder_row, ship, ship_finder
from unseen.experiments.thesis import thesis_row, train_thesis
from unseen.experiments.twins import twin_row
from unseen.experiments.unfinished import unfinished
from unseen.training.showing import shown_on

_OF_COUNTS = (0.0, 0.05, 0.1, 0.2)


def main() -> None:
    """Parse, run, and tell a user's mistakes in one sentence, with status 2."""
    try:
        _run()
    except (RecipeError, SourceError, ManifestError) as error:
        sys.exit(f"make results: {error}")


def _run() -> None:
    parser = argparse.ArgumentParser(prog="python -m unseen.experiments", description=__doc__.splitlines()[0])
    parser.add_argument("--render", action="store_true", help="only render the docs from the rows in --rows")
    parser.add_argument(
        "--only",
        choices=(
            "real",
            "phantoms",
            "shipped",
            "thesis",
            "screening",
            "detectors",
            "twins",
            "nominated",
            "folds",
            "generalisation",
            "counts",
            "unfinished",
        ),
        help="only these",
    )
    parser.add_argument("--rows", type=Path, default=Path("results"), help="where rows lie (default: results)")
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="where results.md goes (default: docs)")
    parser.add_argument("--readme", type=Path, default=Path("README.md"))
    parser.add_argument("--models", type=Path, default=Path("src/unseen/models"), help="where shipped models lie")
    parser.add_argument("--workers", type=int, default=2, help="folds at a time, one thread each (default: 2)")
    given = parser.parse_args()
    if not given.render:
        if given.only in (None, "real"):
            _real(given.rows, given.workers)
        if given.only in (None, "phantoms"):
            for name in _shipped("phantoms/"):
                print("wrote", write_row(twin_row(resolve(recipes.load(name))), given.rows), flush=True)
        if given.only in (None, "shipped"):
            _models(given.rows, given.models, given.workers)
        if given.only == "screening":
            _screening(given.rows)
        if given.only == "detectors":
            for name in _shipped(RECIPES):
                print("wrote", write_row(development_row(recipes.load(name)), given.rows), flush=True)
            for name in QUICK:
                print("wrote", write_row(contamination_row(recipes.load(RECIPES + name)), given.rows), flush=True)
            for name in preparing.RECIPES:
                for place in (None, *preparing.ELSEWHERE):
                    row = preparing.preparations_row(recipes.load(name), elsewhere=place)
                    print("wrote", write_row(row, given.rows), flush=True)
        if given.only == "twins":
            for name in _normals_alone():
                print("wrote", write_row(phantom_row(recipes.load(name)), given.rows), flush=True)
        if given.only == "nominated":
            _nominated(given.rows, given.models, given.workers)
        if given.only == "folds":
            _rest(given.rows, given.workers)
        if given.only == "generalisation":
            _after_the_nominated(given.rows)
            for name in MATRICES:
                print("wrote", write_row(generalisation_row(recipes.load(RECIPES + name)), given.rows), flush=True)
        if given.only == "counts":
            twins = [recipes.load(f"counts/{name}") for name in ("roi-sure", "roi-oracle")]
            for noise in ("poisson", "mixed"):
                row = robustness(twins, sigmas=_OF_COUNTS, seeds=range(3), noise=noise, workers=given.workers)
                print("wrote", write_row(row, given.rows), flush=True)
        if given.only == "unfinished":
            asked = [recipes.load(name) for prefix in ("thesis/", "ms_cxr/") for name in _shipped(prefix)]
            print("wrote", write_row(unfinished(asked, given.rows), given.rows))
        if given.only == "thesis":
            _thesis(given.rows, given.workers)
    for path in render(given.rows, docs=given.docs, readme=given.readme):
        print("rendered", path)


def _nominated(rows: Path, models: Path, workers: int) -> None:
    """Open folds 1 to 4 for the recipe that the rule picks and for the best single one, and for no other; ship both."""
    chosen = _picked(read_rows(rows))
    if not chosen:
        raise RecipeError("nothing is nominated yet; docs/results-detectors.md says what speaks against each recipe")
    for recipe, results, row in _opened(chosen, workers):
        print("wrote", write_row(row, rows), flush=True)
        shipped = {**ship(recipe, row, results, models), "recipe": f"shipped/{recipe.short}"}
        print("wrote", write_row(shipped, rows), "and", models / recipe.short, flush=True)


def _rest(rows: Path, workers: int) -> None:
    """Every other recipe on folds 1 to 4."""
    done = _after_the_nominated(rows)
    for name in _normals_alone():
        if TESTED + name.removeprefix(RECIPES) not in done:
            for _, _, row in _opened([name.removeprefix(RECIPES)], workers):
                print("wrote", write_row(row, rows), flush=True)


def _after_the_nominated(rows: Path) -> set[str]:
    """The names of the rows of folds 1 to 4; raises RecipeError where they are not opened for the nominated yet."""
    known = read_rows(rows)
    done = {row["recipe"] for name, row in known.items() if name.startswith(TESTED)}
    chosen = [TESTED + name for name in _picked(known)]
    if not chosen or set(chosen) - done:
        raise RecipeError("folds 1 to 4 are opened for the nominated recipe first: --only nominated")
    return done


def _picked(known: Mapping[str, Row]) -> list[str]:
    """The recipe that the rule picks, and the best single one."""
    both = nominated(known), nominated(known, single=True)
    return list(dict.fromkeys(one.name for one in both if one is not None))


def _opened(names: Sequence[str], workers: int) -> Iterator[tuple[Recipe, list[FoldResult], Row]]:
    """Recipes cross-fitted over folds 1 to 4, with what can be claimed of each."""
    floor, *picked = (resolve(recipes.load(RECIPES + name)) for name in (FLOOR, *names))
    done = cross_fit([floor, *(recipe for recipe in picked if recipe != floor)], workers=workers)
    for recipe in picked:
        results = done[recipe.name]
        annotate_bundles(results)
        row, table = row_of(recipe, results), tables_of(results)
        above = {
            "floor": above_floor(table, tables_of(done[floor.name])),
            "shortcut": above_shortcut(table, row["metrics"]),
        }
        yield recipe, results, {**row, "recipe": TESTED + recipe.name.removeprefix(RECIPES), "above": above}


def _real(rows: Path, workers: int) -> None:
    import json

    from unseen.artifacts.files import write_text
    from unseen.evaluation.comparing import compare

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
        path = rows / "ms_cxr" / f"comparison-{size}-{frame}.json"
        write_text(path, json.dumps({"comparison": compare(some).to_json()}, indent=1, ensure_ascii=False) + "\n")
        print("wrote", path)


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


def _thesis(rows: Path, workers: int) -> None:
    """The noise study, then the thesis's four trainings, which take hours: a row is written after each."""
    twins = [recipes.load(name) for name in ("ms_cxr/roi-sure-64-lungs", "ms_cxr/roi-oracle-64-lungs")]
    print("wrote", write_row(robustness(twins, workers=workers), rows), flush=True)
    arms = [resolve(recipes.load(name)) for name in _shipped("thesis/")]
    for recipe in sorted(arms, key=lambda arm: int(str(arm.method.settings.get("features", 0)))):  # the short first
        train_thesis(recipe, progress=shown_on())
        print("wrote", write_row(thesis_row(recipe), rows), flush=True)


def _screening(rows: Path) -> None:
    """What a calibration is worth on real films, and whether its guarantee holds in simulated hospitals."""
    scores = {}
    for name in ("shipped/pca", "ms_cxr/roi-sure-64-lungs"):
        recipe = resolve(recipes.load(name))
        studies = scored_studies(recipe)
        print("wrote", write_row(halves_row(recipe, studies), rows), flush=True)
        known = [(study.score, study.abnormal) for study in studies if study.score is not None]
        scores[name] = ([s for s, abnormal in known if abnormal], [s for s, abnormal in known if not abnormal])
    print("wrote", write_row(hospitals_row(scores), rows), flush=True)


def _normals_alone() -> list[str]:
    """The recipes for choosing, but for methods that learn from unlabelled films, too."""
    return [name for name in _shipped(RECIPES) if not takes_unlabelled(recipes.load(name))]


def _shipped(prefix: str) -> list[str]:
    """The recipes that come with the package under `prefix`: a new one joins the results by being there."""
    return [name for name in recipes.names() if name.startswith(prefix)]


if __name__ == "__main__":
    main()
