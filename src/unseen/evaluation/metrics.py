"""`metrics.json`: every figure with its interval, written and read.

Pure: a table (of one model, or the concatenation of several folds' tables with a column `fold`) goes in, JSON-safe
values come out. What can't be given is null with a reason.

Reads metrics.json without trusting it: a figure, a count or words by their path, and an answer for "not there".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from unseen.artifacts.installation import LIMITS
from unseen.evaluation import adjusted
from unseen.evaluation.audit import audit_of, audit_statistics, verdict
from unseen.evaluation.auroc_by_column import by_column
from unseen.evaluation.bootstrap import DRAWS, Cohort, Drawn, Statistic, cohort_of, draw_all, numbers, text
from unseen.evaluation.intervals import Figure, Interval, Json, Missing, from_json
from unseen.evaluation.localisation import localisation_figures
from unseen.evaluation.roc import Auroc, AveragePrecision, Bools, Floats, Fold, SensitivityAt, SpecificityAt, folds_of
from unseen.evaluation.site_recognition import site_statistics

if TYPE_CHECKING:
    import polars as pl

SPECIFICITIES = (0.80, 0.90, 0.95)
SENSITIVITIES = (0.90, 0.95, 0.99)
POOLED = "pooled"


def judged_rows(table: pl.DataFrame, exclude: frozenset[str] = frozenset()) -> tuple[pl.DataFrame, int]:
    """The rows that figures are about (scored, labelled, not trained on), and how many training films were left out.

    Training films are known by their pixels, not by their names.
    """
    scored = table.filter((text(table, "status") == "scored") & np.isfinite(numbers(table, "score")))
    trained = np.isin(text(scored, "pixel_sha256"), list(exclude)) if exclude else np.zeros(len(scored), dtype=bool)
    labelled = np.isin(text(scored, "label"), ["normal", "abnormal"])
    return scored.filter(labelled & ~trained), int(trained.sum())


def groups_of(cohort: Cohort) -> dict[str, Bools]:
    """``{"pooled": all, "<source>": …}``; a source that is itself called "pooled" is "source pooled"."""
    groups: dict[str, Bools] = {POOLED: np.ones(len(cohort), dtype=bool)}
    for name in cohort.sources:
        groups[f"source {name}" if name == POOLED else name or "no source"] = np.asarray(cohort.source == name)
    return groups


def metrics_from_table(
    table: pl.DataFrame,
    *,
    exclude: frozenset[str] = frozenset(),
    adjustment: adjusted.Adjustment | Mapping[str, float] | Mapping[int, adjusted.Adjustment] | None = None,
    seed: int = 0,
    draws: int = DRAWS,
    recipe: str | None = None,
    protocol: str | None = None,
) -> dict[str, Json]:
    """Every figure of a table, in the shape of ``metrics.json``.

    table       rows from `score_table`
    exclude     pixel digests of training films: left out, and counted
    adjustment  coefficients stored with the bundle, or one set per fold's number. None fits within
                (cross-fitted on these normals)
    seed        of the bootstrap
    draws       bootstrap samples
    recipe      digest of the recipe, as given
    protocol    a sentence on how the films were held out; by default it is derived from the table

    The same table, seed and draws give the same values.

    >>> from unseen.data import phantoms
    >>> from unseen.detectors import load
    >>> from unseen.evaluation import score_table
    >>> scored = score_table(load("models/pca"), phantoms.normals(2, size=64))
    >>> metrics_from_table(scored.table, draws=10)["auroc"]["pooled"]["reason"]
    '2 normal and 0 abnormal films; at least 2 of each are needed'
    """
    rows, excluded = judged_rows(table, exclude)
    cohort = cohort_of(rows)
    groups = groups_of(cohort)
    residual, percentile, kind_of_adjustment = _adjusted(rows, cohort, adjustment)

    statistics: dict[str, Statistic] = {}
    for group, among in groups.items():
        if cohort.shortfall(among):
            continue
        folds = folds_of(cohort.score, cohort.abnormal, cohort.fold, among)
        statistics |= _detector_statistics(folds, group)
        for name, values in (("adjusted", residual), ("covariate_adjusted", percentile)):
            if isinstance(values, np.ndarray):
                statistics[f"{name}/{group}"] = Auroc(folds_of(values, cohort.abnormal, cohort.fold, among))
    statistics |= {f"site/{pair}": s for pair, s in site_statistics(cohort).items()}
    statistics |= audit_statistics(rows, cohort, groups)
    drawn = draw_all(statistics, cohort, draws=draws, rng=np.random.default_rng(seed)) if statistics else {}

    def by_group(name: str, missing: str = "") -> dict[str, Json]:
        out: dict[str, Json] = {}
        for group, among in groups.items():
            known = drawn.get(f"{name}/{group}")
            figure: Figure = known.interval() if known is not None else Missing(cohort.shortfall(among) or missing)
            out[group] = figure.to_json()
        return out

    lone = "" if isinstance(residual, np.ndarray) else residual
    aroc = "" if isinstance(percentile, np.ndarray) else percentile
    site: dict[str, Json] = {
        key.removeprefix("site/"): value.strength().interval().to_json()
        for key, value in drawn.items()
        if key.startswith("site/")
    }
    metrics: dict[str, Json] = {
        "auroc": by_group("auroc"),
        "adjusted": by_group("adjusted", lone),
        "covariate_adjusted": by_group("covariate_adjusted", aroc),
        "adjustment": kind_of_adjustment,
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
        "recipe": recipe,
        "protocol": protocol or _protocol(cohort),
        "intervals": f"95 %, percentile bootstrap, {draws} draws, stratified by fold, source and label"
        + (", twin pairs drawn as one" if _pairs(rows) else "")
        + f"; seed {seed}",
    }
    metrics["headline"] = headline(metrics)
    metrics["limits"] = LIMITS
    return metrics


def headline(metrics: Mapping[str, Json]) -> str:
    """One sentence: the pooled AUROC with its interval, on what, and the strongest shortcut beside it."""

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


def _adjusted(
    rows: pl.DataFrame,
    cohort: Cohort,
    adjustment: adjusted.Adjustment | Mapping[str, float] | Mapping[int, adjusted.Adjustment] | None,
) -> tuple[Floats | str, Floats | str, str]:
    """Residuals and adjusted percentiles, each as an array or as the reason for none; and where β came from."""
    few = "too few normals to fit three coefficients in each of five folds"
    kind = "within" if adjustment is None else "stored"
    if not len(rows) or not np.isfinite(adjusted.covariates(rows)).all():
        few = "no film" if not len(rows) else "the table has no sharpness for some films"
        return few, few, kind
    percentile = adjusted.adjusted_percentiles(rows, cohort.abnormal)
    second: Floats | str = few if percentile is None else percentile
    if adjustment is None:
        residual = adjusted.within_residuals(rows, cohort.abnormal)
        return (few if residual is None else residual), second, kind
    sets = _by_fold(adjustment)
    if any(one.lung_area != 0 for one in sets.values()) and not np.isfinite(numbers(rows, "lung_area")).all():
        return "the stored adjustment needs the lung area, which some films lack", second, kind
    stored = (
        adjusted.stored_residuals(rows, sets[None])
        if None in sets
        else adjusted.residuals_by_fold(rows, _numbered(sets))
    )
    if not np.isfinite(stored).all():
        return "no coefficients are stored for some of the folds", second, kind
    return stored, second, kind


def _by_fold(
    adjustment: adjusted.Adjustment | Mapping[str, float] | Mapping[int, adjusted.Adjustment],
) -> dict[int | None, adjusted.Adjustment]:
    """Coefficients by fold number; under None where one set holds for all."""
    if isinstance(adjustment, adjusted.Adjustment):
        return {None: adjustment}
    sets: dict[int | None, adjusted.Adjustment] = {}
    shared: dict[str, float] = {}
    for key, value in adjustment.items():
        if isinstance(value, adjusted.Adjustment):
            sets[int(key)] = value
        else:
            shared[str(key)] = value
    return sets if sets and not shared else {None: adjusted.Adjustment.from_dict(shared)}


def _numbered(sets: Mapping[int | None, adjusted.Adjustment]) -> dict[int, adjusted.Adjustment]:
    return {number: one for number, one in sets.items() if number is not None}


def _shortcuts(drawn: Mapping[str, Drawn], cohort: Cohort, groups: Mapping[str, Bools]) -> dict[str, Json]:
    """Per group each statistic; then ``strongest``, ``mix`` (supervised), ``above_all`` and ``verdict`` by group."""
    from unseen.evaluation.simple_statistics import TRIVIAL_STATISTICS

    words = {s.name: s.words for s in TRIVIAL_STATISTICS}
    by_group: dict[str, Json] = {}
    strongest: dict[str, Json] = {}
    mix: dict[str, Json] = {"supervised": True}
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
    return {**by_group, "strongest": strongest, "mix": mix, "above_all": above, "verdict": verdicts}


def _counts(table: pl.DataFrame, cohort: Cohort, groups: Mapping[str, Bools]) -> dict[str, Json]:
    out: dict[str, Json] = {
        group: {"normal": int((among & ~cohort.abnormal).sum()), "abnormal": int((among & cohort.abnormal).sum())}
        for group, among in groups.items()
    }
    scored = text(table, "status") == "scored"
    out["inputs"] = len(table)
    out["not_read"] = int((~scored).sum())
    out["unlabelled"] = int((scored & ~np.isin(text(table, "label"), ["normal", "abnormal"])).sum())
    out["folds"] = len(np.unique(cohort.fold))
    return out


def _protocol(cohort: Cohort) -> str:
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
