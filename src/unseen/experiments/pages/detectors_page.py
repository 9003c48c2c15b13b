"""`docs/results-detectors.md` from rows alone: the detectors on equal terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from unseen.artifacts.limits import LIMITS
from unseen.experiments.contamination import ROWS as DIRTY
from unseen.experiments.development import ROWS
from unseen.experiments.nomination import FLOOR, candidates, nominated, openings
from unseen.experiments.pages.cells import Entry, figure, table
from unseen.experiments.pages.sections import SOURCES, aurocs
from unseen.experiments.preparations.comparing import AS_THEY_CAME
from unseen.experiments.preparations.comparing import ROWS as WAYS

_HEAD = ["Recipe", *SOURCES, "adjusted", "site", "training, s", "numbers kept"]


def detectors_page(rows: Mapping[str, Entry]) -> str:
    """The whole page as Markdown; what has no row yet is said to have none."""
    found = [row for name, row in rows.items() if name.startswith(ROWS)]
    dirty = [row for name, row in rows.items() if name.startswith(DIRTY)]
    prepared = [row for name, row in rows.items() if name.startswith(WAYS)]
    blocks = [
        "# Detectors on equal terms",
        f"*Rendered by `make results-detectors` from `results/detectors/`; every figure is in there. {LIMITS}*",
        "The same films, lungs, grid and audit for every method ([what each is](theory/detectors.md)).",
        *_development(found),
        *_nomination(rows),
        *_dirty(dirty),
        *_ways(prepared),
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


def _ways(rows: Sequence[Entry]) -> list[str]:
    title = "## Against shortcuts, and alignment"
    if not rows:
        return [title, "*No row yet: `make results-detectors` makes them.*"]
    head = ["Recipe", "films", "AUROC", "change", "adjusted", "site", "best shortcut", "sharpness"]
    blocks = [
        title,
        "Each film is prepared before a detector learns from it or looks at it; lungs are found on the film as it "
        "came. *Resolution matched*: blurred until it is as sharp as the least sharp 5 % of the normals. *Border "
        "removed*: a tenth of each side, but no lung. *Local contrast*: brightness and contrast of each neighbourhood "
        "divided out. *Aligned*: turned, moved and scaled so that the lungs lie as a template's do (`align = true` of "
        "the [view](theory/views.md)). *Padded*: the box of the lungs keeps its proportions. *Change* is paired, "
        "against the films as they came. The shortcuts, and what is adjusted for, are measured on the films as the "
        "detector is given them; alignment is the detector's own, so there they are those of the films as they came. "
        "*Best shortcut*: the single label-free statistic that comes furthest from 0.5, as a strength; *sharpness*: "
        "mean |Laplacian| by itself, below 0.5 where normals are sharper.",
    ]
    for place in sorted({_place(row) for row in rows}, key=lambda place: (place != "ms_cxr", place)):
        here = [row for row in rows if _place(row) == place]
        n = here[0]["ways"][0]["n"]
        blocks += [
            f"### `{place}`",
            f"Trained on {here[0]['training_normals']} normals of folds 1 to 4, tested on fold 0: {n['normal']} normal "
            f"and {n['abnormal']} abnormal films; seed {here[0]['seed']}, {here[0]['device']}.",
            table(head, [_way(row, way) for row in here for way in row["ways"]]),
        ]
    return blocks


def _place(row: Entry) -> str:
    return str(row["recipe"]).removeprefix(WAYS).partition("/")[0]


def _way(row: Entry, way: Entry) -> list[str]:
    return [
        f"`{row['recipe'].rpartition('/')[2]}`",
        way["way"],
        figure(way["auroc"]["pooled"]),
        "–" if way["way"] == AS_THEY_CAME else figure(way["change"], sign=True),
        figure(way["adjusted"]),
        figure(next(iter(way["site"].values()), None)),
        f"{way['shortcut']['words']}, {figure(way['shortcut'])}",
        figure(way["sharpness"]),
    ]
