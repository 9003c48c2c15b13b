"""Sections and cells on laterality and like pairs, from the rows of `studies.laterality` and `studies.withdrawn`."""

from __future__ import annotations

from collections.abc import Mapping

from studies.pages import budgets
from studies.pages.cells import Entry, number_range, table
from unseen.evaluation.intervals import interval_text as figure
from unseen.evaluation.lung_sides import LUNG_SHORTCUTS

ROWS = "laterality/"
WITHDRAWN = "withdrawn/adjusted-0"
HEAD = ("similar films", "which lung")


def sided_rows(rows: Mapping[str, Entry]) -> list[Entry]:
    """Return the rows of `studies.laterality`, the highest laterality first."""
    found = [row for name, row in rows.items() if name.startswith(ROWS)]
    return sorted(found, key=lambda row: -float(row["laterality"]["value"]))


def _model(row: Entry) -> str:
    return str(row["recipe"]).removeprefix(ROWS)


def cells(rows: Mapping[str, Entry], recipe: str) -> list[str]:
    """Return the cells under `HEAD` of a recipe; dashes for one without a row.

    >>> cells({}, "shipped/pca")
    ['–', '–']
    """
    row = rows.get(f"{ROWS}{recipe.removeprefix('shipped/')}-0") if recipe.startswith("shipped/") else None
    if row is None:
        return ["–", "–"]
    return [figure(row["like_pairs"]["all"]), figure(row["laterality"])]


def claim(rows: Mapping[str, Entry]) -> str:
    """Return the sentence on detection of disease that these rows support; "" without rows."""
    some = sided_rows(rows)
    if not some:
        return ""
    best = some[0]
    side = best["laterality"]
    name = _model(best)
    above = [f"`models/{_model(row)}`" for row in some if row["laterality"]["above_shortcuts"]]
    if above:
        return f"Significantly above each per-lung statistic on the question which lung is ill: {', '.join(above)}."
    shortcut = side["best_shortcut"]
    gans = budgets.of_gans(one for row in some if (one := rows.get(f"shipped/{_model(row)}-0")) is not None)
    return (
        f"On the question which lung is ill, `models/{name}` has {figure(side)}, {_words(shortcut)} alone "
        f"{figure(side['shortcuts'][shortcut])} (difference {figure(side['differences'][shortcut], sign=True)}): no "
        f"model is significantly above all three per-lung statistics{f' ({gans})' if gans else ''}, so detection of "
        "disease is not claimed."
    )


def laterality_section(rows: Mapping[str, Entry]) -> list[str]:
    """Return the section of the results page; empty without rows."""
    some = sided_rows(rows)
    if not some:
        return []
    first = some[0]["laterality"]
    names = list(first["shortcuts"])
    films = first["right"] + first["left"]
    return [
        "## Which lung is ill, and pairs of similar films",
        f"*Which lung*: {films} abnormal Shenzhen films of folds 1 to 4 whose reading names one side ({first['right']} "
        "right). The figure is the AUROC of the side by the mass of the anomaly map in both lungs (drawn masks). A "
        "statistic of the whole film has no side, so 0.5 is expected of it. Statistics of each lung have one; the "
        "lines below the models show them, and the last columns the paired differences. Detection of disease is "
        "claimed only where all three differences have intervals above 0. "
        f"`python -m studies.laterality`, {max(str(row['date']) for row in some)}.",
        table(
            ["Model", "which lung", *(f"minus {_words(name)}" for name in names)],
            [
                *(
                    [
                        f"`models/{_model(row)}`",
                        figure(row["laterality"]),
                        *(figure(row["laterality"]["differences"][name], sign=True) for name in names),
                    ]
                    for row in some
                ),
                *(
                    [
                        f"*{_words(name)} of each lung*",
                        figure(first["shortcuts"][name]),
                        *["–"] * len(names),
                    ]
                    for name in names
                ),
            ],
        ),
        claim(rows),
        "*Pairs of similar films*: the share of pairs of an abnormal and a normal film of one hospital in which the "
        "abnormal film scores higher. The films of a pair are alike in one statistic, or in the propensity of all of "
        f"them. {some[0]['n']['abnormal']} abnormal films of folds 1 to 4 and {some[0]['n']['normal']} normal films of "
        "fold 4, which no model was trained on. The statistic itself has 0.5 on its pairs; pairs alike in one "
        "statistic are not alike in the others.",
        table(
            ["Model", "AUROC, all pairs", "alike in sharpness", "in lung area", "in file bytes", "in all statistics"],
            (
                [
                    f"`models/{_model(row)}`",
                    figure(row["auroc"]["pooled"]),
                    *(figure(row["like_pairs"][name]) for name in ("sharpness", "lung_area", "bytes_per_pixel", "all")),
                ]
                for row in some
            ),
        ),
        _balance(some),
    ]


def _range(entries: list[Entry], name: str) -> str:
    return number_range([int(entry[name]) for entry in entries])


def _words(name: str) -> str:
    """A statistic of a lung in a table's cell."""
    return LUNG_SHORTCUTS[name].replace("|", "\\|")


def _balance(some: list[Entry]) -> str:
    """What the statistics have as scores on the pairs alike in all."""
    lines = [
        (_model(row), name, entry)
        for row in some
        for name, entry in row["balance"].items()
        if entry.get("value") is not None
    ]
    out = [f"{name} of `models/{model}`: {figure(entry)}" for model, name, entry in lines
           if not entry["low"] <= 0.5 <= entry["high"]]  # fmt: skip
    if not lines:
        return ""
    values = [float(entry["value"]) for _, _, entry in lines]
    alike = [row["like_pairs"]["all"] for row in some]
    return (
        f"On the pairs alike in all statistics ({_range(alike, 'pairs')} pairs of {_range(alike, 'normals')} normal "
        "films; the propensity is fitted on the same films), each statistic used as the score has "
        f"{min(values):.2f} to {max(values):.2f}; "
        + ("every interval includes 0.5." if not out else f"intervals without 0.5: {'; '.join(out)}.")
    )
