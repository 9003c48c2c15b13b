"""`python -m unseen.experiments`: train and test every recipe of the results, write their rows, render the docs
from rows.

python -m unseen.experiments             all of it (`make results`); finished runs are found again
python -m unseen.experiments --render    docs/results.md and the README's table, from the committed rows alone
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from unseen.artifacts import recipe as recipes
from unseen.artifacts.recipe import RecipeError
from unseen.artifacts.run import runs_root
from unseen.data.manifest import ManifestError, SourceError
from unseen.experiments.crossfit import cross_fit, tables_of
from unseen.experiments.rendering import render
from unseen.experiments.rows import annotate_bundles, row_of, write_row
from unseen.experiments.running import resolve
from unseen.experiments.twins import twin_row


def main() -> None:
    """Parse, run, and tell a user's mistakes in one sentence, with status 2."""
    try:
        _run()
    except (RecipeError, SourceError, ManifestError) as error:
        sys.exit(f"make results: {error}")


def _run() -> None:
    parser = argparse.ArgumentParser(prog="python -m unseen.experiments", description=__doc__.splitlines()[0])
    parser.add_argument("--render", action="store_true", help="only render the docs from the rows in --rows")
    parser.add_argument("--only", choices=("real", "phantoms"), help="only these recipes")
    parser.add_argument("--rows", type=Path, default=Path("results"), help="where rows lie (default: results)")
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="where results.md goes (default: docs)")
    parser.add_argument("--readme", type=Path, default=Path("README.md"))
    parser.add_argument("--workers", type=int, default=2, help="folds at a time, one thread each (default: 2)")
    given = parser.parse_args()
    if not given.render:
        if given.only != "phantoms":
            _real(given.rows, given.workers)
        if given.only != "real":
            for name in _shipped("phantoms/"):
                print("wrote", write_row(twin_row(resolve(recipes.load(name))), given.rows), flush=True)
    for path in render(given.rows, docs=given.docs, readme=given.readme):
        print("rendered", path)


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
    for frame in ("lungs", "whole"):
        some = {recipe.method.key: tables[recipe.name] for recipe in chosen if recipe.view["frame"] == frame}
        path = rows / "ms_cxr" / f"comparison-64-{frame}.json"
        write_text(path, json.dumps({"comparison": compare(some).to_json()}, indent=1, ensure_ascii=False) + "\n")
        print("wrote", path)


def _shipped(prefix: str) -> list[str]:
    """The recipes that come with the package under `prefix`: a new one joins the results by being there."""
    return [name for name in recipes.names() if name.startswith(prefix)]


if __name__ == "__main__":
    main()
