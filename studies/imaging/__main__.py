"""`python -m studies.imaging`: train the imaging results, write their rows, render the page from rows.

python -m studies.imaging                        every recipe of recipes/imaging (many hours; goes on)
python -m studies.imaging --only ct mri          these problems
python -m studies.imaging --only ct --arm ei     these arms, after the learning rate is chosen
python -m studies.imaging --seeds 0 1 2          these seeds (default: all three)
python -m studies.imaging --only ct --arm unrolled --epochs 9  fewer epochs than the recipe's; the row says so
python -m studies.imaging --only ct --arm unrolled --rate 3e-4  another learning rate than the chosen; the row says so
python -m studies.imaging --images               the image of each problem, of phantoms (minutes)
python -m studies.imaging --render               the page, from the committed rows alone
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from studies import recipe_files as recipes
from studies.imaging.arms import NAMES, TRAINED, directly
from studies.imaging.page import write_page
from studies.imaging.problem import Problem
from studies.imaging.problem_images import written
from studies.imaging.rows import row_of, training_facts
from studies.imaging.running import reconstructed, train_arm
from studies.imaging.settings import Arm, resolved
from studies.imaging.tuning import tuned
from studies.imaging.variation import by_variation
from studies.row_files import add_rows_option, read_study, write_row
from unseen.artifacts.recipe import Recipe, RecipeError
from unseen.artifacts.run_folder import runs_root
from unseen.reconstruction.data_consistency import Consistency
from unseen.reconstruction.side_by_side import write_side_by_side
from unseen.training.progress_display import shown_on

PREFIX = "imaging/"
FIRST, FURTHER = (0,), (1, 2)  # seeds: each problem has its first rows before any has its second seed


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse, run, and tell a user's mistakes in one sentence, with status 2."""
    parser = argparse.ArgumentParser(prog="python -m studies.imaging", description=__doc__.splitlines()[0])
    parser.add_argument("--render", action="store_true", help="only render the page from the rows in --rows")
    parser.add_argument("--images", action="store_true", help="only write the problems' images of phantoms")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these problems (default: every recipe)")
    parser.add_argument("--arm", nargs="+", metavar="ARM", help=f"these arms, of {', '.join(NAMES)}")
    parser.add_argument("--seeds", nargs="+", type=int, help="default: 0, then 1 and 2")
    parser.add_argument("--epochs", type=int, help="epochs of the arms that are trained (default: the recipe's)")
    parser.add_argument("--rate", type=float, help="learning rate of the arms that are trained (default: the chosen)")
    add_rows_option(parser)
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="where results-imaging.md goes (default: docs)")
    parser.add_argument("--figures", type=Path, help="where images side by side go (default: beside the runs)")
    given = parser.parse_args(arguments)
    try:
        if given.images:
            chosen = [resolved(recipes.load(name)) for name in _names(given.only)]
            for row in written(chosen, read_study("imaging", given.rows), given.docs):
                print("wrote", write_row(row, given.rows), flush=True)
        elif not given.render:
            figures = given.figures or runs_root() / "imaging" / "figures"
            chosen = [resolved(recipes.load(name)) for name in _names(given.only)]
            rounds = [(recipe, given.seeds or FIRST) for recipe in chosen]
            if given.seeds is None:
                rounds += [(recipe, FURTHER) for recipe in chosen]
            for recipe, seeds in rounds:
                run_problem(
                    recipe,
                    arms=given.arm,
                    seeds=seeds,
                    epochs=given.epochs,
                    rate=given.rate,
                    rows=given.rows,
                    docs=given.docs,
                    figures=figures,
                )
        print("rendered", write_page(given.rows, docs=given.docs))
    except RecipeError as error:
        sys.exit(f"make results-imaging: {error}")


def run_problem(
    recipe: Recipe,
    *,
    arms: Sequence[Arm] | None,
    seeds: Sequence[int],
    rows: Path,
    docs: Path,
    figures: Path,
    epochs: int | None = None,
    rate: float | None = None,
) -> None:
    """Every arm of one problem at each seed: a row is written, and the page rendered, as soon as it is there."""
    problem = Problem(recipe)
    asked = [arm for arm in problem.settings.arms if arms is None or arm in arms]
    found: dict[str, Tensor] = {"truth": problem.testing.x}
    for arm in asked if 0 in seeds else ():  # what needs no training has no seed
        if arm == "direct":
            found[arm] = directly(problem.testing.y, problem, problem.testing.operators)
            _write(problem, arm, found[arm], seed=0, facts={}, rows=rows, docs=docs)
        elif arm == "tv":
            found[arm], facts = by_variation(problem)
            _write(problem, arm, found[arm], seed=0, facts=facts, rows=rows, docs=docs)
    trained = [arm for arm in asked if arm in TRAINED]
    progress = shown_on()
    if trained:
        choice = tuned(problem, rows, progress=progress)
        choice = choice if rate is None else replace(choice, rate=rate)
        for seed in seeds:
            for arm in trained:
                length = choice.epochs_of(arm) if epochs is None else epochs
                done = train_arm(problem, arm, seed=seed, learning_rate=choice.rate, epochs=length, progress=progress)
                consistency: Consistency | None = "project" if arm == "ei-projected" else None
                pictures = reconstructed(done.f, problem.testing, problem, consistency=consistency)
                facts = training_facts(problem, done, choice) | ({} if epochs is None else {"epochs": epochs})
                _write(problem, arm, pictures, seed=seed, facts=facts, rows=rows, docs=docs)
                found[arm] = pictures
    if arms is None and 0 in seeds:
        number = min(2, len(problem.testing.x))
        path = figures / f"{problem.recipe.short}.png"
        print("wrote", write_side_by_side(path, found, pictures=number), flush=True)


def _write(
    problem: Problem, arm: Arm, found: Tensor, *, seed: int, facts: dict[str, object], rows: Path, docs: Path
) -> None:
    row = row_of(problem, arm, found, seed=seed, facts=facts)
    print("wrote", write_row(row, rows), f"{row['metrics']['psnr']['value']:.2f} dB", flush=True)
    write_page(rows, docs=docs)


def _names(asked: Sequence[str] | None) -> list[str]:
    """Return the recipes asked for; none: those that come with the package, where a new one joins the results by being
    there."""
    if asked is None:
        return [name for name in recipes.names() if name.startswith(PREFIX)]
    return [name if "/" in name or name.endswith(".toml") else PREFIX + name for name in asked]


if __name__ == "__main__":
    torch.set_num_threads(1)  # what the recipes train with; two processes then share two cores
    main()
