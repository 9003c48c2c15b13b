"""One HTML file that holds everything: figures, charts, films, and what none of it may be used for.

No script, no outside request: it can be mailed, printed and kept. The page shows only what ``metrics.json`` and the
table hold; the ROC's band alone is drawn for it, from a fixed seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from unseen.artifacts.page_templates import template
from unseen.artifacts.research_only import LIMITS
from unseen.evaluation.bootstrap import BootstrapCohort, bootstrap_cohort, numbers, text
from unseen.evaluation.charts import GRID, ForestRow, distribution_chart, forest_chart, roc_chart, roc_curve
from unseen.evaluation.examples import CIVIDIS, Example, coloured, data_uri
from unseen.evaluation.intervals import Figure, Interval, Json
from unseen.evaluation.metrics import POOLED, count_at, entry_at, figure_at, judged_rows, text_at
from unseen.evaluation.roc import Floats, RocAt, folds_of
from unseen.evaluation.shortcut_audit import MIX
from unseen.evaluation.simple_statistics import TRIVIAL_STATISTICS
from unseen.evaluation.table import Scored

if TYPE_CHECKING:
    import polars as pl

SHOWN = 12
"""Films of each kind in the gallery."""


@dataclass(frozen=True)
class Shown:
    """One film of the gallery, as the template wants it."""

    example: Example
    rank: str
    film: str
    viewed: str
    reconstruction: str | None
    residual: str

    @property
    def shape(self) -> str:
        """Name the side that fills the square."""
        height, width = self.example.film.shape
        return "tall" if height > width else "wide"

    @property
    def box(self) -> str:
        """The view's frame on the film, as CSS."""
        top, left, bottom, right = (100 * v for v in self.example.box)
        return f"top:{top:.2f}%;left:{left:.2f}%;height:{bottom - top:.2f}%;width:{right - left:.2f}%"


def write_report(
    path: str | Path,
    metrics: Mapping[str, Json],
    scored: Scored,
    *,
    facts: Mapping[str, str] | None = None,
    exclude: frozenset[str] = frozenset(),
) -> None:
    """Write `report_html` to `path`, whole or not at all; `write_evaluation` calls it.

    Args:
        path: the file, such as "report.html".
        metrics: every figure, from `metrics_from_table`.
        scored: the table and its films, from `score_table`.
        facts: lines for "method and data", in order: detector, device, date, version.
        exclude: pixel digests of the training films, as for the metrics.

    >>> import tempfile
    >>> from unseen.data import phantoms
    >>> from unseen.detectors import load
    >>> from unseen.evaluation import metrics_from_table, score_table
    >>> scored = score_table(load("models/pca"), phantoms.normals(2, size=64))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_report(f"{folder}/report.html", metrics_from_table(scored.table, draws=10), scored)
    ...     Path(f"{folder}/report.html").stat().st_size > 1000
    True
    """
    from unseen.artifacts.files import write_text

    write_text(Path(path), report_html(metrics, scored, facts=facts, exclude=exclude))


def report_html(
    metrics: Mapping[str, Json],
    scored: Scored,
    *,
    facts: Mapping[str, str] | None = None,
    exclude: frozenset[str] = frozenset(),
) -> str:
    """Return the page as text.

    Args:
        metrics: every figure, from `metrics_from_table`.
        scored: the table and its films, from `score_table`.
        facts: lines for "method and data", in order: detector, device, date, version…
        exclude: the training films, as for the metrics.

    >>> from unseen.data import phantoms
    >>> from unseen.detectors import load
    >>> from unseen.evaluation import metrics_from_table, score_table
    >>> scored = score_table(load("models/pca"), phantoms.normals(2, size=64))
    >>> "Research use only" in report_html(metrics_from_table(scored.table, draws=10), scored)
    True
    """
    rows = judged_rows(scored.table, exclude).rows
    cohort = bootstrap_cohort(rows)
    charted = not cohort.shortfall()
    groups = list(_dict(metrics, "auroc"))
    groups = groups[1:] if len(groups) == 2 else groups  # one source: pooled is that source
    return template("unseen.evaluation", "report.html.j2").render(
        limits=LIMITS,
        facts=facts or {},
        metrics=metrics,
        auroc=figure_at(metrics, "auroc", POOLED),
        is_known=lambda figure: isinstance(figure, Interval),
        headline=text_at(metrics, "headline"),
        verdict=text_at(metrics, "shortcuts", "verdict", POOLED),
        verdict_kind=_verdict_kind(metrics, POOLED),
        folds=entry_at(metrics, "n", "folds") or 1,
        sources=[_source_row(metrics, group) for group in groups],
        verdicts=[(g, text_at(metrics, "shortcuts", "verdict", g)) for g in groups if g != POOLED],
        roc=_roc(metrics, rows, cohort) if charted else None,
        distribution=_distribution(cohort) if charted else None,
        forest=_forest(metrics) if charted else None,
        operating=_operating(metrics),
        pairs=[
            (name, figure_at(metrics, "like_pairs", name), entry_at(metrics, "like_pairs", name, "pairs"))
            for name in _dict(metrics, "like_pairs")
        ],
        site=[(pair, figure_at(metrics, "site", pair)) for pair in _dict(metrics, "site")],
        kinds=[
            (words, [(value, figure_at(metrics, key, value), entry_at(metrics, key, value, "n")) for value in entries])
            for words, key in (("Lesion kind", "by_kind"), ("Lesion contrast", "by_contrast"))
            if (entries := _dict(metrics, key))
        ],
        localisation=[
            (
                k,
                figure_at(metrics, "localisation", k, "average_precision"),
                figure_at(metrics, "localisation", k, "hit_rate"),
                entry_at(metrics, "localisation", k, "chance"),
                entry_at(metrics, "localisation", k, "n"),
            )
            for k in _dict(metrics, "localisation")
        ],
        misses=_gallery(scored, scored.misses[:SHOWN], cohort),
        alarms=_gallery(scored, scored.false_alarms[:SHOWN], cohort),
        legend=", ".join(f"rgb{colour}" for colour in CIVIDIS),
        not_read=_not_read(scored.table),
        method=_method(metrics),
    )


def _dict(metrics: Mapping[str, Json], key: str) -> dict[str, Json]:
    entry = metrics.get(key)
    return entry if isinstance(entry, dict) else {}


def _verdict_kind(metrics: Mapping[str, Json], group: str) -> str:
    words = text_at(metrics, "shortcuts", "verdict", group)
    if words.startswith("No verdict"):
        return "unknown"
    above = entry_at(metrics, "shortcuts", "above_all", group) is True
    return "good" if above and words.startswith("No strong") else "warn"


def _source_row(metrics: Mapping[str, Json], group: str) -> dict[str, Any]:  # Any: read by the template alone
    return {
        "name": group,
        "normal": count_at(metrics, group, "normal"),
        "abnormal": count_at(metrics, group, "abnormal"),
        **{k: figure_at(metrics, k, group) for k in ("auroc", "average_precision")},
        "strongest": text_at(metrics, "shortcuts", "strongest", group, "words"),
        "strength": figure_at(metrics, "shortcuts", "strongest", group),
        "mix": figure_at(metrics, "shortcuts", MIX, group),
        "kind": _verdict_kind(metrics, group),
        "above": entry_at(metrics, "shortcuts", "above_all", group) is True,
        "reason": text_at(metrics, "auroc", group, "reason"),
    }


def _roc(metrics: Mapping[str, Json], rows: pl.DataFrame, cohort: BootstrapCohort) -> str:
    drawn = roc_curve(rows)
    rival: tuple[str, Floats] | None = None
    name = text_at(metrics, "shortcuts", "strongest", POOLED, "name")
    value = figure_at(metrics, "shortcuts", POOLED, name)
    if name and isinstance(value, Interval):
        column = numbers(rows, name) * (1 if value.value >= 0.5 else -1)
        curve = RocAt(folds_of(column, cohort.abnormal, cohort.fold), GRID)(np.ones((1, len(cohort))))[0]
        rival = (text_at(metrics, "shortcuts", "strongest", POOLED, "words"), curve)
    words = f"ROC curve of the detector: {text_at(metrics, 'headline')}"
    return roc_chart(drawn, shortcut=rival, label=words)


def _distribution(cohort: BootstrapCohort) -> str:
    score = cohort.score.copy()
    folds = np.unique(cohort.fold)
    for number in folds if len(folds) > 1 else ():
        here = cohort.fold == number
        normals = score[here & ~cohort.abnormal]
        if len(normals) > 1 and normals.std() > 0:
            score[here] = (score[here] - normals.mean()) / normals.std()
    return distribution_chart(
        score[~cohort.abnormal], score[cohort.abnormal], label="Scores of normal and abnormal films"
    )


def _forest(metrics: Mapping[str, Json]) -> str:
    rows = []
    for statistic in TRIVIAL_STATISTICS:
        value = figure_at(metrics, "shortcuts", POOLED, statistic.name)
        if isinstance(value, Interval):
            strong = value if value.value >= 0.5 else Interval(1 - value.value, 1 - value.high, 1 - value.low)
            words = f"{statistic.words} {'↑' if value.value > 0.5 else '↓' if value.value < 0.5 else '='}"
            rows.append(ForestRow(words, strong, "acquisition" if statistic.acquisition else "single"))
    rows.sort(key=lambda row: -row.strength.value)
    mix, detector = figure_at(metrics, "shortcuts", MIX, POOLED), figure_at(metrics, "auroc", POOLED)
    if isinstance(mix, Interval):
        rows.insert(0, ForestRow("all together, supervised", mix, "mix"))
    if isinstance(detector, Interval):
        rows.insert(0, ForestRow("the detector", detector, "detector"))
    return forest_chart(rows, label="Detector and trivial statistics: AUROC or its mirror, with 95 % intervals")


def _operating(metrics: Mapping[str, Json]) -> list[tuple[str, str, Figure]]:
    out = []
    for fixed, read in (("specificity", "sensitivity"), ("sensitivity", "specificity")):
        key = f"{read}_at_{fixed}"
        points = entry_at(metrics, "operating_points", key)
        for level in points if isinstance(points, dict) else ():
            figure = figure_at(metrics, "operating_points", key, level, POOLED)
            out.append((f"{read} at a {fixed} of {100 * float(level):.0f} %", level, figure))
    return out


def _gallery(scored: Scored, examples: tuple[Example, ...], cohort: BootstrapCohort) -> list[Shown]:
    """Return the images with one residual scale for the whole page, and each score's place among the normals."""
    every = [*scored.misses, *scored.false_alarms]
    high = float(np.quantile(np.concatenate([e.anomaly_map.reshape(-1) for e in every]), 0.995)) if every else 1.0
    normals = np.sort(cohort.score[~cohort.abnormal])
    out = []
    for example in examples:
        below = int(np.searchsorted(normals, example.score, side="left"))
        rank = f"above {100 * below / len(normals):.0f} % of the normals" if len(normals) else ""
        out.append(
            Shown(
                example,
                rank,
                data_uri(example.film),
                data_uri(example.viewed),
                None if example.reconstruction is None else data_uri(example.reconstruction),
                data_uri(coloured(example.anomaly_map, high=high)),
            )
        )
    return out


def _not_read(table: pl.DataFrame) -> list[tuple[str, str]]:
    missing = text(table, "status") != "scored"
    return [(str(f), str(r)) for f, r in zip(text(table, "file")[missing], text(table, "reason")[missing], strict=True)]


def _method(metrics: Mapping[str, Json]) -> list[tuple[str, str]]:
    """Describe the method, for readers who check or repeat the figures."""
    excluded = entry_at(metrics, "excluded_training_films")
    others = entry_at(metrics, "excluded_films_of_training_patients") or 0
    return [
        ("recipe digest", text_at(metrics, "recipe") or "not stated"),
        ("protocol", text_at(metrics, "protocol")),
        ("intervals", text_at(metrics, "intervals")),
        ("films", f"{count_at(metrics, 'inputs')} inputs, {count_at(metrics, 'not_read')} not read, "
                  f"{count_at(metrics, 'unlabelled')} without a label; {excluded} training films "
                  f"and {others} other films of their patients left out"),
    ]  # fmt: skip
