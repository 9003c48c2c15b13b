"""Section of one problem: the figures of its arms, with published figures, seeds, machine and cost."""

from __future__ import annotations

from collections.abc import Sequence

from studies.curves.page import IMAGES
from studies.imaging import budgets
from studies.imaging.arms import NAMES, TRAINED
from studies.imaging.by_steps import chart
from studies.imaging.longer import LONGER, is_longer, of_recipe
from studies.imaging.published import PUBLISHED
from studies.imaging.selection import of_arm, of_problem
from studies.imaging.settings import Arm, images_of, method_of, training_of
from studies.imaging.summaries import against, average, mean
from studies.pages.cells import difference_text, signed, table
from studies.rows import Row
from unseen.artifacts.recipe import Recipe
from unseen.evaluation.intervals import interval_text as figure

_PRECISIONS = {"fp32": "single", "bf16": "bfloat16"}
_HEAD = (
    "arm", "PSNR, dB [95 %]", "PSNR − TV, dB", "SSIM", "PSNR by the papers' peak", "published, dB",
    "ours − published, dB", "seeds; machine", "cost", budgets.HEADING,
)  # fmt: skip


def problem_blocks(rows: Sequence[Row], recipe: Recipe, *, shown: Sequence[str]) -> list[str]:
    """Return the section.

    Args:
        rows: rows of all problems.
        recipe: recipe of the problem.
        shown: what the columns of its image show; empty without an image.
    """
    asked, view, training = method_of(recipe), images_of(recipe), training_of(recipe)
    mine, variation = of_problem(rows, recipe.name), of_arm(of_recipe(rows, recipe), "tv")
    blocks = [f"## {asked.title}"]
    described = (
        f"`{recipe.name}`: {view.size} px, batches of {training.batch_size}, {training.epochs} epochs, "
        f"group {asked.group}, α = {asked.equivariance:g}"
    )
    if not mine:
        return [*blocks, f"{described}. *No row yet: `python -m studies.imaging --only {recipe.short}`.*"]
    n = mine[0]["n"]
    blocks.append(f"{described}; {n['trained']} images trained on, {n['tested']} tested; {n['split']}.")
    source = PUBLISHED.get(recipe.short)
    lines = []
    for arm in asked.arms:
        some, printed = of_arm(mine, arm), None if source is None else asked.papers.get(arm)
        published, behind = "–", "–"
        if source is not None and printed is not None:
            published = source.cell(printed)
            behind = signed(mean(some, "psnr_papers") - source.converted(printed)) if some else "–"
            behind = "not comparable" if source.explanation else behind
        if not some:
            lines.append([NAMES[arm], "no row yet", "–", "–", "–", published, "–", "–", "–", "–"])
            continue
        psnr, ssim, as_papers = (figure(average(some, name)) for name in ("psnr", "ssim", "psnr_papers"))
        ahead = "–" if arm == "tv" else difference_text(against(some, variation))
        name, budget = f"{NAMES[arm]}{budgets.dagger(some)}", budgets.cell(rows, recipe, arm)
        spent = [_seeds(some, arm), _cost(some, arm), budget]
        lines.append([name, psnr, ahead, ssim, as_papers, published, behind, *spent])
    blocks.append(table(_HEAD, lines))
    if any(budgets.dagger(of_arm(mine, arm)) for arm in asked.arms):
        blocks.append(budgets.CONVERGENCE)
    if source is not None:
        blocks.append(
            f"*Published*: {source.where} ({source.tested}, {source.px} px). "
            + (
                "The source's problem is harder, so its figures are not comparable with ours"
                if source.explanation
                else "*Ours − published* compares it with the PSNR by the papers' peak, in the same metric"
            )
            + ". [Published figures and their metrics](#published-figures-and-their-metrics)."
        )
    blocks += _rates(mine, asked.arms)
    if is_longer(recipe):
        blocks += _longer(mine, recipe)
    if shown:
        blocks += _images(recipe, asked.title, shown)
    return blocks


def _rates(rows: Sequence[Row], arms: Sequence[Arm]) -> list[str]:
    """Return the sentence on learning rates where the arms of a problem have several, else nothing."""
    by_rate: dict[float, list[str]] = {}
    for arm in arms:
        for rate in sorted({row["learning_rate"] for row in of_arm(rows, arm) if row.get("learning_rate") is not None}):
            by_rate.setdefault(rate, []).append(NAMES[arm])
    if len(by_rate) < 2:
        return []
    listed = "; ".join(f"{rate:g}: {', '.join(names)}" for rate, names in sorted(by_rate.items()))
    return [
        f"Learning rates by network: {listed}. A network has a lower rate than the others if its training diverged at "
        "theirs."
    ]


def _images(recipe: Recipe, title: str, shown: Sequence[str]) -> list[str]:
    """Return the image of the problem with its alternative text."""
    arms = ", ".join("the truth" if one == "truth" else NAMES[one] for one in shown)
    image = f"![{title}: {arms}, from left to right](images/imaging/{recipe.short}.png)"
    if recipe.view.get("pictures") != "digits":
        return [image]
    return [
        image,
        "From left to right as above, the truth first. The digits are MNIST's (LeCun, Cortes; CC BY-SA 3.0).",
    ]


def _longer(rows: Sequence[Row], recipe: Recipe) -> list[str]:
    """Return the text and the chart of a longer training of another recipe's problem."""
    shorter = LONGER[recipe.name]
    said = (
        f"A longer training of `{shorter}`, on more images and with one more level in the network; operator, "
        "validation and test images are the same, and *PSNR − TV* is from total variation's row there. The number of "
        "levels and the learning rate were chosen on the validation images, in trainings of 600 steps with projection. "
        f"The networks compute in {_PRECISIONS[training_of(recipe).precision]} precision in training. The learning "
        "rate falls to a tenth after three quarters of the steps, so points of the chart before the end are not those "
        "of shorter trainings."
    )
    drawn = chart(method_of(recipe).title, rows)
    return [said] if drawn is None else [said, f"![{drawn[1]}]({chart_file(recipe)})"]


def chart_file(recipe: Recipe) -> str:
    """Return the file of a longer training's chart, below `docs`."""
    return f"{IMAGES}/{recipe.short}.svg"


def _seeds(rows: Sequence[Row], arm: str) -> str:
    """Return the seeds and processors of an arm's rows; a note marks rows that were trained without early stopping."""
    if arm not in TRAINED:
        return "no training"
    seeds = ", ".join(str(row["seed"]) for row in rows)
    machines = ", ".join(sorted({str(row.get("machine") or row["device"].split(",")[0]) for row in rows}))
    noisy = any(row["settings"]["sigma"] or row["settings"]["gain"] for row in rows)  # without noise, nothing stops
    old = (
        " *(last epoch; not yet trained again with early stopping)*"
        if noisy and any("testing_psnr" not in row for row in rows)
        else ""
    )
    return f"{seeds}; {machines}{old}"


def _cost(rows: Sequence[Row], arm: str) -> str:
    """Return the iterations of total variation, or the core minutes of a training."""
    if arm == "tv":
        row, tested = rows[0], rows[0]["n"]["tested"]
        near = f"{row['converged']} of {tested} within {row['tolerance']:g} of the minimum"
        return f"{row['iterations']} iterations at most, {near}"
    if arm not in TRAINED:
        return "–"
    minutes = [row["cpu_seconds"] / 60 for row in rows if row.get("cpu_seconds") is not None]
    spent = f"{sum(minutes) / len(minutes):.0f}" if minutes else "–"
    return f"{spent} core minutes each"
