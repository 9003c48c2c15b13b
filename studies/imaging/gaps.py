"""A gap's share from rows: three arms on the same test images, at the seeds that all three were trained with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from studies.rows import Row
from unseen.evaluation.bootstrap import share
from unseen.evaluation.intervals import Figure


@dataclass(frozen=True)
class Gap:
    """The share of the way from the baseline to supervised learning, and over how many seeds it is."""

    share: Figure
    seeds: int


def of_arm(rows: Sequence[Row], arm: str) -> list[Row]:
    """An arm's rows, by seed."""
    return sorted((row for row in rows if row["arm"] == arm), key=lambda row: int(row["seed"]))


def gap_of(rows: Sequence[Row], problem: str, method: str, baseline: str) -> Gap | None:
    """The share from the rows of one problem; None where an arm has no row.

    Over the seeds that all three arms have; the interval is over images and seeds.
    """
    mine = [row for row in rows if row["problem"] == problem]
    arms = [{int(row["seed"]): row for row in of_arm(mine, arm)} for arm in (method, baseline, "supervised")]
    seeds = sorted(set(arms[0]) & set(arms[1]) & set(arms[2]))
    if not seeds:
        return None
    found = [[by_seed[seed]["by_picture"]["psnr"] for seed in seeds] for by_seed in arms]
    return Gap(share(found[0], found[1], found[2], arms[0][seeds[0]]["units"]), len(seeds))
