"""`python -m studies.adversarial`: further experiments with the thesis's GANs: train, write rows as they finish.

python -m studies.adversarial                     every question (about an hour of one core; goes on)
python -m studies.adversarial --only nih          of norms, instance-noise, hyperparameters, nih, noise; with the
                                                  thesis's width and steps norms-wide, instance-noise-wide, noise-wide
python -m studies.adversarial --seeds 0 1 2       these seeds (default: 0)
python -m studies.adversarial --complete          add to existing rows the fields that need no training

Trainings whose row is there are left out. `python -m studies --render` renders the page,
`python -m studies.figures.thesis_rates_and_losses` its two figures.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from studies.adversarial.arms import ARMS, NOISE, NOISE_WIDE, QUESTIONS, WIDE_ARMS, WIDE_QUESTIONS
from studies.adversarial.noise import CELLS, cell, noise_row
from studies.adversarial.training import arm_row, completed
from studies.row_files import add_rows_option, read_row, write_row
from studies.rows import Row

_SMALL, _WIDE = (*QUESTIONS, NOISE), (*WIDE_QUESTIONS, NOISE_WIDE)


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(prog="python -m studies.adversarial", description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=(*_SMALL, *_WIDE), default=_SMALL)
    parser.add_argument("--seeds", nargs="+", type=int, default=(0,))
    add_rows_option(parser)
    parser.add_argument(
        "--complete", action="store_true", help="add to existing rows projections and differences, without training"
    )
    given = parser.parse_args(arguments)
    for seed in given.seeds:
        for question in given.only:
            for row in (_completed if given.complete else _rows_of)(question, seed, given.rows):
                print("wrote", write_row(row, given.rows), flush=True)


def _rows_of(question: str, seed: int, rows: Path) -> Iterator[Row]:
    """Yield rows as they are made."""
    if question in (NOISE, NOISE_WIDE):
        for arm, sigma in CELLS:
            if read_row(f"{cell(arm, sigma, question).recipe_name}-{seed}", rows) is None:
                yield noise_row(arm, sigma, seed, question=question)
        return
    for one in (*ARMS, *WIDE_ARMS):
        if one.question == question and read_row(f"{one.recipe_name}-{seed}", rows) is None:
            yield arm_row(one, seed)


def _completed(question: str, seed: int, rows: Path) -> Iterator[Row]:
    """Yield the existing rows that change."""
    for one in (*ARMS, *WIDE_ARMS):
        row = read_row(f"{one.recipe_name}-{seed}", rows) if one.question == question else None
        if row is not None and (found := completed(row, one, seed)) != row:
            yield found


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
