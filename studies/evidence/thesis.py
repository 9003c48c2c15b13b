"""First screen of `results-thesis.md`: AUROC by epoch, with the thesis's own figures drawn in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from studies.evidence.charts import BLUE, GREEN, GREY, ORANGE, RED, VIOLET, ReferenceLine, Series, plane
from studies.evidence.references import flagged
from studies.evidence.screen import Answer, Screen, best_first, rendered
from studies.pages import budgets
from studies.pages.cells import Entry, dagger, dagger_note, pooled_auroc
from unseen.evaluation.intervals import interval_text as figure

WIDE = 64  # features: the thesis's width
_COLOURS = {"ganomaly": BLUE, "roi-oracle": ORANGE, "roi-sure": GREEN, "ganomaly-sure": VIOLET}


def thesis_screen(rows: Mapping[str, Entry], reported: Mapping[str, float]) -> Screen | None:
    """The trainings under the thesis's protocol; `reported`: its best AUROCs over the epochs. None without a row."""
    arms = [row for name, row in rows.items() if name.startswith("thesis/") and "by_epoch" in row]
    if not arms:
        return None
    arms = sorted(arms, key=lambda row: (-row["features"], list(_COLOURS).index(row["method"])))
    wide = [row for row in arms if row["features"] == WIDE and row["epochs_done"] == row["epochs"]]
    repeated = {str(row["method"]) for row in wide}
    missing = [method for method in reported if method not in repeated]
    series = [
        Series(
            f"{row['method']}, {row['features']} features",
            tuple((epoch + 1.0, float(value)) for epoch, value in enumerate(row["by_epoch"]["auroc"])),
            _COLOURS[row["method"]],
            dashed=row["features"] != WIDE,
            dots=False,
        )
        for row in arms
        if row["features"] == WIDE or row["method"] not in repeated
    ]
    rules = [
        ReferenceLine(value, f"thesis, {method}: {value:.4f}", RED if number == 0 else GREY)
        for number, (method, value) in enumerate(sorted(reported.items(), key=lambda pair: -pair[1]))
        if method in repeated
    ]
    chart = plane(
        "AUROC on the 70 test films by epoch",
        series,
        x="epoch",
        y="AUROC on the 35 + 35 test films",
        xs=(1, max(row["epochs_done"] for row in arms)),
        ys=(0.2, 1.0),
        rules=rules,
        at=(1, 10, 20, 30, 40, 50, 60, 70),
    )
    within = _within([row for row in wide if row["method"] in reported], reported)
    sentences = [
        f"At the thesis's width and number of epochs ({_training(wide)}), {within}."
        if within
        else f"At the thesis's width ({WIDE} features) no training has run to its end.",
        f"{_list(missing)} {'has' if len(missing) == 1 else 'have'} not run to the end at that width, so "
        f"{'its figure is' if len(missing) == 1 else 'their figures are'} not reproduced here; "
        f"{'it ran' if len(missing) == 1 else 'they ran'} at a quarter of the width only."
        if missing
        else "All detectors of the thesis's table 5.2 ran to the end at its width.",
        *_cross_validated(rows),
    ]
    lines = best_first(
        (
            [
                flagged(f"{row['method']}, {row['features']} features", row),
                f"{reported[row['method']]:.4f}" if row["method"] in reported and row["features"] == WIDE else "–",
                figure(row["auroc"]["best_epoch"]),
                figure(row["auroc"]["last_epoch"]),
                f"{row['epochs_done']} of {row['epochs']}",
                budgets.spent(row),
            ]
            for row in sorted(arms, key=lambda row: -float(row["auroc"]["best_epoch"]["value"]))
        ),
        word="highest",
    )
    begun = {str(row["method"]) for row in arms if row["features"] == WIDE}
    lines += [
        [f"`{method}, {WIDE} features`", f"{reported[method]:.4f}", "not finished", "not finished", "–", "–"]
        for method in missing
        if method not in begun
    ]
    return Screen(
        page="results-thesis",
        figure=chart,
        alt="Curves of AUROC by epoch. "
        + " ".join(
            f"{row['method']} with {row['features']} of {budgets.FEATURES} features, {row['epochs_done']} epochs: "
            f"best {max(row['by_epoch']['auroc']):.2f}, last {row['by_epoch']['auroc'][-1]:.2f}."
            for row in wide
        )
        + f" Lines at the thesis's best epochs, {', '.join(f'{rule.value:.4f}' for rule in rules)}.",
        sentences=sentences,
        head=[
            "Detector",
            "thesis, best epoch",
            "ours, best epoch [95 %]",
            "ours, last epoch [95 %]",
            "epochs",
            "training",
        ],
        lines=lines,
        notes=[
            *dagger_note([*arms, *_honest(rows)]),
            "The best epoch is chosen on the test films, as in the thesis, and so is optimistic. *Highest*: by the "
            "best epoch. One seed; the intervals resample the 70 films.",
            rendered("make results-thesis", "studies/results/thesis.jsonl"),
        ],
        answer=Answer(
            "Do the thesis's figures come out again?",
            "; ".join(
                [
                    *([f"At its width and number of epochs ({_training(wide)}), {within}"] if within else []),
                    *([f"{_list(missing)} not finished at its width"] if missing else []),
                ]
            ),
            "make results-thesis",
            max(str(row["date"]) for row in arms),
        ),
    )


def _within(rows: Sequence[Entry], reported: Mapping[str, float]) -> str:
    """Return how many of the thesis's figures lie within the interval of our best epoch, with all of them."""
    if not rows:
        return ""
    inside = sum(
        row["auroc"]["best_epoch"]["low"] <= reported[row["method"]] <= row["auroc"]["best_epoch"]["high"]
        for row in rows
    )
    compared = [
        f"`{row['method']}`{dagger(row)} {figure(row['auroc']['best_epoch'])} (thesis {reported[row['method']]:.4f})"
        for row in rows
    ]
    return (
        f"the thesis's AUROC lies within the 95 % interval of our best epoch for {inside} of {len(rows)} detectors: "
        + ", ".join(compared)
    )


def _training(rows: Sequence[Entry]) -> str:
    """Return width and epochs of trainings that ran to the end at the thesis's width."""
    epochs = " or ".join(sorted({f"{row['epochs_done']} of {row['epochs']}" for row in rows}))
    return f"{WIDE} of {WIDE} features, {epochs} epochs"


def _honest(rows: Mapping[str, Entry]) -> list[Entry]:
    """Return the cross-validated rows of the thesis's detectors."""
    return [rows[name] for name in (f"ms_cxr/{method}-64-lungs-0" for method in _COLOURS) if name in rows]


def _cross_validated(rows: Mapping[str, Entry]) -> list[str]:
    found = _honest(rows)
    if not found:
        return []
    values = sorted(map(pooled_auroc, found))
    mark = max(map(dagger, found))
    return [
        f"Cross-validated at 64 px on {_films(found[0])} films, without a choice of the epoch, {len(found)} "
        f"detectors of the thesis{mark} reach {values[0]:.2f} to {values[-1]:.2f} after {found[0]['steps']:,} steps, "
        f"with {found[0]['features']} of the thesis's {WIDE} features and 64 of its 256 px."
    ]


def _films(row: Entry) -> int:
    n = row["metrics"]["n"]["pooled"]
    return int(n["normal"]) + int(n["abnormal"])


def _list(names: Sequence[str]) -> str:
    *first, last = (f"`{name}`" for name in names)
    return f"{', '.join(first)} and {last}" if first else last
