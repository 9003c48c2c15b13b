"""`docs/results-imaging.md`: order of its sections, and those on method, limitations and the papers.

Each number is from a committed row. Tables over problems, and the section of a problem, are in `*_section.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from studies import recipe_files as recipes
from studies.curves.page import charts, curve_blocks
from studies.evidence.reconstruction import ProblemGains, imaging_screen
from studies.evidence.screen import Screen, folded, rendered
from studies.imaging import budgets
from studies.imaging.arms import NAMES, STOPPED, TRAINED
from studies.imaging.by_steps import chart
from studies.imaging.consistency import consistency_blocks
from studies.imaging.gap_section import gap_blocks
from studies.imaging.longer import is_longer, of_longest
from studies.imaging.noise_section import noise_blocks
from studies.imaging.problem_images import STUDY, gallery_blocks
from studies.imaging.problem_section import chart_file, problem_blocks
from studies.imaging.published import budget_of
from studies.imaging.published_section import published_blocks, published_sentence
from studies.imaging.selection import of_arm, of_problem
from studies.imaging.settings import method_of
from studies.imaging.stopping_section import NEGLIGIBLE, stopping_blocks
from studies.imaging.summaries import against, best_without_truth, stopping
from studies.imaging.tv_section import tv_blocks
from studies.outlook.page import imaging_blocks
from studies.row_files import read_study
from studies.rows import Row
from unseen.artifacts.files import write_text
from unseen.artifacts.recipe import Recipe
from unseen.reconstruction.side_by_side import columns_of

PREFIX = "imaging/"


def write_page(rows: Path, *, docs: Path) -> Path:
    """Write the page with its charts; without rows it states how to compute them."""
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
        if is_longer(recipe) and (drawn := chart(method_of(recipe).title, of_problem(found, recipe.name))) is not None:
            drawings[chart_file(recipe)] = drawn[0]
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
    """Return the page as Markdown.

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
        *published_blocks(rows, ordered),
        *gap_blocks(rows, ordered),
        *tv_blocks(rows, ordered),
        *curve_blocks(curves),
        *consistency_blocks(rows, ordered),
        *imaging_blocks(outlook),
        *stopping_blocks(rows, ordered),
        *noise_blocks(rows),
        "## Method",
        "Each recipe has one learning rate. Its arms without truth have the same number of steps, unless their row "
        "states another, and differ only in the loss; *unrolled* has a network of its own. A† is the pseudo-inverse "
        "(FBP for tomography), TV total variation with its weight chosen on validation images (half a decade apart, "
        "then an eighth of a decade around the best), MC measurement consistency, EI equivariant imaging, REI robust "
        "equivariant imaging, *supervised* the same network with the truth. Each image was measured once (except "
        "in one problem, as marked); every arm learns from the same measurements. Learning rates are the "
        f"supervised arm's best of a grid, tried in short trainings, on validation images. {_largest_rates(rows)}With "
        "few images a supervised network overfits, so the reference is the better of an early-stopped and a full "
        "supervised run, on validation images. "
        "Under noise, a tenth of the training measurements is held out and [stops every arm](theory/stopping.md). We "
        "chose nothing on test images. Intervals are over images (patients, where known) and seeds. For MRI by one "
        "mask, *the source's steps* are those of REI's MRI (×4, noisy), also where no source states any: without noise "
        "and ×2.",
    ]
    for recipe in ordered:
        blocks += problem_blocks(rows, recipe, shown=(pictures or {}).get(recipe.short, ()))
    blocks += gallery_blocks(phantoms, ordered)
    if first is None:
        screen = [
            "No row yet: `python -m studies.imaging` trains them.",
            rendered("make results-imaging", "studies/results/imaging.jsonl"),
        ]
    else:
        screen = first.blocks()
    below = folded([*blocks, *_limitations(), *_provenance(rows)])
    return "\n\n".join(["# Imaging from measurements alone", *screen, *below]) + "\n"


def _largest_rates(rows: Sequence[Row]) -> str:
    """Return the sentence on problems whose chosen learning rate is the largest that was tried, or nothing."""
    tried: dict[str, Mapping[str, float]] = {
        row["problem"]: row["learning_rates"] for row in rows if len(row.get("learning_rates") or ()) > 1
    }
    largest = sum(max(psnr, key=lambda rate: psnr[rate]) == max(psnr, key=float) for psnr in tried.values())
    if not largest:
        return ""
    return (
        f"On {largest} of the {len(tried)} problems with several rates, the largest rate that was tried was the best; "
        "a larger one may be better. "
    )


def screen_of(rows: Sequence[Row], known: Sequence[Recipe]) -> Screen | None:
    """Return the first screen of the page; None without a row."""
    problems, trained = [], []
    for recipe in known:
        mine = of_longest(rows, recipe)
        ahead, variation = best_without_truth(mine), of_arm(mine, "tv")
        if ahead is None or is_longer(recipe):
            continue
        found = {arm: against(of_arm(mine, arm), variation) for arm in ("direct", "supervised")}
        found["free"] = ahead.difference
        differences = {kind: one for kind, one in found.items() if one is not None}
        best, source = of_arm(mine, ahead.arm), budget_of(recipe)
        trained += [(row, source) for row in best]
        name = f"{NAMES[ahead.arm]}{budgets.dagger(best)}"
        problems.append(
            ProblemGains(
                recipe.short,
                method_of(recipe).title,
                name,
                differences,
                budgets.spent(best, source),
                max((int(row["steps"]) for row in of_arm(mine, "supervised")), default=None),
            )
        )
    watched = [(row, end) for row in rows if row["arm"] not in STOPPED and (end := stopping(row)) is not None]
    stopped = [end for _, end in watched]
    sources = {recipe.name: budget_of(recipe) for recipe in known}
    near = sum(end.lost <= NEGLIGIBLE for end in stopped)
    at_the_end = sum(end.at_the_end <= NEGLIGIBLE for end in stopped)
    return imaging_screen(
        problems,
        (near, at_the_end, len(stopped)),
        max((row["date"] for row in rows), default=""),
        budgets.overall(trained),
        stopped_budget=budgets.overall([(row, sources.get(row["problem"])) for row, _ in watched]),
        published=published_sentence(rows, known),
        footnotes=[budgets.CONVERGENCE] if any(budgets.dagger([row]) for row, _ in trained) else [],
    )


def _limitations() -> list[str]:
    """Return the section on limitations."""
    said = [
        "A share compares equivariance with the same network trained on the truth. It does not show that the network "
        "is the best choice.",
        "A network trained on few measurements, each with one draw of noise, overfits that noise: the estimated risk "
        "on them falls below zero, and its images get worse. Low-dose CT is therefore on this page twice: with each "
        "slice measured once, and 25 times. The papers draw fresh noise at every step, which requires the truth.",
    ]
    return ["## Limitations", "\n".join(f"- {sentence}" for sentence in said)]


def _provenance(rows: Sequence[Row]) -> list[str]:
    """Return the section on differences from the papers, with devices, dates and learning rates."""
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
        rates = sorted({f"{str(row['problem']).removeprefix(PREFIX)}: {row['learning_rate']:g}" for row in trained})
        weights = ", ".join(sorted({f"{row['weights']:,}" for row in trained}))
        said.append(
            f"Networks of {weights} weights; {devices}; {dates[0]} to {dates[-1]}. Learning rates: {'; '.join(rates)}."
        )
    return said
