"""`metrics.json`: every figure with its interval, written and read.

`metrics_from_table` takes a table (of one model, or the concatenation of several folds' tables with a column `fold`)
and returns JSON-safe values. A figure that cannot be given is null with a reason. No file is written here.

`entry_at`, `figure_at`, `text_at` and `count_at` read the values by their path without trusting the file: each has an
answer for an entry that is not there.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from unseen.artifacts.research_only import LIMITS
from unseen.evaluation.auroc_by_column import by_column
from unseen.evaluation.bootstrap import (
    DRAWS,
    BootstrapCohort,
    Drawn,
    Statistic,
    bootstrap_cohort,
    draw_all,
    has_several_films,
    numbers,
    text,
)
from unseen.evaluation.group_names import group_names
from unseen.evaluation.intervals import Figure, Interval, Json, Missing, from_json
from unseen.evaluation.localisation import localisation_figures
from unseen.evaluation.matching import LikePairs, like_pairs
from unseen.evaluation.roc import Auroc, AveragePrecision, Bools, Fold, SensitivityAt, SpecificityAt, folds_of
from unseen.evaluation.shortcut_audit import audit_of, audit_statistics, verdict
from unseen.evaluation.site_recognition import site_statistics
from unseen.evaluation.statistics_mix import usable_statistics
from unseen.evaluation.training_patients import rows_of_training_patients

if TYPE_CHECKING:
    import polars as pl

SPECIFICITIES = (0.80, 0.90, 0.95)
SENSITIVITIES = (0.90, 0.95, 0.99)
POOLED = "pooled"
ALIKE = "all statistics"
"""Name of the figure on pairs that are alike in all image statistics."""
_COUNTS = ("inputs", "not_read", "unlabelled", "folds")
"""Keys of the part `n` other than groups."""
_AUDITS = ("strongest", "mix", "above_all", "verdict")
"""Keys of the part `shortcuts` other than groups."""
_SUPERVISED = "supervised"
"""Key of the part `mix` of `shortcuts` other than groups."""
RESERVED = frozenset({POOLED, *_COUNTS, *_AUDITS, _SUPERVISED})
"""Keys of ``metrics.json`` next to the names of sources; a source of such a name is renamed."""


class JudgedRows(NamedTuple):
    """Rows that figures are about, and the numbers of films that were left out.

    Args:
        rows: scored, labelled films of patients on whose films the model was not trained.
        trained_on: scored films that the model was trained on.
        of_training_patients: scored, labelled films that are other films of these patients.
    """

    rows: pl.DataFrame
    trained_on: int
    of_training_patients: int


def judged_rows(table: pl.DataFrame, exclude: frozenset[str] = frozenset()) -> JudgedRows:
    """Return the rows that figures are about: scored, labelled, and of patients on whose films nothing was trained.

    Training films are known by their pixels, not by their names, and patients by their training films in the table.

    Args:
        table: rows from `score_table`.
        exclude: pixel digests of training films.
    """
    scored = (text(table, "status") == "scored") & np.isfinite(numbers(table, "score"))
    trained = scored & np.isin(text(table, "pixel_sha256"), list(exclude))
    labelled = scored & np.isin(text(table, "label"), ["normal", "abnormal"]) & ~trained
    others = labelled & rows_of_training_patients(table, exclude)
    return JudgedRows(table.filter(labelled & ~others), int(trained.sum()), int(others.sum()))


def groups_of(cohort: BootstrapCohort) -> dict[str, Bools]:
    """``{"pooled": all, "<source>": …}``; a source with a name of `RESERVED`, such as "pooled", is "source pooled"."""
    groups: dict[str, Bools] = {POOLED: np.ones(len(cohort), dtype=bool)}
    for source, name in group_names(cohort.sources, RESERVED).items():
        groups[name] = np.asarray(cohort.source == source)
    return groups


def metrics_from_table(
    table: pl.DataFrame,
    *,
    exclude: frozenset[str] = frozenset(),
    adjustment: object = None,
    seed: int = 0,
    draws: int = DRAWS,
    recipe: str | None = None,
    protocol: str | None = None,
) -> dict[str, Json]:
    """Return every figure of a table, in the shape of ``metrics.json``.

    Args:
        table: rows from `score_table`.
        exclude: pixel digests of training films: these, and other films of their patients, are left out and counted.
        adjustment: has no effect; deprecated, to be removed in unseen 0.4.
        seed: of the bootstrap.
        draws: bootstrap samples.
        recipe: digest of the recipe, as given.
        protocol: a sentence on how the films were held out; by default it is derived from the table.

    The same table, seed and draws give the same values.

    >>> from unseen.data import phantoms
    >>> from unseen.detectors import load
    >>> from unseen.evaluation import score_table
    >>> scored = score_table(load("models/pca"), phantoms.normals(2, size=64))
    >>> metrics_from_table(scored.table, draws=10)["auroc"]["pooled"]["reason"]
    '2 normal and 0 abnormal films; at least 2 of each are needed'
    """
    if adjustment is not None:
        warn_of_adjustment()
    rows, excluded, of_patients = judged_rows(table, exclude)
    cohort = bootstrap_cohort(rows)
    groups = groups_of(cohort)

    statistics: dict[str, Statistic] = {}
    for group, among in groups.items():
        if cohort.shortfall(among):
            continue
        folds = folds_of(cohort.score, cohort.abnormal, cohort.fold, among)
        statistics |= _detector_statistics(folds, group)
    statistics |= {f"site/{pair}": s for pair, s in site_statistics(cohort).items()}
    statistics |= audit_statistics(rows, cohort, groups)
    drawn = draw_all(statistics, cohort, draws=draws, rng=np.random.default_rng(seed)) if statistics else {}

    def by_group(name: str) -> dict[str, Json]:
        out: dict[str, Json] = {}
        for group, among in groups.items():
            known = drawn.get(f"{name}/{group}")
            figure: Figure = known.interval() if known is not None else Missing(cohort.shortfall(among))
            out[group] = figure.to_json()
        return out

    site: dict[str, Json] = {
        key.removeprefix("site/"): value.strength().interval().to_json()
        for key, value in drawn.items()
        if key.startswith("site/")
    }
    metrics: dict[str, Json] = {
        "auroc": by_group("auroc"),
        "like_pairs": _like_pairs(rows, seed=seed, draws=draws),
        "site": site,
        "shortcuts": _shortcuts(drawn, cohort, groups),
        "average_precision": by_group("average_precision"),
        "operating_points": {
            "sensitivity_at_specificity": {f"{s:.2f}": by_group(f"sensitivity@{s:.2f}") for s in SPECIFICITIES},
            "specificity_at_sensitivity": {f"{s:.2f}": by_group(f"specificity@{s:.2f}") for s in SENSITIVITIES},
        },
        "by_kind": by_column(rows, cohort, "kind", seed=seed, draws=draws),
        "by_contrast": by_column(rows, cohort, "contrast", seed=seed, draws=draws),
        "localisation": localisation_figures(rows, seed=seed, draws=draws),
        "n": _counts(table, cohort, groups),
        "excluded_training_films": excluded,
        "excluded_films_of_training_patients": of_patients,
        "recipe": recipe,
        "protocol": protocol or _protocol(cohort),
        "intervals": f"95 %, percentile bootstrap, {draws} draws, stratified by fold, source and label"
        + (", twin pairs drawn as one" if _pairs(rows) else "")
        + (", films of a patient drawn as one" if has_several_films(cohort) and not _pairs(rows) else "")
        + f"; seed {seed}",
    }
    metrics["headline"] = headline(metrics)
    metrics["limits"] = LIMITS
    return metrics


def warn_of_adjustment() -> None:
    """Warn that the argument `adjustment` has no effect any more."""
    warnings.warn(
        "adjustment has no effect: the adjusted AUROC is withdrawn, since it depends on the scale of a score. Use "
        "unseen.evaluation.like_pairs. The argument will be removed in unseen 0.4.",
        DeprecationWarning,
        stacklevel=3,
    )


def headline(metrics: Mapping[str, Json]) -> str:
    """Return one sentence: the pooled AUROC with its interval, on what, and the strongest shortcut beside it."""

    auroc = figure_at(metrics, "auroc", POOLED)
    if not isinstance(auroc, Interval):
        return f"No AUROC: {auroc.reason}."
    normal, abnormal = count_at(metrics, POOLED, "normal"), count_at(metrics, POOLED, "abnormal")
    sentence = (
        f"AUROC {auroc.value:.2f} (95 % interval {auroc.low:.2f} to {auroc.high:.2f}) "
        f"on {normal} normal and {abnormal} abnormal films"
    )
    words, strength = (
        text_at(metrics, "shortcuts", "strongest", POOLED, "words"),
        figure_at(metrics, "shortcuts", "strongest", POOLED),
    )
    if words and isinstance(strength, Interval):
        sentence += f"; the strongest single shortcut, {words}, reaches {strength.value:.2f}"
    return sentence + "."


def _detector_statistics(folds: tuple[Fold, ...], group: str) -> dict[str, Statistic]:
    out: dict[str, Statistic] = {
        f"auroc/{group}": Auroc(folds),
        f"average_precision/{group}": AveragePrecision(folds),
    }
    out |= {f"sensitivity@{s:.2f}/{group}": SensitivityAt(folds, s) for s in SPECIFICITIES}
    return out | {f"specificity@{s:.2f}/{group}": SpecificityAt(folds, s) for s in SENSITIVITIES}


def _like_pairs(rows: pl.DataFrame, *, seed: int, draws: int) -> dict[str, Json]:
    """Return figures on pairs of like sharpness, and on pairs alike in all statistics that every film has."""
    _, every = usable_statistics(rows)
    in_sharpness = like_pairs(rows, seed=seed, draws=draws)
    if not every:
        in_all = LikePairs(Missing("no statistic is known for every film"), (), 0.0, 0, 0, 0)
    else:
        in_all = in_sharpness if every == ("sharpness",) else like_pairs(rows, every, seed=seed, draws=draws)
    return {"sharpness": in_sharpness.to_json(), ALIKE: in_all.to_json()}


def _shortcuts(drawn: Mapping[str, Drawn], cohort: BootstrapCohort, groups: Mapping[str, Bools]) -> dict[str, Json]:
    """Return each statistic per group.

    Also ``strongest``, ``mix`` (supervised), ``above_all`` and ``verdict`` by group.
    """
    from unseen.evaluation.simple_statistics import TRIVIAL_STATISTICS

    words = {s.name: s.words for s in TRIVIAL_STATISTICS}
    by_group: dict[str, Json] = {}
    strongest: dict[str, Json] = {}
    mix: dict[str, Json] = {_SUPERVISED: True}
    above: dict[str, Json] = {}
    verdicts: dict[str, Json] = {}
    for group, among in groups.items():
        audit = audit_of(drawn, group)
        known = drawn.get(f"auroc/{group}")
        detector: Figure = known.interval() if known is not None else Missing(cohort.shortfall(among))
        name = audit.strongest
        by_group[group] = audit.to_json()
        strongest[group] = {"name": name, "words": words[name], **audit.strengths[name].to_json()} if name else None
        mix[group] = audit.mix.to_json()
        above[group] = audit.above_all
        verdicts[group] = verdict(audit, detector, where="" if group == POOLED else group)
    return by_group | dict(zip(_AUDITS, (strongest, mix, above, verdicts), strict=True))


def _counts(table: pl.DataFrame, cohort: BootstrapCohort, groups: Mapping[str, Bools]) -> dict[str, Json]:
    out: dict[str, Json] = {
        group: {"normal": int((among & ~cohort.abnormal).sum()), "abnormal": int((among & cohort.abnormal).sum())}
        for group, among in groups.items()
    }
    scored = text(table, "status") == "scored"
    unlabelled = scored & ~np.isin(text(table, "label"), ["normal", "abnormal"])
    counts = len(table), int((~scored).sum()), int(unlabelled.sum()), len(np.unique(cohort.fold))
    return out | dict(zip(_COUNTS, counts, strict=True))


def _protocol(cohort: BootstrapCohort) -> str:
    folds = len(np.unique(cohort.fold))
    if folds > 1:
        return f"cross-fitted: mean of {folds} folds' figures weighted by n0·n1"
    return "one model, on films it was not trained on"


def _pairs(rows: pl.DataFrame) -> bool:
    return bool((text(rows, "twin") != "").any())


def entry_at(metrics: Mapping[str, Json], *path: str) -> Json:
    """Return one entry of nested metrics.

    Args:
        metrics: nested metrics, such as `Evaluation.metrics` or those of a bundle's card.
        *path: the keys from the outermost to the innermost; without keys, all metrics are returned.

    Returns:
        The entry; None if a key is missing.

    Example:
        >>> metrics = {"n": {"pooled": {"normal": 3}}}
        >>> entry_at(metrics, "n", "pooled"), entry_at(metrics, "auroc", "pooled")
        ({'normal': 3}, None)
    """
    here: Json = dict(metrics)
    for key in path:
        if not isinstance(here, dict):
            return None
        here = here.get(key)
    return here


def figure_at(metrics: Mapping[str, Json], *path: str) -> Figure:
    """Return one figure of nested metrics with its 95 % confidence interval.

    Args:
        metrics: nested metrics, such as `Evaluation.metrics` or those of a bundle's card.
        *path: the keys from the outermost to the innermost, such as "auroc", "pooled".

    Returns:
        The figure; `Missing` if it is not in the metrics.

    Example:
        >>> metrics = {"auroc": {"pooled": {"value": 0.5, "low": 0.4, "high": 0.6}}}
        >>> str(figure_at(metrics, "auroc", "pooled")), str(figure_at(metrics, "auroc", "ward"))
        ('0.50 (0.40 to 0.60)', 'not given: not computed')
    """
    entry = entry_at(metrics, *path)
    return from_json(entry) if isinstance(entry, dict) else Missing("not computed")


def text_at(metrics: Mapping[str, Json], *path: str) -> str:
    """Return one text of nested metrics.

    Args:
        metrics: nested metrics, such as `Evaluation.metrics` or those of a bundle's card.
        *path: the keys from the outermost to the innermost.

    Returns:
        The text; "" if no text is there.

    Example:
        >>> metrics = {"protocol": "one model"}
        >>> text_at(metrics, "protocol"), text_at(metrics, "data")
        ('one model', '')
    """
    entry = entry_at(metrics, *path)
    return entry if isinstance(entry, str) else ""


def count_at(metrics: Mapping[str, Json], *path: str) -> int:
    """Return one count of nested metrics, from the part with the key `n`.

    Args:
        metrics: nested metrics, such as `Evaluation.metrics` or those of a bundle's card.
        *path: the keys below `n`, from the outermost to the innermost.

    Returns:
        The count; 0 if no count is there.

    Example:
        >>> metrics = {"n": {"pooled": {"normal": 3}}}
        >>> count_at(metrics, "pooled", "normal"), count_at(metrics, "pooled", "abnormal")
        (3, 0)
    """
    entry = entry_at(metrics, "n", *path)
    return entry if isinstance(entry, int) else 0
