"""Counterparts of the figures on imaging: PSNRs of learnt reconstructors, from the rows of `imaging/…`."""

from __future__ import annotations

from studies import recipe_files as recipes
from studies.imaging import budgets as imaging_budgets
from studies.imaging.published import EI_INPAINTING, REI_MRI, budget_of
from studies.imaging.selection import of_arm, of_problem
from studies.imaging.settings import method_of
from studies.imaging.summaries import mean
from studies.outlook import page as outlook
from studies.outlook.learning import DISTANCES, NUMBERS
from studies.pages.cells import difference_text
from studies.pages.counterpart import (
    IMAGING_PAGE,
    NOT_RUN,
    OUTLOOK_PAGE,
    THEOREMS_PAGE,
    Counterpart,
    Rows,
    costed,
    deferred,
    not_run,
    queued_text,
)
from studies.pages.training_cost import SourceTraining
from studies.rows import Row

FIVE_SIZES = SourceTraining("imaging/inpainting-ei-0", EI_INPAINTING.steps, features=64, px=256, transforms=3, runs=5)


@deferred
def psnr_of(rows: Rows, short: str, arm: str) -> Counterpart:
    """Return the counterpart of a PSNR: the arm of a recipe `imaging/…`."""
    recipe = recipes.load(f"imaging/{short}")
    some = of_arm(of_problem(rows.values(), recipe.name), arm)
    if not some:
        return costed(SourceTraining(f"imaging/{short}-ei-0"), rows, IMAGING_PAGE)
    return Counterpart(
        f"{mean(some, 'psnr_papers'):.2f} dB{imaging_budgets.dagger(some)}",
        imaging_budgets.spent(some, budget_of(recipe)),
        IMAGING_PAGE,
    )


@deferred
def nearly_clean_mri(rows: Rows, arm: str) -> Counterpart:
    """Return our side of MRI ×4 with σ = 0.01: the source's whole training from the queue, or what it would cost."""
    transforms = None if arm == "supervised" else REI_MRI.transforms
    training = SourceTraining(f"imaging/mri-x4-05-{arm}-0", REI_MRI.steps, px=320, features=64, transforms=transforms)
    some = whole_of(rows, "mri-x4-01", arm)
    if not some:
        queue = queued_text(training, rows, "sources/mri-x4-01", f"-{arm}-0")
        return Counterpart(f"{not_run(training, rows)}, {queue}", "–", IMAGING_PAGE)
    reached = f"{mean(some, 'psnr_papers'):.2f} dB{imaging_budgets.dagger(some)}"
    return Counterpart(reached, imaging_budgets.spent(some, REI_MRI), IMAGING_PAGE)


def whole_of(rows: Rows, problem: str, arm: str) -> list[Row]:
    """Return the row of an arm of a recipe `sources/…` after the source's whole training; none without it."""
    mine = of_arm(of_problem(rows.values(), f"sources/{problem}"), arm)
    return [row for row in mine if row.get("epoch") == row.get("epochs_of_training", 0)]


def psnr_by_noise(rows: Rows) -> Counterpart:
    """Return the PSNR of EI and REI on MRI ×4, by the noise level σ."""
    parts, trained = [], []
    for arm, name in (("ei", "EI"), ("rei", "REI")):
        values = []
        for level in ("00", "05", "10", "15", "20"):
            recipe = recipes.load(f"imaging/mri-x4-{level}")
            some = of_arm(of_problem(rows.values(), recipe.name), arm)
            if some:
                sigma = method_of(recipe).sigma or 0
                values.append(f"{mean(some, 'psnr_papers'):.2f}{imaging_budgets.dagger(some)} (σ = {sigma:g})")
                trained += [(row, budget_of(recipe)) for row in some]
        if values:
            parts.append(f"{name}: {', '.join(values)} dB")
    page = "[imaging](results-imaging.md#mri-psnr-by-noise-level)"
    return Counterpart("; ".join(parts) or f"*{NOT_RUN}*", imaging_budgets.overall(trained) or "–", page)


def gain_beyond_the_range(rows: Rows) -> Counterpart:
    """Return the PSNR of measurement consistency (MC) minus that of A†, in dB."""
    parts, spent = [], []
    for short, words in (("inpainting", "inpainting"), ("ct", "CT"), ("mri-x2-00", "MRI ×2")):
        recipe = recipes.load(f"imaging/{short}")
        mine = of_problem(rows.values(), recipe.name)
        trained, direct = of_arm(mine, "mc"), of_arm(mine, "direct")
        if trained and direct:
            gain = mean(trained, "psnr_papers") - mean(direct, "psnr_papers")
            parts.append(f"{words} {gain:+.2f} dB".replace("-", "−") + imaging_budgets.dagger(trained))
            spent.append(f"{words}: {imaging_budgets.spent(trained, budget_of(recipe))}")
    ours = f"MC minus A†: {'; '.join(parts)}" if parts else f"*{NOT_RUN}*"
    return Counterpart(ours, "; ".join(spent) or "–", THEOREMS_PAGE)


@deferred
def distribution_shift(rows: Rows, training: SourceTraining) -> Counterpart:
    """Return the counterpart of a distribution shift: EI on digits against supervised learning on shapes."""
    alone, others = (outlook.of(list(rows.values()), "shift", arm) for arm in ("ei-digits", "supervised-shapes"))
    gain = outlook.difference(alone, others)
    if gain is None:
        return costed(training, rows, IMAGING_PAGE)
    ours = (
        f"inpainting of digits: EI on their measurements {outlook.psnr_cell(alone)} dB, supervised on shapes "
        f"{outlook.psnr_cell(others)} dB: {difference_text(gain)} dB"
    )
    return Counterpart(ours, outlook.budget_cell(alone), OUTLOOK_PAGE)


@deferred
def sample_complexity(rows: Rows, training: SourceTraining) -> Counterpart:
    """Return the counterpart of sample complexity: share of the gap that EI closes, by number of measurements."""
    mine = list(rows.values())
    direct, best = (outlook.of(mine, "shift", arm) for arm in ("direct", "supervised-digits"))
    counts = [(number, outlook.of(mine, "samples", f"ei-{number}")) for number in NUMBERS]
    counts.append((600, outlook.of(mine, "shift", "ei-digits")))
    known = [(number, some) for number, some in counts if some]
    if not (known and direct and best):
        return costed(training, rows, IMAGING_PAGE)
    shares = "; ".join(f"{number}: {outlook.gap_cell(some, direct, best)}" for number, some in known)
    ours = f"share of the gap by measurements of digits, EI: {shares}"
    return Counterpart(ours, outlook.budget_cell(known[-1][1]), OUTLOOK_PAGE)


@deferred
def model_dimension(rows: Rows, training: SourceTraining) -> Counterpart:
    """Return the counterpart of models of approximately low dimension: PSNR of EI by distance from the model."""
    arms = [(one, outlook.of(list(rows.values()), "dimension", f"ei-{one:g}")) for one in DISTANCES]
    known = [(distance, some) for distance, some in arms if some]
    if not known:
        return costed(training, rows, IMAGING_PAGE)
    ours = "; ".join(f"{100 * distance:g} % outside: {outlook.psnr_cell(some)}" for distance, some in known)
    return Counterpart(f"EI of waves, by distance from their set: {ours} dB", outlook.budget_cell(known[0][1]),
                       OUTLOOK_PAGE)  # fmt: skip
