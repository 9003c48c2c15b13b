"""`docs/results-imaging.md` from rows and recipes alone: no number stands there without its JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from studies import recipe_files as recipes
from studies.curves.page import IMAGES, charts, curve_blocks
from studies.evidence.reconstruction import Problem, imaging_screen
from studies.evidence.screen import Screen, folded, rendered
from studies.imaging import budgets
from studies.imaging.arms import NAMES, TRAINED
from studies.imaging.by_steps import chart
from studies.imaging.consistency import consistency_blocks
from studies.imaging.gaps import Gap, gap_of, of_arm
from studies.imaging.longer import LONGER, is_longer, of_longest, of_recipe
from studies.imaging.problem_images import STUDY, gallery_blocks
from studies.imaging.published import NEAR, PUBLISHED, REI_MRI, budget_of, share
from studies.imaging.settings import MethodSettings, images_of, method_of, training_of
from studies.imaging.summaries import Ahead, against_tv, average, best_without_truth, mean, stopping
from studies.outlook.page import imaging_blocks
from studies.pages.cells import difference_text, number_range, signed, table
from studies.row_files import read_study
from studies.rows import Row
from unseen.artifacts.files import write_text
from unseen.artifacts.recipe import Recipe
from unseen.evaluation.intervals import interval_text as figure
from unseen.reconstruction.side_by_side import columns_of

PREFIX = "imaging/"
_ASKED, _ASKED_LOW = 0.6, 0.4  # of the share, and of its lower bound
_NEAR = 0.2  # dB below the best epoch on test images, at most, that stopping is asked to cost


def write_page(rows: Path, *, docs: Path) -> Path:
    """Render the page and its figure; where there are no rows, it says so."""
    page = docs / "results-imaging.md"
    known = [recipes.load(name) for name in recipes.names() if name.startswith(PREFIX)]
    pictures = {path.stem: columns_of(path) for path in (docs / "images" / "imaging").glob("*.png")}
    found = list(read_study("imaging", rows).values())
    docs.mkdir(parents=True, exist_ok=True)
    if (first := screen_of(found, known)) is not None:
        first.write(docs)
    outlook, curves, phantoms = (list(read_study(study, rows).values()) for study in ("outlook", "curves", STUDY))
    drawings = {path: drawing for path, (drawing, _) in charts(curves).items()}
    for recipe in known:
        if is_longer(recipe) and (drawn := chart(method_of(recipe).title, _of(found, recipe))) is not None:
            drawings[_chart_of(recipe)] = drawn[0]
    for path, drawing in drawings.items():
        (docs / path).parent.mkdir(parents=True, exist_ok=True)
        write_text(docs / path, drawing)
    whole = imaging_page(found, known, pictures=pictures, outlook=outlook, curves=curves, phantoms=phantoms)
    write_text(page, whole)
    return page


def imaging_page(
    rows: Sequence[Row],
    known: Sequence[Recipe],
    *,
    pictures: Mapping[str, Sequence[str]] | None = None,
    outlook: Sequence[Row] = (),
    curves: Sequence[Row] = (),
    phantoms: Sequence[Row] = (),
) -> str:
    """The whole page as Markdown.

    Args:
        rows: what `rows.row_of` made.
        known: the recipes, in the page's order after those of the gap.
        pictures: problems that have an image in images/imaging, with what its columns show.
        outlook: rows of `studies.outlook`.
        curves: rows of `studies.curves`.
        phantoms: rows of `studies.imaging.problem_images`.
    """
    ordered = sorted(known, key=lambda recipe: (method_of(recipe).gap is None, recipe.name))
    first = screen_of(rows, known)
    blocks = [
        *_published(rows, ordered),
        *_gaps(rows, ordered),
        *_learning_pays(rows, ordered),
        *curve_blocks(curves),
        *consistency_blocks(rows, ordered),
        *imaging_blocks(outlook),
        *_stopping(rows, ordered),
        *_curve(rows),
        "## Method",
        "Each recipe has one network and one learning rate, and all arms without truth have the same number of "
        "steps: the "
        "arms differ only in the loss, but *unrolled* has a network of its own. A† is the pseudo-inverse (FBP for "
        "tomography), TV total variation with its weight "
        "chosen on validation images, MC measurement consistency, EI equivariant imaging, REI robust equivariant "
        "imaging, *supervised* the same network with the truth. Each image was measured once (except in one problem, "
        "as marked); every arm learns from the same measurements. Learning rates are the supervised arm's "
        "best of a grid, tried in short trainings, on validation images. With few images a supervised network "
        "overfits, so the reference is the better of an early-stopped and a full supervised run, on validation images. "
        "Under noise, a tenth of the training measurements is held out and [stops every arm](theory/stopping.md). We "
        "chose "
        "nothing on test images. Intervals are over images (patients, where known) and seeds.",
    ]
    for recipe in ordered:
        blocks += _problem(rows, recipe, shown=(pictures or {}).get(recipe.name.removeprefix(PREFIX), ()))
    blocks += gallery_blocks(phantoms, ordered)
    if first is None:
        screen = [
            "No row yet: `python -m studies.imaging` trains them.",
            rendered("make results-imaging", "studies/results/imaging.jsonl"),
        ]
    else:
        screen = first.blocks()
    below = folded([*blocks, *_lessons(), *_provenance(rows)])
    return "\n\n".join(["# Imaging from measurements alone", *screen, *below]) + "\n"


def _of(rows: Sequence[Row], recipe: Recipe) -> list[Row]:
    return [row for row in rows if row["problem"] == recipe.name]


def screen_of(rows: Sequence[Row], known: Sequence[Recipe]) -> Screen | None:
    """The page's first screen; None without a row."""
    problems, trained = [], []
    for recipe in known:
        mine = of_longest(rows, recipe)
        ahead, variation = best_without_truth(mine), of_arm(mine, "tv")
        if ahead is None or is_longer(recipe):
            continue
        found = {arm: against_tv(of_arm(mine, arm), variation) for arm in ("direct", "supervised")}
        found["free"] = ahead.difference
        differences = {kind: one for kind, one in found.items() if one is not None}
        best, source = of_arm(mine, ahead.arm), budget_of(recipe, method_of(recipe))
        trained += [(row, source) for row in best]
        name = f"{NAMES[ahead.arm]}{budgets.dagger(best)}"
        problems.append(
            Problem(_short(recipe), method_of(recipe).title, name, differences, budgets.spent(best, source))
        )
    stopped = [end for row in rows if (end := stopping(row)) is not None]
    near = sum(end.lost <= _NEAR for end in stopped)
    at_the_end = sum(end.at_the_end <= _NEAR for end in stopped)
    return imaging_screen(
        problems,
        (near, at_the_end, len(stopped)),
        max((row["date"] for row in rows), default=""),
        budgets.overall(trained),
        published=_behind(rows, known),
        footnotes=[budgets.CONVERGENCE] if any(budgets.dagger([row]) for row, _ in trained) else [],
    )


def _learning_pays(rows: Sequence[Row], known: Sequence[Recipe]) -> list[str]:
    """Return the section that compares the best method without truth with TV, in a table and in words."""
    longest = {recipe.name: of_longest(rows, recipe) for recipe in known if not is_longer(recipe)}
    found = [
        (recipe, one)
        for recipe in known
        if recipe.name in longest and (one := best_without_truth(longest[recipe.name])) is not None
    ]
    if not found:
        return []
    lines = []
    for recipe, one in sorted(found, key=lambda pair: -pair[1].difference.value):
        mine = longest[recipe.name]
        best = of_arm(mine, one.arm)
        lines.append(
            [
                method_of(recipe).title,
                f"{NAMES[one.arm]}{budgets.dagger(best)}",
                difference_text(one.difference),
                difference_text(against_tv(of_arm(mine, "supervised"), of_arm(mine, "tv"))),
                _verdict(one),
                budgets.spent(best, budget_of(recipe, method_of(recipe))),
            ]
        )
    pays = [method_of(recipe).title for recipe, one in found if one.difference.low > 0]
    said = (
        f"Learning without truth is significantly better than TV on: {'; '.join(pays)}."
        if pays
        else "Learning without truth is significantly better than TV on no problem at this size."
    )
    return [
        "## When learning pays",
        table(
            ["problem", "best without truth", "PSNR − TV, dB [95 %]", "supervised − TV", "learning pays", _BUDGET],
            lines,
        ),
        budgets.CONVERGENCE,
        f"{said} After these steps, features and transforms, total variation is as good or better on the others, from "
        "one measurement and without training; whether it stays better after the sources' training is not measured. "
        "The "
        f"networks learn from 49 to 64 images (toys and digits: {_toys(longest)}), each measured once. TV has one "
        "advantage: its "
        "single weight was chosen on validation images with their truth.",
    ]


def _toys(rows: Mapping[str, Sequence[Row]]) -> str:
    """Return the range of the numbers of training images of toys and digits, by recipe."""
    known = ("triangles", "sparse", "digits", "digits-6000")
    numbers = {int(row["n"]["trained"]) for some in rows.values() for row in some if row["view"]["pictures"] in known}
    return number_range(sorted(numbers)) if numbers else "–"


_BUDGET = "training: share of the source's"
_PRECISIONS = {"fp32": "single", "bf16": "bfloat16"}


def _budget(rows: Sequence[Row], recipe: Recipe, arm: str) -> str:
    """An arm's training next to the source's."""
    return budgets.spent(of_arm(_of(rows, recipe), arm), budget_of(recipe, method_of(recipe)))


def _verdict(one: Ahead) -> str:
    return "yes" if one.difference.low > 0 else "**no**" if one.difference.high < 0 else "not significantly different"


def _stopping(rows: Sequence[Row], known: Sequence[Recipe]) -> list[str]:
    """Return the section on the PSNR lost by stopping without truth, compared with the best epoch on test images.

    That epoch is not known in practice.
    """
    lines = []
    for recipe in known:
        mine = _of(rows, recipe)
        for arm in TRAINED:
            found = [one for row in of_arm(mine, arm) if (one := stopping(row)) is not None]
            if not found:
                continue
            worst = max(one.lost for one in found)
            lines.append(
                [
                    method_of(recipe).title,
                    f"{NAMES[arm]}{budgets.dagger(of_arm(mine, arm))}",
                    f"{len(found)}",
                    ", ".join(f"{one.kept}" for one in found),
                    ", ".join(f"{one.best}" for one in found),
                    f"{found[0].epochs}",
                    f"{worst:.2f}",
                    f"{max(one.at_the_end for one in found):.2f}",
                    "yes" if worst <= _NEAR else "**no**",
                    _budget(rows, recipe, arm),
                ]
            )
    if not lines:
        return []
    head = [
        "problem",
        "arm",
        "seeds",
        "epoch kept",
        "best on test images",
        "of",
        "loss, dB, worst seed",
        "loss at the last epoch, dB",
        f"within {_NEAR:g} dB",
        _BUDGET,
    ]
    return [
        "## Early stopping without the truth",
        table(head, lines),
        budgets.CONVERGENCE,
        "The epoch kept is that of least held-out risk. *Loss*: test PSNR at the best epoch minus that at the epoch "
        "kept.",
    ]


def _gaps(rows: Sequence[Row], known: Sequence[Recipe]) -> list[str]:
    lines = []
    for recipe in known:
        asked = method_of(recipe)
        if asked.gap is None:
            continue
        method, baseline = asked.gap
        words = f"({NAMES[method]} − {NAMES[baseline]}) / (supervised − {NAMES[baseline]})"
        found = gap_of(rows, recipe.name, method, baseline)
        lines.append([asked.title, words, *_share_cells(found, _papers_share(asked)), _budget(rows, recipe, method)])
    if not lines:
        return []
    return [
        "## Share of the gap to supervised learning",
        table(
            [
                "problem",
                "share of the gap",
                "ours [95 %]",
                "at the best epochs",
                "seeds",
                "papers",
                "target met (estimate ≥ 0.6, CI lower bound ≥ 0.4)",
                f"{_BUDGET} (method)",
            ],
            lines,
        ),
        "Shares are of mean PSNRs on the test images, with an interval by a paired bootstrap over images (over "
        "patients, where they are known). Where a gap is small, its share is uncertain and the interval is wide. *At "
        "the best epochs*: the share if each training had returned its best epoch on the test images, so that the "
        "difference is what stopping costs; – where the test images were not watched. A share compares two short "
        "trainings with each other: it does not show how far both are behind the source ([in decibels]"
        "(#published-figures-and-their-metrics)).",
    ]


def _share_cells(found: Gap | None, papers: str) -> list[str]:
    if found is None:
        return ["no rows yet", "–", "–", papers, "–"]
    best = "–" if found.at_best is None else f"{found.at_best:.2f}"
    entry = found.share.to_json()
    value, low = entry["value"], entry["low"]
    if not isinstance(value, float) or not isinstance(low, float):
        return [str(entry.get("reason", "–")), best, str(found.seeds), papers, "–"]
    return [figure(entry), best, str(found.seeds), papers, "yes" if value >= _ASKED and low >= _ASKED_LOW else "**no**"]


def _papers_share(asked: MethodSettings) -> str:
    assert asked.gap is not None
    method, baseline = (asked.papers.get(arm) for arm in asked.gap)
    best = asked.papers.get("supervised")
    if method is None or baseline is None or best is None:
        return "–"
    return f"{(method - baseline) / (best - baseline):.2f}"


def _curve(rows: Sequence[Row]) -> list[str]:
    """REI's curve: what MRI loses to noise, by arm."""
    some = [row for row in rows if row["settings"]["operator"] == "fourier-mask" and row["settings"]["operators"] == 1]
    cases = sorted({(row["px"], -row["settings"]["kept"], row["settings"]["sigma"]) for row in some})
    if len(cases) < 2:
        return []
    arms = [arm for arm in NAMES if any(row["arm"] == arm for row in some)]
    lines = []
    for px, kept, sigma in cases:
        chosen = [
            row for row in some if (row["px"], -row["settings"]["kept"], row["settings"]["sigma"]) == (px, kept, sigma)
        ]
        cells = [of_arm(chosen, arm) for arm in arms]
        longest = max((row for row in chosen if row.get("steps")), key=lambda row: int(row["steps"]), default=None)
        budget = "–" if longest is None else budgets.spent([longest], REI_MRI)
        marked = [f"{_mean(cell)}{budgets.dagger(cell)}" for cell in cells]
        lines.append([f"{px}", f"×{-1 / kept:.0f}", f"{sigma:g}", *marked, budget])
    head = ["px", "acceleration", "σ", *(NAMES[arm] for arm in arms), f"{_BUDGET} (arms without truth)"]
    return ["## MRI PSNR by noise level", table(head, lines), budgets.CONVERGENCE]


def _mean(rows: Sequence[Row]) -> str:
    return figure(average(rows, "psnr")) if rows else "–"


def _problem(rows: Sequence[Row], recipe: Recipe, *, shown: Sequence[str]) -> list[str]:
    asked, view, training = method_of(recipe), images_of(recipe), training_of(recipe)
    mine, variation = _of(rows, recipe), of_arm(of_recipe(rows, recipe), "tv")
    blocks = [f"## {asked.title}"]
    described = (
        f"`{recipe.name}`: {view.size} px, batches of {training.batch_size}, {training.epochs} epochs, "
        f"group {asked.group}, α = {asked.equivariance:g}"
    )
    if not mine:
        return [*blocks, f"{described}. *No row yet: `python -m studies.imaging --only {_short(recipe)}`.*"]
    n = mine[0]["n"]
    blocks.append(f"{described}; {n['trained']} images trained on, {n['tested']} tested; {n['split']}.")
    lines = []
    source = PUBLISHED.get(_short(recipe))
    for arm in asked.arms:
        some = of_arm(mine, arm)
        printed = None if source is None else asked.papers.get(arm)
        papers = "–" if source is None or printed is None else source.cell(printed)
        if not some:
            lines.append([NAMES[arm], "no row yet", "–", "–", "–", papers, "–", "–", "–", "–"])
            continue
        psnr, ssim, as_papers = (figure(average(some, name)) for name in ("psnr", "ssim", "psnr_papers"))
        ahead = "–" if arm == "tv" else difference_text(against_tv(some, variation))
        behind = "–" if source is None or printed is None else signed(_as_papers(some) - source.converted(printed))
        name = f"{NAMES[arm]}{budgets.dagger(some)}"
        lines.append(
            [
                name,
                psnr,
                ahead,
                ssim,
                as_papers,
                papers,
                behind,
                _seeds(some, arm),
                _cost(some, arm),
                _budget(rows, recipe, arm),
            ]
        )
    head = [
        "arm",
        "PSNR, dB [95 %]",
        "PSNR − TV, dB",
        "SSIM",
        "PSNR by the papers' peak",
        "published, dB",
        "ours − published, dB",
        "seeds; machine",
        "cost",
        _BUDGET,
    ]
    blocks.append(table(head, lines))
    if any(budgets.dagger(of_arm(mine, arm)) for arm in asked.arms):
        blocks.append(budgets.CONVERGENCE)
    if source is not None:
        blocks.append(
            f"*Published*: {source.where} ({source.tested}, {source.px} px). *Ours − published* compares it with the "
            "PSNR by the papers' peak, in the same metric. [Published figures and their metrics]"
            "(#published-figures-and-their-metrics)."
        )
    if is_longer(recipe):
        blocks += _longer(mine, recipe)
    if shown:
        arms = ", ".join("the truth" if one == "truth" else NAMES[one] for one in shown)
        blocks.append(f"![{asked.title}: {arms}, from left to right](images/imaging/{_short(recipe)}.png)")
        if recipe.view.get("pictures") == "digits":
            blocks.append(
                "From left to right as above, the truth first. The digits are MNIST's (LeCun, Cortes; CC BY-SA 3.0)."
            )
    return blocks


def _longer(rows: Sequence[Row], recipe: Recipe) -> list[str]:
    """Return the text and the chart of a longer training of another recipe's problem."""
    shorter = LONGER[recipe.name]
    said = (
        f"A longer training of `{shorter}`, on more images and with one more level in the network; operator, "
        "validation and test images are the same, and *PSNR − TV* is from total variation's row there. The number of "
        "levels and the learning rate were chosen on the validation images, in trainings of 600 steps with projection. "
        f"The networks compute in {_PRECISIONS[training_of(recipe).precision]} precision in training. The learning "
        "rate falls to a tenth after three quarters of the steps, so points of the chart before the end are not those "
        "of shorter trainings."
    )
    drawn = chart(method_of(recipe).title, rows)
    return [said] if drawn is None else [said, f"![{drawn[1]}]({_chart_of(recipe)})"]


def _chart_of(recipe: Recipe) -> str:
    """Return the file of a longer training's chart, below `docs`."""
    return f"{IMAGES}/{_short(recipe)}.svg"


def _as_papers(rows: Sequence[Row]) -> float:
    """PSNR with the truth's maximum as the peak, mean over images and seeds, in dB."""
    return mean(rows, "psnr_papers")


def _published(rows: Sequence[Row], known: Sequence[Recipe]) -> list[str]:
    """The audit of the published figures, and the check of each metric by the arm that needs no training."""
    lines, explanations = [], []
    for recipe in known:
        source, asked, mine = PUBLISHED.get(_short(recipe)), method_of(recipe), _of(rows, recipe)
        if source is None:
            continue
        direct, printed = of_arm(mine, "direct"), asked.papers.get("direct")
        check = "no A† published"
        if printed is not None and direct:
            difference = _as_papers(direct) - source.converted(printed)
            check = f"{_as_papers(direct):.2f} against {source.converted(printed):.2f} ({signed(difference)})"
            if abs(difference) > NEAR:
                check += ": explained below"
                explanations.append(source.explanation)
        lines.append(
            [
                asked.title,
                source.where,
                f"{source.tested}; {source.px} px (ours: {_tested(mine)}{_size(recipe)})",
                source.metric if source.channels == 1 else f"{source.metric}: {signed(source.offset)} dB to convert",
                check,
            ]
        )
    if not lines:
        return []
    return [
        "## Published figures and their metrics",
        "All published figures on this page are printed above single images; they are not means over a test set. The "
        "authors' function `cal_psnr` takes the truth's maximum as the peak, sums the squared errors over all channels "
        "and divides by the number of pixels. For one channel this is the usual PSNR (for MRI, of magnitudes). For "
        f"three channels it is 10·log10(3) = {10 * math.log10(3):.2f} dB too low, so this page adds "
        f"{10 * math.log10(3):.2f} dB before it compares. The authors' test scripts of EI pass the truth first, so "
        "their peak may be that of the reconstruction. *Check*: A† needs no training, so ours and the published one "
        f"should agree within {NEAR:g} dB where the metric is the same.",
        table(
            [
                "problem",
                "source",
                "test images of the source",
                "metric of the source",
                "check: A†, ours against published, dB",
            ],
            lines,
        ),
        *dict.fromkeys(explanations),
        *_compared(rows, known),
    ]


def _tested(rows: Sequence[Row]) -> str:
    return f"mean of {rows[0]['n']['tested']}, " if rows else ""


def _size(recipe: Recipe) -> str:
    view = images_of(recipe)
    grey = ", grey" if view.pictures == "urban" and not view.colour else ""
    return f"{view.size} px{grey}"


def _colour(rows: Sequence[Row], known: Sequence[Recipe]) -> list[tuple[Recipe, str, float, float]]:
    """Trained arms of problems with published figures of colour images: recipe, arm, ours and theirs in one metric."""
    found: list[tuple[Recipe, str, float, float]] = []
    for recipe in known:
        source, asked, mine = PUBLISHED.get(_short(recipe)), method_of(recipe), _of(rows, recipe)
        for arm in asked.arms if source is not None and source.channels > 1 else ():
            some, printed = of_arm(mine, arm), asked.papers.get(arm)
            if source is not None and arm in TRAINED and arm != "mc" and some and printed is not None:
                found.append((recipe, arm, _as_papers(some), source.converted(printed)))
    return found


def _compared(rows: Sequence[Row], known: Sequence[Recipe]) -> list[str]:
    """Trained arms next to the published figures of colour images, in the same metric."""
    lines = [
        [
            method_of(recipe).title,
            NAMES[arm],
            f"{ours:.2f}",
            f"{theirs:.2f}",
            signed(ours - theirs),
            _budget(rows, recipe, arm),
        ]
        for recipe, arm, ours, theirs in _colour(rows, known)
    ]
    if not lines:
        return []
    head = ["problem", "arm", "ours, dB", "published, in the same metric, dB", "difference, dB", _BUDGET]
    return ["Trained arms of the problems whose published metric differs:", table(head, lines)]


def _behind(rows: Sequence[Row], known: Sequence[Recipe]) -> list[str]:
    """The first screen's sentence on the published figures, with the training of each arm."""
    said = []
    for recipe, arm, ours, theirs in _colour(rows, known):
        source, some = PUBLISHED[_short(recipe)], of_arm(_of(rows, recipe), arm)
        if arm != ("rei" if method_of(recipe).gain else "ei"):  # the source's own method
            continue
        part = share(int(some[0]["steps"]), source.budget.steps)
        noise = "with Poisson noise" if method_of(recipe).gain else "without noise"
        value = f"{ours:.2f} dB{budgets.dagger(some)}"
        said.append(f"{NAMES[arm]} {noise} {value} against {theirs:.2f} dB ({part} of the source's steps)")
    return (
        [f"Inpainting of photographs, in the same metric as the published figures: {'; '.join(said)}."] if said else []
    )


def _seeds(rows: Sequence[Row], arm: str) -> str:
    """Return the seeds and processors of an arm's rows; a note marks rows that were trained without early stopping."""
    if arm not in TRAINED:
        return "no training"
    seeds = ", ".join(str(row["seed"]) for row in rows)
    machines = ", ".join(sorted({str(row.get("machine") or row["device"].split(",")[0]) for row in rows}))
    noisy = any(row["settings"]["sigma"] or row["settings"]["gain"] for row in rows)  # without noise, nothing stops
    old = (
        " *(last epoch; not yet trained again with early stopping)*"
        if noisy and any("testing_psnr" not in row for row in rows)
        else ""
    )
    return f"{seeds}; {machines}{old}"


def _cost(rows: Sequence[Row], arm: str) -> str:
    if arm == "tv":
        row, tested = rows[0], rows[0]["n"]["tested"]
        near = f"{row['converged']} of {tested} within {row['tolerance']:g} of the minimum"
        return f"{row['iterations']} iterations at most, {near}"
    if arm not in TRAINED:
        return "–"
    minutes = [row["cpu_seconds"] / 60 for row in rows if row.get("cpu_seconds") is not None]
    spent = f"{sum(minutes) / len(minutes):.0f}" if minutes else "–"
    return f"{spent} core minutes each"


def _lessons() -> list[str]:
    """Return the section on limitations."""
    said = [
        "A share compares equivariance with the same network trained on the truth. It does not show that the network "
        "is the "
        "best choice.",
        "A network trained on few measurements, each with one draw of noise, overfits that noise: the estimated risk "
        "on them falls below zero, and its images get worse. Low-dose CT is therefore on this page twice: with each "
        "slice "
        "measured once, and 25 times. The papers draw fresh noise at every step, which requires the truth.",
    ]
    return ["## Limitations", "\n".join(f"- {sentence}" for sentence in said)]


def _short(recipe: Recipe) -> str:
    return recipe.name.removeprefix(PREFIX)


def _provenance(rows: Sequence[Row]) -> list[str]:
    trained = [row for row in rows if row["arm"] in TRAINED]
    said = [
        "## Differences from the papers",
        "The papers train on 90 CT slices and 90 photographs of 256 × 256 pixels (CT noise-free: 128 × 128) and on "
        "900 MRI slices of 320 × 320 pixels, for 500 to 5,000 epochs on a GPU, and give a network fresh noise at every "
        "step, which requires the truth. Here each image is measured once; there are fewer images, fewer steps and a "
        "network of fewer than a million weights, so that a run ends within an hour on one core. Their PSNR uses each "
        "truth's maximum as the peak and sums the squared errors of colour channels ([conversion]"
        "(#published-figures-and-their-metrics)); our first column uses 1, the images' range, and the mean over "
        "channels. Where patients are known, tested images are of other patients than the training images; for MRI "
        "and photographs, the last 20 by name.",
    ]
    if trained:
        devices = ", ".join(sorted({row["device"] for row in trained}))
        dates = sorted(row["date"] for row in trained)
        rates = sorted({f"{_short_name(row)}: {row['learning_rate']:g}" for row in trained})
        weights = ", ".join(sorted({f"{row['weights']:,}" for row in trained}))
        said.append(
            f"Networks of {weights} weights; {devices}; {dates[0]} to {dates[-1]}. Learning rates: {'; '.join(rates)}."
        )
    return said


def _short_name(row: Row) -> str:
    return str(row["problem"]).removeprefix(PREFIX)
