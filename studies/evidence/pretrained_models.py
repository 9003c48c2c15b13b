"""First screen of `results.md`: pretrained models and recipes of the thesis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from studies.evidence.charts import BLUE, GREY, ChartRow, forest
from studies.evidence.references import (
    AXIS,
    BASELINE,
    called,
    given_labels,
    lines_of_labels,
    mark_of,
    mix_note,
    reference_lines,
)
from studies.evidence.repeats import TESTED
from studies.evidence.screen import Answer, Screen, best_first, rendered
from studies.pages import budgets
from studies.pages.cells import Entry, dagger, dagger_note, pooled_auroc, shortcut
from studies.pages.instruments import both_figures, claim, sided_rows
from unseen.evaluation.intervals import interval_text as figure

_BOTH = ("ms_cxr/", "shipped/")


def results_screen(rows: Mapping[str, Entry]) -> Screen | None:
    """Return the recipes of the pretrained models and the thesis's recipes, lung crop, cross-validated."""
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
                (mark_of(row["metrics"]["auroc"]["pooled"], BLUE if "models/" in called(row) else GREY),),
                row is best,
            )
            for row in ordered
        ],
        axis=AXIS,
        span=(0.5, 0.96),
        rules=reference_lines(statistic, rows),
        kinds={"recipe of a pretrained model": BLUE, "recipe of the thesis": GREY},
    )
    sentences = [
        *([said] if (said := claim(rows)) else []),
        f"Of the pretrained models and the thesis's recipes, {budgets.named(best, called(best))} has the highest "
        f"pooled AUROC, {figure(best['metrics']['auroc']['pooled'])}.",
        f"Sharpness alone, an image statistic without training, reaches {figure(statistic)}; "
        + (f"significantly better than every single statistic on all films together: {', '.join(above)}." if above
           else "of the pretrained models and the thesis's recipes none is significantly better than every single "
           "statistic on all films together"
           f"{budgets.in_brackets(some)}, so these AUROCs are not evidence of detecting disease."),
    ]  # fmt: skip
    sentences += given_labels(rows)
    lines = best_first(_by_instruments(rows, ordered))
    some_sided = sided_rows(rows)
    alike = figure(some_sided[0]["balance"]["sharpness"]) if some_sided else "–"
    lines.append(["*baseline: sharpness alone*", "no side", alike, figure(statistic), "–"])
    lines += [[words, "–", "–", value, cell] for words, value, cell in lines_of_labels(rows, ("–", "–"))]
    dates = sorted(str(row["date"]) for row in some)
    return Screen(
        page="results",
        figure=chart,
        alt=f"Forest plot of pooled AUROC with intervals, best first. The best, "
        f"{called(best)}{budgets.beside(best)}, has {pooled_auroc(best):.2f}; the line of sharpness alone is at "
        f"{statistic['value']:.2f}.",
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
            f"{budgets.named(best, called(best))} has the best AUROC, {figure(best['metrics']['auroc']['pooled'])}; "
            f"sharpness alone {figure(statistic)}",
            "make results",
            dates[-1],
        ),
    )


def _by_instruments(rows: Mapping[str, Entry], ordered: Sequence[Entry]) -> list[list[str]]:
    """Return lines of the first table: by the mean of both instruments, then those without them by pooled AUROC."""
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
