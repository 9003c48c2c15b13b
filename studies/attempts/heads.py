"""Experiment on ten labels: other heads on the frozen features of `studies.ten_labels`, with all normal films.

x are a film's features, each channel in deviations of the training normal films. Every head is a closed form or a
convex problem, with no further training:

- `adapt`: the head of `unseen adapt`: class-balanced ridge regression, λ = 1, on places of 4 × 4 cells.
- `mirrored`: the same, learning from each film and its mirrored features. The solution is symmetric, so it is that of
  ridge regression on the mean of both.
- `normal covariance`: linear discriminant whose covariance is that of the training normal films alone, plus β I.
- `logistic`: class-balanced logistic regression, its ridge chosen by approximate leave-one-out on the labels.
- `single taps`: the mean of six ridge regressions, one a block, each in deviations of held-out normal films.
- `lung pooling`: ridge regression on each channel's mean, deviation and highest tenth inside the lungs.
- `sides`: ridge regression on the differences of both sides, |x − mirrored x|, pooled likewise.
- `all features`: ridge regression on places, lung pooling and sides together.
- `mean of heads`: the mean of `mirrored`, `normal covariance`, `lung pooling` and `single taps`.

Each head is tested alone and with the score from normal films (share ω of `studies.ten_labels`). Fold 0 nominates, by
the mean AUROC of 10 and 25 abnormal films; then all heads are tested together on folds 1 to 4.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from studies import recipe_files as recipes
from studies.crossfit import TEST_FOLDS
from studies.detectors.adapted_site import threshold
from studies.detectors.frozen_cells import GRID, FrozenCells, frozen_cells, precision_name
from studies.halves import CONFIDENCE, drawn_patients, spread
from studies.rows import Row
from studies.ten_labels import SHARE, SHRINKAGE, Half, Labels
from unseen import __version__
from unseen.data.film import Film
from unseen.data.patient_fold import FOLDS
from unseen.detectors.adapted import normals_discriminant, ridge
from unseen.evaluation.bootstrap import BootstrapCohort, Drawn, codes, draw_all
from unseen.evaluation.roc import Auroc, folds_of
from unseen.networks.efficientnet_lite import CHANNELS
from unseen.runs.cohort import cohort_of
from unseen.runs.lung_finders import shared_lungs
from unseen.runs.training import resolve
from unseen.screening.labelled_studies import Study

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

ROWS = "attempts/heads/"
CLEARED = "attempts/cleared/"
COUNTS = (10, 25)
DRAWS = 20
BOOTSTRAP = 500
FINDER = "detectors/ensemble-features"
"""Recipe whose lung finder is used, cross-fitted: no film is found by a network that has seen its drawn mask."""
BLOCKS = (2, 4, 7, 10, 14)
SIDE = 4
BETAS = (0.003, 0.01, 0.03, 0.1)
"""β of `normal covariance`."""
RIDGES = (0.03, 0.1, 0.3, 1.0)
"""λ among which `logistic` chooses."""
NEWTON = 6
MIXED = ("mirrored", "normal covariance, β = 0.03", "lung pooling", "single taps")
SHARES = (0.1, 0.15, 0.2, 0.25, 0.33, 0.5)
"""Shares of the site's abnormal patients who teach; the others calibrate."""
RATE = 0.05
SPLITS = 25
SITE = "shenzhen"

Fit = Callable[["Kernels", Places, NDArray[np.bool_], Places], Floats]
"""Scores of films (third argument) by a head that learns from films (first) with labels (second)."""


@dataclass(frozen=True, eq=False)
class Kernels:
    """Inner products of the films' features, each channel in deviations of one set of training normal films.

    Args:
        of: by the name of the features, (n, n); ‖x‖² is about 1 for each. "mirrored": of the means of a film's places
            and of those of its mirror image.
    """

    of: Mapping[str, Floats]


def pooled(maps: torch.Tensor, inside: torch.Tensor) -> torch.Tensor:
    """Return mean, deviation and mean of the highest tenth of each channel inside the lungs: (n, 3 channels)."""
    weight = inside[:, None] / inside.sum(dim=(1, 2)).clamp(min=1e-6)[:, None, None, None]
    mean = (maps * weight).sum(dim=(2, 3))
    spread = ((maps - mean[:, :, None, None]).square() * weight).sum(dim=(2, 3)).sqrt()
    lungs = (inside > 0.5)[:, None].expand_as(maps)
    ordered = maps.masked_fill(~lungs, -torch.inf).flatten(2).sort(dim=2, descending=True).values
    number = lungs[:, 0].sum(dim=(1, 2)).clamp(min=1)
    kept = torch.arange(ordered.shape[2])[None] < (0.1 * number).ceil()[:, None]
    top = ordered.masked_fill(~kept[:, None], 0).nan_to_num(neginf=0).sum(dim=2) / kept.sum(dim=1)[:, None]
    return torch.cat([mean, spread, top], dim=1)


def features_of(cells: FrozenCells) -> dict[str, torch.Tensor]:
    """Return the features of all films by name, float32: (n, d)."""
    found: dict[str, list[torch.Tensor]] = {}
    for at in np.array_split(np.arange(len(cells.facts)), max(1, len(cells.facts) // 64)):
        maps, inside = cells.cells("lungs", BLOCKS, GRID, at), cells.lungs("lungs", GRID, at)
        both = torch.minimum(inside, inside.flip(-1))
        parts = {
            "whole": cells.cells("whole", (14,), GRID // 2, at).mean(dim=(2, 3)),
            "places": functional.adaptive_avg_pool2d(maps, SIDE).flatten(1),
            "turned": functional.adaptive_avg_pool2d(maps, SIDE).flip(-1).flatten(1),
            "lung pooling": pooled(maps, inside),
            "sides": pooled((maps - maps.flip(-1)).abs(), both),
        }
        first = 0
        for block in BLOCKS:
            last = first + CHANNELS[block]
            parts[f"tap {block}"] = functional.adaptive_avg_pool2d(maps[:, first:last], SIDE).flatten(1)
            first = last
        for name, one in parts.items():
            found.setdefault(name, []).append(one)
    return {name: torch.cat(parts) for name, parts in found.items()}


def kernels_of(features: Mapping[str, torch.Tensor], normals: Places) -> Kernels:
    """Return the inner products of all films, standardised by some normal films."""
    found = {}
    for name, one in features.items():
        if name != "turned":
            mean, scale = one[normals].mean(dim=0), one[normals].std(dim=0)
            x = (one - mean) / (scale.clamp(min=1e-4) * one.shape[1] ** 0.5)
            found[name] = (x @ x.T).double().numpy()
    places, turned = features["places"], features["turned"]
    twice = torch.cat([places[normals], turned[normals]])
    x = ((places + turned) / 2 - twice.mean(dim=0)) / (twice.std(dim=0).clamp(min=1e-4) * places.shape[1] ** 0.5)
    found["mirrored"] = (found["whole"] + (x @ x.T).double().numpy()) / 2
    found["both"] = (found["whole"] + found["places"]) / 2
    found["all"] = (found["whole"] + found["places"] + found["lung pooling"] + found["sides"]) / 4
    return Kernels(found)


def by_ridge(name: str, kernels: Kernels, trained: Places, y: NDArray[np.bool_], at: Places) -> Floats:
    """Score by ridge regression on some features."""
    gram = kernels.of[name]
    found: Floats = gram[np.ix_(at, trained)] @ ridge(gram[np.ix_(trained, trained)], y, SHRINKAGE)
    return found


def by_normal_covariance(beta: float, kernels: Kernels, trained: Places, y: NDArray[np.bool_], at: Places) -> Floats:
    """Score by (μ₁ − μ₀)ᵀ (Σ + β I)⁻¹ x, where Σ is the covariance of the training normal films."""
    gram = kernels.of["both"]
    found: Floats = gram[np.ix_(at, trained)] @ normals_discriminant(gram[np.ix_(trained, trained)], y, beta)
    return found


def by_logistic(kernels: Kernels, trained: Places, y: NDArray[np.bool_], at: Places) -> Floats:
    """Score by class-balanced logistic regression; the ridge has the least approximate leave-one-out deviance."""
    gram = kernels.of["both"] + 1  # the constant is the intercept's
    among = gram[np.ix_(trained, trained)]
    sign = np.where(y, 1.0, -1.0)
    v = np.where(y, 1 / y.sum(), 1 / (~y).sum()) * len(y) / 2
    best, weights = np.inf, np.zeros(len(y))
    for shrinkage in RIDGES:
        f = np.zeros(len(y))
        for _ in range(NEWTON):
            p = 1 / (1 + np.exp(-f))
            curvature = np.maximum(v * p * (1 - p), 1e-6)
            target = f + v * (y - p) / curvature
            system = among + np.diag(shrinkage / curvature)
            a = np.linalg.solve(system, target)
            f = np.clip(among @ a, -30, 30)
        left_out = target - a / np.diag(np.linalg.inv(system))
        deviance = float((v * np.logaddexp(0, -sign * left_out)).sum())
        if deviance < best:
            best, weights = deviance, a
    found: Floats = gram[np.ix_(at, trained)] @ weights
    return found


HEADS: Mapping[str, Fit] = {
    "adapt": partial(by_ridge, "both"),
    "mirrored": partial(by_ridge, "mirrored"),
    **{f"normal covariance, β = {beta:g}": partial(by_normal_covariance, beta) for beta in BETAS},
    "logistic": by_logistic,
    "lung pooling": partial(by_ridge, "lung pooling"),
    "sides": partial(by_ridge, "sides"),
    "all features": partial(by_ridge, "all"),
}
TAPS = ("whole", *(f"tap {block}" for block in BLOCKS))
NAMES = (*HEADS, "single taps", "mean of heads")


def in_deviations(
    fit: Fit, kernels: Kernels, trained: Places, y: NDArray[np.bool_], at: Places, part: Places
) -> Floats:
    """Score films in deviations of training normal films that the head has not seen."""
    unseen = np.zeros(len(y))
    for number in range(FOLDS):
        rest = part != number
        if y[rest].any():
            unseen[~rest] = fit(kernels, trained[rest], y[rest], trained[~rest])
    found: Floats = fit(kernels, trained, y, at) / unseen[~y].std()
    return found


@dataclass(frozen=True, eq=False)
class Site:
    """Labelled films with their features.

    Args:
        labels: films, folds and scores from normal films alone.
        features: features by name.
    """

    labels: Labels
    features: Mapping[str, torch.Tensor]

    def kernels(self, fold: int) -> Kernels:
        """Return the inner products, standardised by the normal films outside of a fold."""
        return kernels_of(self.features, self.normals(fold))

    def normals(self, fold: int) -> Places:
        """Return the normal films outside of a fold."""
        return np.flatnonzero(~self.labels.abnormal & (self.labels.fold != fold))

    def normal_score(self, fold: int) -> Floats:
        """Score all films by the normal films outside of a fold, in deviations of normal films that are held out."""
        normals, score = self.normals(fold), self.labels.normal_score
        own = score[fold, self.labels.fold[normals], normals]
        found: Floats = (score[fold, fold] - own.mean()) / own.std()
        return found

    def held_out_normal_score(self, fold: int, at: Places) -> Floats:
        """Score films outside of a fold by the normal films of neither that fold nor theirs, in the same deviations."""
        normals, score = self.normals(fold), self.labels.normal_score
        own = score[fold, self.labels.fold[normals], normals]
        found: Floats = (score[fold, self.labels.fold[at], at] - own.mean()) / own.std()
        return found

    def scores(
        self, names: Sequence[str], kernels: Kernels, fold: int, ill: Places, at: Places, rng: np.random.Generator
    ) -> dict[str, Floats]:
        """Score films by heads that learn from the normal films outside of a fold and some abnormal ones.

        Args:
            names: heads, of `NAMES`.
            kernels: those of the fold.
            fold: fold that is left out.
            ill: the abnormal films that teach.
            at: the films that are scored.
            rng: divides the training films for the deviation.

        Returns:
            Scores by the head's name, and "<name>, combined" with the score from normal films.
        """
        trained = np.sort(np.concatenate([self.normals(fold), ill]))
        y, part = self.labels.abnormal[trained], rng.permutation(len(trained)) % FOLDS
        wanted = {*names, *(MIXED if "mean of heads" in names else ())}

        def scored(fit: Fit) -> Floats:
            return in_deviations(fit, kernels, trained, y, at, part)

        found = {name: scored(HEADS[name]) for name in HEADS if name in wanted}
        if "single taps" in wanted:
            found["single taps"] = np.mean([scored(partial(by_ridge, tap)) for tap in TAPS], axis=0)
        if "mean of heads" in names:
            found["mean of heads"] = np.mean([found[name] for name in MIXED], axis=0)
        normal = self.normal_score(fold)[at]
        return {
            **{name: found[name] for name in names},
            **{f"{name}, combined": normal + SHARE * found[name] for name in names},
        }


@functools.cache
def site_of(root: Path, finder_fold: int = 4) -> Site:
    """Return the labelled films of Montgomery and Shenzhen, computed or found again below `root`.

    Args:
        root: folder of the runs.
        finder_fold: fold without which the lung finder is trained; no film is found by a network that has seen its
            drawn mask, whichever it is.
    """
    recipe = resolve(recipes.load(FINDER))
    cohort = cohort_of(recipe)
    training = cohort.training(finder_fold)
    lungs = shared_lungs(training, recipe, fold=finder_fold, data_digest=cohort.digest, root=root)
    films = [film for film in cohort.films.select(lambda entry: entry.label is not None) if isinstance(film, Film)]
    cells = frozen_cells(films, Half(lungs), root, "ms_cxr")
    fold = np.array([cohort.fold_of[film.name] for film in films])
    return Site(Labels.of(cells, fold, np.array([film.label == "abnormal" for film in films])), features_of(cells))


def few(site: Site, folds: Sequence[int], names: Sequence[str] = NAMES, draws: int = DRAWS) -> dict[str, Row]:
    """Return AUROC of each head by the number of abnormal films, tested on some folds.

    Args:
        site: the films.
        folds: tested folds.
        names: heads.
        draws: number of draws of the abnormal films.

    Returns:
        For each head and number: the mean over the draws, its interval over films, and the draws' range.
    """
    labels = site.labels
    at = np.concatenate([np.flatnonzero(labels.fold == fold) for fold in folds])
    columns: dict[tuple[str, int], list[list[Floats]]] = {}
    for fold in folds:
        kernels, tested = site.kernels(fold), np.flatnonzero(labels.fold == fold)
        for count in COUNTS:
            for draw in range(draws):
                rng = np.random.default_rng([draw, fold])
                ill = drawn_abnormals(labels, fold, count, rng)
                for name, score in site.scores(names, kernels, fold, ill, tested, rng).items():
                    columns.setdefault((name, count), [[] for _ in range(draws)])[draw].append(score)
    return aurocs(labels, at, columns)


def cohort_at(labels: Labels, at: Places) -> BootstrapCohort:
    """Return tested films, each drawn alone, within fold, source and label."""
    abnormal, fold_of = labels.abnormal[at], labels.fold[at]
    source = np.array([labels.cells.facts[i]["source"] for i in at])
    return BootstrapCohort(
        np.zeros(len(at)), abnormal, fold_of, source, np.arange(len(at)), codes(fold_of, source, abnormal)
    )


def drawn_abnormals(labels: Labels, fold: int, count: int, rng: np.random.Generator) -> Places:
    """Return the places of some abnormal films outside of a fold."""
    return rng.choice(np.flatnonzero(labels.abnormal & (labels.fold != fold)), count, replace=False)


def aurocs(labels: Labels, at: Places, columns: Mapping[tuple[str, int], Sequence[Sequence[Floats]]]) -> dict[str, Row]:
    """Return the mean AUROC of each head over the draws, its interval over films, and the draws' range.

    Args:
        labels: the films.
        at: the tested films, fold by fold.
        columns: by the head's name and the number of abnormal films: for each draw, the scores of each tested fold.
    """
    abnormal, fold_of = labels.abnormal[at], labels.fold[at]
    cohort = cohort_at(labels, at)
    found: dict[str, Row] = {}
    for (name, count), draws_of in columns.items():
        statistics = {
            str(i): Auroc(folds_of(np.concatenate(parts), abnormal, fold_of)) for i, parts in enumerate(draws_of)
        }
        each = list(draw_all(statistics, cohort, draws=BOOTSTRAP, rng=np.random.default_rng(0)).values())
        mean = Drawn(
            np.asarray(np.mean([one.value for one in each])), np.mean([one.draws for one in each], axis=0)
        ).interval()
        values = [float(one.value) for one in each]
        found.setdefault(name, {})[str(count)] = {
            **mean.to_json(),
            "least": round(min(values), 6),
            "most": round(max(values), 6),
        }
    return found


def conditions_of(labels: Labels, began: float) -> Row:
    """Return the fields that all rows of heads with few labels have: films, features, draws, device and time."""
    among = np.isin(labels.fold, TEST_FOLDS)
    return {
        "px": 224,
        "draws": DRAWS,
        "bootstrap_draws": BOOTSTRAP,
        "features": f"EfficientNet-lite0, computed in {precision_name()}, kept in half precision",
        "device": "cpu, 1 thread",
        "date": datetime.now(UTC).date().isoformat(),
        "version": __version__,
        "seconds_all": round(process_time() - began, 1),
        "n": {"normal": int((among & ~labels.abnormal).sum()), "abnormal": int((among & labels.abnormal).sum())},
        "folds": list(TEST_FOLDS),
    }


def head_rows(site: Site) -> list[Row]:
    """Return a row for each head, alone and combined: AUROC on fold 0, which nominates, and on folds 1 to 4."""
    began = process_time()
    chosen, tested = few(site, (0,)), few(site, TEST_FOLDS)
    best = max(chosen, key=lambda name: nominating(chosen[name]))
    conditions = conditions_of(site.labels, began)
    return [
        {
            "recipe": ROWS + _slug(name),
            "seed": 0,
            "head": name,
            **conditions,
            "nominated": name == best,
            "fold_0": chosen[name],
            "test": tested[name],
        }
        for name in chosen
    ]


def nominating(figures: Row) -> float:
    """Return the figure that nominates: the mean AUROC over the numbers of abnormal films."""
    return float(np.mean([figures[str(count)]["value"] for count in COUNTS]))


def cleared(
    site: Site,
    names: Sequence[str],
    folds: Sequence[int],
    teach: float | int,
    calibrate: int | None = None,
    scores: Callable[..., dict[str, Floats]] = Site.scores,
) -> dict[str, Row]:
    """Return what is cleared at a site where some abnormal patients teach and others calibrate.

    All normal films of the other folds teach, and the abnormal films of the other hospital. One head scores the films
    that calibrate and the tested ones, so the guarantee is exact.

    Args:
        site: the films.
        names: heads.
        folds: tested folds.
        teach: share of the abnormal patients who teach, or number of abnormal films that do.
        calibrate: number of abnormal films that calibrate; None: all others.
        scores: scores of films by each head, with the parameters of `Site.scores`.

    Returns:
        For each head: shares of the normal films that are cleared and of the abnormal ones that are missed, means over
        the splits, with their 2.5th to 97.5th percentile.
    """
    labels, facts = site.labels, site.labels.cells.facts
    here = np.array([fact["source"] == SITE for fact in facts])
    patient = np.array([fact["patient"] for fact in facts])
    counted: dict[str, list[list[int]]] = {}
    calibrating = []
    for fold in folds:
        kernels, tested = site.kernels(fold), np.flatnonzero((labels.fold == fold) & here)
        ill = np.flatnonzero(labels.abnormal & (labels.fold != fold))
        own = ill[here[ill]]
        for split in range(SPLITS):
            rng = np.random.default_rng([split, fold])
            if isinstance(teach, float):
                taught = drawn_patients([list(dict.fromkeys(patient[own].tolist()))], teach, rng)
                among = np.array([one in taught for one in patient[own].tolist()])
                teaches, others = own[among], own[~among]
            else:
                order = rng.permutation(own)
                teaches = order[:teach]
                others = order[teach:]
                others = others[~np.isin(patient[others], patient[teaches])][:calibrate]
            calibrating.append(len(others))
            learnt = np.concatenate([teaches, ill[~here[ill]]])
            at = np.concatenate([others, tested])
            for name, score in scores(site, names, kernels, fold, learnt, at, rng).items():
                studies = [
                    Study(name=facts[i]["name"], patient=facts[i]["patient"], source="site", abnormal=True, score=value)
                    for i, value in zip(others.tolist(), score[: len(others)].tolist(), strict=True)
                ]
                cut = threshold(studies, RATE)
                low = -np.inf if cut is None else cut
                new, truth = score[len(others) :], labels.abnormal[tested]
                line = [
                    int((new[~truth] < low).sum()), int((~truth).sum()), int((new[truth] < low).sum()),
                    int(truth.sum()), int(cut is None),
                ]  # fmt: skip
                counted.setdefault(name, [[0] * 5 for _ in range(SPLITS)])
                counted[name][split] = [a + b for a, b in zip(counted[name][split], line, strict=True)]
    found: dict[str, Row] = {}
    for name, splits in counted.items():
        each = np.array(splits, dtype=float)
        found[name] = {
            "normals_cleared": spread(each[:, 0] / each[:, 1]),
            "abnormals_missed": spread(each[:, 2] / each[:, 3]),
            "refused": float(each[:, 4].mean() / len(folds)),
            "calibrating": round(float(np.mean(calibrating)), 1),
        }
    return found


def cleared_rows(site: Site) -> list[Row]:
    """Return the rows of what is cleared at Shenzhen: the head and the share are chosen on fold 0."""
    heads = ("adapt", "mirrored", "lung pooling", "mean of heads", "normal covariance, β = 0.003", "all features")
    began = process_time()
    on_fold_0 = {share: cleared(site, heads, (0,), share) for share in SHARES}
    rows: list[Row] = []
    best = {
        name: max(SHARES, key=lambda share: float(on_fold_0[share][name]["normals_cleared"]["value"]))
        for name in on_fold_0[SHARES[0]]
    }
    tested = {share: cleared(site, heads, TEST_FOLDS, share) for share in sorted(set(best.values()))}
    small = cleared(site, heads, TEST_FOLDS, 25, 60)
    nominee = max(best, key=lambda name: float(on_fold_0[best[name]][name]["normals_cleared"]["value"]))
    for name, share in best.items():
        rows.append(
            {
                "recipe": CLEARED + _slug(name),
                "seed": 0,
                "head": name,
                "site": SITE,
                "max_miss_rate": RATE,
                "confidence": CONFIDENCE,
                "splits": SPLITS,
                "device": "cpu, 1 thread",
                "date": datetime.now(UTC).date().isoformat(),
                "version": __version__,
                "seconds_all": round(process_time() - began, 1),
                "folds": list(TEST_FOLDS),
                "share": share,
                "nominated": name == nominee,
                "fold_0": {f"{one:g}": on_fold_0[one][name]["normals_cleared"]["value"] for one in SHARES},
                "test": tested[share][name],
                "25 and 60": small[name],
            }
        )
    return rows


def looks_of(row: Mapping[str, Any] | None) -> int:
    """Return how often the figures of a row on folds 1 to 4 were computed; the first rows do not say it."""
    return 0 if row is None else int(row.get("looks", 1))


def _slug(name: str) -> str:
    return name.replace(", β = ", "-").replace(", ", "-").replace(" ", "-")
