"""`docs/results-detectors.md` from rows alone: the detectors on equal terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from unseen.artifacts.limits import LIMITS
from unseen.experiments.contamination import ROWS as DIRTY
from unseen.experiments.development import ROWS
from unseen.experiments.nomination import FLOOR, candidates, nominated, openings
from unseen.experiments.pages.cells import Entry, figure, table
from unseen.experiments.pages.sections import SOURCES, aurocs

_HEAD = ["Recipe", *SOURCES, "adjusted", "site", "training, s", "numbers kept"]


def detectors_page(rows: Mapping[str, Entry]) -> str:
    """The whole page as Markdown; what has no row yet is said to have none."""
    found = [row for name, row in rows.items() if name.startswith(ROWS)]
    dirty = [row for name, row in rows.items() if name.startswith(DIRTY)]
    blocks = [
        "# Detectors on equal terms",
        f"*Rendered by `make results-detectors` from `results/detectors/`; every figure is in there. {LIMITS}*",
        "The same films, lungs, grid and audit for every method ([what each is](theory/detectors.md)).",
        *_development(found),
        *_nomination(rows),
        *_dirty(dirty),
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
        "to the high side, and its few films make them uncertain.",
        table(_HEAD, map(_line, ordered)),
    ]


def _nomination(rows: Mapping[str, Entry]) -> list[str]:
    listed = candidates(rows)
    if not listed:
        return []
    chosen, opened = nominated(rows), openings(rows)
    lines = [[f"`{one.name}`", f"{one.index:.3f}", "; ".join(one.against) or "–"] for one in listed]
    return [
        "## Which is worth the test folds",
        "The rule, written before any test fold was opened for these recipes "
        "(`src/unseen/experiments/nomination.py`): the highest index, ½ (pooled + adjusted) on fold 0, of those that "
        f"are nowhere below `{FLOOR}` there and that tell phantom twins, of which nothing but the lesion differs, "
        "better than chance.",
        table(["Recipe", "index", "what speaks against it"], lines),
        f"**Nominated: {'nothing yet' if chosen is None else f'`{chosen.name}`'}.** Folds 1 to 4 have been opened for "
        f"{len(opened)} of these recipes{': ' + ', '.join(f'`{name}`' for name in opened) if opened else ''}.",
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


def _dirty(rows: Sequence[Entry]) -> list[str]:
    title = "## Dirty normals"
    if not rows:
        return [title, "*No row yet: `make results-detectors` makes them.*"]
    first = rows[0]
    head = ["Recipe", "hidden", "AUROC", "change", "hidden films found", "AUROC of the list"]
    lines = [
        [
            f"`{row['recipe'].removeprefix(DIRTY)}`",
            f"{entry['hidden']} ({entry['share']:.0%})",
            figure(entry["auroc"]),
            figure(entry["difference"], sign=True) if entry["share"] else "–",
            "–" if entry["found"] is None else f"{entry['found']:.0%}",
            "–" if entry["suspects_auroc"] is None else f"{entry['suspects_auroc']:.2f}",
        ]
        for row in rows
        for entry in row["shares"]
    ]
    return [
        title,
        f"Abnormal films of folds 1 to 4, their labels taken away, put among the {first['training_normals']} normals "
        f"to learn from; tested on fold 0, mean over {len(first['seeds'])} draws of which films are hidden. *Change* "
        "is paired, against clean normals. *Found*: of the films at the top of `unseen suspects`' list, as many as are "
        "hidden, so many are hidden ones (by chance: their share of all). *AUROC of the list*: hidden films against "
        "normals.",
        table(head, lines),
    ]
