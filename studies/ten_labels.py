"""`python -m studies.ten_labels`: heads on frozen features, trained on all normal films and on few abnormal ones.

The head is the default one of `unseen adapt` (class-balanced ridge regression on 224-pixel features), with two
constants instead of a choice by the labelled films: shrinkage λ and share ω of the score. They are the same for every
number of labels and every set. The features of a film are standardised by the training films alone. The score from
normal films alone is the mean of two `feature-pca`, each in standard deviations of held-out normal films.

python -m studies.ten_labels               all sets
python -m studies.ten_labels shenzhen      one set
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations_with_replacement
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from studies import recipe_files as recipes
from studies.crossfit import TEST_FOLDS
from studies.detectors.frozen_cells import GRID, VIEWS, FrozenCells, frozen_cells, precision_name, remembered, scores_of
from studies.pages.cells import Entry, table
from studies.row_files import add_rows_option, write_row
from studies.rows import Row
from unseen import __version__
from unseen.anatomy.cross_fitted_lungs import CrossFittedLungs
from unseen.artifacts.run_folder import runs_root
from unseen.data.film import Film
from unseen.data.patient_fold import FOLDS
from unseen.detectors.adapted import ridge, standardised
from unseen.detectors.feature_pca import FeaturePca
from unseen.evaluation.intervals import interval_text as figure
from unseen.evaluation.matching import like_pairs
from unseen.evaluation.roc import Auroc, folds_of
from unseen.runs.cohort import cohort_of
from unseen.runs.lung_finders import shared_lungs
from unseen.runs.training import resolve

if TYPE_CHECKING:
    import polars as pl

Scores = tuple[NDArray[np.int64], Mapping[str, NDArray[np.float64]]]
"""Positions of tested films, and their scores by name."""

ROWS = "ten_labels/"
COUNTS = (5, 10, 25, 50, 100)
DRAWS = 20
SHRINKAGE, SHARE = 1.0, 2.0
"""λ and ω: constants. They come from a trial on fold 0 of Montgomery + Shenzhen, which no command here repeats."""
SETS = ("ms_cxr", "shenzhen")
BASE = (("lungs", 4, GRID, 150), ("whole", 14, GRID // 2, 100))
"""View, block, grid and components of the members of the score from normal films alone."""
AIMS = {10: 0.88, 25: 0.90}
"""AUROC on folds 1 to 4 that was aimed at, by the number of abnormal films."""
_FINDER_FOLD = 4  # one cross-fitted finder for all films: none is found by a network that has seen its drawn mask


@dataclass(frozen=True, eq=False)
class Half:
    """Lung finder of all films: a half of a cross-fitted finder that has not seen the film's drawn mask.

    Where neither half has seen it, the film's digest decides, so normal and abnormal films are found alike.
    """

    lungs: CrossFittedLungs

    @property
    def digest(self) -> str:
        """SHA-256 of the digests of both halves and of their training films."""
        seen = [(half.digest, sorted(half.training_films)) for half in self.lungs.halves]
        return hashlib.sha256(json.dumps(seen).encode()).hexdigest()

    def find(self, film: Film) -> NDArray[np.bool_]:
        """Find the lungs of a film."""
        new = [half for half in self.lungs.halves if film.pixel_sha256 not in half.training_films]
        return new[int(film.pixel_sha256[:8], 16) % len(new)].find(film)


@dataclass(frozen=True, eq=False)
class Labels:
    """Labelled films of a set.

    Args:
        cells: their features.
        fold: fold of each film (n,).
        abnormal: label of each film (n,).
        features: features of the head (n, d).
        normal_score: score of each film by the model of the normal films outside of two folds (folds, folds, n); on
            the diagonal, outside of one.
    """

    cells: FrozenCells
    fold: NDArray[np.int64]
    abnormal: NDArray[np.bool_]
    features: torch.Tensor
    normal_score: NDArray[np.float64]

    @classmethod
    def of(cls, cells: FrozenCells, fold: NDArray[np.int64], abnormal: NDArray[np.bool_]) -> Labels:
        """Compute the head's features and the scores from normal films alone."""
        parts = []
        for at in np.array_split(np.arange(len(fold)), max(1, len(fold) // 256)):
            whole = cells.cells("whole", (14,), GRID // 2, at).mean(dim=(2, 3))
            lungs = cells.cells("lungs", (2, 4, 7, 10, 14), GRID, at)
            parts.append(torch.cat([whole, functional.adaptive_avg_pool2d(lungs, 4).flatten(1)], dim=1))
        score = np.zeros((FOLDS, FOLDS, len(fold)))
        for one, other in combinations_with_replacement(range(FOLDS), 2):
            normals = np.flatnonzero(~abnormal & (fold != one) & (fold != other))
            score[one, other] = score[other, one] = _normal_score(cells, normals)
        return cls(cells, fold, abnormal, torch.cat(parts).double(), score)

    def scores(self, fold: int, count: int | None, draw: int) -> Scores:
        """Score the films of a fold by a head that is trained on other folds.

        Args:
            fold: the tested fold.
            count: number of abnormal training films; None: all. The normal films are always all.
            draw: seed of the draw of the abnormal films.

        Returns:
            Positions of the tested films, and their scores by name.
        """
        rng = np.random.default_rng([draw, fold])
        ill = np.flatnonzero(self.abnormal & (self.fold != fold))
        if count is not None:
            ill = rng.choice(ill, count, replace=False)
        trained = np.sort(np.concatenate([np.flatnonzero(~self.abnormal & (self.fold != fold)), ill]))
        tested, y = np.flatnonzero(self.fold == fold), self.abnormal[trained]
        x, mean, scale = standardised(self.features[trained])
        gram = (x @ x.T).numpy()
        head = (((self.features[tested] - mean) / scale) @ x.T).numpy() @ ridge(gram, y, SHRINKAGE)
        unseen, part = np.zeros(len(y)), rng.permutation(len(y)) % FOLDS
        for number in range(FOLDS):
            rest = part != number
            if y[rest].any():
                unseen[~rest] = gram[np.ix_(~rest, rest)] @ ridge(gram[np.ix_(rest, rest)], y[rest], SHRINKAGE)
        head = head / unseen[~y].std()
        normals = trained[~y]
        own = self.normal_score[fold, self.fold[normals], normals]  # of neither the film's fold nor the tested one
        normal = (self.normal_score[fold, fold][tested] - own.mean()) / own.std()
        return tested, {"normals_only": normal, "head": head, "combined": normal + SHARE * head}


def curve_of(labels: Labels, folds: Sequence[int], draws: int = DRAWS) -> list[Row]:
    """Return AUROC and pairs of like sharpness for each number of abnormal films."""
    rows: list[Row] = []
    fewest = min(int((labels.abnormal & (labels.fold != fold)).sum()) for fold in folds)
    for count in (*(count for count in COUNTS if count < fewest), None):
        found: dict[str, list[tuple[float, float]]] = {}
        for draw in range(1 if count is None else draws):
            scored = [labels.scores(fold, count, draw) for fold in folds]
            at = np.concatenate([one for one, _ in scored])
            for name in scored[0][1]:
                score = np.concatenate([scores[name] for _, scores in scored])
                found.setdefault(name, []).append(figures_of(labels, at, score))
        rows.append({"abnormals": count, **{name: _spread(values) for name, values in found.items()}})
    return rows


def labels_of(name: str, root: Path) -> Labels:
    """Return the labelled films of a set."""
    recipe = resolve(recipes.load("detectors/ensemble-five"))
    cohort = cohort_of(recipe)
    lungs = shared_lungs(cohort.training(_FINDER_FOLD), recipe, fold=_FINDER_FOLD, data_digest=cohort.digest, root=root)
    listed = cohort.films.select(lambda entry: entry.label is not None)
    films = [film for film in listed if isinstance(film, Film) and name in ("ms_cxr", film.source)]
    cells = frozen_cells(films, Half(lungs), root, "ms_cxr")
    fold = np.array([cohort.fold_of[film.name] for film in films])
    return Labels.of(cells, fold, np.array([film.label == "abnormal" for film in films]))


def ten_labels_row(name: str, root: Path) -> Row:
    """Return the row of a set."""
    labels = labels_of(name, root)
    tested = np.isin(labels.fold, TEST_FOLDS)
    return {
        "recipe": f"{ROWS}{name}",
        "seed": 0,
        "set": name,
        "folds": list(TEST_FOLDS),
        "px": 224,
        "draws": DRAWS,
        "shrinkage": SHRINKAGE,
        "share": SHARE,
        "features": f"EfficientNet-lite0, computed in {precision_name()}, kept in half precision",
        "date": datetime.now(UTC).date().isoformat(),
        "version": __version__,
        "n": {
            "normal": int((tested & ~labels.abnormal).sum()),
            "abnormal": int((tested & labels.abnormal).sum()),
        },
        "curve": curve_of(labels, TEST_FOLDS),
    }


def ten_labels_section(rows: Mapping[str, Entry]) -> list[str]:
    """Return the section of the detectors' page; empty without rows."""
    found = [row for name, row in rows.items() if name.startswith(ROWS)]
    if not found:
        return []
    lines = [
        [
            f"`{row['set']}`",
            "all" if one["abnormals"] is None else f"{one['abnormals']}",
            *(_shown(one[name]["auroc"]) for name in ("normals_only", "head", "combined")),
            _shown(one["combined"]["like_pairs"]),
        ]
        for row in found
        for one in row["curve"]
    ]
    first = found[0]
    return [
        "## Few labels, with fixed shrinkage and share",
        f"A head on frozen features is trained on all normal films of the other folds and on n abnormal ones, drawn "
        f"{first['draws']} times: mean, and in brackets the smallest and the largest of the draws. These ranges are no "
        "confidence intervals: they leave the spread over films out. Figures without draws have none. "
        f"λ = {first['shrinkage']:g} and the head's share ω = {first['share']:g} are constants; they come from a trial "
        "on fold 0 of Montgomery + Shenzhen, which is not tested, and no command of this repository repeats it. "
        "`unseen adapt` chooses both by the labelled films (ridge head, the default). *Normal films alone*: the "
        f"mean of {len(BASE)} residuals of principal components of features at 224 px, not `ensemble-features`. "
        "*Similar films*: pairs of like sharpness, by the combined score. `python -m studies.ten_labels`, "
        f"{max(str(row['date']) for row in found)}.",
        table(
            ["Set", "abnormal films", "normal films alone", "head alone", "combined", "combined, similar films"], lines
        ),
        *_aims(rows),
    ]


def _aims(rows: Mapping[str, Entry]) -> list[str]:
    row = rows.get(f"{ROWS}ms_cxr-0")
    if row is None:
        return []
    of = {one["abnormals"]: one for one in row["curve"]}
    results = [
        f"{'reached' if max(of[count][name]['auroc']['value'] for name in ('head', 'combined')) >= aim else 'missed'} "
        f"with {count} abnormal films (aim {aim:.2f}: head {of[count]['head']['auroc']['value']:.3f}, combined "
        f"{of[count]['combined']['auroc']['value']:.3f})"
        for count, aim in AIMS.items()
    ]
    return [
        "The aims on folds 1 to 4 of Montgomery + Shenzhen, by the higher of head and combined on these films, are "
        f"{'; '.join(results)}."
    ]


def main(arguments: Iterable[str] | None = None) -> None:
    """Compute the rows, print their figures and write them."""
    parser = argparse.ArgumentParser(prog="python -m studies.ten_labels", description=__doc__.splitlines()[0])
    parser.add_argument("sets", nargs="*", help=f"of {', '.join(SETS)} (default: all)")
    add_rows_option(parser)
    given = parser.parse_args(None if arguments is None else list(arguments))
    for name in given.sets or SETS:
        row = ten_labels_row(name, runs_root())
        print("wrote", write_row(row, given.rows), flush=True)
        for one in row["curve"]:
            shown = ", ".join(f"{key} {_shown(one[key]['auroc'])}" for key in ("normals_only", "head", "combined"))
            print(f"{name}, {one['abnormals'] or 'all'} abnormal films: {shown}", flush=True)


def _normal_score(cells: FrozenCells, normals: NDArray[np.int64]) -> NDArray[np.float64]:
    held = np.arange(len(normals)) % FOLDS == 0
    every, total = np.arange(len(cells.facts)), np.zeros(len(cells.facts))
    for view, block, grid, components in BASE:

        def fitted(
            at: NDArray[np.int64], view: str = view, block: int = block, grid: int = grid, k: int = components
        ) -> FeaturePca:
            made = FeaturePca(view=VIEWS[view], blocks=(block,), grid=grid, components=min(k, len(at) - 1))
            remembered(made, cells, view, at)
            return made

        scale = scores_of(fitted(normals[~held]), cells, view, normals[held])
        total += (scores_of(fitted(normals), cells, view, every) - scale.mean()) / scale.std()
    return total / len(BASE)


def figures_of(labels: Labels, at: NDArray[np.int64], score: NDArray[np.float64]) -> tuple[float, float]:
    """Return AUROC, each fold weighted by its pairs, and the share of pairs of like sharpness."""
    folds = folds_of(score, labels.abnormal[at], labels.fold[at])
    pooled = float(Auroc(folds)(np.ones((1, len(at))))[0])
    pairs = like_pairs(_table(labels, at, score), draws=2).to_json()
    value = pairs.get("value")
    return pooled, float(value) if isinstance(value, float) else float("nan")


def _table(labels: Labels, at: NDArray[np.int64], score: NDArray[np.float64]) -> pl.DataFrame:
    import polars as pl

    facts = [labels.cells.facts[i] for i in at]
    return pl.DataFrame(
        {
            "file": [fact["name"] for fact in facts],
            "label": [fact["label"] for fact in facts],
            "source": [fact["source"] for fact in facts],
            "sharpness": [fact["sharpness"] for fact in facts],
            "fold": labels.fold[at],
            "score": score,
        }
    )


def _spread(values: Sequence[tuple[float, float]]) -> Row:
    """Return the mean over the draws with the smallest and the largest; without these where no draw differs."""
    found: Row = {}
    for name, column in zip(("auroc", "like_pairs"), np.array(values).T, strict=True):
        found[name] = {"value": round(float(column.mean()), 6)}
        if float(np.ptp(column)) > 0:
            found[name] |= {"low": round(float(column.min()), 6), "high": round(float(column.max()), 6)}
    return found


def _shown(entry: Entry) -> str:
    """Return a figure as text, with its range where it has one."""
    return figure(entry) if "low" in entry else f"{entry['value']:.2f}"


if __name__ == "__main__":
    main()
