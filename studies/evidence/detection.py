"""First screens of the detectors' pages: `results.md` and `results-detectors.md`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from studies.evidence.charts import BLUE, GREEN, GREY, ORANGE, VIOLET, ChartRow, Mark, ReferenceLine, forest
from studies.evidence.repeats import TESTED, combined, on_test_folds
from studies.evidence.screen import Answer, Screen, best_first, rendered
from studies.pages import budgets
from studies.pages.cells import Entry, dagger, dagger_note, pooled_auroc, shortcut
from studies.pages.instruments import both_figures, claim, sided_rows
from studies.zhanglab.page import zhanglab_answer
from unseen.evaluation.intervals import interval_text as figure

LABELLED, TWINS, BASELINE = "detectors/labelled/", "detectors/twins/", "pca"
SHARPNESS = "mean |Laplacian|"
"""The statistic sharpness, in the words of rows."""
CHOSEN = "ensemble-five"
"""Pretrained model that fold 0 chose, by a commit before folds 1 to 4 were opened for it (decision 26)."""
_TAUGHT = "detectors/few-labels/ensemble-features-0"
_AXIS = "AUROC, pooled, folds 1 to 4 [95 % interval]"
_BOTH = ("ms_cxr/", "shipped/")


def flagged(name: str, row: Entry) -> str:
    """A recipe's name as code, with a dagger where its training had not converged."""
    return f"`{name}`{dagger(row)}"


def supervised(rows: Mapping[str, Entry]) -> Entry | None:
    """The best classifier that is given labels, of the lung crops at 64 px."""
    found = [row for name, row in rows.items() if name.startswith(LABELLED)]
    return max(found, key=pooled_auroc, default=None)


def taught(rows: Mapping[str, Entry]) -> Entry | None:
    """The metrics of the head on frozen features that all labels of the other folds taught."""
    row = rows.get(_TAUGHT)
    return None if row is None else row["all"]


def _given_labels(rows: Mapping[str, Entry]) -> list[str]:
    """Return one sentence with the AUROCs of methods that use labels, on the same films; nothing without rows."""
    several = sum(name.startswith(LABELLED) for name in rows)
    better = f" (the best of {several} on these films)" if several > 1 else ""
    named = (
        (f"a supervised classifier of the lung crops at 64 px{better}", (supervised(rows) or {}).get("metrics")),
        ("a linear head on frozen features", taught(rows)),
    )
    said = [f"{words} reaches {figure(metrics['auroc']['pooled'])}" for words, metrics in named if metrics is not None]
    return [f"Given the labels of the other folds, {'; '.join(said)}."] if said else []


def _lines_of_labels(rows: Mapping[str, Entry], last: Sequence[str]) -> list[list[str]]:
    """The last lines of a table: `last` is the last cell of each."""
    named = (
        ("*supervised reference*", (supervised(rows) or {}).get("metrics")),
        ("*supervised: head on frozen features*", taught(rows)),
    )
    return [
        [words, figure(metrics["auroc"]["pooled"]), cell]
        for (words, metrics), cell in zip(named, last, strict=True)
        if metrics is not None
    ]


def mix_note(row: Entry) -> str:
    """Return what image statistics reach with labels on the films of `row`."""
    return (
        "A mix of simple image statistics, fitted with labels, reaches "
        f"{shortcut(row, 'pooled', 'mix')['value']:.2f} on the same films."
    )


def _mark(entry: Entry, colour: str = BLUE) -> Mark:
    return Mark(float(entry["value"]), entry.get("low"), entry.get("high"), colour)


def _rules(statistic: Entry, rows: Mapping[str, Entry], *, name: str = "sharpness") -> list[ReferenceLine]:
    rules = [ReferenceLine(float(statistic["value"]), f"{name} alone, {statistic['value']:.2f}", ORANGE)]
    if (reference := supervised(rows)) is not None:
        rules.append(
            ReferenceLine(pooled_auroc(reference), f"supervised reference, {pooled_auroc(reference):.2f}", GREEN)
        )
    if (head := taught(rows)) is not None:
        value = float(head["auroc"]["pooled"]["value"])
        rules.append(ReferenceLine(value, f"frozen features with all labels, {value:.2f}", VIOLET))
    return rules


def called(row: Entry) -> str:
    """Return the name of a row on these pages: a pretrained model's folder, or the method and size."""
    name = str(row["recipe"])
    return (
        f"models/{name.removeprefix('shipped/')}" if name.startswith("shipped/") else f"{row['method']}, {row['px']} px"
    )


def results_screen(rows: Mapping[str, Entry]) -> Screen | None:
    """The recipes of the pretrained models and the thesis's recipes, lung crop, cross-validated."""
    some = [
        row
        for name, row in rows.items()
        if name.startswith(_BOTH) and "metrics" in row and row["view"]["frame"] == "lungs"
    ]
    if not some:
        return None
    ordered = sorted(some, key=pooled_auroc, reverse=True)
    best, first = ordered[0], min(some, key=lambda row: (row["px"], str(row["recipe"]).startswith("shipped/")))
    statistic = shortcut(first, "pooled", "sharpness")
    above = [f"`{called(row)}`" for row in ordered if row["metrics"]["shortcuts"]["above_all"].get("pooled")]
    chart = forest(
        "AUROC of the pretrained models' recipes and of the thesis's recipes",
        [
            ChartRow(
                called(row) + dagger(row),
                (_mark(row["metrics"]["auroc"]["pooled"], BLUE if "models/" in called(row) else GREY),),
                row is best,
            )
            for row in ordered
        ],
        axis=_AXIS,
        span=(0.5, 0.96),
        rules=_rules(statistic, rows),
        kinds={"recipe of a pretrained model": BLUE, "recipe of the thesis": GREY},
    )
    sentences = [
        *([said] if (said := claim(rows)) else []),
        f"Of the pretrained models and the thesis's recipes, `{called(best)}` has the highest pooled AUROC, "
        f"{figure(best['metrics']['auroc']['pooled'])}.",
        f"Sharpness alone, an image statistic without training, reaches {figure(statistic)}; "
        + (f"significantly better than every single statistic on all films together: {', '.join(above)}." if above
           else f"no recipe is significantly better than every single statistic on all films together{_gans(some)}, "
           "so these AUROCs are not evidence of detecting disease."),
    ]  # fmt: skip
    sentences += _given_labels(rows)
    lines = best_first(_by_instruments(rows, ordered))
    some_sided = sided_rows(rows)
    alike = figure(some_sided[0]["balance"]["sharpness"]) if some_sided else "–"
    lines.append(["*baseline: sharpness alone*", "no side", alike, figure(statistic), "–"])
    lines += [[words, "–", "–", value, cell] for words, value, cell in _lines_of_labels(rows, ("–", "–"))]
    dates = sorted(str(row["date"]) for row in some)
    return Screen(
        page="results",
        figure=chart,
        alt=f"Forest plot of pooled AUROC with intervals, best first. The best, {called(best)}, has "
        f"{pooled_auroc(best):.2f}; the line of sharpness alone is at {statistic['value']:.2f}.",
        sentences=sentences,
        head=[
            "Model or recipe",
            "which lung",
            "similar films",
            "AUROC, folds 1 to 4 [95 %]",
            "AUROC of the pretrained weights, fold 4",
        ],
        lines=lines,
        notes=[
            *dagger_note(some),
            "Ordered by the mean of *which lung* and *similar films*, which no property of the whole film can raise "
            "([what they are](#which-lung-is-ill-and-pairs-of-similar-films)); rows without them come last, by AUROC. "
            "Both figures of `models/…` are of the weights of the package, those of the other recipes of trainings on "
            "the same films. *Best*: the highest mean of both; the order was seen on these films, so the first place "
            "is partly chance ([nomination on fold 0](#nomination-by-both-instruments)). [Detectors "
            "compared](results-detectors.md) has every recipe. *AUROC, folds 1 to 4*: the recipe, cross-validated: "
            "trained on the normals of the other folds. The weights in `models/` learnt from folds 0 to 3; their own "
            "figure is that of fold 4. " + mix_note(first) + " One training each: [spread between trainings]"
            "(results-detectors.md#one-recipe-trained-repeatedly).",
            rendered("make results", "studies/results/*.jsonl"),
        ],
        answer=Answer(
            "Do the pretrained models find abnormal films?",
            f"Best AUROC {figure(best['metrics']['auroc']['pooled'])} (`{called(best)}`); sharpness alone "
            f"{figure(statistic)}",
            "make results",
            dates[-1],
        ),
    )


def _by_instruments(rows: Mapping[str, Entry], ordered: Sequence[Entry]) -> list[list[str]]:
    """Lines of the first table: by the mean of both instruments, then those without them by pooled AUROC."""
    pretrained = {called(row): row for row in ordered}
    tested = {
        name.removeprefix(TESTED).rpartition("-")[0]: row for name, row in rows.items() if name.startswith(TESTED)
    }
    lines, done = [], set()
    for name, side, alike, *_ in both_figures(rows):
        row = pretrained.get(name) or tested.get(name) or (rows.get("shipped/pca-0") if name == BASELINE else None)
        done.add(name)
        lines.append(
            [
                budgets.named(row or {}, name),
                figure(side),
                figure(alike),
                "–" if row is None else figure(row["metrics"]["auroc"]["pooled"]),
                figure(row["fold_4"]["auroc"]["pooled"]) if name in pretrained and row and "fold_4" in row else "–",
            ]
        )
    lines += [
        [budgets.named(row, name), "–", "–", figure(row["metrics"]["auroc"]["pooled"]), "–"]
        for name, row in pretrained.items()
        if name not in done
    ]
    return lines


def _instruments(sided: Mapping[str, tuple[Entry, Entry]], name: str) -> list[str]:
    """Return the cells of both instruments of a recipe, or of the model of its name."""
    found = sided.get(name) or sided.get(f"models/{name}")
    return ["–", "–"] if found is None else [figure(one) for one in found]


def detectors_screen(rows: Mapping[str, Entry]) -> Screen | None:
    """Every recipe from normal films alone on the test folds; None before these are opened."""
    trainings = on_test_folds(rows)
    normals_only = {
        name.removeprefix(TESTED).rpartition("-")[0]: row
        for name, row in rows.items()
        if name.startswith(TESTED) and not learnt_from_unlabelled(row)
    }
    if not normals_only:
        return None
    found = {name: combined(trainings[name]) for name in normals_only}
    baseline = rows.get("shipped/pca-0")
    entries = {**found, **({BASELINE: baseline["metrics"]["auroc"]["pooled"]} if baseline is not None else {})}
    ordered = sorted(entries, key=lambda name: -float(entries[name]["value"]))
    best = ordered[0]
    used = CHOSEN if CHOSEN in entries else best
    above = {name: row["above"] for name, row in normals_only.items()}
    statistic = next(iter(above.values()))["shortcut"]["pooled"]
    alone = "sharpness" if statistic["words"] == SHARPNESS else str(statistic["words"])
    reference = supervised(rows)
    worse = [name for name in above if above[name]["floor"]["pooled"]["high"] < 0]
    better = [name for name in above if above[name]["floor"]["pooled"]["low"] > 0]
    gans = _gans([normals_only[name] for name in worse])
    over_statistic = [name for name in above if above[name]["shortcut"]["pooled"]["low"] > 0]
    gans_below = "" if over_statistic else _gans(list(normals_only.values()))

    sided = {name: (side, pairs) for name, side, pairs, *_ in both_figures(rows)}

    def row_of(name: str) -> Entry:
        return normals_only.get(name, baseline or {})

    chart = forest(
        "AUROC of every recipe on folds 1 to 4",
        [
            ChartRow(
                name + dagger(row_of(name)),
                (_mark(entries[name], ORANGE if name == BASELINE else BLUE),),
                name == best,
            )
            for name in ordered
        ],
        axis=_AXIS,
        span=(0.45, 0.96),
        rules=_rules({"value": statistic["strength"]}, rows, name=alone),
        kinds={"normal films only": BLUE, f"baseline {BASELINE}": ORANGE},
    )
    sentences = [
        f"Trained on normal films only, the highest AUROC of {len(above)} recipes is that of `{best}`, "
        f"{figure(entries[best])}; {_count(better, 'recipe is', 'recipes are')} significantly better than the baseline "
        f"`{BASELINE}` ({figure(entries.get(BASELINE))}), and {len(worse)} are significantly worse{gans}."
        + (
            ""
            if used == best
            else f" Use `models/{used}`, {figure(entries[used])}: fold 0 chose it, by a commit before these films "
            "were opened for it ([why](decisions/0026-lungs-with-their-lesions.md)). The order was seen on these "
            "films, so the first place is partly chance."
        ),
        f"The best single image statistic ({statistic['words']}, without training) reaches "
        f"{statistic['strength']:.2f} on the same films, and {_count(over_statistic, 'recipe is', 'recipes are')} "
        "significantly better"
        + (
            f": {', '.join(f'`{name}`' for name in over_statistic)}."
            if over_statistic
            else f"{gans_below}, so these AUROCs are not evidence of detecting disease."
        ),
    ]
    sentences += _given_labels(rows)
    lines = best_first(
        (
            [
                flagged(name, row_of(name)),
                figure(entries[name]),
                str(len(trainings.get(name, [name]))),
                figure(above[name]["shortcut"]["pooled"], sign=True) if name in above else "–",
                *_instruments(sided, name),
            ]
            for name in ordered[:_SHOWN]
        ),
        word="highest",
    )
    over = "–" if reference is None else figure(reference["above"]["shortcut"]["pooled"], sign=True)
    lines += [[name, value, "1", *cells, "–", "–"] for name, value, *cells in _lines_of_labels(rows, (over, "–"))]
    return Screen(
        page="results-detectors",
        figure=chart,
        alt=f"Forest plot of AUROC with intervals, best first: {best} "
        f"{entries[best]['value']:.2f}, {ordered[-1]} {entries[ordered[-1]]['value']:.2f}; {alone} alone at "
        f"{statistic['strength']:.2f}"
        + (f", the supervised reference at {pooled_auroc(reference):.2f}." if reference is not None else "."),
        sentences=sentences,
        head=[
            "Recipe",
            "AUROC, folds 1 to 4 [95 %]",
            "trainings",
            "minus the best shortcut",
            "which lung",
            "similar films",
        ],
        lines=lines,
        notes=[
            "*Which lung* and *similar films*: the two figures that no property of the whole film can raise "
            "([table of all recipes that have them](results.md#nomination-by-both-instruments)); of the weights of the "
            "package for a recipe that ships and was not measured otherwise. A dash: not measured.",
            f"The {min(_SHOWN, len(ordered))} best of {len(ordered)}; all of them: [test folds](#the-test-folds). "
            "Where a recipe has several trainings, its AUROC is their mean and the interval covers films and trainings "
            "([how](#one-recipe-trained-repeatedly)). The order was seen on the test folds, so the first place is "
            "partly chance; it depends on the lung segmentation model, too ([by how "
            "much](#auroc-by-lung-segmentation-model)). Differences and *significantly* are of one training and its "
            "films; they leave the spread between trainings out, and are not corrected for the number of comparisons.",
            *dagger_note(list(normals_only.values())),
            rendered("make results-detectors", "studies/results/detectors.jsonl"),
        ],
        answer=Answer(
            "Which detector trained on normal films is best?",
            f"Highest AUROC: `{best}`, {figure(entries[best])}; to be used: `models/{used}`, {figure(entries[used])}; "
            f"{_count(over_statistic, 'recipe is', 'recipes are')} "
            f"significantly better than {alone} alone ({statistic['strength']:.2f}){gans_below}",
            "make results-detectors",
            max(str(row["date"]) for row in normals_only.values()),
        ),
        sections=zhanglab_answer(rows),
    )


_SHOWN = 8  # rows of the first table


def _gans(rows: Sequence[Entry]) -> str:
    """The training of the GANs among rows, in brackets."""
    told = budgets.of_gans(rows)
    return f" ({told})" if told else ""


def _count(names: Sequence[str], one: str, many: str) -> str:
    return f"no {one}" if not names else f"{len(names)} {one if len(names) == 1 else many}"


def learnt_from_unlabelled(row: Entry) -> bool:
    """Return whether a model of the row learnt from unlabelled films, too."""
    return any(int(fold["facts"].get("unlabelled_films", 0)) for fold in row["folds"].values())
