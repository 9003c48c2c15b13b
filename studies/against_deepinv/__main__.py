"""`python -m studies.against_deepinv`: the same networks trained by `unseen` and by deepinv, and their page.

python -m studies.against_deepinv train                     every problem, library and seed that has no row yet
python -m studies.against_deepinv train --only ct mri       these problems
python -m studies.against_deepinv train --seeds 0           these seeds (default: 0, 1 and 2)
python -m studies.against_deepinv render                    the page, from the committed rows alone
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from studies.against_deepinv.page import write_page
from studies.against_deepinv.problems import CONTESTS, ContestProblem
from studies.against_deepinv.rows import choice_row, figures_row, name_of, training_facts
from studies.against_deepinv.training import LIBRARIES, choose, train
from studies.imaging.arms import directly
from studies.imaging.variation import by_variation
from studies.row_files import add_rows_option, read_row, write_row
from studies.rows import Row
from unseen.artifacts.recipe import RecipeError

SEEDS = (0, 1, 2)


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse, run, and tell a user's mistakes in one sentence, with status 2."""
    parser = argparse.ArgumentParser(
        prog="python -m studies.against_deepinv",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=("train", "render"))
    parser.add_argument("--only", nargs="+", metavar="NAME", default=list(CONTESTS), help="these problems")
    parser.add_argument("--libraries", nargs="+", choices=LIBRARIES, default=list(LIBRARIES))
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    add_rows_option(parser)
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="where results-deepinv.md goes (default: docs)")
    given = parser.parse_args(arguments)
    try:
        if given.what == "train":
            for name in given.only:
                run_problem(name, libraries=given.libraries, seeds=given.seeds, rows=given.rows)
        print("rendered", write_page(given.rows, docs=given.docs))
    except RecipeError as error:
        sys.exit(f"studies.against_deepinv: {error}")


def run_problem(name: str, *, libraries: Sequence[str], seeds: Sequence[int], rows: Path) -> None:
    """Every row of one problem that is not there yet; each is written as soon as it is known."""
    problem = ContestProblem(name)
    for seed in seeds:
        for library in libraries:
            if read_row(name_of(name, library, seed), rows) is None:
                option = _chosen(problem, library, rows)
                done = train(problem, library, option, seed=seed)
                facts = training_facts(problem, done, option)
                _write(problem, library, done.testing, seed=seed, facts=facts, rows=rows)
                if done.direct is not None and seed == 0:
                    _write(problem, f"{library}-direct", done.direct, seed=0, facts={}, rows=rows)
    if read_row(name_of(name, "unseen-direct", 0), rows) is None:
        _write(problem, "unseen-direct", directly(problem.testing.y, problem), seed=0, facts={}, rows=rows)
    if read_row(name_of(name, "tv", 0), rows) is None:
        found, facts = by_variation(problem)
        _write(problem, "tv", found, seed=0, facts=facts, rows=rows)


def _chosen(problem: ContestProblem, library: str, rows: Path) -> dict[str, object]:
    """Return the option that the library chose on the validation images: read from its row, or chosen now."""
    row: Row | None = read_row(name_of(problem.name, library, "chosen"), rows)
    if row is None:
        option, tried = choose(problem, library)
        row = choice_row(problem, library, option, tried)
        write_row(row, rows, name=name_of(problem.name, library, "chosen"))
    chosen: dict[str, object] = row["chosen"]
    return chosen


def _write(
    problem: ContestProblem, arm: str, found: torch.Tensor, *, seed: int, facts: dict[str, object], rows: Path
) -> None:
    row = figures_row(problem, arm, found, seed=seed, facts=facts)
    name = write_row(row, rows, name=name_of(problem.name, arm, seed))
    print("wrote", name, *(f"{key} {value['value']:.3f}" for key, value in row["metrics"].items()), flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)  # two processes then share two cores
    main()
