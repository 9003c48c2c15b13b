"""`python -m studies.priors`: train the generators, solve every problem, write rows, render the page.

python -m studies.priors                            everything (hours; goes on where it was stopped)
python -m studies.priors --only brain-mri           these problems
python -m studies.priors --kinds vae                with these kinds of generator
python -m studies.priors --render                   the page, from the committed rows alone
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from studies import recipe_files as recipes
from studies.priors.comparing import Effort, asked_of, compared
from studies.priors.page import write_page
from studies.priors.problems import KINDS, PROBLEMS, Problem, measured, named, spread_over
from studies.priors.rows import SEED, name_of, row_of
from studies.row_files import add_rows_option, read_study, write_row
from unseen.artifacts.recipe import RecipeError, validated
from unseen.artifacts.run_folder import runs_root
from unseen.priors.generator import Generator
from unseen.reconstruction.side_by_side import write_side_by_side
from unseen.runs.generator_training import PictureSettings, TrainedRun, load_images, train_generator
from unseen.training.progress_display import shown_on

EFFORTS = {"brain-mri": Effort(tested=20, variation=300)}  # sixteen times the pixels of the others


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse, run, and tell a user's mistakes in one sentence, with status 2."""
    parser = argparse.ArgumentParser(prog="python -m studies.priors", description=__doc__.splitlines()[0])
    parser.add_argument("--render", action="store_true", help="only render the page from the rows in --rows")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these problems (default: all)")
    parser.add_argument(
        "--kinds", nargs="+", choices=KINDS, default=KINDS, help="these kinds of generator (default: all)"
    )
    parser.add_argument("--again", action="store_true", help="solve anew what has its rows")
    add_rows_option(parser)
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="where results-priors.md goes (default: docs)")
    given = parser.parse_args(arguments)
    try:
        problems = PROBLEMS if given.only is None else [named(name) for name in given.only]
        if not given.render:
            for problem in problems:
                effort = EFFORTS.get(problem.name, Effort())
                run_problem(
                    problem, kinds=given.kinds, rows=given.rows, docs=given.docs, effort=effort, again=given.again
                )
        print("rendered", write_page(given.rows, docs=given.docs))
    except RecipeError as error:
        sys.exit(f"make results-priors: {error}")


def run_problem(
    problem: Problem,
    *,
    rows: Path,
    docs: Path,
    effort: Effort,
    kinds: Sequence[str] = KINDS,
    again: bool = False,
) -> None:
    """Every level of a problem: its rows, and an image of the VAE's methods side by side. What has its row stands."""
    for level in sorted(problem.levels, key=problem.everywhere.__contains__):  # first what takes one generator alone
        known = read_study("priors", rows)
        asked = [
            pair
            for pair in asked_of([kind for kind in problem.kinds_at(level) if kind in kinds])
            if again or f"priors/{name_of(problem.name, level, *pair)}-{SEED}" not in known
        ]
        if asked:
            _run_level(problem, level, asked, rows=rows, docs=docs, effort=effort)


def _run_level(
    problem: Problem, level: str, asked: Sequence[tuple[str, str]], *, rows: Path, docs: Path, effort: Effort
) -> None:
    pictures = load_images(validated(dict(problem.view), PictureSettings, where="view"))
    validation, test = measured(problem, level, pictures, tested=effort.tested, validating=effort.validating)
    units = tuple(pictures.units[i] for i in spread_over(len(pictures.testing), effort.tested))
    trained: dict[str, TrainedRun] = {}

    def generator_of(kind: str) -> Generator:
        if kind not in trained:
            trained[kind] = train_generator(recipes.load(problem.recipe_of(kind)), progress=shown_on())
        return trained[kind].G

    shown = {"truth": test.x}
    first = asked_of(KINDS[:1])
    for outcome in compared(validation, test, asked, generator_of, effort=effort):
        row = row_of(
            problem,
            level,
            outcome,
            test,
            units,
            split=pictures.split,
            effort=effort,
            trained=trained.get(outcome.generator),
        )
        print("wrote", write_row(row, rows), f"{row['metrics']['psnr']['value']:.2f} dB", flush=True)
        write_page(rows, docs=docs)
        if (outcome.method, outcome.generator) in first:
            shown[outcome.method] = outcome.x
        if len(shown) == 1 + len(first) and (outcome.method, outcome.generator) == first[-1]:
            # beside the runs: whether images may be published is for people to say
            path = runs_root() / "priors" / "figures" / f"{name_of(problem.name, level, '', '')}.png"
            print("wrote", write_side_by_side(path, shown, pictures=3), flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)  # what the recipes train with
    main()
