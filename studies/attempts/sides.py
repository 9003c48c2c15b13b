"""Two experiments on the films of Shenzhen: other synthetic lesions, and the difference of both sides.

x is a film's feature vector in a cell of the aligned crop, x′ that of the same cell of the mirrored crop, so d = x − x′
compares a place with its mirror image, seen the same way round. Mean and deviation of normal films are taken for each
cell and channel. Every method is a closed form:

- `distance`: mean of z(x)² over the channels.
- `difference`: mean of z(d)²; both sides have nearly the same value.
- `difference-residual`: squared residual of d to 100 principal components, as `feature-pca` does with x.
- `side-distance`: `distance` minus `distance` of the mirror place, in deviations of normal films; has a sign.
- `lda`: `feature-lda`, a linear discriminant of cells with and without a synthetic lesion, on x.
- `difference-lda`: the same on d. Cells that are the mirror places of a lesion count as unchanged, so it has a sign.
- `paired-lda`: the same on x and d together.

A film's score is the mean of the highest tenth of the lungs' cells. The discriminants learn from the lesions of
`feature-lda` (`shadows`), from those of `studies.attempts.lesions` (`tuberculous`), or from both.

Recipes are nominated by fold 0 alone (`chosen_by`): its normal films with an opacity painted into one lung, and its
real films. Then all recipes are tested once on folds 1 to 4, each fold by models of the normal films of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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

from studies.attempts.sided_cells import TESTED_LESION, VARIANTS, SidedCells, shenzhen_films, sided_cells
from studies.crossfit import TEST_FOLDS
from studies.detectors.frozen_cells import precision_name
from studies.rows import Row
from unseen import __version__
from unseen.evaluation.bootstrap import bootstrap_cohort, draw_all
from unseen.evaluation.laterality_auroc import laterality
from unseen.evaluation.lung_sides import LUNG_SHORTCUTS, side_ratio
from unseen.evaluation.matching import like_pairs
from unseen.evaluation.roc import Auroc, auroc, folds_of
from unseen.evaluation.statistics_mix import usable_statistics

ROWS = "attempts/sides/"
FEATURES = "EfficientNet-lite0, 224 px, blocks 2, 4, 7, 10, 14 on 14 × 14 cells"
TOP = 0.1
SHRINKAGE = 0.01
COMPONENTS = 100
DRAWS = 1000
CHOOSING_FOLD = 0
SHADOWS, TUBERCULOUS = ("clouded", "spotted"), ("tuberculous", "tuberculous-again")
_AT_ONCE = 32


@dataclass(frozen=True)
class Candidate:
    """Method and the synthetic lesions that it learns from; none for those that learn from normal films alone."""

    method: str
    lesions: tuple[str, ...] = ()


LESION_CANDIDATES: Mapping[str, Candidate] = {
    "lda-shadows": Candidate("lda", SHADOWS),
    "lda-tuberculous": Candidate("lda", TUBERCULOUS),
    "lda-both": Candidate("lda", (*SHADOWS, *TUBERCULOUS)),
}
SIDE_CANDIDATES: Mapping[str, Candidate] = {
    "distance": Candidate("distance"),
    "difference": Candidate("difference"),
    "difference-residual": Candidate("difference-residual"),
    "side-distance": Candidate("side-distance"),
    "difference-lda-shadows": Candidate("difference-lda", SHADOWS),
    "difference-lda-both": Candidate("difference-lda", (*SHADOWS, *TUBERCULOUS)),
    "paired-lda-shadows": Candidate("paired-lda", SHADOWS),
    "paired-lda-both": Candidate("paired-lda", (*SHADOWS, *TUBERCULOUS)),
}
EXPERIMENTS: Mapping[str, Mapping[str, Candidate]] = {"lesions": LESION_CANDIDATES, "sides": SIDE_CANDIDATES}
BASELINES: Mapping[str, str | None] = {
    "lda-shadows": None,
    "lda-tuberculous": "lda-shadows",
    "lda-both": "lda-shadows",
    "distance": None,
    "difference": "distance",
    "difference-residual": "distance",
    "side-distance": "distance",
    "difference-lda-shadows": "lda-shadows",
    "difference-lda-both": "lda-both",
    "paired-lda-shadows": "lda-shadows",
    "paired-lda-both": "lda-both",
}
"""Recipe without the experiment's idea that each is compared with; None: it is such a recipe."""

Scored = tuple[NDArray[np.float64], list[float | None]]
"""Scores of films (n,), and the side ratio of each; None without sides."""


def of_films(cells: SidedCells, at: NDArray[np.int64]) -> SidedCells:
    """Return some films of `cells`."""
    return SidedCells(
        [cells.facts[i] for i in at], cells.maps[at], cells.mirrored[at], cells.inside[at], cells.right[at],
        cells.left[at], cells.changed[at],
    )  # fmt: skip


class Normals:
    """Statistics of the normal films in each cell, and the sums of the discriminants, for one set of training films.

    Args:
        variants: features of the normal films, plain and changed, by the variant's name; the same films in each.
        at: positions of the training films.
    """

    def __init__(self, variants: Mapping[str, SidedCells], at: NDArray[np.int64]) -> None:
        plain = of_films(variants["plain"], at)
        both = _features(plain)  # (n, 2 channels, GRID, GRID)
        self.mean = both.mean(dim=0)
        self.deviation = both.std(dim=0).clamp(min=1e-3)
        self.scale = (both - self.mean).square().mean(dim=(0, 2, 3)).sqrt().clamp(min=1e-6)
        self.channels = both.shape[1] // 2
        self.residual = _Residual(both[:, self.channels :] / self.scale[self.channels :, None, None], _both(plain))
        distance = self.squares(plain)[0]
        gap = distance - distance.flip(-1)
        self.gap = gap.mean(dim=0), gap.std(dim=0).clamp(min=1e-6)
        self.sums: dict[str, _Sums] = {}
        for name, cells in variants.items():
            if name != TESTED_LESION:
                self._add(name, of_films(cells, at))
        self._weights: dict[tuple[str, tuple[str, ...]], Tensor] = {}

    def squares(self, cells: SidedCells) -> tuple[Tensor, Tensor]:
        """Return the mean of z² over the channels of x and of d: (n, GRID, GRID) each."""
        found = []
        for part in _parts(cells):
            z = ((_features(part) - self.mean) / self.deviation).square()
            found.append((z[:, : self.channels].mean(dim=1), z[:, self.channels :].mean(dim=1)))
        one, other = (torch.cat(maps) for maps in zip(*found, strict=True))
        return one, other

    def marks(self, candidate: Candidate, cells: SidedCells) -> Tensor:
        """Return the map of each film: (n, GRID, GRID)."""
        method = candidate.method
        if method in ("distance", "difference"):
            return self.squares(cells)[int(method == "difference")]
        if method == "side-distance":
            distance = self.squares(cells)[0]
            return (distance - distance.flip(-1) - self.gap[0]) / self.gap[1]
        if method == "difference-residual":
            scale = self.scale[self.channels :, None, None]
            return torch.cat(
                [self.residual(_features(part)[:, self.channels :] / scale, _both(part)) for part in _parts(cells)]
            )
        weights, used = self._direction(candidate), _used(method, self.channels)
        return torch.cat([self._placed(part)[..., used] @ weights for part in _parts(cells)])

    def _direction(self, candidate: Candidate) -> Tensor:
        key = candidate.method, candidate.lesions
        if key not in self._weights:
            unchanged = [self.sums["plain"], self.sums["retaken"]]
            if candidate.method != "lda":
                unchanged += [self.sums[f"{lesion}, mirror places"] for lesion in candidate.lesions]
            lesions = [self.sums[lesion] for lesion in candidate.lesions]
            self._weights[key] = _discriminant(unchanged, lesions, _used(candidate.method, self.channels))
        return self._weights[key]

    def _placed(self, cells: SidedCells) -> Tensor:
        """x and d minus the normal films' mean, each channel in its deviation: (n, GRID, GRID, 2 channels)."""
        return ((_features(cells) - self.mean) / self.scale[:, None, None]).permute(0, 2, 3, 1)

    def _add(self, name: str, cells: SidedCells) -> None:
        lesion = name not in ("plain", "retaken")
        sums, mirror = _Sums(2 * self.channels), _Sums(2 * self.channels)
        for part in _parts(cells):
            placed, here = self._placed(part), torch.from_numpy(part.inside) > 0.5
            changed = torch.from_numpy(part.changed)
            sums.add(placed[here & changed if lesion else here])
            if lesion:
                mirror.add(placed[here & changed.flip(-1) & ~changed])
        self.sums[name] = sums
        if lesion:
            self.sums[f"{name}, mirror places"] = mirror


class _Sums:
    """Number, sum and products of cells (cells, channels)."""

    def __init__(self, channels: int) -> None:
        self.n = 0
        self.sum = torch.zeros(channels, dtype=torch.float64)
        self.products = torch.zeros(channels, channels, dtype=torch.float64)

    def add(self, cells: Tensor) -> None:
        self.n += len(cells)
        self.sum += cells.double().sum(dim=0)
        self.products += (cells.T @ cells).double()


class _Residual:
    """Squared residual to the first principal components of differences (n, channels, GRID, GRID)."""

    def __init__(self, difference: Tensor, inside: Tensor) -> None:
        flat = (difference * inside[:, None]).flatten(1)
        self.mean = flat.mean(dim=0)
        away = flat - self.mean
        values, vectors = torch.linalg.eigh((away @ away.T).double())
        kept = min(COMPONENTS, len(flat) - 1)
        self.components = (vectors[:, -kept:] / values[-kept:].clamp(min=1e-12).sqrt()).float().T @ away

    def __call__(self, difference: Tensor, inside: Tensor) -> Tensor:
        away = (difference * inside[:, None]).flatten(1) - self.mean
        rest = away - (away @ self.components.T) @ self.components
        squares: Tensor = rest.reshape(difference.shape).square().mean(dim=1)
        return squares


def _discriminant(unchanged: Sequence[_Sums], lesions: Sequence[_Sums], used: slice) -> Tensor:
    """w = ((1 − λ) S + λ I)⁻¹ (μ₁ − μ₀), scaled as in `feature-lda`."""
    n = [sum(one.n for one in some) for some in (unchanged, lesions)]
    sums = [torch.stack([one.sum[used] for one in some]).sum(dim=0) for some in (unchanged, lesions)]
    products = torch.stack([one.products[used, used] for one in (*unchanged, *lesions)]).sum(dim=0)
    means = [total / max(1, number) for total, number in zip(sums, n, strict=True)]
    outer = sum(number * torch.outer(mean, mean) for number, mean in zip(n, means, strict=True))
    within = (products - outer) / sum(n)
    shrunk = (1 - SHRINKAGE) * within + SHRINKAGE * torch.eye(len(within), dtype=torch.float64)
    w = torch.linalg.solve(shrunk, means[1] - means[0])
    scaled: Tensor = w / (w @ shrunk @ w).sqrt().clamp(min=1e-12)
    return scaled.float()


def _used(method: str, channels: int) -> slice:
    return {"lda": slice(0, channels), "difference-lda": slice(channels, None)}.get(method, slice(None))


def _features(cells: SidedCells) -> Tensor:
    """x and d: float32 (n, 2 channels, GRID, GRID)."""
    x = torch.from_numpy(cells.maps).float()
    return torch.cat([x, x - torch.from_numpy(cells.mirrored).float()], dim=1)


def _both(cells: SidedCells) -> Tensor:
    """Share of lung of a cell and of its mirror place, the smaller: (n, GRID, GRID)."""
    inside = torch.from_numpy(cells.inside)
    return torch.minimum(inside, inside.flip(-1))


def _parts(cells: SidedCells) -> list[SidedCells]:
    films = np.arange(len(cells.facts))
    return [of_films(cells, films[first : first + _AT_ONCE]) for first in range(0, len(films), _AT_ONCE)]


def scored(normals: Normals, candidate: Candidate, cells: SidedCells) -> Scored:
    """Score films and compare their sides."""
    marks = normals.marks(candidate, cells)
    share = torch.from_numpy(cells.inside) if candidate.method in ("distance", "lda") else _both(cells)
    scores, ratios = [], []  # type: list[float], list[float | None]
    for number, (values, lungs) in enumerate(zip(marks, share, strict=True)):
        judged = values[lungs > 0.5] if bool((lungs > 0.5).any()) else values.flatten()
        scores.append(float(judged.topk(max(1, round(TOP * len(judged)))).values.mean()))
        right, left = cells.right[number], cells.left[number]
        known = bool(right.any()) and bool(left.any())
        shown = (values * (lungs > 0.5)).clamp(min=0).numpy()
        ratios.append(side_ratio(shown, right, left) if known else None)
    return np.array(scores), ratios


@dataclass(frozen=True, eq=False)
class Data:
    """Features of all films of Shenzhen, of the variants of the normal ones, and of fold 0's with a tested lesion."""

    plain: SidedCells
    variants: Mapping[str, SidedCells]
    tested_lesion: SidedCells

    def films(self, chosen: Callable[[Mapping[str, Any]], bool]) -> NDArray[np.int64]:
        """Return the positions of the films that are chosen by their facts."""
        return np.flatnonzero([chosen(fact) for fact in self.plain.facts])

    def training(self, fold: int) -> NDArray[np.int64]:
        """Return the positions, in `variants`, of the normal films outside of a fold."""
        return np.flatnonzero([fact["fold"] != fold for fact in self.variants["plain"].facts])


def data_of(root: Path) -> Data:
    """Return the films' features, computed or found again below `root`."""
    films, fold_of = shenzhen_films()
    normals = [film for film in films if film.label == "normal"]
    some = {"plain": films, TESTED_LESION: [film for film in normals if fold_of[film.name] == CHOOSING_FOLD]}
    found = {name: sided_cells(name, some.get(name, normals), fold_of, root) for name in VARIANTS}
    plain, tested = found.pop("plain"), found.pop(TESTED_LESION)
    normal = np.flatnonzero([fact["label"] == "normal" for fact in plain.facts])
    return Data(plain, {"plain": of_films(plain, normal), **found}, tested)


def table_of(facts: Sequence[Mapping[str, Any]], score: NDArray[np.float64]) -> pl.DataFrame:
    """Return the score table of some films."""
    columns = [{"file": f["name"], **{k: v for k, v in f.items() if k not in ("name", "side", "lungs")}} for f in facts]
    return pl.DataFrame(columns, infer_schema_length=None).with_columns(score=pl.Series(score), status=pl.lit("scored"))


def figures(facts: Sequence[Mapping[str, Any]], found: Scored, baseline: Scored | None, draws: int = DRAWS) -> Row:
    """Return AUROC, like pairs and laterality of scored films, with the differences from a baseline."""
    score, ratio = found
    table = table_of(facts, score)
    cohort = bootstrap_cohort(table)
    columns = {"score": score} | ({} if baseline is None else {"baseline": baseline[0]})
    drawn = draw_all(
        {name: Auroc(folds_of(values, cohort.abnormal, cohort.fold)) for name, values in columns.items()},
        cohort, draws=draws, rng=np.random.default_rng(0),
    )  # fmt: skip
    ratios = np.array([np.nan if one is None else one for one in ratio])
    sided = [i for i, fact in enumerate(facts) if fact["side"] and fact["lungs"] and np.isfinite(ratios[i])]
    shortcuts = {name: [facts[i]["lungs"][name] for i in sided] for name in LUNG_SHORTCUTS}
    if baseline is not None:
        shortcuts["baseline"] = [float(one) for i in sided if (one := baseline[1][i]) is not None]
    side = laterality(
        ratios[sided], [facts[i]["side"] == "right" for i in sided], shortcuts=shortcuts,
        fold=[facts[i]["fold"] for i in sided], draws=draws,
    ).to_json()  # fmt: skip
    _, every = usable_statistics(table)
    return {
        "auroc": drawn["score"].interval().to_json(),
        **({} if baseline is None else {"above_baseline": (drawn["score"] - drawn["baseline"]).interval().to_json()}),
        "like_pairs": {
            "sharpness": like_pairs(table, draws=draws).to_json(),
            "all statistics": like_pairs(table, every, draws=draws).to_json(),
        },
        "laterality": side,
        "n": {label: sum(fact["label"] == label for fact in facts) for label in ("normal", "abnormal")},
    }


def on_synthetic(plain: Scored, painted: Scored) -> Row:
    """Return how well painted lesions are found, and on which side; the right lung of even films, the left of odd."""
    truth = np.repeat([False, True], [len(plain[0]), len(painted[0])])
    known = [i for i, ratio in enumerate(painted[1]) if ratio is not None]
    side = auroc(np.array([i % 2 == 0 for i in known]), np.array([painted[1][i] for i in known], dtype=float))
    return {
        "auroc": round(auroc(truth, np.concatenate([plain[0], painted[0]])), 6),
        "laterality": round(side, 6),
        "films": len(painted[0]),
    }


def chosen_by(row: Mapping[str, Any]) -> float:
    """Return the figure that nominates: the mean of both instruments on synthetic lesions and on films of fold 0."""
    synthetic, real = row["synthetic"], row["fold_0"]
    return float(
        np.mean(
            [
                synthetic["auroc"],
                synthetic["laterality"],
                real["like_pairs"]["sharpness"]["value"],
                real["laterality"]["value"],
            ]
        )
    )


def fold_0_rows(data: Data) -> list[Row]:
    """Return a row for each candidate with its figures on fold 0 alone, and the nominees."""
    normals = Normals(data.variants, data.training(CHOOSING_FOLD))
    real = data.films(lambda fact: fact["fold"] == CHOOSING_FOLD)
    plain = data.films(lambda fact: fact["fold"] == CHOOSING_FOLD and fact["label"] == "normal")
    rows: list[Row] = []
    for experiment, candidates in EXPERIMENTS.items():
        made: list[Row] = []
        for name, candidate in candidates.items():
            found = scored(normals, candidate, of_films(data.plain, real))
            painted = scored(normals, candidate, data.tested_lesion)
            made.append(
                {
                    "recipe": f"{ROWS}{name}",
                    "seed": 0,
                    "experiment": experiment,
                    "method": candidate.method,
                    "lesions": list(candidate.lesions),
                    "baseline": BASELINES[name],
                    "features": f"{FEATURES}, {precision_name()}",
                    "device": "cpu, 1 thread",
                    "date": datetime.now(UTC).date().isoformat(),
                    "version": __version__,
                    "synthetic": on_synthetic(scored(normals, candidate, of_films(data.plain, plain)), painted),
                    "fold_0": figures([data.plain.facts[i] for i in real], found, None, draws=500),
                }
            )
        best = max(made, key=chosen_by)
        rows += [row | {"nominated": row is best} for row in made]
    return rows


def tested_rows(data: Data, rows: Sequence[Row]) -> list[Row]:
    """Return the rows with their figures on folds 1 to 4, which are opened once for all candidates together."""
    began = process_time()
    found: dict[str, list[Scored]] = {}
    facts: list[Mapping[str, Any]] = []
    every = {name: one for candidates in EXPERIMENTS.values() for name, one in candidates.items()}
    for fold in TEST_FOLDS:
        normals = Normals(data.variants, data.training(fold))
        at = np.flatnonzero([fact["fold"] == fold for fact in data.plain.facts])
        some = of_films(data.plain, at)
        facts += some.facts
        for name, candidate in every.items():
            found.setdefault(name, []).append(scored(normals, candidate, some))
    joined = {
        name: (np.concatenate([score for score, _ in parts]), [one for _, ratios in parts for one in ratios])
        for name, parts in found.items()
    }
    spent = round(process_time() - began, 1)
    out: list[Row] = []
    for row in rows:
        name = str(row["recipe"]).removeprefix(ROWS)
        baseline = BASELINES[name]
        test = figures(facts, joined[name], None if baseline is None else joined[baseline])
        opened = {"folds": list(TEST_FOLDS), "draws": DRAWS, "openings": 1, "seconds_all": spent}
        out.append(row | {"baseline": baseline, **opened, "test": test})
    return out
