"""Effect of the lung finder on a detector's AUROC: the same detectors on the lungs of several finders, and one of them
on the lungs of one finder trained three times.

Adjusted takes log sharpness and predicted lung area out of a score. Where lung area is a sign of disease, regressing it
out takes disease out, too. So the same detector has other adjusted figures on other finders' lungs; an interval over
films alone does not know that.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from studies import recipe_files as recipes
from studies.crossfit import TEST_FOLDS, cross_fit, tables_of
from studies.detectors.claim import above_floor
from studies.pages.cells import Entry, signed, signed_interval, table
from studies.rows import Row, study_of_folds
from unseen.artifacts.files import write_bytes
from unseen.artifacts.recipe import Recipe, validated
from unseen.artifacts.run_folder import runs_root
from unseen.detectors.lung_finder_bundles import finder_of
from unseen.evaluation.intervals import interval_text
from unseen.evaluation.metrics import metrics_from_table
from unseen.evaluation.roc import auroc
from unseen.evaluation.table import score_table
from unseen.runs.cohort import cohort_of
from unseen.runs.training import detector_of, resolve, with_changes
from unseen.training.settings import Training

if TYPE_CHECKING:
    import polars as pl

ROWS = "detectors/adjusted/"
"""Prefix of the rows' names."""
SHIPPED = Path("models/src/unseen_models/pca")
"""Whose finder is taken as it ships: it has seen masks of folds 1 to 3."""
OPEN, ALL, INSIDE, ALL_INSIDE, AS_SHIPPED = (
    "open masks, 64 px",
    "all masks, 64 px",
    "open masks, lesions inside, 128 px",
    "all masks, lesions inside, 128 px",
    "open masks, as it ships",
)
LUNGS_OF = {
    OPEN: "detectors/pca-aligned",
    ALL: "ms_cxr/pca-64-lungs",
    INSIDE: "detectors/pca-inside-open",
    ALL_INSIDE: "detectors/pca-inside-all",
}
"""The recipe whose finder and masks each is."""
ROUNDS = (
    (0, (OPEN, ALL, AS_SHIPPED)),
    (0, (INSIDE,)),
    (0, (ALL_INSIDE,)),
    *((seed, (name,)) for name in (OPEN, ALL, INSIDE) for seed in (1, 2)),
)
"""A seed of the finders' trainings, and which finders: each kind once, then again, the one that learns soonest
first. What ships was trained once."""
WORSE = 0.01
"""Largest permitted loss of AUROC on the lungs of a finder that keeps lesions inside."""
_SHORT = ((0, (OPEN, ALL_INSIDE)), (1, (OPEN,)), (2, (OPEN,)))
RECIPES = {
    "detectors/pca-aligned": ROUNDS,
    "detectors/dct-aligned": _SHORT,
    "detectors/ensemble-features": _SHORT,
}
"""Two on pixels and one on frozen features, with their rounds."""


def adjusted_rows(
    recipe: Recipe,
    known: Entry | None = None,
    *,
    rounds: Sequence[tuple[int, Sequence[str]]] = ROUNDS,
    folds: Sequence[int] = TEST_FOLDS,
    root: Path | None = None,
) -> Iterator[Row]:
    """AUROC of the recipe's detector, adjusted, and of the lung area alone, by finder and by training of the finder:
    the row as it is after each round.

    Args:
        known: the row so far: its rounds are kept, not made again.
    """
    recipe = resolve(recipe)
    root = runs_root() if root is None else root
    scores_of = cache(lambda name, seed: _scores(name, recipe, seed, folds, root))
    finders: dict[str, list[Row]] = {} if known is None else {name: [*some] for name, some in known["finders"].items()}
    for seed, names in rounds:
        missing = [name for name in names if seed not in {one["seed"] for one in finders.get(name, ())}]
        if not missing:
            continue
        for name in missing:
            scores = scores_of(name, seed)
            figures = {"seed": seed, **_figures(scores)}
            if name != OPEN:
                figures["minus_open"] = above_floor(scores, scores_of(OPEN, seed))
            finders.setdefault(name, []).append(figures)
            print(f"{name}, seed {seed}")
        row = {**study_of_folds(f"{ROWS}{recipe.short}", recipe, folds), "finders": finders}
        seeds = [one["seed"] for one in finders.get(OPEN, ())]
        if len(seeds) > 1:
            row["averaged"] = {
                "seeds": seeds,
                **_figures(averaged([scores_of(OPEN, seed) for seed in seeds])),
            }
        yield row


def on_lungs_of(recipe: Recipe, name: str) -> Recipe:
    """Return the recipe with the finder, and the masks that teach it, of one of `LUNGS_OF`; nothing else is changed."""
    lungs = resolve(recipes.load(LUNGS_OF[name]))
    data = recipe.data.model_copy(update={"lungs_from": lungs.data.lungs_from})
    return recipe.model_copy(update={"data": data, "finder": lungs.finder})


def _scores(name: str, recipe: Recipe, seed: int, folds: Sequence[int], root: Path) -> pl.DataFrame:
    import polars as pl

    if name == AS_SHIPPED:
        kept = root / "adjusted" / f"{recipe.short}-as-it-ships.arrow"
        if not kept.is_file():
            tables = [_on_shipped(recipe, fold).with_columns(fold=pl.lit(fold, pl.Int64)) for fold in folds]
            written = io.BytesIO()
            pl.concat(tables).write_ipc(written)
            kept.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(kept, written.getvalue())
        return pl.read_ipc(kept.read_bytes())
    recipe = with_changes(on_lungs_of(recipe, name), seed=seed)
    recipe = recipe.model_copy(update={"training": {**recipe.training, "seed": seed}})
    return tables_of(cross_fit([recipe], folds=folds, root=root, workers=1)[recipe.name])


def _on_shipped(recipe: Recipe, fold: int) -> pl.DataFrame:
    cohort = cohort_of(recipe)
    detector = detector_of(recipe)
    training = validated(recipe.training, Training, where="training")
    detector.fit(cohort.training(fold), finder=finder_of(SHIPPED), training=training)
    return score_table(detector, cohort.testing(fold), keep=0).table


def averaged(trainings: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return the first training's table with each film's mean score and mean predicted lung area over the trainings."""
    import polars as pl

    films = ["fold", "pixel_sha256", "file"]
    means = (
        pl.concat([table.select(*films, "score", "lung_area") for table in trainings])
        .group_by(films)
        .agg(pl.col("score", "lung_area").mean())
    )
    first = trainings[0]
    joined = first.drop("score", "lung_area").join(means, on=films, how="left", maintain_order="left")
    return joined.select(first.columns)


def _figures(scores: pl.DataFrame) -> Row:
    metrics: Row = metrics_from_table(scores)
    area = np.asarray(scores["lung_area"], dtype=np.float64)
    abnormal = np.asarray(scores["label"] == "abnormal")
    found = auroc(abnormal, -area)
    return {
        "auroc": metrics["auroc"]["pooled"],
        "like_pairs": metrics["like_pairs"],
        "area": round(float(found), 4),
    }


def over_trainings(figures: Sequence[Entry]) -> dict[str, float]:
    """Return the mean over trainings, with an interval that knows films and trainings: ± 1.96 √(s² + t²), s the
    standard error over films, from the mean width of the single intervals, t the deviation between trainings.

    >>> over_trainings([{"value": 0.6, "low": 0.5, "high": 0.7}, {"value": 0.8, "low": 0.7, "high": 0.9}])["value"]
    0.7
    """
    values = np.array([figure["value"] for figure in figures])
    films = np.mean([(figure["high"] - figure["low"]) / 3.92 for figure in figures])
    trainings = values.std(ddof=1) if len(values) > 1 else 0.0
    half = 1.96 * float(np.hypot(films, trainings))
    mean = float(values.mean())
    return {"value": round(mean, 4), "low": round(mean - half, 4), "high": round(mean + half, 4)}


def beside_adjusted(rows: Sequence[Entry]) -> list[str]:
    """Return the section of the page."""
    title = "## AUROC by lung segmentation model"
    if not rows:
        return [title, "*No row yet: `python -m studies.detectors --only adjusted` makes them.*"]

    def shown(figures: Sequence[Entry]) -> str:
        found = over_trainings(figures)
        return f"{found['value']:.2f} [{found['low']:.2f}, {found['high']:.2f}]"

    lines = [
        [
            f"`{_detector(row)}`",
            name,
            f"{len(some)}",
            shown([one["auroc"] for one in some]),
            _less_open(some),
            ", ".join(f"{one['auroc']['value']:.2f}" for one in some),
            f"{np.mean([one['area'] for one in some]):.2f}",
        ]
        for row in rows
        for name, some in row["finders"].items()
    ]
    return [
        title,
        "The same detectors on the lungs of different finders, folds 1 to 4. Intervals cover the films and, where "
        "there are several, the trainings of the lung model. *Minus open*: the AUROC less that on the lungs of "
        f"*{OPEN}* of the same seed, by DeLong, paired; both were trained for it, so it can differ from the difference "
        "of two AUROCs of the table. *Lung area alone*: AUROC of a smaller predicted area as a sign of disease. CPU, "
        f"{max(row['date'] for row in rows)}.",
        table(
            [
                "detector",
                "lungs by",
                "trainings",
                "AUROC",
                "minus open",
                "each training",
                "lung area alone",
            ],
            lines,
        ),
        *_worse(rows),
        *_means(rows),
        _larger([some for row in rows for some in row["finders"].values()]),
        " ".join(
            f"AUROCs of `{_detector(row)}` differ by {_spread(row['finders'], 'auroc'):.2f} between these finders."
            for row in rows
        ),
    ]


def _detector(row: Entry) -> str:
    return str(row["recipe"]).removeprefix(ROWS)


def _less_open(some: Sequence[Entry]) -> str:
    """Return the paired differences of the trainings that have one."""
    return (
        ", ".join(interval_text(one["minus_open"]["pooled"], sign=True) for one in some if "minus_open" in one) or "–"
    )


def _means(rows: Sequence[Entry]) -> list[str]:
    """Return a sentence with the AUROC of the mean score over trainings of one lung model."""
    said = [
        f"`{_detector(row)}` {interval_text(row['averaged']['auroc'])} ({len(row['averaged']['seeds'])} trainings)"
        for row in rows
        if "averaged" in row
    ]
    if not said:
        return []
    return [
        f"Each film scored on the lungs of every training of *{OPEN}*, and its scores averaged: {'; '.join(said)}. "
        "The intervals cover the films alone."
    ]


def _worse(rows: Sequence[Entry]) -> list[str]:
    """Report whether a detector's AUROC is lower on the lungs of the finder that reaches all targets."""
    found = {
        f"`{_detector(row)}`": one["minus_open"]["pooled"] for row in rows for one in row["finders"].get(ALL_INSIDE, ())
    }
    if not found:
        return []

    said = ", ".join(f"{name} {signed_interval(entry)}" for name, entry in found.items())
    over_all = ", ".join(
        f"`{_detector(row)}` {signed(_mean(row, ALL_INSIDE) - _mean(row, OPEN), 3)}"
        for row in rows
        if ALL_INSIDE in row["finders"]
    )
    lower = [name for name, entry in found.items() if entry["value"] < -WORSE]
    apart = [name for name, entry in found.items() if entry["high"] < 0]
    verdict = f"Lower by more than {WORSE}: {', '.join(lower) or 'none'}; significantly lower: "
    verdict += f"{', '.join(apart) or 'none'}."
    return [
        f"The finder *{ALL_INSIDE}* reaches [all targets of a finder](results-lungs.md). AUROC on its lungs less that "
        f"on those of *{OPEN}*: {said}. {verdict} Less the mean over all trainings of *{OPEN}*: {over_all}."
    ]


def _mean(row: Entry, name: str) -> float:
    return over_trainings([one["auroc"] for one in row["finders"][name]])["value"]


def _larger(finders: Sequence[Sequence[Entry]]) -> str:
    """Return a sentence that states which films have the larger predicted lungs, by every finder."""
    areas = [float(np.mean([one["area"] for one in some])) for some in finders]
    if max(areas) < 0.5:
        return (
            "By every finder the abnormal films have the larger predicted lungs, so it is not opacities left outside "
            "that make the area a sign of disease here."
        )
    if min(areas) > 0.5:
        return (
            "By every finder the abnormal films have the smaller predicted lungs: a finder may leave opacities outside."
        )
    return "Whether abnormal films have the larger or the smaller predicted lungs depends on the finder."


def _spread(finders: Mapping[str, Sequence[Entry]], name: str) -> float:
    """Return the largest mean over trainings less the smallest."""
    means = [over_trainings([one[name] for one in some])["value"] for some in finders.values()]
    return max(means) - min(means)
