"""`python -m studies.withdrawn_adjustment`: the adjusted AUROC does not adjust (decision 35).

It is the AUROC of a score's residual after a straight line in log sharpness and lung area. Two tests that a figure must
pass, and that it fails: sharpness itself as the score must give 0.5, and an increasing transform of a score must change
nothing. Sharpness is tested on all films of the set; the transforms on the scores that `studies.laterality` keeps.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

import numpy as np
import polars as pl

from studies import recipe_files as recipes
from studies.one_sided import RECIPE, scored_films, table_of
from studies.row_files import add_rows_option, write_row
from studies.rows import Row
from unseen import __version__
from unseen.data.film import Film
from unseen.evaluation.bootstrap import numbers
from unseen.evaluation.intervals import Json
from unseen.evaluation.matching import like_pairs
from unseen.evaluation.roc import Floats, auroc
from unseen.evaluation.simple_statistics import trivial_statistics
from unseen.evaluation.withdrawn_adjustment import within_residuals
from unseen.runs.cohort import cohort_of
from unseen.runs.training import resolve

TRANSFORMS: dict[str, Callable[[Floats], Floats]] = {
    "z": lambda z: z,
    "exp(z)": np.exp,
    "exp(z / 2)": lambda z: np.exp(z / 2),
    "-exp(-z)": lambda z: -np.exp(-z),
    "-exp(-2 z)": lambda z: -np.exp(-2 * z),
    "arctan(z)": np.arctan,
    "rank": lambda z: np.argsort(np.argsort(z)).astype(np.float64),
}
"""Increasing functions of a score z in standard deviations of the normal films."""
SHARPNESS: dict[str, Callable[[Floats], Floats]] = {
    "sharpness": lambda s: s,
    "log sharpness": np.log,
    "sharpness³": lambda s: s**3,
    "-1 / sharpness": lambda s: -1 / s,
}
"""Increasing functions of sharpness."""
MODELS = ("ensemble-five", "ensemble-aligned", "pca")


def adjusted_auroc(table: pl.DataFrame) -> float:
    """Return the withdrawn figure: AUROC of the residual, coefficients cross-fitted on the normal films."""
    abnormal = (table["label"] == "abnormal").to_numpy()
    residual = within_residuals(table, abnormal)
    assert residual is not None
    return auroc(abnormal, residual)


def figures(table: pl.DataFrame, scores: dict[str, Floats]) -> dict[str, Json]:
    """Return the AUROC, the withdrawn figure and the figure on pairs of like sharpness of each score, by name."""
    abnormal = (table["label"] == "abnormal").to_numpy()
    found: dict[str, Json] = {}
    for name, score in scores.items():
        scored = table.with_columns(score=pl.Series(score))
        found[name] = {
            "auroc": round(auroc(abnormal, score), 4),
            "adjusted": round(adjusted_auroc(scored), 4),
            "like_pairs": like_pairs(scored).to_json(),
        }
    return found


def sharpness_table(films: Iterable[object]) -> pl.DataFrame:
    """Return the sharpness of each film, without the lung area: the line then takes out sharpness alone."""
    rows: list[dict[str, object]] = []
    for film in films:
        assert isinstance(film, Film)
        rows.append(
            {
                "file": film.name,
                "label": film.label,
                "source": film.source,
                "sharpness": trivial_statistics(film)["sharpness"],
            }
        )
    return pl.DataFrame(rows)


def withdrawn_row(models: Sequence[str] = MODELS) -> Row:
    """Return the row: sharpness and its transforms, and transforms of the scores of shipped models."""
    table = sharpness_table(cohort_of(resolve(recipes.load(RECIPE))).films)
    sharpness = numbers(table, "sharpness")
    scored: dict[str, Json] = {}
    for model in models:
        films = [film for film in scored_films(f"models/{model}") if film.fold != 0]
        some = table_of(films)
        score = numbers(some, "score")
        normals = score[(some["label"] == "normal").to_numpy()]
        z = (score - normals.mean()) / normals.std()
        scored[model] = figures(some, {name: transform(z) for name, transform in TRANSFORMS.items()})
    return {
        "recipe": "withdrawn/adjusted",
        "seed": 0,
        "date": datetime.now(UTC).date().isoformat(),
        "version": __version__,
        "n": {label: int((table["label"] == label).sum()) for label in ("normal", "abnormal")},
        "sharpness": figures(table, {name: transform(sharpness) for name, transform in SHARPNESS.items()}),
        "scores": scored,
    }


def main(arguments: Iterable[str] | None = None) -> None:
    """Compute the figures, print them and write the row."""
    parser = argparse.ArgumentParser(prog="python -m studies.withdrawn_adjustment", description=__doc__.splitlines()[0])
    add_rows_option(parser)
    given = parser.parse_args(None if arguments is None else list(arguments))
    row = withdrawn_row()
    for group, found in {"sharpness": row["sharpness"], **row["scores"]}.items():
        for name, entry in found.items():
            pairs = entry["like_pairs"]["value"]
            print(f"{group}: {name}: AUROC {entry['auroc']:.3f}, adjusted {entry['adjusted']:.3f}, pairs {pairs:.3f}")
    print("wrote", write_row(row, given.rows))


if __name__ == "__main__":
    main()
