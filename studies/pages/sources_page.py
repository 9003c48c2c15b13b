"""`docs/results-sources.md`: figures of the five source documents next to ours, from rows, or "not run"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from studies import recipe_files as recipes
from studies.curves.page import diverged
from studies.evidence.screen import rendered
from studies.imaging import budgets as imaging_budgets
from studies.imaging.arms import NAMES, READ_BY
from studies.imaging.published import PUBLISHED, Published, share
from studies.imaging.selection import of_arm, of_problem
from studies.imaging.settings import MethodSettings, method_of
from studies.imaging.summaries import mean
from studies.pages import budgets
from studies.pages.cells import DAGGER, dagger, number_range, table
from studies.pages.counterpart import NOT_RUN, queued_text
from studies.pages.imaging_counterparts import whole_of
from studies.pages.source_figures import DUFF, EI, FIGURES, SLIDES, TALK, THESIS
from studies.pages.thesis_page import REPORTED
from studies.pages.training_cost import SourceTraining, cost_text
from studies.priors.page import PAPER, SHOWN, WORDS, generator_budget
from studies.rows import Row
from unseen.evaluation.intervals import interval_text as figure

_IMAGING = ("ct", "inpainting", "mri", "mri-x4-20", "low-dose-ct", "poisson-inpainting")  # one recipe a figure
CURVE_PX = 128
"""Size of the longest trainings, the larger of the two sizes of the curves."""
_QUEUED = {"mri": "mri-x4-10"}
"""Recipes `sources/…` whose names differ from those of `imaging/…`."""
_ORDER = (EI, "REI", SLIDES, TALK, DUFF, THESIS)
_COST = (
    "*Would cost*: steps of the source (where it states none, those of the row that is named; for fastMRI's ×8 those "
    "of REI's MRI) times the core-seconds of a step in that row, which was trained on a CPU with the row's own batch. "
    "*Up to*: times the ratios of pixels, squared features and transforms between source and row, as the operations "
    "of a convolutional network grow."
)


def sources_page(rows: Mapping[str, Row]) -> str:
    """Return the whole page as Markdown."""
    lines = [*_of_imaging(rows), *_of_the_thesis(rows), *_of_priors(rows)]
    lines += [one.cells(rows) for one in FIGURES]
    lines.sort(key=lambda line: next(place for place, name in enumerate(_ORDER) if line[0].startswith(name)))
    head = [
        "Source",
        "What it shows",
        "source's figure",
        "metric",
        "ours",
        "training: ours next to the source's",
        "page",
    ]
    return (
        "\n\n".join(
            [
                "# Figures of the source documents, one by one",
                _conclusion(rows, lines),
                "Each line has a figure or table of one of the five source documents, ours, the metric and the "
                "training behind ours. Where a published metric differs, its figure is converted, or the metric's "
                "column states that the two are not comparable. Source's figures of imaging are of single images, ours "
                "are means over test images. *Queued as*: entry of the [queue for a GPU](how-to/gpu.md). Figures of "
                "one kind that contain no measurement share a line.",
                _COST,
                table(head, lines),
                *([imaging_budgets.CONVERGENCE] if any(DAGGER in line[4] for line in lines) else []),
                rendered("python -m studies --render", "studies/results/"),
            ]
        )
        + "\n"
    )


def _conclusion(rows: Mapping[str, Row], lines: Sequence[Sequence[str]]) -> str:
    """Return how ours compare with the published figures, and how many lines have no row at the source's size."""
    ours_less_theirs, shares, found = [], [], []
    for short in _IMAGING:
        recipe, source = recipes.load(f"imaging/{short}"), PUBLISHED[short]
        asked, mine = method_of(recipe), of_problem(rows.values(), recipe.name)
        for arm in [] if source.explanation else [arm for arm in asked.arms if arm in asked.papers]:
            some = whole_of(rows, _QUEUED.get(short, short), arm) or of_arm(mine, arm)
            steps = [int(row["steps"]) for row in some if row.get("steps")]
            if steps:
                ours_less_theirs.append(mean(some, "psnr_papers") - source.converted(asked.papers[arm]))
                found += [(row, source) for row in some if row.get("steps")]
                shares.append((steps[0] / source.budget.steps, share(steps[0], source.budget.steps)))
    reported = [
        (float(row["auroc"]["best_epoch"]["value"]), value)
        for method, value in REPORTED.items()
        if (row := rows.get(f"thesis/{method}-0")) is not None and row.get("epochs_done") == row.get("epochs")
    ]
    said = []
    if ours_less_theirs:
        said.append(
            f"Ours is below the published PSNR for {sum(one < 0 for one in ours_less_theirs)} of "
            f"{len(ours_less_theirs)} trained networks with a figure in one metric, after {min(shares)[1]} to "
            f"{max(shares)[1]} of the source's steps, {_size_of(found)}, on other images."
        )
    if reported:
        said.append(
            f"At the thesis's width ({budgets.FEATURES} features) and number of epochs ({budgets.SUITABLE[0]}), ours "
            "is below its AUROC of the best epoch on the test films for "
            f"{sum(ours < theirs for ours, theirs in reported)} of {len(reported)} detectors."
        )
    missing = sum(NOT_RUN in line[4] for line in lines)
    said.append(f"Of {len(lines)} lines, {missing} have no row, or none at the source's size (*{NOT_RUN}*).")
    return " ".join(said)


def _size_of(trained: Sequence[tuple[Row, Published]]) -> str:
    """Return the features, transforms and pixels of trainings, each next to the sources'."""
    features = sorted({int(row["features"]) for row, _ in trained})
    theirs = sorted({source.budget.features for _, source in trained})
    moved = [(row, source) for row, source in trained if "transforms" in READ_BY[row["arm"]]]
    turns = sorted({int(row["settings"]["transforms"]) for row, _ in moved})
    their_turns = sorted({source.budget.transforms for _, source in moved})
    px, their_px = sorted({int(row["px"]) for row, _ in trained}), sorted({source.px for _, source in trained})
    return (
        f"with {number_range(features)} of {number_range(theirs)} features, "
        + (f"{number_range(turns)} of {number_range(their_turns)} transforms " if moved else "")
        + f"and {number_range(px)} px (sources: {number_range(their_px)} px)"
    )


def _metric(asked: MethodSettings) -> str:
    """Return the metric of a problem's published figures after conversion."""
    peak = "peak: the truth's maximum"
    return f"PSNR of magnitudes, {peak}" if asked.operator == "fourier-mask" else f"PSNR, {peak}, mean over channels"


def _of_imaging(rows: Mapping[str, Row]) -> Iterator[list[str]]:
    for short in _IMAGING:
        recipe, source = recipes.load(f"imaging/{short}"), PUBLISHED[short]
        asked = method_of(recipe)
        mine = of_problem(rows.values(), recipe.name)
        for arm in asked.arms:
            if arm not in asked.papers:
                continue
            some = whole_of(rows, _QUEUED.get(short, short), arm) or of_arm(mine, arm)
            converted = source.converted(asked.papers[arm])
            yield [
                source.where,
                f"{asked.title}: {NAMES[arm]}",
                f"{converted:.2f} dB" + ("" if source.channels == 1 else f" (printed {asked.papers[arm]:.2f})"),
                _metric(asked) + ("; the problem differs: not comparable" if source.explanation else ""),
                f"{mean(some, 'psnr_papers'):.2f} dB{imaging_budgets.dagger(some)}" if some else f"*{NOT_RUN}*",
                _with_cost(some, source, rows, _QUEUED.get(short, short)) + _longest(rows, some, short, arm),
                "[imaging](results-imaging.md#published-figures-and-their-metrics)",
            ]


def _with_cost(some: Sequence[Row], source: Published, rows: Mapping[str, Row], queued: str) -> str:
    """Return the budget of an arm's rows, and what the source's training would cost, with its entry in the queue."""
    said = imaging_budgets.spent(some, source.budget)
    trained = next((row for row in some if row.get("steps")), None)
    if trained is None or int(trained["steps"]) >= source.budget.steps:
        return said
    turns = source.budget.transforms if "transforms" in READ_BY[trained["arm"]] else None
    whole = SourceTraining(
        f"{trained['recipe']}-{trained['seed']}",
        source.budget.steps,
        px=source.px,
        features=source.budget.features,
        transforms=turns,
    )
    queue = queued_text(whole, rows, f"sources/{queued}", f"-{trained['arm']}-0")
    return f"{said}; the source's training would cost {cost_text(whole, rows)}, {queue}"


def _longest(rows: Mapping[str, Row], some: Sequence[Row], short: str, arm: str) -> str:
    """Return the result of the longest training of an arm in the curves; "" where none is longer than its rows."""
    asked = method_of(recipes.load(f"imaging/{short}"))
    points = [
        row
        for row in of_arm([row for row in rows.values() if row.get("problem") == f"curves/{short}-{CURVE_PX}"], arm)
        if all(row["settings"][name] == getattr(asked, name) for name in ("sigma", "kept", "views"))
        and not diverged(row)
    ]
    last = max(points, key=lambda row: int(row.get("steps") or 0), default=None)
    if last is None or int(last.get("steps") or 0) <= max((int(row.get("steps") or 0) for row in some), default=0):
        return ""
    psnr = float(last["metrics"]["psnr_papers"]["value"])
    return (
        f"; longest: {psnr:.2f} dB after {imaging_budgets.spent([last], PUBLISHED[short].budget)} "
        "([curve](results-imaging.md#psnr-against-the-number-of-steps))"
    )


def _of_the_thesis(rows: Mapping[str, Row]) -> Iterator[list[str]]:
    for method, reported in REPORTED.items():
        row = rows.get(f"thesis/{method}-0")
        done = row is not None and row.get("epochs_done") == row.get("epochs")
        yield [
            f"{THESIS}, table 5.2" + (" and appendix A" if method == "ganomaly" else ""),
            f"`{method}`, Montgomery + Shenzhen, 256 px",
            f"{reported:.4f}",
            "best AUROC over the epochs, on the test films",
            figure(row["auroc"]["best_epoch"]) + dagger(row) if row is not None and done else f"*{NOT_RUN}*",
            budgets.spent(row) if row is not None else "–",
            "[thesis](results-thesis.md)",
        ]


def _of_priors(rows: Mapping[str, Row]) -> Iterator[list[str]]:
    mine = [row for row in rows.values() if row.get("problem") == SHOWN and "generator" in row]
    for level, printed in PAPER.items():
        for method, value in printed.items():
            kind = "vae" if method in ("range", "soft", "sparse") else ""
            found = [row for row in mine if (row["level"], row["method"], row["generator"]) == (level, method, kind)]
            yield [
                f"{DUFF}, fastMRI figure, {level.replace('spokes', 'angles')}",
                f"MRI by radial spokes: {WORDS[method]}",
                f"{value:.2f} dB",
                "PSNR, peak not stated (ours: 1): not comparable in dB",
                f"{figure(found[0]['metrics']['psnr'])} dB, brains" if found else f"*{NOT_RUN}*",
                generator_budget(mine, kind),
                "[priors](results-priors.md)",
            ]
