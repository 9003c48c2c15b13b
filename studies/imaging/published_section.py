"""Section on published figures: their metrics, the check by A†, and our arms in the same metric."""

from __future__ import annotations

import math
from collections.abc import Sequence

from studies.imaging import budgets
from studies.imaging.arms import NAMES, TRAINED
from studies.imaging.published import NEAR, PUBLISHED
from studies.imaging.selection import of_arm, of_problem
from studies.imaging.settings import images_of, method_of
from studies.imaging.summaries import mean
from studies.pages.cells import signed, table
from studies.rows import Row
from unseen.artifacts.recipe import Recipe


def published_blocks(rows: Sequence[Row], known: Sequence[Recipe]) -> list[str]:
    """Return the section; each metric is checked by A†, which needs no training."""
    lines, explanations = [], []
    for recipe in known:
        source, asked, mine = PUBLISHED.get(recipe.short), method_of(recipe), of_problem(rows, recipe.name)
        if source is None:
            continue
        direct, printed = of_arm(mine, "direct"), asked.papers.get("direct")
        check = "no A† published"
        if printed is not None and direct:
            ours, theirs = mean(direct, "psnr_papers"), source.converted(printed)
            difference = ours - theirs
            check = f"{ours:.2f} against {theirs:.2f} ({signed(difference)})"
            if abs(difference) > NEAR:
                check += ": explained below"
                explanations.append(source.explanation)
        lines.append(
            [
                asked.title,
                source.where,
                f"{source.tested}; {source.px} px (ours: {_tested(mine)}{_size(recipe)})",
                source.metric if source.channels == 1 else f"{source.metric}: {signed(source.offset)} dB to convert",
                check,
            ]
        )
    if not lines:
        return []
    return [
        "## Published figures and their metrics",
        "All published figures on this page are printed above single images; they are not means over a test set. The "
        "authors' function `cal_psnr` takes the truth's maximum as the peak, sums the squared errors over all channels "
        "and divides by the number of pixels. For one channel this is the usual PSNR (for MRI, of magnitudes). For "
        f"three channels it is 10·log10(3) = {10 * math.log10(3):.2f} dB too low, so this page adds "
        f"{10 * math.log10(3):.2f} dB before it compares. The authors' test scripts of EI pass the truth first, so "
        "their peak may be that of the reconstruction. *Check*: A† needs no training, so ours and the published one "
        f"should agree within {NEAR:g} dB where the metric is the same.",
        table(
            [
                "problem",
                "source",
                "test images of the source",
                "metric of the source",
                "check: A†, ours against published, dB",
            ],
            lines,
        ),
        *dict.fromkeys(explanations),
        *_compared(rows, known),
    ]


def _tested(rows: Sequence[Row]) -> str:
    return f"mean of {rows[0]['n']['tested']}, " if rows else ""


def _size(recipe: Recipe) -> str:
    view = images_of(recipe)
    grey = ", grey" if view.pictures == "urban" and not view.colour else ""
    return f"{view.size} px{grey}"


def _colour(rows: Sequence[Row], known: Sequence[Recipe]) -> list[tuple[Recipe, str, float, float]]:
    """Return the trained arms with published figures of colour images: recipe, arm, ours and theirs in one metric."""
    found: list[tuple[Recipe, str, float, float]] = []
    for recipe in known:
        source, asked, mine = PUBLISHED.get(recipe.short), method_of(recipe), of_problem(rows, recipe.name)
        for arm in asked.arms if source is not None and source.channels > 1 else ():
            some, printed = of_arm(mine, arm), asked.papers.get(arm)
            if source is not None and arm in TRAINED and arm != "mc" and some and printed is not None:
                found.append((recipe, arm, mean(some, "psnr_papers"), source.converted(printed)))
    return found


def _compared(rows: Sequence[Row], known: Sequence[Recipe]) -> list[str]:
    """Return the table of the trained arms next to the published figures of colour images, in the same metric."""
    lines = [
        [
            method_of(recipe).title,
            NAMES[arm],
            f"{ours:.2f}",
            f"{theirs:.2f}",
            signed(ours - theirs),
            budgets.cell(rows, recipe, arm),
        ]
        for recipe, arm, ours, theirs in _colour(rows, known)
    ]
    if not lines:
        return []
    head = ["problem", "arm", "ours, dB", "published, in the same metric, dB", "difference, dB", budgets.HEADING]
    return ["Trained arms of the problems whose published metric differs:", table(head, lines)]


def published_sentence(rows: Sequence[Row], known: Sequence[Recipe]) -> list[str]:
    """Return the sentence of the first screen on the published figures, with the training of each arm."""
    said = []
    for recipe, arm, ours, theirs in _colour(rows, known):
        source, some = PUBLISHED[recipe.short], of_arm(of_problem(rows, recipe.name), arm)
        if arm != ("rei" if method_of(recipe).gain else "ei"):  # the source's own method
            continue
        noise = "with Poisson noise" if method_of(recipe).gain else "without noise"
        value = f"{ours:.2f} dB{budgets.dagger(some)}"
        tested = f"ours: {_tested(some)}{_size(recipe)}; the source's: one of {source.px} px"
        trained = budgets.spent(some, source.budget)
        said.append(f"{NAMES[arm]} {noise} {value} against {theirs:.2f} dB ({trained}; {tested})")
    return (
        [f"Inpainting of photographs, in the metric of the published figures, but on other images: {'; '.join(said)}."]
        if said
        else []
    )
