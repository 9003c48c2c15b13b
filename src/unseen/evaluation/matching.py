"""Like pairs: an abnormal and a normal film of one source with a similar covariate, compared by their scores.

    θ = Σ_cells w · ½ (P⁺ + P⁻) / Σ_cells w

    cell    a source and a step of |Δ|, Δ = covariate of the abnormal film − covariate of the normal film, |Δ| < caliper
    P⁺, P⁻  share of the cell's pairs with Δ > 0, with Δ < 0, in which the abnormal film scores higher; ties count half
    w       number of the cell's pairs with Δ ≠ 0; 0 where a sign has none

A caliper alone is not enough: where abnormal films are sharper, more pairs have Δ > 0 than Δ < 0 within the caliper,
too, and sharpness as the score stays above 0.5. Here both signs of Δ have the same weight in each cell.

The covariate as the score gives exactly 0.5. Proof: let the score be an increasing function of the covariate. Then the
abnormal film has the higher score in all pairs with Δ > 0 and in no pair with Δ < 0: P⁺ = 1, P⁻ = 0, so each cell has
½ (1 + 0) = ½, and so has θ, in each bootstrap draw, too. A decreasing function gives P⁺ = 0, P⁻ = 1: ½ again. The
scores enter through comparisons alone, so an increasing transform of a score changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from unseen.evaluation.bootstrap import DRAWS, BootstrapCohort, bootstrap_cohort, codes, draw_all, numbers
from unseen.evaluation.intervals import Figure, Json, Missing
from unseen.evaluation.roc import Bools, Floats, Ints

if TYPE_CHECKING:
    import polars as pl
    from scipy.sparse import csr_array

    from unseen.evaluation.bootstrap import Drawn, Statistic

SHARPNESS_CALIPER = 0.04
"""Largest |Δ log sharpness| of a pair: 4 % of sharpness, an eighth of its spread at one hospital."""

CALIPER = 0.2
"""Largest |Δ| of a pair for all other covariates, in standard deviations within source and class; Austin 2011."""

STEPS = 4
"""Steps of |Δ| up to the caliper within which both signs have the same weight. With one step a score that follows the
covariate loosely gains from pairs of larger |Δ| on the more frequent side."""

LEAST_PAIRS = 20
"""Pairs below which no figure is given."""

MOST_PAIRS = 500_000
"""Pairs above which a random part of the pairs is used, with a fixed seed: 2,000 draws then take some minutes."""

LOGARITHMIC = frozenset({"sharpness", "bytes_per_pixel"})
"""Statistics that are compared by their ratio: their logarithm is the covariate."""

FLOOR = 1e-6
"""Smallest value before the logarithm: a flat image has a sharpness of 0."""


@dataclass(frozen=True)
class LikePairs:
    """Figure of `like_pairs`, and the pairs that it is computed from.

    Args:
        figure: the share of pairs in which the abnormal film scores higher, with its interval; 0.5 is chance.
        covariates: names of the statistics that are similar within a pair.
        caliper: largest difference of a pair, in units of the covariate (of the log odds with several covariates).
        pairs: number of pairs that count.
        normals: number of normal films in them.
        abnormals: number of abnormal films in them.

    Example:
        >>> from unseen.evaluation.intervals import Interval
        >>> str(LikePairs(Interval(0.7, 0.6, 0.8), ("sharpness",), 0.04, 900, 80, 75).figure)
        '0.70 (0.60 to 0.80)'
    """

    figure: Figure
    covariates: tuple[str, ...]
    caliper: float
    pairs: int
    normals: int
    abnormals: int

    def to_json(self) -> dict[str, Json]:
        """Return the figure, the caliper and the numbers of pairs and films as JSON values."""
        return {
            **self.figure.to_json(),
            "covariates": list(self.covariates),
            "caliper": round(self.caliper, 6),
            "pairs": self.pairs,
            "normals": self.normals,
            "abnormals": self.abnormals,
        }


def like_pairs(
    table: pl.DataFrame,
    covariates: Sequence[str] = ("sharpness",),
    *,
    caliper: float | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> LikePairs:
    """Measure how often an abnormal film scores higher than a normal film of its source with similar covariates.

    Each pair has films of one source, one fold and one class each, whose covariate differs by less than the caliper.
    Pairs in which the abnormal film has more of the covariate and pairs in which it has less have the same total
    weight, so the covariate as the score, and each increasing or decreasing function of it, gives exactly 0.5. With
    several covariates the films of a pair have a similar propensity: the log odds of "abnormal" given all of them, from
    a logistic regression with their squares, fitted within each source on these films. Then the propensity as the score
    gives exactly 0.5. Each of its statistics gives 0.5 only as far as the regression describes them: see `balance`.

    The interval is a 95 % percentile bootstrap over patients, stratified by fold, source and label; the pairs get
    new weights in each draw. The propensity is not fitted again.

    Args:
        table: score table of labelled, scored films, with the columns score, label, source and those of `covariates`.
            Columns fold and twin are used where present.
        covariates: names of one or more columns, such as "sharpness" or "bytes_per_pixel" (compared by their
            logarithms), or "lung_area".
        caliper: largest difference of a pair, above 0, in units of the covariate. None: `SHARPNESS_CALIPER` for
            sharpness alone, else `CALIPER` standard deviations within source and class.
        draws: number of bootstrap draws.
        seed: seed of the bootstrap.

    Returns:
        The figure, 0 to 1, with its interval; `Missing` in it where fewer than `LEAST_PAIRS` pairs count, where a film
        lacks a covariate, or where no covariate varies.

    Raises:
        ValueError: no covariate is given, the caliper is not above 0, the table has no column `score`, or a score is
            not finite.

    Example:
        >>> import polars as pl
        >>> sharpness = np.linspace(0.03, 0.05, 200)
        >>> films = pl.DataFrame({"label": ["normal", "abnormal"] * 100, "source": "a", "sharpness": sharpness})
        >>> like_pairs(films.with_columns(score=pl.col("sharpness") ** 2), draws=20).figure
        Interval(value=0.5, low=0.5, high=0.5)

    Source:
        The rank statistic of DeLong et al., Biometrics 44 (1988) 837, restricted to pairs of similar covariates;
        propensity: P. Rosenbaum, D. Rubin, Biometrika 70 (1983) 41; caliper: P. Austin, Pharm. Stat. 10 (2011) 150.
    """
    if "score" not in table.columns:
        raise ValueError("the table has no column score. Give it, or compare statistics alone with balance.")
    names, cohort, pairs, width = _paired(table, covariates, caliper)
    if not np.isfinite(cohort.score).all():
        unknown = int((~np.isfinite(cohort.score)).sum())
        raise ValueError(
            f"{unknown} of {len(cohort.score)} scores are not finite. Leave out the films without a score."
        )
    if isinstance(pairs, str):
        return LikePairs(Missing(pairs), names, width, 0, 0, 0)
    used = pairs.counted
    count = (int(used.sum()), len(np.unique(pairs.normal[used])), len(np.unique(pairs.abnormal[used])))
    if count[0] < LEAST_PAIRS:
        few = f"{count[0]} pairs of films with a similar {' and '.join(names)}; at least {LEAST_PAIRS} are needed"
        return LikePairs(Missing(few), names, width, *count)
    drawn = draw_all({"": pairs.statistic(cohort.score)}, cohort, draws=draws, rng=np.random.default_rng(seed))
    return LikePairs(drawn[""].interval(), names, width, *count)


def balance(
    table: pl.DataFrame,
    statistics: Sequence[str],
    covariates: Sequence[str] = ("sharpness",),
    *,
    caliper: float | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> dict[str, Figure]:
    """Measure what each statistic reaches on the pairs of `like_pairs` if it is used as the score.

    A statistic whose interval includes 0.5 is balanced: it cannot explain a detector's figure on these pairs.

    Args:
        table: score table, as for `like_pairs`.
        statistics: names of columns to use as scores, such as "mean"; films without a value make the entry `Missing`.
        covariates: names of the columns that are similar within a pair.
        caliper: largest difference of a pair, as for `like_pairs`.
        draws: number of bootstrap draws.
        seed: seed of the bootstrap.

    Returns:
        The figure of each statistic with its interval, by name.

    Raises:
        ValueError: no covariate is given, or the caliper is not above 0.

    Example:
        >>> import polars as pl
        >>> sharpness = np.linspace(0.03, 0.05, 200)
        >>> films = pl.DataFrame({"label": ["normal", "abnormal"] * 100, "source": "a", "sharpness": sharpness})
        >>> balance(films, ["sharpness"], draws=20)
        {'sharpness': Interval(value=0.5, low=0.5, high=0.5)}
    """
    _, cohort, pairs, _ = _paired(table, covariates, caliper)
    if isinstance(pairs, str):
        return {name: Missing(pairs) for name in statistics}
    columns = {name: numbers(table, name) for name in statistics}
    used: dict[str, Statistic] = {
        name: pairs.statistic(values) for name, values in columns.items() if np.isfinite(values).all()
    }
    drawn: Mapping[str, Drawn] = draw_all(used, cohort, draws=draws, rng=np.random.default_rng(seed)) if used else {}
    return {
        name: drawn[name].interval() if name in drawn else Missing(f"{name} is not known for every film")
        for name in statistics
    }


@dataclass(frozen=True, eq=False)
class _PairIndices:
    """Pairs (n,) as positions of films in the table, each with its cell and whether Δ is above 0; ties left out."""

    abnormal: Ints
    normal: Ints
    cell: Ints
    above: Bools
    films: int

    @property
    def counted(self) -> Bools:
        """Pairs of cells that have both signs. (n,)"""
        cells = np.zeros((2, int(self.cell.max(initial=0)) + 1), dtype=bool)
        cells[self.above.astype(int), self.cell] = True
        both: Bools = np.asarray(cells[0] & cells[1])
        return np.asarray(both[self.cell])

    def statistic(self, score: Floats) -> Statistic:
        """θ of a score (films,) as a function of the films' weights (draws, films) → (draws,)."""
        won = np.where(score[self.abnormal] > score[self.normal], 1.0, 0.0)
        won = np.where(score[self.abnormal] == score[self.normal], 0.5, won)
        counted = self.counted
        cells = [
            tuple((self._matrix(here), self._matrix(here, won)) for here in (chosen & self.above, chosen & ~self.above))
            for chosen in (counted & (self.cell == number) for number in np.unique(self.cell[counted]))
        ]

        def value(weights: Floats) -> Floats:
            total, whole = np.zeros(len(weights)), np.zeros(len(weights))
            for signs in cells:
                pairs = [_weighted(every, weights) for every, _ in signs]
                shares = [
                    np.divide(_weighted(wins, weights), size, out=np.zeros(len(weights)), where=size > 0)
                    for (_, wins), size in zip(signs, pairs, strict=True)
                ]
                weight = np.where((pairs[0] > 0) & (pairs[1] > 0), pairs[0] + pairs[1], 0.0)
                total += weight * (shares[0] + shares[1]) / 2
                whole += weight
            with np.errstate(invalid="ignore", divide="ignore"):
                theta: Floats = total / whole
            return theta

        return value

    def _matrix(self, chosen: Bools, values: Floats | None = None) -> csr_array:
        from scipy.sparse import csr_array

        entries = np.ones(int(chosen.sum())) if values is None else values[chosen]
        return csr_array((entries, (self.abnormal[chosen], self.normal[chosen])), shape=(self.films, self.films))


def _weighted(matrix: csr_array, weights: Floats) -> Floats:
    """Σ_ij w_i m_ij w_j for each row of weights (draws, films). (draws,)"""
    product: Floats = np.einsum("fd,fd->d", weights.T, matrix @ np.ascontiguousarray(weights.T))
    return product


def _paired(
    table: pl.DataFrame, covariates: Sequence[str], caliper: float | None
) -> tuple[tuple[str, ...], BootstrapCohort, _PairIndices | str, float]:
    """Return the names, the films, their pairs or the reason why there are none, and the caliper."""
    names = tuple(covariates)
    if not names:
        raise ValueError("no covariate is given; name one or more columns, such as sharpness.")
    if caliper is not None and not caliper > 0:
        raise ValueError(f"the caliper is {caliper}; give a value above 0.")
    scored = table if "score" in table.columns else table.with_columns(score=np.zeros(len(table)))
    cohort = bootstrap_cohort(scored)
    width = 0.0 if caliper is None else caliper
    if short := cohort.shortfall():
        return names, cohort, short, width
    columns = np.stack([_covariate(table, name) for name in names], axis=1)  # (films, covariates)
    if not np.isfinite(columns).all():
        lacking = [name for name, column in zip(names, columns.T, strict=True) if not np.isfinite(column).all()]
        return names, cohort, f"{_with_verb(lacking, 'is', 'are')} not known for every film", width
    covariate = columns[:, 0] if len(names) == 1 else _propensity(columns, cohort)
    width = width or (SHARPNESS_CALIPER if names == ("sharpness",) else CALIPER * _spread(covariate, cohort))
    if not width > 0:
        return names, cohort, f"{_with_verb(names, 'has', 'have')} one value for all films", width
    return names, cohort, _pairs_of(covariate, cohort, width), width


def _with_verb(names: Sequence[str], one: str, several: str) -> str:
    """Return the names with the verb of their number.

    >>> _with_verb(["sharpness"], "has", "have"), _with_verb(["sharpness", "mean"], "has", "have")
    ('sharpness has', 'sharpness and mean have')
    """
    return f"{' and '.join(names)} {one if len(names) == 1 else several}"


def _covariate(table: pl.DataFrame, name: str) -> Floats:
    values = numbers(table, name)
    return np.log(np.maximum(values, FLOOR)) if name in LOGARITHMIC else values


def _spread(covariate: Floats, cohort: BootstrapCohort) -> float:
    """Return the standard deviation within source and class."""
    group = codes(cohort.source, cohort.abnormal)
    size = np.bincount(group)
    rest = covariate - (np.bincount(group, weights=covariate) / size)[group]
    return float(np.sqrt((rest**2).mean()))


def _propensity(columns: Floats, cohort: BootstrapCohort) -> Floats:
    """Log odds of "abnormal" given the covariates (films, covariates) and their squares, by source. (films,)"""
    from sklearn.linear_model import LogisticRegression

    odds = np.zeros(len(columns))
    for source in cohort.sources:
        here = cohort.source == source
        truth = cohort.abnormal[here]
        spread = columns[here].std(axis=0)
        varied = spread > 0
        if truth.all() or not truth.any() or not varied.any():
            continue
        z = (columns[here][:, varied] - columns[here][:, varied].mean(axis=0)) / spread[varied]
        z = np.concatenate([z, np.clip(z, -3, 3) ** 2 - 1], axis=1)
        odds[here] = LogisticRegression(max_iter=5000).fit(z, truth).decision_function(z)
    return odds


def _pairs_of(covariate: Floats, cohort: BootstrapCohort, width: float) -> _PairIndices:
    """Return the pairs of one fold and source with 0 < |Δ| < `width`, at most `MOST_PAIRS` of them."""
    group = codes(cohort.fold, cohort.source)
    source = codes(cohort.source)
    blocks: list[tuple[Ints, Ints, Ints, Ints]] = []
    for number in np.unique(group):
        normals = np.flatnonzero((group == number) & ~cohort.abnormal)
        abnormals = np.flatnonzero((group == number) & cohort.abnormal)
        normals = normals[np.argsort(covariate[normals], kind="stable")]
        sorted_values = covariate[normals]
        first = np.searchsorted(sorted_values, covariate[abnormals] - width, side="right")
        last = np.searchsorted(sorted_values, covariate[abnormals] + width, side="left")
        blocks.append((abnormals, normals, first, np.maximum(last - first, 0)))
    abnormal, normal = _numbered(blocks)
    difference = covariate[abnormal] - covariate[normal]
    kept = difference != 0
    abnormal, normal, difference = abnormal[kept], normal[kept], difference[kept]
    step = np.minimum((np.abs(difference) / width * STEPS).astype(np.int64), STEPS - 1)
    cell = source[abnormal] * STEPS + step
    return _PairIndices(abnormal, normal, cell, difference > 0, len(covariate))


def _numbered(blocks: Sequence[tuple[Ints, Ints, Ints, Ints]]) -> tuple[Ints, Ints]:
    """Return the abnormal and the normal film of each pair, or of `MOST_PAIRS` pairs drawn with a fixed seed.

    Pairs are drawn by their numbers, so that memory holds only those that are used.

    Args:
        blocks: abnormal films, normal films, and for each abnormal film the first normal one and the number of them.
    """
    sizes = np.array([int(counts.sum()) for *_, counts in blocks], dtype=np.int64)
    ends = np.cumsum(sizes)
    total = int(ends[-1]) if len(ends) else 0
    if total > MOST_PAIRS:
        chosen = np.sort(np.random.default_rng(0).choice(total, MOST_PAIRS, replace=False, shuffle=False))
    else:
        chosen = np.arange(total)
    ill, well = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for (abnormals, normals, first, counts), size, end in zip(blocks, sizes, ends, strict=True):
        here = chosen[(chosen >= end - size) & (chosen < end)] - (end - size)
        bounds = np.cumsum(counts)
        row = np.searchsorted(bounds, here, side="right")
        ill.append(abnormals[row])
        well.append(normals[first[row] + here - (bounds[row] - counts[row])])
    return np.concatenate(ill), np.concatenate(well)
