"""Both heads of `unseen adapt` on fold 0 of three sets, by its own code: paired differences of AUROC.

It decides the default head. The condition was fixed before the rows were computed: `normals-covariance` becomes the
default if, on each set and with 10 and 25 abnormal films, the interval of the difference of the adapted scores
(`normals-covariance` minus `ridge`) has a lower bound of at least −`MARGIN`. Folds 1 to 4 are not used.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from time import process_time

import numpy as np

from studies.attempts.adapt_heads import HEADS, RULES, adapt_scores
from studies.attempts.heads import COUNTS, DRAWS, cohort_at, conditions_of
from studies.attempts.label_curves import SETS, labels_of
from studies.pages.cells import Entry, signed, signed_interval, table, three_digits
from studies.rows import Row
from studies.ten_labels import Labels
from unseen.evaluation.bootstrap import Drawn, draw_all
from unseen.evaluation.roc import Auroc, folds_of

ROWS = "attempts/head-comparison/"
FOLD = 0
MARGIN = 0.01
BOOTSTRAP = 2000
COMPARED = ("adapted", "head alone", "combined")
DECIDING = COMPARED[0]


def comparison_row(name: str, labels: Labels, draws: int = DRAWS) -> Row:
    """Return the row of a set: mean AUROC of both heads over the draws, and their paired difference."""
    began = process_time()
    tested = adapt_scores(labels, (FOLD,), COUNTS, draws, HEADS)
    abnormal, fold = labels.abnormal[tested.at], labels.fold[tested.at]
    statistics = {
        f"{head}, {score}, {count}, {draw}": Auroc(folds_of(np.concatenate(parts), abnormal, fold))
        for head in HEADS
        for score in COMPARED
        for count in COUNTS
        for draw, parts in enumerate(tested.scores[f"{head}, {score}", count])
    }
    drawn = draw_all(statistics, cohort_at(labels, tested.at), draws=BOOTSTRAP, rng=np.random.default_rng(0))

    def mean(head: str, score: str, count: int) -> Drawn:
        each = [drawn[f"{head}, {score}, {count}, {draw}"] for draw in range(draws)]
        return Drawn(np.asarray(np.mean([one.value for one in each])), np.mean([one.draws for one in each], axis=0))

    figures: Row = {}
    for count in COUNTS:
        one: Row = {}
        for score in COMPARED:
            before, after = (mean(head, score, count) for head in HEADS)
            one[score] = {
                **{head: found.interval().to_json() for head, found in zip(HEADS, (before, after), strict=True)},
                "difference": (after - before).interval().to_json(),
            }
        one["kept"] = {head: round(float(np.mean(np.array(tested.shares[head, count]) == 0)), 4) for head in HEADS}
        figures[str(count)] = one
    return {
        "recipe": ROWS + name,
        "seed": 0,
        "set": name,
        "rule": RULES["normals-covariance"],
        **conditions_of(labels, began),
        "draws": draws,
        "bootstrap_draws": BOOTSTRAP,
        "folds": [FOLD],
        "n": {"normal": int((~abnormal).sum()), "abnormal": int(abnormal.sum())},
        "fold_0": figures,
    }


def comparison_rows(root: Path) -> Iterator[Row]:
    """Yield the row of each set."""
    for name in SETS:
        yield comparison_row(name, labels_of(name, root))


def below(rows: Sequence[Entry]) -> list[str]:
    """Return where the lower bound of the deciding difference is below −`MARGIN`, in words."""
    return [
        f"`{row['set']}` with {count} abnormal films ({signed(low, 3)})"
        for row in rows
        for count, one in row["fold_0"].items()
        if (low := float(one[DECIDING]["difference"]["low"])) < -MARGIN
    ]


def comparison_section(rows: Sequence[Entry]) -> list[str]:
    """Return the section of the page, from the rows."""
    title = [
        "## Which head is the default?",
        "Both heads of `unseen adapt` by its own code on fold 0 of three sets; all normal films of the other folds "
        "teach.",
    ]
    if not rows:
        return [*title, "*No row yet: `python -m studies.attempts compare` makes them.*"]
    rows = sorted(rows, key=lambda row: SETS.index(row["set"]))
    first, failed = rows[0], below(rows)
    sizes = "; ".join(f"`{row['set']}` {row['n']['normal']} normal, {row['n']['abnormal']} abnormal" for row in rows)
    ridge, covariance = HEADS
    lines = [
        [
            f"`{row['set']}`",
            count,
            three_digits(one[DECIDING][ridge]),
            three_digits(one[DECIDING][covariance]),
            signed_interval(one[DECIDING]["difference"]),
            signed_interval(one["head alone"]["difference"]),
            signed_interval(one["combined"]["difference"]),
            " and ".join(f"{100 * one['kept'][head]:.0f} %" for head in HEADS),
        ]
        for row in rows
        for count, one in row["fold_0"].items()
    ]
    verdict = (
        "Fixed before these rows were computed: `normals-covariance` becomes the default if the interval of the "
        f"difference of the adapted scores is nowhere below −{MARGIN:g}. "
        + (f"It is on {', '.join(failed)}; so {ridge} stays the default. " if failed else f"So {covariance} is it. ")
        + "Few films are tested on `nih_cxr8`, so its intervals are wide; β of `normals-covariance` was nominated on "
        f"fold {FOLD} of `ms_cxr`, so its figures there are optimistic."
    )
    return [
        *title,
        f"{first['features']}, {first['px']} px; fold {FOLD}: {sizes}. Mean AUROC over {first['draws']} draws of the "
        f"abnormal films that teach, with its interval over the tested films ({first['bootstrap_draws']:,} bootstrap "
        "draws, the same for both heads). *Difference*: `normals-covariance` minus `ridge`, paired. *Kept*: how often "
        "the score from normal films alone was kept, by ridge and by the other head. "
        f"{first['device']}, {max(str(row['date']) for row in rows)}.",
        table(
            [
                "set", "abnormal films", "adapted, `ridge`", "adapted, `normals-covariance`", "difference, adapted",
                "difference, heads alone", "difference, combined", "kept",
            ],
            lines,
        ),
        verdict,
    ]  # fmt: skip
