"""The learning rate of a problem, and how long its supervised arm learns: what validation images decide.

Each rate of the grid is tried in a supervised training of `tuning_epochs` at seed 0; the best PSNR at its end gives the
rate of every arm. The supervised arm is then trained as long as the others too, and the longer of its two trainings
stands only where it is the better one: with few images it learns them by heart, and a share of the gap to a network
that has would be flattered. A recipe of one rate and no shorter length leaves nothing to choose.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from studies.imaging.arms import LOSS_SETTINGS
from studies.imaging.problem import Problem
from studies.imaging.running import Report, train_arm
from studies.imaging.settings import SAYS_NOTHING_OF_A_TRAINING, Arm, training_of
from studies.row_files import read_row


@dataclass(frozen=True)
class Tuned:
    """Chosen learning rate and epochs, and the validation PSNR in dB that each choice reached.

    Args:
        rate: Learning rate of every arm's Adam.
        epochs: Epochs of the supervised arm; None: the epochs of the recipe.
        rates: PSNR by learning rate.
        lengths: PSNR by number of epochs.
    """

    rate: float
    epochs: int | None
    rates: dict[str, float]
    lengths: dict[str, float]

    def epochs_of(self, arm: Arm) -> int | None:
        """Return the epochs of an arm's training; None: the epochs of the recipe."""
        return self.epochs if arm == "supervised" else None

    def to_json(self) -> dict[str, object]:
        """For a row."""
        return {"learning_rates": self.rates, "lengths": self.lengths}


def tuned(problem: Problem, rows: Path, *, root: Path | None = None, progress: Report | None = None) -> Tuned:
    """Return the choice of the supervised arm's row at seed 0 if it has these settings; otherwise make the choice.

    A choice is made once, so further seeds can be trained later, on another machine.
    """
    rates, whole = problem.settings.learning_rates, training_of(problem.recipe).epochs
    if len(rates) == 1 and problem.settings.tuning_epochs >= whole:
        return Tuned(rates[0], None, {}, {})
    return _as_chosen(problem, rows) or _chosen(problem, root=root, progress=progress)


def _chosen(problem: Problem, *, root: Path | None, progress: Report | None) -> Tuned:
    whole = training_of(problem.recipe).epochs
    short = min(problem.settings.tuning_epochs, whole)

    def reached(rate: float, epochs: int | None) -> float:
        done = train_arm(problem, "supervised", seed=0, learning_rate=rate, epochs=epochs, root=root, progress=progress)
        return round(done.history.validation["psnr"][-1], 3)

    rates = {rate: reached(rate, short if short < whole else None) for rate in problem.settings.learning_rates}
    best = max(rates, key=lambda rate: rates[rate])
    lengths = {str(short): rates[best]} | ({str(whole): reached(best, None)} if short < whole else {})
    epochs = int(max(lengths, key=lambda epochs: lengths[epochs]))
    return Tuned(
        best, None if epochs == whole else epochs, {f"{rate:g}": value for rate, value in rates.items()}, lengths
    )


def _as_chosen(problem: Problem, rows: Path) -> Tuned | None:
    recipe = problem.recipe
    row = read_row(f"{recipe.name}-supervised-0", rows)
    if row is None:
        return None
    asked = json.loads(json.dumps({**_deciding(recipe.method.settings), **recipe.view, **recipe.training}))
    if {**_deciding(row["settings"]), **row["view"], **row["training"]} != asked or "lengths" not in row:
        return None
    lengths = row["lengths"]
    epochs = int(max(lengths, key=lambda epochs: lengths[epochs]))
    whole = training_of(recipe).epochs
    return Tuned(row["learning_rate"], None if epochs == whole else epochs, row["learning_rates"], lengths)


def _deciding(settings: Mapping[str, object]) -> dict[str, object]:
    """Return the settings that the choice hangs on."""
    unread = {*SAYS_NOTHING_OF_A_TRAINING, *LOSS_SETTINGS} - {"learning_rates", "tuning_epochs"}
    return {key: value for key, value in settings.items() if key not in unread}
