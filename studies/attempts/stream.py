"""Experiment on a stream of unread films: a head that learns "known to be normal or unread", on ZhangLab's films.

A site has N0 films that are known to be normal and N unread films of which a share π is abnormal. A ridge regression on
frozen features (the head of `studies.ten_labels`, λ = 1) separates the two groups. It needs no label of an abnormal
film. The question: does its AUROC depend on N and π through N·π² alone? The reason to expect this: the difference of
the two groups' means is π δ, with δ the difference of abnormal and normal films, and its noise has the variance
σ² (1 / N + 1 / N0). So the squared ratio is π² N N0 / (N + N0) · δ² / σ², which is N·π² where N is far below N0.

Films: 1,100 normal and 680 abnormal films of the training split without duplicates, drawn with seed 0. Each draw tests
one of folds 1 to 4, in turn; known and unread films are of the other folds (folds by patient). Within a draw the films
of a smaller N are among those of a larger one. Nothing is chosen: all settings are constants.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from studies import recipe_files as recipes
from studies.crossfit import TEST_FOLDS
from studies.detectors.frozen_cells import GRID, FrozenCells, frozen_cells, precision_name
from studies.rows import Row
from unseen import __version__
from unseen.anatomy.lung_finder import LungFinder
from unseen.data.film import Film
from unseen.detectors.adapted import ridge, standardised
from unseen.detectors.lung_finder_bundles import finder_of
from unseen.evaluation.matching import like_pairs
from unseen.evaluation.roc import auroc
from unseen.runs.cohort import cohort_of
from unseen.runs.training import resolve

ROW = "attempts/stream"
FILMS = {"normal": 1100, "abnormal": 680}
"""Films that are drawn from the split: as many as the largest N needs, and a fifth for the test."""
KNOWN = 200
"""N0, films that are known to be normal."""
SHRINKAGE = 1.0
UNREAD = (40, 160, 640)
SHARES = (0.05, 0.1, 0.2, 0.4, 0.8)
DRAWS = 20
_LEAST_ABNORMAL = 2


@dataclass(frozen=True, eq=False)
class Stream:
    """Films and the features of the head.

    Args:
        facts: name, label, source and statistics of each film.
        fold: fold of each film (n,).
        abnormal: label of each film (n,).
        features: features of the head (n, d).
    """

    facts: Sequence[Mapping[str, Any]]
    fold: NDArray[np.int64]
    abnormal: NDArray[np.bool_]
    features: Tensor


def settings() -> list[tuple[int, float]]:
    """Return N and π of each setting that has two abnormal films at least.

    >>> settings()[0], len(settings())
    ((40, 0.05), 15)
    """
    return [(n, share) for n in UNREAD for share in SHARES if round(n * share) >= _LEAST_ABNORMAL]


def head_features(cells: FrozenCells) -> Tensor:
    """Return the head's features: block 14 of the whole film, averaged, and all blocks of the lungs on 4 × 4 places."""
    parts = []
    films = np.arange(len(cells.facts))
    for at in np.array_split(films, max(1, len(films) // 256)):
        whole = cells.cells("whole", (14,), GRID // 2, at).mean(dim=(2, 3))
        lungs = cells.cells("lungs", (2, 4, 7, 10, 14), GRID, at)
        parts.append(torch.cat([whole, functional.adaptive_avg_pool2d(lungs, 4).flatten(1)], dim=1))
    return torch.cat(parts)


def stream_of(root: Path) -> Stream:
    """Read the films and compute their features, or find those that are kept below `root`."""
    cohort = cohort_of(resolve(recipes.load("zhanglab/entry")))
    films: dict[str, Film] = {}
    for film in cohort.films.select(lambda entry: entry.label is not None):
        assert isinstance(film, Film)
        films.setdefault(film.pixel_sha256, film)
    rng, some = np.random.default_rng(0), []
    for label, number in FILMS.items():
        of_label = [film for film in films.values() if film.label == label]
        some += [of_label[i] for i in np.sort(rng.choice(len(of_label), number, replace=False))]
    finder = finder_of("models/lungs")
    assert isinstance(finder, LungFinder)
    cells = frozen_cells(some, finder, root, "zhanglab")
    fold = np.array([cohort.fold_of[film.name] for film in some])
    return Stream(cells.facts, fold, np.array([film.label == "abnormal" for film in some]), head_features(cells))


def aurocs_of(stream: Stream, draw: int) -> dict[tuple[int, float], tuple[float, float]]:
    """Return AUROC and pairs of like sharpness of each setting, for one draw.

    Args:
        stream: the films.
        draw: number of the draw; it is the seed, and fold `TEST_FOLDS[draw % 4]` is tested.
    """
    fold = TEST_FOLDS[draw % len(TEST_FOLDS)]
    rng = np.random.default_rng([draw, fold])
    normals = rng.permutation(np.flatnonzero(~stream.abnormal & (stream.fold != fold)))
    known, others = normals[:KNOWN], normals[KNOWN:]
    ill = rng.permutation(np.flatnonzero(stream.abnormal & (stream.fold != fold)))
    tested = np.flatnonzero(stream.fold == fold)
    most = max(n - round(n * share) for n, share in settings()), max(round(n * share) for n, share in settings())
    if len(others) < most[0] or len(ill) < most[1]:
        raise ValueError(
            f"{len(others)} normal and {len(ill)} abnormal films are left; {most[0]} and {most[1]} are needed"
        )
    others, ill = others[: most[0]], ill[: most[1]]
    trained = np.concatenate([known, others, ill])
    _, mean, scale = standardised(stream.features[known])  # known films alone: the same for all settings
    x, seen = ((stream.features[at] - mean) / scale for at in (trained, tested))
    gram, across = (x @ x.T).double().numpy(), (seen @ x.T).double().numpy()
    found = {}
    for n, share in settings():
        count = round(n * share)
        well = KNOWN + np.arange(n - count)
        unread = np.concatenate([well, KNOWN + len(others) + np.arange(count)])
        at = np.concatenate([np.arange(KNOWN), unread])
        y = np.arange(len(at)) >= KNOWN
        score = across[:, at] @ ridge(gram[np.ix_(at, at)], y, SHRINKAGE)
        found[n, share] = auroc(stream.abnormal[tested], score), _alike(stream, tested, score)
    return found


def stream_row(root: Path, draws: int = DRAWS) -> Row:
    """Return the row: AUROC by N and π, and the spread where N·π² is equal."""
    stream = stream_of(root)
    began = process_time()
    drawn = [aurocs_of(stream, draw) for draw in range(draws)]
    values = {one: np.array([found[one] for found in drawn]) for one in settings()}  # (draws, 2)
    curve = [
        {
            "unread": n,
            "share": share,
            "abnormal": round(n * share),
            "product": round(n * share**2, 4),
            "finite_product": round(n * share**2 * KNOWN / (n + KNOWN), 4),
            "auroc": _range(column[:, 0]),
            "like_pairs": _range(column[:, 1]),
        }
        for (n, share), column in values.items()
    ]
    return {
        "recipe": ROW,
        "seed": 0,
        "known": KNOWN,
        "shrinkage": SHRINKAGE,
        "draws": draws,
        "folds": list(TEST_FOLDS),
        "openings": 1,
        "features": f"EfficientNet-lite0, 224 px, computed in {precision_name()}, kept in half precision",
        "n": {"normal": int((~stream.abnormal).sum()), "abnormal": int(stream.abnormal.sum())},
        "device": "cpu, 1 thread",
        "seconds": round(process_time() - began, 1),
        "date": datetime.now(UTC).date().isoformat(),
        "version": __version__,
        "curve": curve,
        "equal": equal_products({one: column[:, 0] for one, column in values.items()}),
    }


def equal_products(values: Mapping[tuple[int, float], NDArray[np.float64]]) -> list[Row]:
    """Compare settings of equal N·π²: AUROC with the largest N minus AUROC with the smallest, over the draws.

    The interval is a 95 % percentile bootstrap over draws. It leaves the spread over the set's films out.

    >>> one, other = np.array([0.8, 0.82]), np.array([0.7, 0.72])
    >>> [round(found["difference"]["value"], 2) for found in equal_products({(160, 0.1): one, (40, 0.2): other})]
    [0.1]
    """
    rng, found = np.random.default_rng(0), []
    products = sorted({round(n * share**2, 4) for n, share in values})
    for product in products:
        some = sorted((n, share) for n, share in values if round(n * share**2, 4) == product)
        if len(some) < 2:
            continue
        gap = values[some[-1]] - values[some[0]]
        means = gap[rng.integers(0, len(gap), (2000, len(gap)))].mean(axis=1)
        low, high = np.quantile(means, [0.025, 0.975])
        found.append(
            {
                "product": product,
                "settings": [[n, share] for n, share in some],
                "aurocs": [round(float(values[one].mean()), 6) for one in some],
                "difference": {"value": round(float(gap.mean()), 6), "low": round(float(low), 6),
                               "high": round(float(high), 6)},
            }
        )  # fmt: skip
    return found


def _alike(stream: Stream, at: NDArray[np.int64], score: NDArray[np.float64]) -> float:
    facts = [stream.facts[i] for i in at]
    table = pl.DataFrame(
        {
            "file": [fact["name"] for fact in facts],
            "label": [fact["label"] for fact in facts],
            "source": [fact["source"] for fact in facts],
            "sharpness": [fact["sharpness"] for fact in facts],
            "score": score,
        }
    ).with_columns(status=pl.lit("scored"))
    return float(like_pairs(table, draws=2).to_json()["value"])  # type: ignore[arg-type]


def _range(column: NDArray[np.float64]) -> Row:
    return {
        "value": round(float(column.mean()), 6),
        "low": round(float(column.min()), 6),
        "high": round(float(column.max()), 6),
    }
