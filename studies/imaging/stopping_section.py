"""Section on early stopping without the truth, compared with the best epoch on test images."""

from __future__ import annotations

from collections.abc import Sequence

from studies.imaging import budgets
from studies.imaging.arms import NAMES, STOPPED, TRAINED
from studies.imaging.selection import of_arm, of_problem
from studies.imaging.settings import method_of
from studies.imaging.summaries import stopping
from studies.pages.cells import table
from studies.rows import Row
from unseen.artifacts.recipe import Recipe

NEGLIGIBLE = 0.2
"""Target: largest loss by stopping, in dB below the best epoch on test images."""


def stopping_blocks(rows: Sequence[Row], known: Sequence[Recipe]) -> list[str]:
    """Return the section: PSNR lost by stopping without the truth. The best epoch is not known in practice."""
    lines = []
    for recipe in known:
        mine = of_problem(rows, recipe.name)
        for arm in (arm for arm in TRAINED if arm not in STOPPED):
            found = [one for row in of_arm(mine, arm) if (one := stopping(row)) is not None]
            if not found:
                continue
            worst = max(one.lost for one in found)
            lines.append(
                [
                    method_of(recipe).title,
                    f"{NAMES[arm]}{budgets.dagger(of_arm(mine, arm))}",
                    f"{len(found)}",
                    ", ".join(f"{one.kept}" for one in found),
                    ", ".join(f"{one.best}" for one in found),
                    f"{found[0].epochs}",
                    f"{worst:.2f}",
                    f"{max(one.at_the_end for one in found):.2f}",
                    "yes" if worst <= NEGLIGIBLE else "**no**",
                    budgets.cell(rows, recipe, arm),
                ]
            )
    if not lines:
        return []
    head = [
        "problem",
        "arm",
        "seeds",
        "epoch kept",
        "best on test images",
        "of",
        "loss, dB, worst seed",
        "loss at the last epoch, dB",
        f"within {NEGLIGIBLE:g} dB",
        budgets.HEADING,
    ]
    return [
        "## Early stopping without the truth",
        table(head, lines),
        budgets.CONVERGENCE,
        "The epoch kept is that of least held-out risk. *Loss*: test PSNR at the best epoch minus that at the epoch "
        "kept.",
    ]
