"""Both heads of `unseen adapt` by its own code, with 10 and 25 abnormal films of Montgomery and Shenzhen.

`choose` and `predicted` of `screening.adaptation` see the same frozen features, folds and draws as the heads of
`studies.attempts.heads`, all normal films of the other folds, and the mix of simple statistics. So the check that the
labels add more than an acquisition takes part: where it refuses them, the score from normal films alone is kept.
The film's score from normal films is that of `studies.ten_labels`, at 224 px; a film that teaches has the score of the
model of the normal films outside of its fold and the tested one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import process_time

import numpy as np

from studies.attempts.heads import COUNTS, DRAWS, Floats, Places, Site, aurocs, conditions_of, drawn_abnormals, looks_of
from studies.crossfit import TEST_FOLDS
from studies.pages.cells import Entry, table, three_digits
from studies.rows import Row
from studies.ten_labels import Labels, figures_of
from unseen.detectors.adapted import normals_discriminant, standardised
from unseen.detectors.head_name import HeadName
from unseen.screening.adaptation import (
    NORMALS_SHARE,
    Chosen,
    Labelled,
    choose,
    choose_by_products,
    mix_of,
    predicted,
    statistics_of,
)

ROWS = "attempts/adapt/"
HEADS: tuple[HeadName, ...] = ("ridge", "normals-covariance")
SCORES = ("normals only", "head alone", "combined", "adapted")
RULES: Mapping[HeadName, str] = {"ridge": "z > 1", "normals-covariance": "Φ(z − 1.2)"}
"""Rule for the part of its share that a head has; z is the check's difference in standard errors."""
HARD = RULES["ridge"]
_FACTS = ("name", "label", "source", "patient", "pixel_sha256", "projection")


def taught(labels: Labels, fold: int, ill: Places, *, mixed: bool = False) -> Labelled:
    """Return the films that teach as `adapt` holds them: all normal films outside of a fold, and some abnormal ones.

    Args:
        labels: the films.
        fold: fold that is left out.
        ill: the abnormal films that teach.
        mixed: compute the mix of the statistics, too, which chooses nothing.
    """
    at = taught_at(labels, fold, ill)
    facts = [labels.cells.facts[i] for i in at]
    patients = [str(fact["patient"] or fact["pixel_sha256"]) for fact in facts]
    statistics = [{name: value for name, value in fact.items() if name not in _FACTS} for fact in facts]
    abnormal = labels.abnormal[at]
    return Labelled(
        labels.features[at],
        labels.normal_score[fold, labels.fold[at], at],
        abnormal,
        patients,
        mix_of(statistics, patients, abnormal) if mixed else None,
        statistics=statistics_of(statistics, [str(fact.get("projection", "")) for fact in facts]),
    )


def taught_at(labels: Labels, fold: int, ill: Places) -> Places:
    """Return the places of the films that teach, in the order of `taught`."""
    return np.sort(np.concatenate([np.flatnonzero(~labels.abnormal & (labels.fold != fold)), ill]))


def products_of(labels: Labels, fold: int) -> Floats:
    """Return the inner products of all films, standardised by the normal films outside of a fold."""
    x, _, _ = standardised(labels.features, ~labels.abnormal & (labels.fold != fold))
    found: Floats = (x @ x.T).numpy()
    return found


def by_products(
    films: Labelled, at: Places, tested: Places, products: Floats, scores: Floats
) -> tuple[Chosen, Floats, Floats]:
    """Return choice, z and h of the head "normals-covariance" as `choose` and `predicted` do, from inner products.

    The normal films that teach are the same in each draw, and they alone standardise the features.

    Args:
        films: the films that teach.
        at: their places.
        tested: places of the tested films.
        products: inner products of all films.
        scores: the tested films' scores from normal films alone.
    """
    gram = products[np.ix_(at, at)]
    chosen = choose_by_products(films, gram, "normals-covariance")
    weights = normals_discriminant(gram, films.abnormal, chosen.shrinkage)
    own, base = chosen.scores[~films.abnormal], films.base[~films.abnormal]
    h: Floats = (products[np.ix_(tested, at)] @ weights - own.mean()) / own.std()
    z: Floats = (scores - base.mean()) / base.std()
    return chosen, z, h


@dataclass(frozen=True, eq=False)
class Tested:
    """Scores of tested films by both heads, draw by draw.

    Args:
        at: places of the tested films, fold by fold.
        scores: by "<head>, <score of `SCORES`>" and number of abnormal films: for each draw, the scores of each fold.
        shares: by head and number: ω of each fold and draw.
    """

    at: Places
    scores: dict[tuple[str, int], list[list[Floats]]]
    shares: dict[tuple[str, int], list[float]]


def adapt_scores(
    labels: Labels, folds: Sequence[int], counts: Sequence[int], draws: int, heads: Sequence[HeadName]
) -> Tested:
    """Return the scores of the films of some folds; the draws are those of `studies.attempts.heads.few`."""
    at = np.concatenate([np.flatnonzero(labels.fold == fold) for fold in folds])
    columns: dict[tuple[str, int], list[list[Floats]]] = {}
    shares: dict[tuple[str, int], list[float]] = {}
    for fold in folds:
        tested, products = np.flatnonzero(labels.fold == fold), products_of(labels, fold)
        for count in counts:
            for draw in range(draws):
                ill = drawn_abnormals(labels, fold, count, np.random.default_rng([draw, fold]))
                films, at_taught = taught(labels, fold, ill), taught_at(labels, fold, ill)
                for head in heads:
                    scores = labels.normal_score[fold, fold][tested]
                    if head == "normals-covariance":
                        chosen, z, h = by_products(films, at_taught, tested, products, scores)
                    else:
                        chosen = choose(films, head)
                        z, h = predicted(films, chosen, labels.features[tested], scores)
                    shares.setdefault((head, count), []).append(chosen.share)
                    scored = (z, h, z + NORMALS_SHARE * h, z + chosen.share * h)
                    for name, score in zip(SCORES, scored, strict=True):
                        key = (f"{head}, {name}", count)
                        columns.setdefault(key, [[] for _ in range(draws)])[draw].append(score)
    return Tested(at, columns, shares)


def adapt_figures(
    labels: Labels,
    folds: Sequence[int],
    counts: Sequence[int] = COUNTS,
    draws: int = DRAWS,
    heads: Sequence[HeadName] = HEADS,
) -> dict[str, dict[str, Row]]:
    """Return the figures of each head by the number of abnormal films.

    Args:
        labels: the films.
        folds: tested folds.
        counts: numbers of abnormal films that teach.
        draws: number of draws of these films; as in `studies.attempts.heads.few`.
        heads: heads of `unseen adapt`.

    Returns:
        By head and number: AUROC of `SCORES` with their intervals, pairs of like sharpness by the combined and the
        adapted score, mean share ω, and how often the score from normal films alone was kept.
    """
    tested = adapt_scores(labels, folds, counts, draws, heads)
    at, columns, shares = tested.at, tested.scores, tested.shares
    found = aurocs(labels, at, columns)
    return {
        head: {
            str(count): {
                **{name: found[f"{head}, {name}"][str(count)] for name in SCORES},
                "like_pairs": similar(labels, at, columns[f"{head}, adapted", count]),
                "like_pairs_combined": similar(labels, at, columns[f"{head}, combined", count]),
                "share": round(float(np.mean(shares[head, count])), 4),
                "kept": round(float(np.mean(np.array(shares[head, count]) == 0)), 4),
            }
            for count in counts
        }
        for head in heads
    }


def similar(labels: Labels, at: Places, draws: Sequence[Sequence[Floats]]) -> float:
    """Return the share of pairs of like sharpness in which the abnormal film scores higher: mean over the draws."""
    return round(float(np.mean([figures_of(labels, at, np.concatenate(parts))[1] for parts in draws])), 6)


def adapt_rows(site: Site, heads: Sequence[HeadName] = HEADS) -> list[Row]:
    """Return a row for each head: figures on fold 0 and on folds 1 to 4."""
    began = process_time()
    labels = site.labels
    on_fold_0, tested = (adapt_figures(labels, folds, heads=heads) for folds in ((0,), TEST_FOLDS))
    conditions = conditions_of(labels, began)
    return [
        {
            "recipe": f"{ROWS}{head}",
            "seed": 0,
            "head": head,
            "rule": RULES[head],
            **conditions,
            "fold_0": on_fold_0[head],
            "test": tested[head],
        }
        for head in heads
    ]


def with_earlier(row: Row, before: Entry | None) -> Row:
    """Return the row with the figures of the row that it replaces, where an earlier check or rule made that one."""
    if before is None:
        return row
    rule, known = before.get("rule", HARD), before.get("earlier", [])
    if known and rule == row["rule"]:  # the present check and rule made that one
        return row | {"earlier": known}
    names = ("head alone", "adapted", "kept")
    test = {count: {name: one[name] for name in names} for count, one in before["test"].items()}
    replaced = {"date": before["date"], "test": test} | ({"rule": rule} if known else {})
    return row | {"earlier": [*known, replaced]}


def _earlier(rows: Sequence[Entry]) -> list[str]:
    """Return sentences on the figures of earlier checks and rules."""

    def figures(row: Entry, one: Entry) -> str:
        return f"`{row['head']}` " + ", ".join(
            f"{three_digits(of['adapted'])} with {count} abnormal films ({100 * of['kept']:.0f} % kept)"
            for count, of in one["test"].items()
        )

    every = [(row, one) for row in rows for one in row.get("earlier", ())]
    said = [figures(row, one) for row, one in every if "rule" not in one]
    ruled = [
        f"With the present check, and all of its share where {one['rule']}, else none: {figures(row, one)}."
        for row, one in every
        if "rule" in one
    ]
    old = [f"`{row['head']}`" for row in rows if not row.get("earlier")]
    others = f" The figures of {' and '.join(old)} in the table are with that check, too." if old else ""
    first = [f"With the earlier check of the labels: {'; '.join(said)}.{others}"] if said else []
    return [" ".join([*first, *ruled])] if first or ruled else []


def adapt_section(rows: Sequence[Entry]) -> list[str]:
    """Return the section of the page, from the rows."""
    title = [
        "## The two heads of `unseen adapt`",
        "The heads above have a fixed share ω of the score. `unseen adapt` uses *ridge* only where the labels add "
        "more than one standard error beyond simple image statistics, z > 1 ([the check]"
        "(#does-the-check-refuse-labels-that-show-a-film-statistic-alone)); else it keeps the score from normal "
        "films alone. *Normals-covariance* has the part Φ(z − 1.2) of its share ([why]"
        "(#a-share-of-the-head-without-a-jump)). "
        "Here its own code (`choose`, `predicted`) sees the films, features, lungs and draws of the "
        "section above. *Ridge*, the default, chooses λ and ω by the labelled films. *Normals-covariance* "
        "(`--head normals-covariance`) has the β that fold 0 nominated above, and the largest share ω = 2.",
    ]
    if not rows:
        return [*title, "*No row yet: `python -m studies.attempts adapt` makes them.*"]
    first = rows[0]
    n = first["n"]
    lines = [
        [
            f"`{row['head']}`",
            count,
            f"{row['fold_0'][count]['adapted']['value']:.3f}",
            f"{one['normals only']['value']:.3f}",
            three_digits(one["head alone"]),
            three_digits(one["adapted"]),
            f"{one['adapted']['least']:.2f} to {one['adapted']['most']:.2f}",
            f"{one['like_pairs']:.2f}",
            f"{one['share']:.1f}",
            f"{100 * one['kept']:.0f} %",
            f"{looks_of(row)}",
        ]
        for row in sorted(rows, key=lambda row: HEADS.index(row["head"]))
        for count, one in row["test"].items()
    ]
    return [
        *title,
        f"Montgomery + Shenzhen, {first['features']}, {first['px']} px; {n['normal']} normal and {n['abnormal']} "
        f"abnormal films of folds {first['folds'][0]} to {first['folds'][-1]}. Fold 0 nominated β, so its column is "
        f"optimistic for `normals-covariance`. Mean AUROC over {first['draws']} draws of the abnormal films, with its "
        f"interval over films ({first['bootstrap_draws']} bootstrap draws), and the range of the draws. *Similar "
        "films*: pairs of like sharpness, by the adapted score. *Kept*: how often the score from normal films alone "
        "was kept. *Looks*: how often `unseen adapt` was tested on these folds with this head, earlier checks and "
        f"rules included; each head was tested in the section above, too. {first['device']}, "
        f"{first['seconds_all']:.0f} s after the features, {first['date']}.",
        table(
            [
                "head", "abnormal films", "fold 0: adapted", "normal films alone", "head alone", "adapted",
                "adapted: draws", "similar films", "mean ω", "kept", "looks",
            ],
            lines,
        ),
        *_earlier(rows),
        "The figures of `unseen adapt` "
        "[on three sets](results-detectors.md#adaptation-with-labelled-films-of-the-site) and "
        "[with calibration](results-detectors.md#a-site-that-teaches-and-calibrates-with-its-own-labels) are those of "
        "the ridge head with the earlier check, at 256 px; the other head has figures on three sets at 224 px "
        "[below](#from-5-to-100-labelled-abnormal-films-on-three-sets). The default was decided on [fold 0 of three "
        "sets](#which-head-is-the-default).",
    ]  # fmt: skip
