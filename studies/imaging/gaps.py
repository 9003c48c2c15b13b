"""A gap's share from rows: three arms on the same test images, at the seeds that all three were trained with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from studies.imaging.selection import of_arm, of_problem
from studies.rows import Row
from unseen.evaluation.bootstrap import share
from unseen.evaluation.intervals import Figure


@dataclass(frozen=True)
class Gap:
    """The share of the way from the baseline to supervised learning.

    Args:
        share: of what the arms returned.
        seeds: how many it is over.
        at_best: what it would be if each training had returned its best epoch on the test images; None where the test
            images were not watched. Its difference from `share` is what stopping costs.
    """

    share: Figure
    seeds: int
    at_best: float | None


def gap_of(rows: Sequence[Row], problem: str, method: str, baseline: str) -> Gap | None:
    """Return the share from the rows of one problem; None where an arm has no row.

    Over the seeds that all three arms have; the interval is over images and seeds.
    """
    mine = of_problem(rows, problem)
    arms = [{int(row["seed"]): row for row in of_arm(mine, arm)} for arm in (method, baseline, "supervised")]
    seeds = sorted(set(arms[0]) & set(arms[1]) & set(arms[2]))
    if not seeds:
        return None
    found = [[by_seed[seed] for seed in seeds] for by_seed in arms]
    psnr = [[row["by_picture"]["psnr"] for row in some] for some in found]
    return Gap(share(psnr[0], psnr[1], psnr[2], found[0][0]["units"]), len(seeds), _at_best(found))


def _at_best(arms: Sequence[Sequence[Row]]) -> float | None:
    """`arms`: the rows of the method, the baseline and supervised learning."""
    if any("testing_psnr" not in row for some in arms for row in some):
        return None
    method, baseline, best = (mean(max(value for _, value in row["testing_psnr"]) for row in some) for some in arms)
    return (method - baseline) / (best - baseline) if best != baseline else None
