"""Section "When learning pays": the best network without truth compared with total variation, by problem."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from studies.imaging import budgets
from studies.imaging.arms import NAMES
from studies.imaging.longer import is_longer, of_longest
from studies.imaging.published import budget_of
from studies.imaging.selection import of_arm
from studies.imaging.settings import method_of
from studies.imaging.summaries import Ahead, against, best_without_truth, unrolled_against_others
from studies.pages.cells import difference_text, number_range, table
from studies.rows import Row
from unseen.artifacts.recipe import Recipe


def tv_blocks(rows: Sequence[Row], known: Sequence[Recipe]) -> list[str]:
    """Return the section: the best method without truth of each problem, in a table and in words."""
    longest = {recipe.name: of_longest(rows, recipe) for recipe in known if not is_longer(recipe)}
    found = [
        (recipe, one)
        for recipe in known
        if recipe.name in longest and (one := best_without_truth(longest[recipe.name])) is not None
    ]
    if not found:
        return []
    lines = []
    for recipe, one in sorted(found, key=lambda pair: -pair[1].difference.value):
        mine = longest[recipe.name]
        best = of_arm(mine, one.arm)
        lines.append(
            [
                method_of(recipe).title,
                f"{NAMES[one.arm]}{budgets.dagger(best)}",
                difference_text(one.difference),
                difference_text(against(of_arm(mine, "supervised"), of_arm(mine, "tv"))),
                _verdict(one),
                budgets.spent(best, budget_of(recipe)),
            ]
        )
    pays = [method_of(recipe).title for recipe, one in found if one.difference.low > 0]
    said = (
        f"Learning without truth is significantly better than TV on: {'; '.join(pays)}."
        if pays
        else "Learning without truth is significantly better than TV on no problem at this size."
    )
    return [
        "## When learning pays",
        table(
            [
                "problem",
                "best without truth",
                "PSNR − TV, dB [95 %]",
                "supervised − TV",
                "learning pays",
                budgets.HEADING,
            ],
            lines,
        ),
        budgets.CONVERGENCE,
        f"{said} After these steps, features and transforms, total variation is as good or better on the others, from "
        "one measurement and without training; whether it stays better after the sources' training is not measured. "
        f"The networks learn from 49 to 64 images (toys and digits: {_toys(longest)}), each measured once. The "
        "validation images, with their truth, chose the network that is shown for a problem, its learning rate, and "
        "TV's single weight. The supervised networks were trained for "
        f"{_steps(of_arm(some, 'supervised') for some in longest.values())} steps, in part fewer than the network next "
        "to them; the tables of the problems state each number.",
        *_unrolled(list(longest.values())),
    ]


def _unrolled(by_problem: Sequence[Sequence[Row]]) -> list[str]:
    """Return the sentences that compare the unrolled network with the others; none without rows of both."""
    pairs = [(rows, one) for rows in by_problem if (one := unrolled_against_others(rows)) is not None]
    if not pairs:
        return []
    trained = [of_arm(rows, "unrolled") for rows, _ in pairs]
    once = " once" if all(len(some) == 1 for some in trained) else ""
    above, below = sum(one.low > 0 for _, one in pairs), sum(one.high < 0 for _, one in pairs)
    return [
        "The unrolled network applies A and its adjoint between its layers. On "
        f"{len(pairs)} of these problems it was trained{once}, for as many steps ({_steps(trained)}) as the best other "
        f"network without truth, both without projection. It is significantly better on {above} and significantly "
        f"worse on {below}"
        + ("; these intervals are over images, and not over its trainings." if once else ".")
        + " The tables of the problems have the time that each takes."
    ]


def _steps(arms: Iterable[Sequence[Row]]) -> str:
    """Return the range of the numbers of steps."""
    return number_range(sorted({int(row["steps"]) for some in arms for row in some}))


def _toys(rows: Mapping[str, Sequence[Row]]) -> str:
    """Return the range of the numbers of training images of toys and digits, by recipe."""
    known = ("triangles", "sparse", "digits", "digits-6000")
    numbers = {int(row["n"]["trained"]) for some in rows.values() for row in some if row["view"]["pictures"] in known}
    return number_range(sorted(numbers)) if numbers else "–"


def _verdict(one: Ahead) -> str:
    return "yes" if one.difference.low > 0 else "**no**" if one.difference.high < 0 else "not significantly different"
