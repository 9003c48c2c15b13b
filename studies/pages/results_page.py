"""`docs/results.md` and the README's table, from rows alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from studies.evidence.pretrained_models import results_screen
from studies.evidence.screen import best_first, folded, rendered
from studies.pages import budgets
from studies.pages.cells import dagger, dagger_note, pooled_auroc, shortcut, table
from studies.pages.instruments import HEAD, cells, laterality_section, nomination_section
from studies.pages.readme import table_shows
from studies.pages.sections import SOURCES, aurocs, conclusions, provenance, real_section, shipped_section, twin_section
from studies.rows import Row
from unseen.detectors import METHODS
from unseen.evaluation.intervals import interval_text as figure

FOLD_0_ROWS = "detectors/fold-0/"
_NONE = "*No row yet: `make results` fills this table from `studies/results/*.jsonl`.*"


def results_page(rows: Mapping[str, Row]) -> str:
    """Return the whole page as Markdown."""
    real, twins = _by_method(rows, "ms_cxr/"), _by_method(rows, "phantoms/")
    first = results_screen(rows)
    blocks = conclusions(real, twins)
    for px in sorted({row["px"] for row in real}):
        for frame, words in (("lungs", "lung crop, z-scored inside the mask"), ("whole", "whole film, z-scored")):
            some = [row for row in real if row["view"]["frame"] == frame and row["px"] == px]
            if some:
                blocks += real_section(some, words, rows.get(f"ms_cxr/comparison-{px}-{frame}"))
    blocks += laterality_section(rows)
    blocks += nomination_section(rows, _seconds(rows))
    shipped = _by_method(rows, "shipped/")
    if shipped:
        blocks += shipped_section(shipped, rows.get("shipped/lungs-0"), rows.get("shipped/pca-choice-0"))
    if twins:
        blocks += twin_section(twins)
    blocks += provenance([*real, *shipped, *twins]) if real or twins else [_NONE]
    screen = [rendered("make results", "studies/results/*.jsonl")] if first is None else first.blocks()
    return "\n\n".join(["# Results: pretrained models and the thesis's recipes", *screen, *folded(blocks)]) + "\n"


def _seconds(rows: Mapping[str, Row]) -> dict[str, float]:
    """Seconds of one training on fold 0, by recipe."""
    found = {name: row for name, row in rows.items() if name.startswith(FOLD_0_ROWS)}
    return {name.removeprefix(FOLD_0_ROWS).rpartition("-")[0]: float(row["seconds"]) for name, row in found.items()}


def readme_table(rows: Mapping[str, Row]) -> str:
    """Return one small table, the best first: the pretrained models' recipes, the lung-crop rows on real films, and
    below them the baseline of image statistics."""
    lungs = [row for row in _by_method(rows, "ms_cxr/") if row["view"]["frame"] == "lungs"]
    if not lungs:
        return _NONE
    first = lungs[0]  # of the coarsest grid
    some = [row for row in lungs if row["px"] == first["px"]]
    named = [
        *((f"`models/{row['recipe'].removeprefix('shipped/')}`", row) for row in _by_method(rows, "shipped/")),
        *((f"`{row['method']}`, {row['px']} px", row) for row in some),
    ]
    named.sort(key=lambda pair: -pooled_auroc(pair[1]))
    lines = best_first(
        [f"{words}{budgets.beside(row)}{dagger(row)}", *aurocs(row), *cells(rows, str(row["recipe"]))]
        for words, row in named
    )
    for name, words in (
        ("sharpness", "*baseline: sharpness alone (mean absolute Laplacian)*"),
        ("mix", "*supervised mix of image statistics*"),
    ):
        lines.append([words, *(figure(shortcut(first, source, name)) for source in SOURCES), "–", "–"])
    dates = sorted({str(row["date"]) for _, row in named})
    return (
        table(["Montgomery + Shenzhen, normals only; AUROC [95 %]", *SOURCES, *HEAD], lines)
        + f"\n\nSeed {first['seed']}, {first['device']}, {' to '.join(dict.fromkeys((dates[0], dates[-1])))}; rows: "
        "`studies/results/ms_cxr.jsonl` and `studies/results/shipped.jsonl`, printed by `make results`. *Best*: the "
        "highest pooled AUROC of these rows. *Similar films*: pairs of an abnormal and a normal film of one hospital "
        "that are alike in all image statistics, by the weights on films that they did not learn from. *Which lung*: "
        "AUROC of the ill side by the anomaly map. A row of `models/…` is the model's recipe, cross-validated; the "
        "weights' own figure on the fold that they did not learn from is on the [results page](docs/results.md)."
        + "".join(f" {note}" for note in dagger_note(row for _, row in named))
        + _trained([row for _, row in named])
        + "\n\n"
        + table_shows(rows, [row for _, row in named])
    )


def _by_method(rows: Mapping[str, Row], prefix: str) -> list[Row]:
    some = [row for name, row in rows.items() if name.startswith(prefix) and "metrics" in row]
    order = {key: place for place, key in enumerate(METHODS.keys())}
    return sorted(some, key=lambda row: (row["px"], order.get(row["method"], len(order)), row["recipe"]))


def _trained(rows: Sequence[Row]) -> str:
    """The GANs' training next to the thesis's, behind the table."""
    told = dict.fromkeys(budgets.spent(row) for row in rows if budgets.is_gan(row))
    return f" GANs (`ganomaly`, `roi-…`): {'; or '.join(told)}." if told else ""
