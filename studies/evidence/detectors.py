"""First screen of `results-detectors.md`: all detectors that learn from normal films."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from studies.evidence.charts import BLUE, ORANGE, ChartRow, forest
from studies.evidence.references import (
    AXIS,
    BASELINE,
    CHOSEN,
    SHARPNESS,
    given_labels,
    lines_of_labels,
    mark_of,
    reference_lines,
    supervised,
    trained_supervised,
)
from studies.evidence.repeats import TESTED, combined, on_test_folds
from studies.evidence.screen import Answer, Screen, best_first, rendered
from studies.pages import budgets
from studies.pages.cells import Entry, dagger, dagger_note, pooled_auroc
from studies.pages.instruments import both_figures
from studies.zhanglab.page import zhanglab_answer
from unseen.evaluation.intervals import interval_text as figure

_SHOWN = 8  # rows of the first table


def detectors_screen(rows: Mapping[str, Entry]) -> Screen | None:
    """Return every recipe from normal films alone on the test folds; None before these are opened."""
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
    trained = budgets.in_brackets(list(normals_only.values()))
    over_statistic = [name for name in above if above[name]["shortcut"]["pooled"]["low"] > 0]
    gans_below = "" if over_statistic else trained

    sided = {name: (side, pairs) for name, side, pairs, *_ in both_figures(rows)}

    def row_of(name: str) -> Entry:
        return normals_only.get(name, baseline or {})

    chart = forest(
        "AUROC of every recipe on folds 1 to 4",
        [
            ChartRow(
                name + dagger(row_of(name)),
                (mark_of(entries[name], ORANGE if name == BASELINE else BLUE),),
                name == best,
            )
            for name in ordered
        ],
        axis=AXIS,
        span=(0.45, 0.96),
        rules=reference_lines({"value": statistic["strength"]}, rows, name=alone),
        kinds={"normal films only": BLUE, f"baseline {BASELINE}": ORANGE},
    )
    sentences = [
        f"Trained on normal films only, the highest AUROC of {len(above)} recipes is that of "
        f"{budgets.named(row_of(best), best)}, "
        f"{figure(entries[best])}; {_count(better, 'recipe is', 'recipes are')} significantly better than the baseline "
        f"`{BASELINE}` ({figure(entries.get(BASELINE))}){trained}, and {len(worse)} are significantly worse."
        + (
            ""
            if used == best
            else f" Use {budgets.named(row_of(used), f'models/{used}')}, {figure(entries[used])}: fold 0 chose it, by "
            "a commit before these films were opened for it ([why](decisions/0026-lungs-with-their-lesions.md)). The "
            "order was seen on these films, so the first place is partly chance."
        ),
        f"{_count(over_statistic, 'recipe is', 'recipes are').capitalize()} significantly better{gans_below} than the "
        f"best single image statistic ({statistic['words']}, without training), which reaches "
        f"{statistic['strength']:.2f} on folds 1 to 4"
        + (
            f": {', '.join(f'`{name}`' for name in over_statistic)}."
            if over_statistic
            else ", so these AUROCs are not evidence of detecting disease."
        ),
    ]
    sentences += given_labels(rows)
    lines = best_first(
        (
            [
                budgets.named(row_of(name), name),
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
    lines += [[name, value, "1", *cells, "–", "–"] for name, value, *cells in lines_of_labels(rows, (over, "–"))]
    return Screen(
        page="results-detectors",
        figure=chart,
        alt=f"Forest plot of AUROC with intervals, best first: {best}{budgets.beside(row_of(best))} "
        f"{entries[best]['value']:.2f}, {ordered[-1]}{budgets.beside(row_of(ordered[-1]))} "
        f"{entries[ordered[-1]]['value']:.2f}; {alone} alone at {statistic['strength']:.2f}"
        + (
            f", the supervised reference{trained_supervised(reference)} at {pooled_auroc(reference):.2f}."
            if reference is not None
            else "."
        ),
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
            f"Highest AUROC: {budgets.named(row_of(best), best)}, {figure(entries[best])}; to be used: "
            f"{budgets.named(row_of(used), f'models/{used}')}, {figure(entries[used])}; "
            f"{_count(over_statistic, 'recipe is', 'recipes are')} "
            f"significantly better than {alone} alone ({statistic['strength']:.2f}){gans_below}",
            "make results-detectors",
            max(str(row["date"]) for row in normals_only.values()),
        ),
        sections=zhanglab_answer(rows),
    )


def _instruments(sided: Mapping[str, tuple[Entry, Entry]], name: str) -> list[str]:
    """Return the cells of both instruments of a recipe, or of the model of its name."""
    found = sided.get(name) or sided.get(f"models/{name}")
    return ["–", "–"] if found is None else [figure(one) for one in found]


def _count(names: Sequence[str], one: str, many: str) -> str:
    return f"no {one}" if not names else f"{len(names)} {one if len(names) == 1 else many}"


def learnt_from_unlabelled(row: Entry) -> bool:
    """Return whether a model of the row learnt from unlabelled films, too."""
    return any(int(fold["facts"].get("unlabelled_films", 0)) for fold in row["folds"].values())
