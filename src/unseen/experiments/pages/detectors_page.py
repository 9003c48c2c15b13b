"""`docs/results-detectors.md` from rows alone: the detectors on equal terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from unseen.artifacts.limits import LIMITS
from unseen.experiments.development import ROWS
from unseen.experiments.pages.cells import Entry, figure, table
from unseen.experiments.pages.sections import SOURCES, aurocs

_HEAD = ["Recipe", *SOURCES, "adjusted", "site", "training, s", "numbers kept"]


def detectors_page(rows: Mapping[str, Entry]) -> str:
    """The whole page as Markdown; what has no row yet is said to have none."""
    found = [row for name, row in rows.items() if name.startswith(ROWS)]
    blocks = [
        "# Detectors on equal terms",
        f"*Rendered by `make results-detectors` from `results/{ROWS}*.json`; every figure is in there. {LIMITS}*",
        "The same films, lungs, grid and audit for every method ([what each is](theory/detectors.md)).",
        *_development(found),
    ]
    return "\n\n".join(blocks) + "\n"


def _development(rows: Sequence[Entry]) -> list[str]:
    title = "## Fold 0, for choosing"
    if not rows:
        return [title, "*No row yet: `make results-detectors` makes them.*"]
    first = rows[0]
    n = first["metrics"]["n"]["pooled"]
    ordered = sorted(rows, key=lambda row: float(row["metrics"]["auroc"]["pooled"]["value"]), reverse=True)
    return [
        title,
        f"Montgomery + Shenzhen, lung crop, trained on the normals of folds 1 to 4, tested on fold 0: {n['normal']} "
        f"normal and {n['abnormal']} abnormal films; seed {first['seed']}, {first['device']}, {first['date']}. AUROC "
        "with its 95 % interval. *Adjusted*: after taking out sharpness and lung area. *Site*: how well the score "
        "tells the two hospitals' normals apart (0.5 is good). Training is wall time, beside other work: an order of "
        "magnitude. Settings were tried on this fold, so the figures lean "
        "to the high side, and its few films make them uncertain. **No test fold has been opened for these recipes.**",
        table(_HEAD, map(_line, ordered)),
    ]


def _line(row: Entry) -> list[str]:
    metrics = row["metrics"]
    return [
        f"`{row['recipe'].removeprefix(ROWS)}`, {row['px']} px",
        *aurocs(row),
        figure(metrics["adjusted"]["pooled"]),
        figure(next(iter(metrics["site"].values()), None)),
        f"{row['seconds']:.0f}",
        f"{row['kept']:,}",
    ]
