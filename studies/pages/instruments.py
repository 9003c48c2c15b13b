"""Sections and cells on laterality, like pairs and the nomination by both, from the rows of `studies.laterality`,
`studies.nominate` and `studies.withdrawn_adjustment`."""

from __future__ import annotations

from collections.abc import Mapping

from scipy.stats import spearmanr

from studies.evidence.screen import best_first
from studies.pages import budgets
from studies.pages.cells import Entry, dagger, dagger_note, number_range, signed, table, unrecorded
from unseen.evaluation.intervals import interval_text as figure
from unseen.evaluation.lung_sides import LUNG_SHORTCUTS

ROWS = "laterality/"
NOMINATE = "nominate/"
FOLD_0, TESTED = "fold-0", "folds-1-4"
WITHDRAWN = "withdrawn/adjusted-0"
HEAD = ("similar films", "which lung")


def sided_rows(rows: Mapping[str, Entry]) -> list[Entry]:
    """Return the rows of `studies.laterality`, the highest laterality first."""
    found = [row for name, row in rows.items() if name.startswith(ROWS)]
    return sorted(found, key=lambda row: -float(row["laterality"]["value"]))


def _model(row: Entry) -> str:
    return str(row["recipe"]).removeprefix(ROWS)


def _marked(rows: Mapping[str, Entry], row: Entry) -> str:
    """Return a model's name, with a GAN's training."""
    name = f"models/{_model(row)}"
    return budgets.named(_shipped(rows, name), name)


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
    gans = budgets.of_networks(one for row in some if (one := rows.get(f"shipped/{_model(row)}-0")) is not None)
    return (
        f"On the question which lung is ill, `models/{name}` has {figure(side)}, {_words(shortcut)} alone "
        f"{figure(side['shortcuts'][shortcut])} (difference {figure(side['differences'][shortcut], sign=True)}): no "
        f"model is significantly above all three per-lung statistics{f' ({gans})' if gans else ''}, so detection of "
        "disease is not claimed."
    )


def both_figures(rows: Mapping[str, Entry]) -> list[tuple[str, Entry, Entry, Entry, int]]:
    """Return all recipes with both figures on films that chose nothing, the highest mean of both first.

    Returns:
        Name of the model or recipe, which lung, similar films, pooled AUROC, and number of trainings.
    """
    found = [(f"models/{_model(row)}", row["laterality"], row["like_pairs"]["all"], row["auroc"]["pooled"], 1)
             for row in sided_rows(rows)]  # fmt: skip
    for name, row in rows.items():
        if name.startswith(NOMINATE) and TESTED in row:
            one = row[TESTED]
            found.append((str(row["recipe"]).removeprefix(NOMINATE), one["laterality"], one["like_pairs"]["all"],
                          one["auroc"]["pooled"], len(one["seeds"])))  # fmt: skip
    return sorted(found, key=lambda one: -(float(one[1]["value"]) + float(one[2]["value"])))


def nomination_section(rows: Mapping[str, Entry], slow: Mapping[str, float]) -> list[str]:
    """Return the section on nomination by both instruments; empty without rows.

    Args:
        rows: all rows.
        slow: seconds of training of recipes that may lack a row, by name.
    """
    some = [row for name, row in rows.items() if name.startswith(NOMINATE)]
    chosen = sorted(
        (row for row in some if FOLD_0 in row), key=lambda row: (bool(_given(row)), -float(row[FOLD_0]["index"]))
    )  # a recipe whose finder has seen films of fold 0 comes last: it cannot be nominated
    if not chosen:
        return []
    first = chosen[0][FOLD_0]
    n = first["n"]
    tested = [row for row in some if TESTED in row]
    blocks = [
        "## Nomination by both instruments",
        "Index: mean of *which lung* and of *similar films* (alike in all statistics), on fold 0. Trained on the "
        f"normal films of folds 1 to 4. Films: {n['normal']} normal films of fold 0, {n['synthetic']} copies of them "
        "with a synthetic lesion in one lung (an opacity, or three nodules), and the "
        f"{n['real']} abnormal films whose reading names one side. The rule was committed before any figure was "
        "computed (`studies/nominate.py`). Synthetic lesions and the films that they are drawn into are not "
        "independent, so the intervals are too narrow. `python -m studies.nominate --part fold-0`, "
        f"{max(str(row[FOLD_0]['date']) for row in chosen)}.{unrecorded(chosen)}",
        table(
            ["Recipe", "index", "which lung", "synthetic", "real", "similar films", "training, core-s"],
            best_first(
                (
                    [
                        f"`{_recipe(row)}`{_given(row)}{budgets.beside(_training(rows, _recipe(row)))}",
                        f"{row[FOLD_0]['index']:.3f}",
                        *(figure(row[FOLD_0][name]) for name in _COLUMNS),
                        figure(row[FOLD_0]["like_pairs"]["all"]),
                        f"{row[FOLD_0]['cpu_seconds']:.0f}",
                    ]
                    for row in chosen
                ),
                word="nominated",
            ),
        ),
    ]
    real = max(
        (row for row in chosen if not _given(row)), key=lambda row: float(row[FOLD_0]["laterality_real"]["value"])
    )
    blocks.append(
        f"Nominated among the recipes of this table: `{_recipe(chosen[0])}`. By the {n['real']} real films alone, "
        f"`{_recipe(real)}` would be first, {figure(real[FOLD_0]['laterality_real'])}; `{_recipe(chosen[0])}` has "
        f"{figure(chosen[0][FOLD_0]['laterality_real'])} there. The models that ship have no index: they learnt from "
        "normal films of fold 0. Nothing ships by this nomination."
    )
    if any(_given(row) for row in chosen):
        blocks.append(
            "‡ With the lung finder of the model that ships, which learnt from the drawn masks of Montgomery's normal "
            "films of folds 0 to 3, some of which are tested here: it cannot be nominated. Its own finder was not "
            "trained for this fold. Training in wall-clock seconds under other load."
        )
    if tested:
        blocks += _on_test_films(rows, tested)
    measured = {_recipe(row) for row in some} | {_model(row) for row in sided_rows(rows)}
    lacking = {name: seconds for name, seconds in slow.items() if name not in measured}
    if lacking:
        hours = sum(lacking.values()) / 3600
        blocks.append(
            "Not measured by these instruments: "
            + ", ".join(f"`{name}` ({seconds:,.0f} s)" for name, seconds in sorted(lacking.items()))
            + f". In brackets: one training, from its row on fold 0; together {hours:.1f} core-hours for each seed and "
            "fold that is left out. Old rows hold no maps, so they cannot be measured without training again."
        )
    return blocks


def _on_test_films(rows: Mapping[str, Entry], tested: list[Entry]) -> list[str]:
    """Return the table of both figures on the films that chose nothing."""
    trained = {name: _training(rows, name) for name, *_ in both_figures(rows)}
    looks = {_recipe(row): row["looks"] for row in tested}
    each = {_recipe(row): row[TESTED] for row in tested}
    seeds = sorted({seed for row in tested for seed in row[TESTED]["seeds"]})
    return [
        "**On films that chose nothing.** Laterality on the "
        f"{tested[0][TESTED]['laterality']['right'] + tested[0][TESTED]['laterality']['left']} one-sided films of "
        f"folds 1 to 4; similar films: {tested[0][TESTED]['n']['abnormal']} abnormal films of folds 1 to 4 and "
        f"{tested[0][TESTED]['n']['normal']} normal films of fold 4. Trained on the normal films of folds 0 to 3. "
        "*Trainings*: seeds of lung finder and detector. *Which lung* is their mean, and its interval covers films "
        "and, where there are several, trainings; *similar films* and *AUROC* are those of seed 0. "
        "*Each*: the trainings in turn. `models/…`: the weights of the package, one training. *Looks*: how often the "
        "recipe was scored on these films by this command; nothing was chosen by them. "
        f"{_MARKED if any(dagger(row) for name, row in trained.items() if not name.startswith('models/')) else ''}"
        f"`python -m studies.nominate --part folds-1-4 --seeds {' '.join(map(str, seeds))}`, "
        f"{max(str(row[TESTED]['date']) for row in tested)}.",
        table(
            ["Recipe", "which lung", "each", "similar films", "each", "AUROC", "trainings", "looks"],
            (
                [
                    budgets.named(trained[name], name),
                    figure(side),
                    _each(each.get(name), "laterality_each"),
                    figure(alike),
                    _each(each.get(name), "like_pairs_each"),
                    figure(area),
                    str(trainings),
                    str(looks.get(name, "–")),
                ]
                for name, side, alike, area, trainings in both_figures(rows)
            ),
        ),
        *dagger_note(trained.values()),
        *_carried_over(tested),
    ]


def _carried_over(tested: list[Entry]) -> list[str]:
    """Say whether what fold 0 chose holds on the other films, and whether a recipe is above the per-lung statistics."""
    some = [row for row in tested if FOLD_0 in row and not _given(row)]
    if len(some) < 3:
        return []
    first = max(some, key=lambda row: float(row[FOLD_0]["index"]))
    found = [float(row[TESTED]["laterality"]["value"]) + float(row[TESTED]["like_pairs"]["all"]["value"])
             for row in some]  # fmt: skip
    by_index = float(spearmanr([float(row[FOLD_0]["index"]) for row in some], found).statistic)
    by_real = float(spearmanr([float(row[FOLD_0]["laterality_real"]["value"]) for row in some], found).statistic)
    place = sorted(found, reverse=True).index(found[some.index(first)]) + 1
    side = first[TESTED]["laterality"]
    above = [f"`{_recipe(row)}`" for row in tested if row[TESTED]["laterality_first"]["above_shortcuts"]]
    return [
        f"The nominated `{_recipe(first)}` has {figure(side)} and {figure(first[TESTED]['like_pairs']['all'])} here: "
        f"place {place} of {len(some)} recipes by the mean of both. Over these recipes the index of fold 0 and this "
        f"mean have a rank correlation of {signed(by_index)} (Spearman); laterality on the real films of fold 0 "
        f"alone has {signed(by_real)}. "
        + (
            f"Significantly above each per-lung statistic (seed 0): {', '.join(above)}."
            if above
            else "No recipe is significantly above all three per-lung statistics (seed 0)."
        )
    ]


_CROSS_FITTED = "detectors/folds-1-4/"
_MARKED = (
    "These rows do not record whether a training had converged: † stands where the same recipe's trainings for folds 1 "
    "to 4 had not ([table](results-detectors.md#the-test-folds)). "
)
_COLUMNS = ("laterality", "laterality_synthetic", "laterality_real")


def _recipe(row: Entry) -> str:
    return str(row["recipe"]).removeprefix(NOMINATE)


def _given(row: Entry) -> str:
    """Return the mark of a recipe that was trained with a finder that ships."""
    return "‡" if row["finder"] != "trained" else ""


def _shipped(rows: Mapping[str, Entry], name: str) -> Entry:
    """Return the row of a model that ships, for its training; empty for a recipe."""
    return rows.get(f"shipped/{name.removeprefix('models/')}-0", {}) if name.startswith("models/") else {}


def _training(rows: Mapping[str, Entry], name: str) -> Entry:
    """Return the row that records how a model or a recipe was trained; empty where none does."""
    return _shipped(rows, name) or rows.get(f"{_CROSS_FITTED}{name}-0", {})


def _each(row: Entry | None, name: str) -> str:
    return "–" if row is None else " / ".join(f"{value:.2f}" for value in row[name])


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
                        _marked(rows, row),
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
                    _marked(rows, row),
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
    """Return a statistic of a lung in a table's cell."""
    return LUNG_SHORTCUTS[name].replace("|", "\\|")


def _balance(some: list[Entry]) -> str:
    """Return a sentence on the statistics, each used as the score, on the pairs alike in all statistics."""
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
