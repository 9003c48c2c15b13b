"""`docs/results-screening.md` from rows alone: does the guarantee hold, and what does it clear on real films?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from studies.adapted_hospitals import RECIPE as ADAPTED
from studies.adapted_hospitals import beside_hospitals
from studies.evidence.screen import folded, rendered
from studies.evidence.screening import screening_screen
from studies.hospitals import CRITERION, held
from studies.pages.cells import Entry, table
from unseen.evaluation.intervals import interval_text as figure

PRODUCTS = (
    ("supervised product (Plesner et al. 2024)", "0.1 %", "24.5 %"),
    ("supervised product (Plesner et al. 2024)", "1.0 %", "47 %"),
    ("supervised product (Plesner et al. 2024)", "2 %", "53 %"),
    ("supervised product (Oulu University Hospital 2022)", "0.2 %", "36 %"),
)
"""Published: miss rate and normals cleared, the threshold read off the test films' own ROC."""


def screening_page(rows: Mapping[str, Entry]) -> str:
    """Return the whole page as Markdown; what has no row yet is said to have none."""
    halves = [row for name, row in rows.items() if name.startswith("screening/") and "splits" in row]
    hospitals = next((row for name, row in rows.items() if name.startswith("screening/hospitals")), None)
    first = screening_screen(rows, PRODUCTS)
    blocks = [
        "# Clearing normal studies",
        *([rendered("make results-screening", "studies/results/screening.jsonl")] if first is None else first.blocks()),
        "A policy *clears* a study (rules it out as normal) when its score is below a threshold. With 95 % confidence, "
        "the threshold misses at most α of the abnormal studies, for each source separately "
        "([method](theory/screening.md)).",
        *folded([*_hospitals(hospitals), *beside_hospitals(rows.get(f"{ADAPTED}-0")), *_halves(halves)]),
    ]
    return "\n\n".join(blocks) + "\n"


def _hospitals(row: Entry | None) -> list[str]:
    title = "## Does the bound on the miss rate hold? Simulated hospitals"
    if row is None:
        return [title, "*No row yet.*"]
    lines = [
        [
            f"{100 * entry['max_miss_rate']:g} %",
            f"{entry['hospitals'] - entry['refused']} of {entry['hospitals']}",
            f"{_percent(entry['broken_share'])} (at least {_percent(entry['broken_low'])})",
            _percent(entry["cleared_continuous"]),
            _percent(entry["roc_broken_share"]),
        ]
        for entry in row["rates"]
    ]
    return [
        title,
        f"Simulated hospitals of 20 to 2,000 labelled patients each went through `calibrate` and `Screener`. Their "
        f"patients come from {len(row['populations'])} populations ({', '.join(row['populations'])}; the last two are "
        "our detectors' scores on the films of Montgomery and Shenzhen). Each population is known in full, and so is "
        "each hospital's true miss rate. At 95 % confidence, up to 5 % of the hospitals may exceed α.",
        table(
            [
                "α",
                "hospitals with enough abnormal studies",
                "true miss rate above α (lower 95 % bound)",
                "normals cleared, mean over continuous scores",
                "threshold read off the ROC: miss rate above α",
            ],
            lines,
        ),
        ("The bound held at every rate." if held(row["rates"], row["confidence"]) else "**The bound did not hold.**")
        + f" {CRITERION} The last column is the share of hospitals in which a threshold read off the ROC of the "
        "same labelled films, a common practice, exceeds α.",
        f"Seed {row['seed']}, {row['date']}.",
    ]


def _halves(rows: Sequence[Entry]) -> list[str]:
    blocks = ["## Studies cleared on real films"]
    if not rows:
        return [*blocks, "*No row yet.*"]
    blocks.append(
        "Montgomery + Shenzhen, all five folds; fold 0 chose settings, so these shares are not comparable with those "
        "of folds 1 to 4 [with a site's labels](results-detectors.md#a-site-that-teaches-and-calibrates-with-its-own-"
        "labels). Every film is scored by a model that was not trained on it. *Halves*: calibrated "
        f"on one half of the patients and tested on the other, {rows[0]['splits']} times, mean and 2.5th to 97.5th "
        "percentile over the splits. *All*: one calibration on all labelled films, with Clopper–Pearson's interval for "
        "the share of normals cleared. With too few abnormal studies the calibration refuses; the table shows "
        "how many it needs."
    )
    for row in rows:
        lines = []
        for entry in row["rates"]:
            for name, source in entry["sources"].items():
                half, whole = source["halves"], source["all"]
                lines.append(
                    [
                        f"{100 * entry['max_miss_rate']:g} %",
                        name.capitalize(),
                        half.get("reason") or figure(half["normals_cleared"]),
                        "–" if "reason" in half else figure(half["abnormals_missed"]),
                        whole.get("refused") or figure(whole["normals_cleared"]),
                    ]
                )
        blocks += [
            f"**`{row['recipe'].removeprefix('screening/')}`**{_by_weights(row)}",
            table(
                [
                    "α",
                    "source",
                    "halves: normals cleared",
                    "halves: abnormals missed",
                    "all: normals cleared",
                ],
                lines,
            ),
            f"Probabilities, calibrated on one half and tested on the other: Brier score "
            f"{figure(row['reliability']['brier'])}, calibration error "
            f"{figure(row['reliability']['calibration_error'])}, at the labelled films' own prevalence.",
        ]
    blocks += [
        "**For comparison: supervised products**, trained on hundreds of thousands of labelled films and tested on "
        "other films than these. Their thresholds were read off the test films' own ROC, so they have no guarantee:",
        table(["", "abnormals missed", "normals cleared"], PRODUCTS),
        f"Seed {rows[0]['seed']}, {rows[0]['date']}. We know of no published figures of this "
        "kind for a detector trained on normal films only.",
    ]
    return blocks


def _by_weights(row: Entry) -> str:
    """Say which films a row of a model's own weights has; "" for a cross-validated row."""
    if row.get("scored_by") != "weights":
        return ""
    normals = sum(int(count["normal"]) for count in row["n"].values())
    abnormals = sum(int(count["abnormal"]) for count in row["n"].values())
    return (
        f", scored by the weights of the package, not cross-validated: {abnormals} abnormal films and only the "
        f"{normals} normal films of fold 4, which they did not learn from; not comparable with the other models."
    )


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"
