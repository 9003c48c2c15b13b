"""Stratified bootstrap of figures, and the cohort of films that it resamples.

`BootstrapCohort` holds class, fold, source, and what is drawn together: films of one patient. A figure is a function of
the films' weights, and a draw is a row of multiplicities. Drawing is stratified by fold, source and label; a matched
pair (with and without lesion) is drawn as one. Every figure of an evaluation is computed on the same draws, so that the
difference of two figures is paired. Intervals are percentiles (Efron & Tibshirani 1993, ch. 13). Where the classes are
separated perfectly every draw is 1 and the interval has no width: it then does not reflect the number of films.

`mean_of` and `share` give figures of reconstructions, by a bootstrap over images (over patients, where they are known).
`share` is how much of the way from a baseline to supervised learning a method goes without the truth:
(method − baseline) / (supervised − baseline), of mean PSNRs on the same images: each draw takes the same images of
all three.

`share_of`, `quantile_of` and `mean_over` give shares, quantiles and means of images or draws, for studies of
generators.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from unseen.data.patient_links import linked_patients
from unseen.evaluation.intervals import Figure, Interval, Missing, proportion
from unseen.evaluation.roc import Bools, Floats, Ints

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

LEAST = 2
"""Films of each class below which no figure is given: with one there is no spread to draw from."""


@dataclass(frozen=True, eq=False)
class BootstrapCohort:
    """Scored, labelled films, as arrays of one length.

    `unit` numbers what is drawn together (films of a patient, or a twin pair), `stratum` what is drawn within, `person`
    the patients; None: each unit is of its own.
    """

    score: Floats
    abnormal: Bools
    fold: Ints
    source: NDArray[np.str_]
    unit: Ints
    stratum: Ints
    person: Ints | None = None

    def __len__(self) -> int:
        return len(self.score)

    @classmethod
    def of_one_fold(cls, abnormal: Bools, source: NDArray[np.str_], score: Floats | None = None) -> BootstrapCohort:
        """Return the cohort of films of one fold, each drawn alone, within source and label.

        Args:
            abnormal: (films,).
            source: (films,).
            score: (films,); None: zeros, for statistics that hold scores of their own.

        Example:
            >>> BootstrapCohort.of_one_fold(np.array([True, False, False]), np.array(["a", "a", "b"])).stratum
            array([1, 0, 2])
        """
        n = len(abnormal)
        known = np.zeros(n) if score is None else score
        fold, unit = np.zeros(n, np.int64), np.arange(n, dtype=np.int64)
        return cls(known, abnormal, fold, source, unit, codes(source, abnormal))

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the sources, sorted."""
        return tuple(str(name) for name in np.unique(self.source))

    def shortfall(self, among: Bools | None = None) -> str:
        """Return why these films allow no AUROC, in words; "" if they do.

        A fold must hold both classes to count, so films are counted in such folds only.
        """
        chosen = np.ones(len(self), dtype=bool) if among is None else among
        normals, abnormals = int((chosen & ~self.abnormal).sum()), int((chosen & self.abnormal).sum())
        if normals < LEAST or abnormals < LEAST:
            return f"{normals} normal and {abnormals} abnormal films; at least {LEAST} of each are needed"
        counted = chosen & self.in_whole_folds(chosen)
        if not counted.any():
            return f"no fold holds both classes ({normals} normal and {abnormals} abnormal films in all)"
        normals, abnormals = int((counted & ~self.abnormal).sum()), int((counted & self.abnormal).sum())
        if normals < LEAST or abnormals < LEAST:
            return (
                f"{normals} normal and {abnormals} abnormal films in the folds that hold both classes; at least "
                f"{LEAST} of each are needed"
            )
        for ill, name in ((False, "normal"), (True, "abnormal")):
            of_class = counted & (self.abnormal == ill)
            if self._most_patients(of_class) < LEAST:
                where = "" if len(np.unique(self.fold[of_class])) == 1 else " in each fold"
                return f"all {name} films{where} are of one patient; those of {LEAST} patients at least are needed"
        return ""

    def _most_patients(self, chosen: Bools) -> int:
        """Return the largest number of patients that a fold has among the chosen films, which must be some."""
        person = self.unit if self.person is None else self.person
        pairs = np.unique(np.stack([self.fold[chosen], person[chosen]]), axis=1)
        return int(np.unique(pairs[0], return_counts=True)[1].max())

    def in_whole_folds(self, among: Bools) -> Bools:
        """Return which films are in a fold that holds both classes among these, (films,)."""
        both = np.intersect1d(self.fold[among & self.abnormal], self.fold[among & ~self.abnormal])
        return np.isin(self.fold, both)


def has_several_films(cohort: BootstrapCohort) -> bool:
    """Return whether any unit, such as a patient, has several films."""
    return len(np.unique(cohort.unit)) < len(cohort)


def codes(*columns: NDArray[np.generic]) -> Ints:
    """Return one number per distinct combination of the columns' entries."""
    total = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        _, inverse = np.unique(column, return_inverse=True)
        total = total * (int(inverse.max(initial=0)) + 1) + inverse.reshape(-1)
        _, total = np.unique(total, return_inverse=True)
        total = total.reshape(-1).astype(np.int64)
    return total


def text(table: pl.DataFrame, column: str) -> NDArray[np.str_]:
    """Return a column as words; nulls, or a column that is not there, as ""."""
    if column not in table.columns:
        return np.full(len(table), "", dtype=np.str_)
    return np.array([str(x) if x is not None else "" for x in table[column].to_list()], dtype=np.str_)


def numbers(table: pl.DataFrame, column: str) -> Floats:
    """Return a column as float64; nulls, or a column that is not there, as NaN."""
    if column not in table.columns:
        return np.full(len(table), np.nan)
    return np.array([np.nan if x is None else float(x) for x in table[column].to_list()], dtype=np.float64)


def persons_of(table: pl.DataFrame) -> NDArray[np.str_]:
    """Return each row's patient, one name for all who share a film by its pixels; "" where none is known."""
    patients = text(table, "patient")
    pairs = zip(patients.tolist(), text(table, "pixel_sha256").tolist(), strict=True)
    person = linked_patients(pairs)
    return np.array([person[patient] for patient in patients.tolist()], dtype=np.str_)


def bootstrap_cohort(table: pl.DataFrame) -> BootstrapCohort:
    """Return the cohort of a table's rows, which must be scored and labelled normal or abnormal.

    Films of one patient, source, label and fold are drawn as one, since they are not independent; so are those of
    patients who share a film, by its pixels: the film is a copy under another name. Films without a patient are drawn
    alone. Where the films of a source, label and fold are all of one patient, they are drawn among those of the other
    sources; without these, they are in every draw, and the interval does not reflect that patient.
    """
    abnormal = text(table, "label") == "abnormal"
    source = text(table, "source")
    fold = codes(text(table, "fold"))
    twin = text(table, "twin")
    patients, first = persons_of(table), dict[tuple[object, ...], int]()
    keys = zip(patients.tolist(), source.tolist(), abnormal.tolist(), fold.tolist(), strict=True)
    alike = [first.setdefault(key, i) if key[0] else i for i, key in enumerate(keys)]  # the patient's first film
    rows = np.array([f"#{i}" for i in alike], dtype=np.str_)
    unit = codes(np.where(twin == "", rows, np.char.add(twin, "|")), np.where(twin == "", "", source), fold)
    drawn_as = np.where(twin != "", "pair", np.where(abnormal, "abnormal", "normal"))
    stratum = _with_neighbours(codes(fold, source, drawn_as), unit, codes(fold, drawn_as))
    person = codes(np.where(twin == "", np.where(patients == "", rows, patients), np.char.add(twin, "|")))
    return BootstrapCohort(numbers(table, "score"), abnormal, fold, source, unit, stratum, person)


def _with_neighbours(stratum: Ints, unit: Ints, group: Ints) -> Ints:
    """Return the strata, those of one unit of several films joined with the largest other one of their group.

    A stratum of one unit has no spread: the unit is in every draw.
    """
    joined = stratum.copy()
    for one in np.unique(stratum):
        films = stratum == one
        if films.sum() == 1 or len(np.unique(unit[films])) > 1:
            continue
        others, sizes = np.unique(joined[(group == group[films][0]) & (joined != one)], return_counts=True)
        if len(others):
            joined[films] = others[sizes.argmax()]
    return joined


DRAWS = 2000
"""Draws of an interval; docs/theory/cross-fitting.md."""

CELLS = 2_000_000
"""Weights held at once (16 MB): 20,000 films are drawn 100 rows at a time."""

Statistic: TypeAlias = Callable[[Floats], Floats]
"""(draws, films) weights → (draws,) or (draws, points) values."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """A figure and its draws: `value` () or (points,), `draws` (draws,) or (draws, points)."""

    value: Floats
    draws: Floats

    def __sub__(self, other: Drawn) -> Drawn:
        """Return the paired difference; both must come from one `draw_all`."""
        return Drawn(self.value - other.value, self.draws - other.draws)

    def strength(self) -> Drawn:
        """max(a, 1 − a), its direction taken from the point value and kept in every draw."""
        return self if float(self.value) >= 0.5 else Drawn(1 - self.value, 1 - self.draws)

    def interval(self, *, level: float = 0.95) -> Figure:
        """Return the percentile interval of a single figure."""
        kept = self.draws[np.isfinite(self.draws)]
        if not np.isfinite(self.value) or not len(kept):
            return Missing("no draw held both classes")
        low, high = np.quantile(kept, [(1 - level) / 2, (1 + level) / 2])
        return Interval(float(self.value), float(low), float(high))

    def band(self, *, level: float = 0.95) -> tuple[Floats, Floats]:
        """Pointwise percentile band of a curve: two (points,)."""
        low, high = np.nanquantile(self.draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
        return np.asarray(low), np.asarray(high)


def multiplicities(cohort: BootstrapCohort, *, draws: int, rng: np.random.Generator) -> Iterator[Floats]:
    """Draw how often each film occurs, in blocks (rows, films) that add up to `draws` rows.

    Within each stratum as many units are drawn with replacement as it has; a film counts as often as its unit.
    """
    units, first = np.unique(cohort.unit, return_index=True)
    position = np.searchsorted(units, cohort.unit)
    strata = [np.flatnonzero(cohort.stratum[first] == s) for s in np.unique(cohort.stratum[first])]
    block = max(1, min(draws, CELLS // max(len(cohort), 1)))
    for start in range(0, draws, block):
        rows = min(block, draws - start)
        counts = np.zeros((len(units), rows))
        for members in strata:
            size = len(members)
            picks = rng.integers(0, size, (rows, size)) + np.arange(rows)[:, None] * size
            counts[members] = np.bincount(picks.reshape(-1), minlength=rows * size).reshape(rows, size).T
        yield counts[position].T


def draw_all(
    statistics: Mapping[str, Statistic], cohort: BootstrapCohort, *, draws: int = DRAWS, rng: np.random.Generator
) -> dict[str, Drawn]:
    """Return every statistic at weights of one, and on the same `draws` bootstrap draws.

    The same generator state gives the same values.
    """
    return _evaluated(statistics, len(cohort), multiplicities(cohort, draws=draws, rng=rng))


def _evaluated(statistics: Mapping[str, Statistic], films: int, drawn: Iterable[Floats]) -> dict[str, Drawn]:
    """Return every statistic at weights of one, and on the drawn weights."""
    ones = np.ones((1, films))
    values = {name: statistic(ones)[0] for name, statistic in statistics.items()}
    blocks: dict[str, list[Floats]] = {name: [] for name in statistics}
    for weights in drawn:
        for name, statistic in statistics.items():
            blocks[name].append(statistic(weights))
    return {name: Drawn(np.asarray(values[name]), np.concatenate(blocks[name])) for name in statistics}


_SEED = 0
_FEW = 256  # images whose draws are kept: 4 MB
NOTHING = "there are no values"
LEAST_GAP_DB = 0.2
"""A gap below which no share of it is given: the quotient of two differences that are noise has no meaning."""


def mean_of(values: Sequence[float] | Sequence[Sequence[float]], units: Sequence[int]) -> Figure:
    """Return the mean over images, with its 95 % interval.

    Args:
        values: one an image; or for each training of a method one an image: the interval is then over images and
            trainings, both resampled.
        units: (images,), what images are drawn together.

    >>> mean_of([20.0, 22.0, 24.0], [0, 1, 2]).value
    22.0
    >>> str(mean_of([[20.0, 20.0], [22.0, 22.0]], [0, 1]))
    '21.00 (20.00 to 22.00)'
    """
    measured = _by_training(values)
    if not measured.size:
        return Missing(NOTHING)
    return _drawn(
        lambda weights, trainings: (trainings @ measured * weights).sum(axis=1) / weights.sum(axis=1),
        units,
        len(measured),
    )


def _by_training(values: Sequence[float] | Sequence[Sequence[float]]) -> Floats:
    """(trainings, images)."""
    return np.atleast_2d(np.asarray(values, np.float64))


def share(
    method: Sequence[float] | Sequence[Sequence[float]],
    baseline: Sequence[float] | Sequence[Sequence[float]],
    supervised: Sequence[float] | Sequence[Sequence[float]],
    units: Sequence[int],
) -> Figure:
    """Return the share of the gap that the method closes, with its paired 95 % interval; one PSNR an image, in dB, or
    for each of several trainings one an image: the interval is then over both, and the i-th trainings are drawn
    together.

    >>> str(share([28.0, 29.0], [20.0, 21.0], [30.0, 31.0], [0, 1]))
    '0.80 (0.80 to 0.80)'
    """
    a, b, c = (_by_training(values) for values in (method, baseline, supervised))
    if not a.size:
        return Missing(NOTHING)
    gap = float((c - b).mean())
    if gap < LEAST_GAP_DB:
        return Missing(f"supervised learning is {gap:.2f} dB above the baseline, which leaves no gap to close")
    return _drawn(
        lambda weights, trainings: (
            (trainings @ (a - b) * weights).sum(axis=1) / (trainings @ (c - b) * weights).sum(axis=1)
        ),
        units,
        len(a),
    )


def _drawn(statistic: Callable[[Floats, Floats], Floats], units: Sequence[int], trainings: int) -> Figure:
    """`statistic` of images' weights and trainings' shares, both drawn with replacement."""
    rng = np.random.default_rng(_SEED + 1)

    def safe(weights: Floats) -> Floats:
        whole = np.full((len(weights), trainings), 1 / trainings)
        if len(weights) > 1 and trainings > 1:
            whole = rng.multinomial(trainings, whole[0], len(weights)) / trainings
        with np.errstate(invalid="ignore", divide="ignore"):
            return statistic(weights, whole)

    weights = _weights_of_few(tuple(units)) if len(units) <= _FEW else _weights(units)
    return _evaluated({"figure": safe}, len(units), weights)["figure"].interval()


def _weights(units: Sequence[int]) -> Iterator[Floats]:
    """Draw how often each image occurs; the same units give the same draws."""
    n = len(units)
    none = np.zeros(n, np.int64)
    cohort = BootstrapCohort(
        np.zeros(n), np.zeros(n, np.bool_), none, np.full(n, ""), np.asarray(units, np.int64), none
    )
    return multiplicities(cohort, draws=DRAWS, rng=np.random.default_rng(_SEED))


@functools.lru_cache(maxsize=4)
def _weights_of_few(units: tuple[int, ...]) -> tuple[Floats, ...]:
    """Return the draws of `_weights` from a cache: a page has hundreds of figures of the same images."""
    blocks = tuple(_weights(units))
    for block in blocks:
        block.flags.writeable = False
    return blocks


def share_of(flags: Bools, units: Sequence[int] | None = None) -> Figure:
    """Return the share of what is true: Clopper and Pearson's interval, or a bootstrap over units where they repeat.

    Where all or none is true, each draw of a bootstrap is the same: the interval is `proportion`'s with these units.

    >>> str(share_of(np.array([True, False] * 20)))
    '0.50 (0.34 to 0.66)'
    >>> str(share_of(np.array([False] * 40), [image // 2 for image in range(40)]))
    '0.00 (0.00 to 0.17)'
    """
    if units is not None and len(set(units)) < len(units):
        if len(set(flags.tolist())) == 1:
            return proportion(int(flags.sum()), len(flags), without=NOTHING, units=units)
        return mean_of([float(flag) for flag in flags], units)
    return proportion(int(flags.sum()), len(flags), without="there are none")


def quantile_of(values: Floats, level: float) -> Interval:
    """Return a quantile of independent values, by a percentile bootstrap.

    >>> quantile_of(np.arange(101.0), 0.5).value
    50.0
    """
    rng = np.random.default_rng(_SEED)
    drawn = np.quantile(values[rng.integers(0, len(values), (DRAWS, len(values)))], level, axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Interval(float(np.quantile(values, level)), float(low), float(high))


def mean_over(values: Floats, units: Sequence[int] | None = None) -> Figure:
    """Return the mean, by a bootstrap over units, or over the values where each is its own.

    >>> mean_over(np.array([1.0, 3.0])).value
    2.0
    """
    return mean_of([float(value) for value in values], tuple(range(len(values))) if units is None else units)


def listed(values: Floats) -> list[float]:
    """Return the values for JSON, in their order, rounded to six places."""
    return [round(float(value), 6) for value in values]
