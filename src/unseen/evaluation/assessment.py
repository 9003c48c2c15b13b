"""One call from films to a verdict: table, figures, report."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from unseen.artifacts.notebook_html import html_card
from unseen.data.reading import Given, films_in
from unseen.evaluation.bootstrap import DRAWS
from unseen.evaluation.intervals import Figure, Json
from unseen.evaluation.metrics import entry_at, figure_at, metrics_from_table, text_at, warn_of_adjustment
from unseen.evaluation.table import Scored, Scorer, score_table

if TYPE_CHECKING:
    import polars as pl

    from unseen.detectors.finding import Finding


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The result of `evaluate`: the figures (``metrics.json``), the rows (``scores.parquet``), the films worth a look.

    Args:
        metrics: every figure, in the shape of ``metrics.json``.
        scored: the table, and the films that a reader should see.
        folder: where they were written, with ``report.html``; None if they were not.

    >>> from unseen.data import phantoms
    >>> from unseen.detectors import load
    >>> result = evaluate(load("models/pca"), phantoms.normals(2, size=64), draws=10)
    >>> result.unlabelled, result.not_read, result.auroc
    (0, 0, Missing(reason='2 normal and 0 abnormal films; at least 2 of each are needed'))
    """

    metrics: Mapping[str, Json]
    scored: Scored
    folder: Path | None = None

    @property
    def table(self) -> pl.DataFrame:
        """One row per input, in order."""
        return self.scored.table

    @property
    def auroc(self) -> Figure:
        """The pooled AUROC with its interval, or why there is none."""
        return figure_at(self.metrics, "auroc", "pooled")

    @property
    def headline(self) -> str:
        """One sentence."""
        return text_at(self.metrics, "headline")

    @property
    def verdict(self) -> str:
        """One sentence on the shortcuts, pooled."""
        return text_at(self.metrics, "shortcuts", "verdict", "pooled")

    def __repr__(self) -> str:
        return f"<Evaluation: {self.headline}>"

    def _repr_html_(self) -> str:
        """Return the evaluation as a notebook shows it: the figures of each source, and the sentence on shortcuts."""
        groups = entry_at(self.metrics, "auroc")
        facts: dict[str, object] = {
            f"AUROC, {name}": figure_at(self.metrics, "auroc", name)
            for name in (groups if isinstance(groups, Mapping) else ())
        }
        return html_card(self.headline, facts | {"shortcuts": self.verdict, "report": self.folder})

    @property
    def trained_on(self) -> int:
        """Number of films left out of the figures because the model was trained on them."""
        count = entry_at(self.metrics, "excluded_training_films")
        return count if isinstance(count, int) else 0

    @property
    def of_training_patients(self) -> int:
        """Number of films left out of the figures because the model was trained on other films of their patients."""
        count = entry_at(self.metrics, "excluded_films_of_training_patients")
        return count if isinstance(count, int) else 0

    @property
    def unlabelled(self) -> int:
        """Number of scored films without a label."""
        count = entry_at(self.metrics, "n", "unlabelled")
        return count if isinstance(count, int) else 0

    @property
    def not_read(self) -> int:
        """Number of inputs without a score."""
        count = entry_at(self.metrics, "n", "not_read")
        return count if isinstance(count, int) else 0


def evaluate(
    detector: Scorer,
    films: Given,
    *,
    exclude: frozenset[str] = frozenset(),
    adjustment: object = None,
    seed: int = 0,
    out: str | Path | None = None,
    draws: int = DRAWS,
    recipe: str | None = None,
    protocol: str | None = None,
    facts: Mapping[str, str] | None = None,
    progress: Callable[[int], None] | None = None,
    on_finding: Callable[[int, Finding], str | None] | None = None,
) -> Evaluation:
    """Score `films` with `detector` and judge the scores.

    Args:
        detector: anything with ``score(films)``, such as a `Detector`.
        films: labelled films, or a manifest or a list of files that names them.
        exclude: pixel digests to leave out, in addition to the training films that the detector itself names.
        adjustment: has no effect; deprecated, to be removed in unseen 0.4.
        seed: of the bootstrap.
        out: a folder (made if needed) for ``metrics.json``, ``scores.parquet`` and ``report.html``.
        draws: bootstrap samples.
        recipe: digest of the recipe; None: the card's.
        protocol: a sentence on how the films were held out; None: it is derived from the table.
        facts: further lines for the report's "method and data", e.g. ``{"device": "cpu"}``.
        progress: called with the number of films done, after each.
        on_finding: called with the row's number and the finding; what it returns (a map's file) goes to the column
            `map`.

    Training films, and other films of their patients, are scored and stay in the table; every figure leaves them out
    and reports their number. A patient is known by the training films among `films`.

    >>> from unseen.data import phantoms
    >>> from unseen.detectors import load
    >>> films = [*phantoms.normals(3, seed=1, size=64), *phantoms.abnormals(3, seed=2, size=64)]
    >>> result = evaluate(load("models/pca"), films, draws=20)
    >>> result.table["label"].to_list()
    ['normal', 'normal', 'normal', 'abnormal', 'abnormal', 'abnormal']
    """
    if adjustment is not None:
        warn_of_adjustment()
    films = films_in(films, lesions=True)
    card = getattr(detector, "card", None)
    known = getattr(detector, "training_films", None) or getattr(card, "training_films", None) or ()
    trained = exclude | frozenset(known)
    scored = score_table(detector, films, progress=progress, on_finding=on_finding, exclude=trained)
    metrics = metrics_from_table(
        scored.table,
        exclude=trained,
        seed=seed,
        draws=draws,
        recipe=recipe if recipe is not None else getattr(card, "recipe_digest", None),
        protocol=protocol,
    )
    if out is None:
        return Evaluation(metrics, scored)
    name = str(getattr(card, "name", None) or getattr(detector, "key", None) or type(detector).__name__)
    described = {
        "detector": name,
        "version": str(getattr(card, "version", None) or "not stated"),
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        **(facts or {}),
    }
    folder = Path(out)
    write_evaluation(folder, metrics, scored, facts=described, exclude=trained)
    return Evaluation(metrics, scored, folder)


def write_evaluation(
    folder: Path,
    metrics: Mapping[str, Json],
    scored: Scored,
    *,
    facts: Mapping[str, str],
    exclude: frozenset[str] = frozenset(),
) -> None:
    """Write ``metrics.json``, ``scores.parquet`` and ``report.html``, each whole or not at all.

    Args:
        folder: where they are written; it is made if needed.
        metrics: every figure, from `metrics_from_table`.
        scored: the table, from `score_table`.
        facts: lines for the report's "method and data".
        exclude: pixel digests of the training films, as for the metrics.

    >>> import tempfile
    >>> from unseen.data import phantoms
    >>> from unseen.detectors import load
    >>> from unseen.evaluation import metrics_from_table, score_table
    >>> scored = score_table(load("models/pca"), phantoms.normals(2, size=64))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_evaluation(Path(folder), metrics_from_table(scored.table, draws=10), scored, facts={})
    ...     sorted(path.name for path in Path(folder).iterdir())
    ['metrics.json', 'report.html', 'scores.parquet']
    """
    from unseen.artifacts.files import replacing, write_text
    from unseen.evaluation.report import write_report

    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / "scores.parquet") as temporary:
        scored.table.write_parquet(temporary)
    write_text(folder / "metrics.json", json.dumps(metrics, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    write_report(folder / "report.html", metrics, scored, facts=facts, exclude=exclude)
