"""`docs/results-detectors.md` from rows alone: the detectors on equal terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from unseen.artifacts.limits import LIMITS
from unseen.experiments.contamination import ROWS as DIRTY
from unseen.experiments.development import ROWS, TWINS
from unseen.experiments.generalisation import ROWS as MATRICES
from unseen.experiments.nomination import FLOOR, TESTED, Candidate, candidates, nominated, openings
from unseen.experiments.pages.cells import Entry, figure, table
from unseen.experiments.pages.detectors_studies import dirty, matrices, tested, twins, ways
from unseen.experiments.pages.sections import SOURCES, aurocs
from unseen.experiments.preparations.comparing import ROWS as WAYS

_HEAD = ["Recipe", *SOURCES, "adjusted", "site", "above the best shortcut", "training, s", "ms a film", "numbers kept"]


def detectors_page(rows: Mapping[str, Entry]) -> str:
    """The whole page as Markdown; what has no row yet is said to have none."""

    def of(prefix: str) -> list[Entry]:
        return [row for name, row in rows.items() if name.startswith(prefix)]

    blocks = [
        "# Detectors on equal terms",
        f"*Rendered by `make results-detectors` from `results/detectors/`; every figure is in there. {LIMITS}*",
        "The same films, lungs, grid and audit for every method ([what each is](theory/detectors.md)).",
        *_development(of(ROWS)),
        *twins(of(TWINS)),
        *_nomination(rows),
        *tested(of(TESTED)),
        *dirty(of(DIRTY)),
        *ways(of(WAYS)),
        *matrices(of(MATRICES)),
    ]
    return "\n\n".join(blocks) + "\n"


def _development(rows: Sequence[Entry]) -> list[str]:
    title = "## Fold 0, for choosing"
    if not rows:
        return [title, "*No row yet: `make results-detectors` makes them.*"]
    first = rows[0]
    n = first["metrics"]["n"]["pooled"]
    strongest = first["above_shortcut"]["pooled"]
    ordered = sorted(rows, key=lambda row: float(row["metrics"]["auroc"]["pooled"]["value"]), reverse=True)
    return [
        title,
        f"Montgomery + Shenzhen, lung crop, trained on the normals of folds 1 to 4, tested on fold 0: {n['normal']} "
        f"normal and {n['abnormal']} abnormal films; seed {first['seed']}, {first['device']}, {first['date']}. AUROC "
        "with its 95 % interval. *Adjusted*: after taking out sharpness and lung area. *Site*: how well the score "
        "tells the two hospitals' normals apart (0.5 is good). *Above the best shortcut*: the AUROC less that of the "
        f"best label-free statistic of these films ({strongest['words']}, {strongest['strength']:.2f}), by DeLong, "
        "paired. Training, and a film's score with lungs and map, are wall time of one thread, beside other work: an "
        "order of magnitude. Settings were tried on this fold, so the figures lean to the high side, and its few films "
        "make them uncertain.",
        table(_HEAD, map(_line, ordered)),
    ]


def _nomination(rows: Mapping[str, Entry]) -> list[str]:
    listed = candidates(rows)
    if not listed:
        return []
    chosen, quick, opened = nominated(rows), nominated(rows, single=True), openings(rows)
    lines = [[f"`{one.name}`", f"{one.index:.3f}", "; ".join(one.against) or "–"] for one in listed]
    return [
        "## Which is worth the test folds",
        "The rule, written before any test fold was opened for these recipes "
        "(`src/unseen/experiments/nomination.py`): the highest index, ½ (pooled + adjusted) on fold 0, of those that "
        f"are nowhere below `{FLOOR}` there and that tell phantom twins, of which nothing but the lesion differs, "
        "better than chance.",
        table(["Recipe", "index", "what speaks against it"], lines),
        f"**Nominated: {_named(chosen)}; of single methods: {_named(quick)}.** Folds 1 to 4 have been opened for "
        f"{len(opened)} of these recipes{': ' + ', '.join(f'`{name}`' for name in opened) if opened else ''}.",
    ]


def _named(one: Candidate | None) -> str:
    return "nothing yet" if one is None else f"`{one.name}`"


def _line(row: Entry) -> list[str]:
    metrics = row["metrics"]
    return [
        f"`{row['recipe'].removeprefix(ROWS)}`, {row['px']} px",
        *aurocs(row),
        figure(metrics["adjusted"]["pooled"]),
        figure(next(iter(metrics["site"].values()), None)),
        figure(row["above_shortcut"]["pooled"], sign=True),
        f"{row['seconds']:.0f}",
        f"{row['milliseconds']:.0f}",
        f"{row['kept']:,}",
    ]
