"""Section on the share of the gap to supervised learning, next to that of the papers."""

from __future__ import annotations

from collections.abc import Sequence

from studies.imaging import budgets
from studies.imaging.arms import NAMES
from studies.imaging.gaps import Gap, gap_of
from studies.imaging.published import PUBLISHED
from studies.imaging.settings import method_of
from studies.pages.cells import table
from studies.rows import Row
from unseen.artifacts.recipe import Recipe
from unseen.evaluation.intervals import interval_text as figure

_ASKED, _ASKED_LOW = 0.6, 0.4  # targets of the share and of its lower bound


def gap_blocks(rows: Sequence[Row], known: Sequence[Recipe]) -> list[str]:
    """Return the section; empty where no recipe states a gap."""
    lines = []
    for recipe in known:
        asked = method_of(recipe)
        if asked.gap is None:
            continue
        method, baseline = asked.gap
        words = f"({NAMES[method]} − {NAMES[baseline]}) / (supervised − {NAMES[baseline]})"
        found = gap_of(rows, recipe.name, method, baseline)
        lines.append(
            [asked.title, words, *_share_cells(found, _papers_share(recipe)), budgets.cell(rows, recipe, method)]
        )
    if not lines:
        return []
    return [
        "## Share of the gap to supervised learning",
        table(
            [
                "problem",
                "share of the gap",
                "ours [95 %]",
                "at the best epochs",
                "seeds",
                "papers",
                "target met (estimate ≥ 0.6, CI lower bound ≥ 0.4)",
                f"{budgets.HEADING} (method)",
            ],
            lines,
        ),
        "Shares are of mean PSNRs on the test images, with an interval by a paired bootstrap over images (over "
        "patients, where they are known). Where a gap is small, its share is uncertain and the interval is wide. *At "
        "the best epochs*: the share if each training had returned its best epoch on the test images, so that the "
        "difference is what stopping costs; – where the test images were not watched. A share compares two short "
        "trainings with each other: it does not show how far both are behind the source ([in decibels]"
        "(#published-figures-and-their-metrics)).",
    ]


def _share_cells(found: Gap | None, papers: str) -> list[str]:
    """Return the cells from the share to the target, with the share of the papers."""
    if found is None:
        return ["no rows yet", "–", "–", papers, "–"]
    best = "–" if found.at_best is None else f"{found.at_best:.2f}"
    entry = found.share.to_json()
    value, low = entry["value"], entry["low"]
    if not isinstance(value, float) or not isinstance(low, float):
        return [str(entry.get("reason", "–")), best, str(found.seeds), papers, "–"]
    return [figure(entry), best, str(found.seeds), papers, "yes" if value >= _ASKED and low >= _ASKED_LOW else "**no**"]


def _papers_share(recipe: Recipe) -> str:
    """Return the share from the PSNRs that the papers print, with a note where the papers' problem differs."""
    asked, source = method_of(recipe), PUBLISHED.get(recipe.short)
    assert asked.gap is not None
    method, baseline = (asked.papers.get(arm) for arm in asked.gap)
    best = asked.papers.get("supervised")
    if method is None or baseline is None or best is None:
        return "–"
    note = ", not comparable" if source is not None and source.explanation else ""
    return f"{(method - baseline) / (best - baseline):.2f}{note}"
