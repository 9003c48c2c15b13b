"""Section on the PSNR of MRI by noise level and arm."""

from __future__ import annotations

from collections.abc import Sequence

from studies.imaging import budgets
from studies.imaging.arms import NAMES
from studies.imaging.published import REI_MRI
from studies.imaging.selection import of_arm
from studies.imaging.summaries import average
from studies.pages.cells import table
from studies.rows import Row
from unseen.evaluation.intervals import interval_text as figure


def noise_blocks(rows: Sequence[Row]) -> list[str]:
    """Return the section; empty with fewer than two cases of pixels, acceleration and noise."""
    some = [row for row in rows if row["settings"]["operator"] == "fourier-mask" and row["settings"]["operators"] == 1]
    cases = sorted({(row["px"], -row["settings"]["kept"], row["settings"]["sigma"]) for row in some})
    if len(cases) < 2:
        return []
    arms = [arm for arm in NAMES if any(row["arm"] == arm for row in some)]
    lines = []
    for px, kept, sigma in cases:
        chosen = [
            row for row in some if (row["px"], -row["settings"]["kept"], row["settings"]["sigma"]) == (px, kept, sigma)
        ]
        cells = [of_arm(chosen, arm) for arm in arms]
        longest = max((row for row in chosen if row.get("steps")), key=lambda row: int(row["steps"]), default=None)
        budget = "–" if longest is None else budgets.spent([longest], REI_MRI)
        marked = [f"{_mean(cell)}{budgets.dagger(cell)}" for cell in cells]
        lines.append([f"{px}", f"×{-1 / kept:.0f}", f"{sigma:g}", *marked, budget])
    head = ["px", "acceleration", "σ", *(NAMES[arm] for arm in arms), f"{budgets.HEADING} (arms without truth)"]
    return ["## MRI PSNR by noise level", table(head, lines), budgets.CONVERGENCE]


def _mean(rows: Sequence[Row]) -> str:
    return figure(average(rows, "psnr")) if rows else "–"
