"""The page's section on data-consistent reconstructions: arms with and without x̂ + A⁺(y − A x̂), paired by image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from studies.imaging import budgets
from studies.imaging.arms import NAMES, NETWORKS, PROJECTED, STOPPED, TRAINED
from studies.imaging.longer import of_recipe
from studies.imaging.published import budget_of
from studies.imaging.selection import of_arm
from studies.imaging.settings import Arm, method_of
from studies.imaging.summaries import against, average
from studies.pages.cells import difference_text, table
from studies.rows import Row
from unseen.artifacts.recipe import Recipe
from unseen.evaluation.bootstrap import mean_of
from unseen.evaluation.intervals import Interval
from unseen.evaluation.intervals import interval_text as figure

WITHOUT: dict[Arm, Arm] = {**NETWORKS, **PROJECTED}
"""Arms with consistency, and the arm that each is without it."""
TARGETS = {
    "imaging/mri-x4-00": 23.54,
    "imaging/single-pixel": 24.00,
    "imaging/single-pixel-4500-steps": 24.00,
}
"""PSNR in dB of EI without consistency that an arm with it is asked to exceed."""


def above(rows: Sequence[Row], target: float) -> Interval | None:
    """Return PSNR less a fixed figure in dB, with an interval over images and seeds."""
    values = [(np.asarray(row["by_picture"]["psnr"]) - target).tolist() for row in rows]
    found = mean_of(values, rows[0]["units"]) if rows else None
    return found if isinstance(found, Interval) else None


def consistency_blocks(rows: Sequence[Row], known: Sequence[Recipe]) -> list[str]:
    """Return the section; empty where no arm with consistency has a row."""
    lines, said = [], []
    for recipe in known:
        mine = of_recipe(rows, recipe)
        compared = {arm for pair in WITHOUT.items() if of_arm(mine, pair[0]) for arm in pair}
        title, target = method_of(recipe).title, TARGETS.get(recipe.name)
        variation = of_arm(mine, "tv")
        for arm in (arm for arm in TRAINED if arm in compared and of_arm(mine, arm)):
            some = of_arm(mine, arm)
            plain = of_arm(mine, WITHOUT[arm]) if arm in WITHOUT else []
            budget = budgets.spent(some, budget_of(recipe))
            beyond = None if target is None else above(some, target)
            lines.append(
                [
                    title,
                    f"{NAMES[arm]}{budgets.dagger(some)}",
                    figure(average(some, "psnr")),
                    difference_text(against(some, plain)),
                    "–" if beyond is None else f"{difference_text(beyond)} (over {target:.2f})",
                    difference_text(against(some, variation)),
                    ", ".join(str(row["seed"]) for row in some),
                    budget,
                ]
            )
            if arm in PROJECTED and arm not in STOPPED:
                said.append(_sentence(title, NAMES[PROJECTED[arm]], some, plain, variation, budget))
    if not lines:
        return []
    head = [
        "problem", "arm", "PSNR, dB [95 %]", "− without projection, dB", "− the figure to exceed, dB", "− TV, dB",
        "seeds", budgets.HEADING,
    ]  # fmt: skip
    return [
        "## Data-consistent reconstructions",
        "Without noise, each image can be moved to its measurement, x̂ + A⁺(y − A x̂): afterwards, with the networks "
        'of EI as they are, or in training, too (`learn(…, consistency="project")`). Differences are paired by image, '
        "and by seed where both arms have it (else with the other arm's mean of the image over its seeds); intervals "
        "are over images and seeds. The figures to exceed are targets: 23.54 dB is that of an earlier training of EI "
        "here, 24.00 dB of one outside this study, whose settings are not known; EI's own figure here is in the table. "
        "*Unrolled* has three gradient steps with A inside, each followed by the network, and the loss of EI, or with "
        "several operators that of multi-operator imaging. *Stopped*: a tenth of the measurements is held out, and the "
        "epoch with the least objective on them is kept; all other arms here have the weights of their last epoch.",
        table(head, lines),
        *([budgets.CONVERGENCE] if any("†" in line[1] for line in lines) else []),
        *([" ".join(said)] if said else []),
    ]


def _sentence(title: str, name: str, some: Sequence[Row], plain: Sequence[Row], tv: Sequence[Row], budget: str) -> str:
    """Say whether learning pays there, next to TV, with its budget."""
    gain, ahead = against(some, plain), against(some, tv)
    changed = (
        f"{name} projected in training has {figure(average(some, 'psnr'))} dB ({name} without projection has no row)"
        if gain is None
        else f"projection in training changes {name} by {difference_text(gain)} dB"
    )
    told = f"{title}: after {budget}, {changed}"
    if ahead is None:
        return f"{told}."
    verdict = "pays" if ahead.low > 0 else "does not pay" if ahead.high < 0 else "is not decided"
    from_tv = difference_text(ahead)
    return f"{told}, and learning {verdict} there: {from_tv} dB from total variation, which needs no training."
