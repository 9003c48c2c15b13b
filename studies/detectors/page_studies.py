"""Sections of `docs/results-detectors.md`: paired phantoms, test folds, contamination, resolution, other data sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from studies.detectors.contamination import ROWS as DIRTY
from studies.detectors.development import TWINS
from studies.detectors.generalisation import ROWS as MATRICES
from studies.detectors.generalisation import matrix
from studies.detectors.nomination import FLOOR, TESTED
from studies.detectors.preparations.comparing import AS_THEY_CAME
from studies.detectors.preparations.comparing import ROWS as WAYS
from studies.pages import budgets
from studies.pages.cells import Entry, dagger, dagger_note, pooled_auroc, signed, table, unrecorded
from studies.pages.repeated_patients import too_narrow
from studies.pages.sections import SOURCES, aurocs
from studies.pages.training_cost import ensemble_line
from unseen.evaluation.intervals import interval_text as figure

_CLASSIFIERS = {
    "linear": "logistic regression on principal components",
    "network": "the network of `anatpaste`",
}
"""Names of the classifiers that are trained with labels."""


def twins(rows: Sequence[Entry]) -> list[str]:
    """Return the same recipes on phantoms, which differ in a lesion and in nothing else."""
    title = "## Matched pairs of phantoms"
    if not rows:
        return [title, "*No row yet: `python -m studies.detectors --only twins` makes them.*"]
    kinds = list(rows[0]["metrics"]["by_kind"])
    ordered = sorted(rows, key=pooled_auroc, reverse=True)
    found = [
        [
            _on_twins(row),
            figure(row["metrics"]["auroc"]["pooled"]),
            *(figure(row["metrics"]["by_kind"][kind]) for kind in kinds),
        ]
        for row in ordered
    ]
    places = [
        [
            _on_twins(row),
            *(figure(row["metrics"]["localisation"][kind]["average_precision"]) for kind in ("pooled", *kinds)),
            figure(row["metrics"]["localisation"]["pooled"]["hit_rate"]),
        ]
        for row in ordered
    ]
    strips = [[_strip("lung-crops", "The lung crops of ten simulated films, eight of them with a lesion.")]]
    for row in ordered:
        name = row["recipe"].removeprefix(TWINS)
        strips.append([f"`{name}`<br>{_strip(name, f'The ten maps of {name}.')}"])
    chance = rows[0]["metrics"]["localisation"]
    return [
        title,
        f"The same recipes, trained on phantom normals: {rows[0]['pairs']} pairs of images that differ in a lesion "
        "only. AUROC of all lesion types together and of each separately:",
        table(["Recipe", "all", *kinds], found),
        "Localisation by the anomaly map: pixel average precision (chance: "
        + ", ".join(f"{kind} {chance[kind]['chance']:.2f}" for kind in ("pooled", *kinds))
        + "), and how often its highest point lies in the lesion:",
        table(["Recipe", "all", *kinds, "highest point"], places),
        *dagger_note(rows),
        "Anomaly maps of the same ten phantoms, best recipe first; the first row shows the lung crops with their "
        "lesions outlined (drawn by `-m studies.figures.detectors_on_phantoms`):",
        table(["Recipe: two normal images; each lesion type, moderate and obvious"], strips),
    ]


def _strip(name: str, words: str) -> str:
    return f"![{words}](images/detectors/phantoms/{name}.png)"


def _on_twins(row: Entry) -> str:
    """Return the row's name, and the number of unlabelled phantoms that it learnt from in addition to normals."""
    given = int(row["facts"].get("unlabelled_films", 0))
    return budgets.named(row, row["recipe"].removeprefix(TWINS)) + (
        f", and {given} unlabelled phantoms" if given else ""
    )


def tested(rows: Sequence[Entry], claimed: Sequence[str]) -> list[str]:
    """Return every recipe for which folds 1 to 4 were opened; of those in `claimed`, each source by itself."""
    title = "## The test folds"
    if not rows:
        return [
            title,
            "*Not opened: `python -m studies.detectors --only nominated` opens them for the nominated.*",
        ]
    n = rows[0]["metrics"]["n"]["pooled"]
    ordered = sorted(rows, key=pooled_auroc, reverse=True)
    head = [
        "Recipe", *SOURCES, "site", f"minus `{FLOOR}`", "minus the best shortcut", "training, s per fold",
        "steps and width",
    ]  # fmt: skip
    blocks = [
        title,
        f"Cross-fitted over folds 1 to 4: {n['normal']} normal and {n['abnormal']} abnormal films; seed "
        f"{rows[0]['seed']}, {rows[0]['device']}, {max(row['date'] for row in rows)}. Differences by DeLong, paired, "
        "of all films together. The shortcut is the best single statistic on the test films, chosen after the fact, "
        "which favours the shortcut.",
        table(head, map(_tested, ordered)),
        *dagger_note(rows),
    ]
    for row in ordered:
        if _name(row) not in claimed:
            continue
        above = row["above"]
        lines = [
            [
                source,
                figure(row["metrics"]["auroc"][source]),
                figure(above["floor"][source], sign=True),
                f"{words(above['shortcut'][source])}, {above['shortcut'][source]['strength']:.2f}",
                figure(above["shortcut"][source], sign=True),
            ]
            for source in SOURCES
        ]
        blocks += [
            f"`{_name(row)}` by source:",
            table(["Films", "AUROC", f"minus `{FLOOR}`", "best shortcut", "minus it"], lines),
        ]
    return blocks


def _name(row: Entry) -> str:
    return str(row["recipe"]).removeprefix(TESTED)


def _tested(row: Entry) -> list[str]:
    metrics, above = row["metrics"], row["above"]
    return [
        f"`{_name(row)}`{dagger(row)}, {row['px']} px"
        + (f", and {unlabelled(row)} unlabelled films or more" if unlabelled(row) else ""),
        *aurocs(row),
        figure(next(iter(metrics["site"].values()), None)),
        figure(above["floor"]["pooled"], sign=True),
        figure(above["shortcut"]["pooled"], sign=True),
        f"{row['seconds'] / max(1, len(row['folds'])):.0f}",
        budgets.spent(row),
    ]


def unlabelled(row: Entry) -> int:
    """Return the least number of unlabelled films that a fold of the row learnt from; 0: normals alone."""
    return min(int(fold["facts"].get("unlabelled_films", 0)) for fold in row["folds"].values())


def with_labels(rows: Sequence[Entry]) -> list[str]:
    """Return the supervised reference."""
    title = "## Supervised reference"
    if not rows:
        return [title, "*No row yet: `python -m studies.detectors --only labelled` makes them.*"]
    first = rows[0]
    learnt = [f"{sum(films.values())}" for films in first["learnt"]]
    lines = [
        [
            f"{_CLASSIFIERS[row['kind']]}, as `{row['sees']}` sees them, {row['px']} px",
            *aurocs(row),
            figure(next(iter(row["metrics"]["site"].values()), None)),
            figure(row["above"]["floor"]["pooled"], sign=True),
            figure(row["above"]["shortcut"]["pooled"], sign=True),
        ]
        for row in rows
    ]
    head = ["Classifier", *SOURCES, "site", f"minus `{FLOOR}`, same pixels", "minus the best shortcut"]
    return [
        title,
        "A reference, not a detector: how well a supervised classifier separates these films, from the lung crops at "
        f"the size of `{FLOOR}`. It is a limit of these pixels and classifiers, not of the films: a head on [frozen "
        "features](#adaptation-with-labelled-films-of-the-site) has more. Trained on the normal and abnormal films of "
        f"the other folds ({', '.join(learnt)} of them), tested on folds {first['folds'][0]} to {first['folds'][-1]}; "
        f"seed {first['seed']}, {max(row['date'] for row in rows)}.",
        table(head, lines),
    ]


def finer(rows: Sequence[Entry]) -> list[str]:
    """Return the gain from twice the size."""
    title = "## Higher resolution"
    if not rows:
        return [title, "*No row yet: `python -m studies.detectors --only finer` makes them.*"]
    rows = sorted(rows, key=lambda row: "kind" in row)  # what is given labels last
    first = rows[0]
    own, twice = first["px"]
    lines = [
        [
            f"{_CLASSIFIERS[row['kind']]}, with labels" if "kind" in row else f"`{row['sees']}`",
            figure(row["before"]["auroc"]["pooled"]),
            *aurocs(row),
            figure(row["above"]["itself"]["pooled"], sign=True),
            figure(row["above"]["shortcut"]["pooled"], sign=True),
            " and ".join(f"{seconds:.0f}" for seconds in row["seconds"]) if "seconds" in row else "–",
        ]
        for row in rows
    ]
    head = [
        "Recipe",
        f"pooled at {own} px",
        *SOURCES,
        f"minus {own} px",
        "minus the best shortcut",
        "training, s",
    ]
    return [
        title,
        f"The same recipes at {twice} px instead of {own}; trained for the same number of steps, tested "
        f"on folds {first['folds'][0]} to {first['folds'][-1]}, with no selection by the result; seed {first['seed']}, "
        f"{max(row['date'] for row in rows)}. Both sizes were trained again for this study, so the figures at {own} px "
        f"differ a little from the tables above. *Minus {own} px*: by DeLong, paired, of all films together. "
        f"*Training*: wall time at either size, under other load.{unrecorded(rows)}",
        table(head, lines),
    ]


def elsewhere(rows: Sequence[Entry], every: Mapping[str, Entry]) -> list[str]:
    """Return the nominated and the best single one, learning from other sets, beside what labels would give there."""
    title = "## Other data sets"
    if not rows:
        return [title, "*No row yet: `python -m studies.detectors --only elsewhere` makes them.*"]
    head = ["Recipe", "set", "films", "AUROC", "similar films", "best shortcut", "minus it"]
    lines = [
        [
            f"{_CLASSIFIERS[row['kind']]}, with labels" if "kind" in row else f"`{row['recipe'].rpartition('/')[2]}`",
            _column(cell["seen"], cell["matched"]),
            f"{cell['n']['normal']} + {cell['n']['abnormal']}",
            figure(cell["auroc"]),
            figure(cell["like_pairs"]["all statistics"]) if "like_pairs" in cell else "–",
            _shortcut(cell),
            figure(cell["shortcut"], sign=True),
        ]
        for row in rows
        for cell in row["cells"]
    ]
    sets = {cell["seen"]: int(cell["n"]["normal"]) for row in rows for cell in row["cells"]}
    known = {(str(row["recipe"]).rpartition("/")[2], cell["seen"]) for row in rows for cell in row["cells"]}
    of_nih = [row for row in rows if any(cell["seen"] == "nih_cxr8" for cell in row["cells"])]
    for name, normals in sets.items():
        if ("ensemble-five", name) not in known:
            how = "with the lung finder of its model (`python -m studies.detectors --only elsewhere-five`)"
            for words, cost, *rest in ensemble_line(every, len(rows[0]["folds"]) * normals, len(head) - 1, how=how):
                lines.append([words, _column(name, False), cost, *rest])
    return [
        title,
        f"The recipes unchanged{_other_size(rows)}: trained on the normals of the set, cross-fitted over folds "
        f"{rows[0]['folds'][0]} to {rows[0]['folds'][-1]} (dealt by patient), tested on its normal + abnormal films; "
        f"seed {rows[0]['seed']}, {rows[0]['device']}, {_dates(rows)}. Lungs by the finder of the Montgomery and "
        "Shenzhen normals. *Matched*: blur-harmonised; no film is sharper than the least sharp 5 % of the training "
        "normals. Its shortcuts are measured on the same pixels; those of the file, which matching does not change, "
        "are left out. *Minus it*: by DeLong, paired. It compares with one statistic at a time, so a difference above "
        "0 does not exclude that a score follows several of them. *Similar films*: pairs of an abnormal and a normal "
        "film that are alike in all image statistics; –: not computed for this row. *With labels*: the supervised "
        "reference, which also learns from the abnormal films of the other folds."
        + (f" `nih_cxr8`: {too_narrow('nih_cxr8', *of_nih)}" if of_nih else ""),
        table(head, lines),
    ]


def _other_size(rows: Sequence[Entry]) -> str:
    """Name a recipe that has fewer components than its namesake, because a fold of its set has too few films."""
    names = sorted({str(row["recipe"]).rpartition("/")[2] for row in rows if "kind" not in row})
    changed = [name for name in names if name.rpartition("-")[2].isdigit()]
    told = "; ".join(f"`{name}` with {name.rpartition('-')[2]} components, for sets with few films" for name in changed)
    return f" ({told})" if told else ""


def _dates(rows: Sequence[Entry]) -> str:
    """Return the date of the rows, or the first and the last."""
    dates = sorted({str(row["date"]) for row in rows})
    return " to ".join(dict.fromkeys((dates[0], dates[-1])))


def matrices(rows: Sequence[Entry]) -> list[str]:
    """Return every source learnt from, every source looked at."""
    title = "## Cross-site evaluation"
    if not rows:
        return [title, "*No row yet: `python -m studies.detectors --only generalisation` makes them.*"]
    blocks = [
        title,
        "Trained on one source's normals, tested on another's films, cross-fitted over folds "
        f"{rows[0]['folds'][0]} to {rows[0]['folds'][-1]}, so that the diagonal is as unseen as the rest; seed "
        f"{rows[0]['seed']}, {rows[0]['device']}, {rows[0]['date']}. Lungs by the finder of the Montgomery and "
        "Shenzhen normals. *Matched*: blur-harmonised; no tested film is sharper than the least sharp 5 % of their "
        "normals. *Shortcut*: the best label-free statistic of the films in that column; where they are matched, of "
        "pixels and lungs alone.",
    ]
    for row in rows:
        cells = matrix(row)
        learnt = list(dict.fromkeys(key[0] for key in cells))
        seen = list(dict.fromkeys(key[1:] for key in cells))
        head = [f"`{row['recipe'].removeprefix(MATRICES)}`, learnt from", *(_column(*key) for key in seen)]
        lines = [[one, *(_cell(cells[one, *key]) for key in seen)] for one in learnt]
        lines.append(["*shortcut*", *(_shortcut(cells[learnt[0], *key]) for key in seen)])
        above = [
            f"{one}, minus the shortcut: "
            + "; ".join(f"{_column(*key)} {figure(cells[one, *key]['shortcut'], sign=True)}" for key in seen)
            for one in learnt
        ]
        blocks += [table(head, lines), "\n".join(f"- {said}" for said in above)]
    return blocks


def _column(source: str, matched: bool) -> str:
    return f"{source}, matched" if matched else source


def _cell(cell: Entry) -> str:
    return figure(cell["auroc"])


def _shortcut(cell: Entry) -> str:
    return f"{words(cell['shortcut'])}, {cell['shortcut']['strength']:.2f}"


def dirty(rows: Sequence[Entry]) -> list[str]:
    """Return the section on the effect of hidden abnormal films in the training set."""
    title = "## Contaminated training set"
    if not rows:
        return [title, "*No row yet: `make results-detectors` makes them.*"]
    first = rows[0]
    head = ["Recipe", "hidden", "AUROC", "change", "hidden abnormals found", "AUROC of the ranking"]
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
        f"Abnormal films of folds 1 to 4 were added without a label to the {first['training_normals']} training "
        f"normals; tested on fold 0, mean over {len(first['seeds'])} draws of the hidden abnormals; "
        f"{first['device']}, {first['date']}. *Change* is paired, against clean normals. *Found*: with h hidden "
        "abnormals, their share among the top h films of `unseen suspects` (by chance: their share of all films). "
        "*AUROC of the ranking*: hidden abnormals against normals.",
        table(head, lines),
    ]


def ways(rows: Sequence[Entry]) -> list[str]:
    """Return the section on the preparation of films before a detector uses them."""
    title = "## Preparations against shortcuts, and alignment"
    if not rows:
        return [title, "*No row yet: `make results-detectors` makes them.*"]
    head = ["Recipe", "films", "AUROC", "change", "site", "best shortcut", "sharpness"]
    blocks = [
        title,
        "Each film is prepared before a detector learns from it or looks at it; lungs are found on the film as it "
        "came. *Resolution matched*: blurred until it is no sharper than the least sharp 5 % of the normals (where "
        "abnormal films are the blurred ones, that shortcut stays). *Border removed*: a tenth of each side, but no "
        "lung. *Local contrast*: brightness and contrast of each neighbourhood divided out. *Aligned*: turned, moved "
        "and scaled so that the lungs lie as a template's do (`align = true` of the [view](theory/views.md)). "
        "*Padded*: the box of the lungs keeps its proportions. *Change* is paired, against the films as they came. The "
        "shortcuts are measured on the films as the detector is given them; alignment is the detector's own, so there "
        "they are those of the films as they came. *Best shortcut*: the single label-free statistic of image or lungs "
        "that comes furthest from 0.5, as a strength (the file's bytes and size, which no preparation changes, are "
        "left out); *sharpness*: mean |Laplacian| by itself, below 0.5 where normals are sharper.",
    ]
    for place in sorted({_place(row) for row in rows}, key=lambda place: (place != "ms_cxr", place)):
        here = [row for row in rows if _place(row) == place]
        n = here[0]["ways"][0]["n"]
        blocks += [
            f"### `{place}`",
            f"Trained on {here[0]['training_normals']} normals of folds 1 to 4, tested on fold 0: {n['normal']} normal "
            f"and {n['abnormal']} abnormal films; seed {here[0]['seed']}, {here[0]['device']}, {here[0]['date']}.",
            table(head, [_way(row, way) for row in here for way in row["ways"]]),
        ]
    return [*blocks, "### Summary", "\n".join(f"- {said}" for said in _in_short(rows))]


def _in_short(rows: Sequence[Entry]) -> list[str]:
    """Return the median change that each preparation makes, over all detectors and sets, on lung crops.

    Each sentence has the change of the detector's AUROC and that of the best shortcut's strength.
    """
    said = []
    for name in dict.fromkeys(way["way"] for row in rows for way in row["ways"] if way["change"]):
        pairs = [
            (row["ways"][0], way)
            for row in rows
            for way in row["ways"]
            if way["way"] == name and row["frame"] == "lungs"
        ]
        changes = [way["change"] for _, way in pairs]
        strengths = [way["shortcut"]["value"] - came["shortcut"]["value"] for came, way in pairs]
        up, down = sum(one["low"] > 0 for one in changes), sum(one["high"] < 0 for one in changes)
        detector, shortcut = (signed(median(values)) for values in ([one["value"] for one in changes], strengths))
        said.append(
            f"*{name}*: on lung crops the detectors change by {detector} (median of {len(pairs)}; significantly up in "
            f"{up}, significantly down in {down}), the best shortcut by {shortcut}"
        )
    return said


def words(shortcut: Entry) -> str:
    """Return the name of a statistic for a table's cell."""
    return str(shortcut["words"]).replace("|", "\\|")


def _place(row: Entry) -> str:
    return str(row["recipe"]).removeprefix(WAYS).partition("/")[0]


def _way(row: Entry, way: Entry) -> list[str]:
    return [
        f"`{row['recipe'].rpartition('/')[2]}`",
        way["way"],
        figure(way["auroc"]["pooled"]),
        "–" if way["way"] == AS_THEY_CAME else figure(way["change"], sign=True),
        figure(next(iter(way["site"].values()), None)),
        f"{words(way['shortcut'])}, {figure(way['shortcut'])}",
        figure(way["sharpness"]),
    ]
