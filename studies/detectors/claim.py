"""Claim about a detector: that it is above `pca` and above the best label-free shortcut, by DeLong's paired test
on the same films, cross-fitted; for all films together and for each source.

The best shortcut is the single statistic furthest from ½ on these very films, in the direction that suits it: nobody
could have chosen it beforehand, so the comparison favours the shortcut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from studies.rows import Row
from unseen.evaluation.bootstrap import bootstrap_cohort, numbers
from unseen.evaluation.delong import DelongTest, delong_test
from unseen.evaluation.intervals import Json
from unseen.evaluation.metrics import groups_of, judged_rows

if TYPE_CHECKING:
    import polars as pl

    from unseen.evaluation.roc import Bools, Floats


def above_shortcut(table: pl.DataFrame, metrics: Row) -> dict[str, Json]:
    """Return the detector's AUROC less the strength of the best shortcut, in each group.

    Each difference has its interval, p, and the name and strength of the shortcut.

    Args:
        table: Scores with the column `fold`.
        metrics: Result of `metrics_from_table` for the same scores.
    """
    rows = judged_rows(table).rows
    found: dict[str, Json] = {}
    for group, among in groups_of(bootstrap_cohort(rows)).items():
        strongest = metrics["shortcuts"]["strongest"][group]
        if strongest is not None:
            sign = 1.0 if metrics["shortcuts"][group][strongest["name"]]["value"] >= 0.5 else -1.0
            test = _paired(rows, sign * numbers(rows, strongest["name"]), among)
            told = {"name": strongest["name"], "words": strongest["words"], "strength": strongest["value"]}
            found[group] = {**_told(test), **told}
    return found


def above_floor(table: pl.DataFrame, floor: pl.DataFrame) -> dict[str, Json]:
    """Return the detector's AUROC less that of another detector, in each group, on the films that both scored.

    Each difference has its interval, p, and the number of films.
    """
    rows, others = judged_rows(table).rows, judged_rows(floor).rows
    known = others.select("fold", "pixel_sha256", floor="score").unique(["fold", "pixel_sha256"], keep="first")
    rows = rows.unique(["fold", "pixel_sha256"], keep="first", maintain_order=True).join(
        known, on=["fold", "pixel_sha256"], how="inner", maintain_order="left"
    )
    score = numbers(rows, "floor")
    return {
        group: {**_told(_paired(rows, score, among)), "films": int(among.sum())}
        for group, among in groups_of(bootstrap_cohort(rows)).items()
    }


def _paired(rows: pl.DataFrame, other: Floats, among: Bools) -> DelongTest:
    cohort = bootstrap_cohort(rows)
    return delong_test(cohort.score[among], other[among], cohort.abnormal[among], fold=cohort.fold[among])


def _told(test: DelongTest) -> dict[str, Json]:
    return {**test.difference.to_json(), "p": test.p}
