"""`docs/results-imaging.md` from rows and recipes alone: no number stands there without its JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from studies import recipe_files as recipes
from studies.imaging.arms import NAMES, TRAINED
from studies.imaging.gaps import Gap, gap_of, of_arm
from studies.imaging.settings import MethodSettings, images_of, method_of, training_of
from studies.pages.cells import table
from studies.rows import Row, read_rows
from unseen.artifacts.files import write_text
from unseen.artifacts.installation import LIMITS
from unseen.artifacts.recipe import Recipe
from unseen.evaluation.intervals import interval_text as figure

PREFIX = "imaging/"
_FALLEN = 0.5  # dB since its best epoch that a training's images have lost, from which on that is said
_ASKED, _ASKED_LOW = 0.6, 0.4  # of the share, and of its lower bound


def write_page(rows: Path, *, docs: Path) -> Path:
    """Render the page; where there are no rows, it says so."""
    page = docs / "results-imaging.md"
    docs.mkdir(parents=True, exist_ok=True)
    known = [recipes.load(name) for name in recipes.names() if name.startswith(PREFIX)]
    pictures = {path.stem for path in (docs / "images" / "imaging").glob("*.png")}
    found = list(read_rows(rows / "imaging").values()) if (rows / "imaging").is_dir() else []
    write_text(page, imaging_page(found, known, pictures=pictures))
    return page


def imaging_page(rows: Sequence[Row], known: Sequence[Recipe], *, pictures: Iterable[str] = ()) -> str:
    """The whole page as Markdown.

    Args:
        rows: what `rows.row_of` made.
        known: the recipes, in the page's order after those of the gap.
        images: problems that have an image in images/imaging.
    """
    ordered = sorted(known, key=lambda recipe: (method_of(recipe).gap is None, recipe.name))
    blocks = [
        "# Imaging from measurements alone, measured",
        "*Rendered by `make results-imaging` from `studies/results/imaging/*.json`; every figure is in there. "
        f"{LIMITS}*",
        "Each problem has one network and one learning rate, and all arms without truth have one number of steps: only "
        "the objective differs. A† is the pseudo-inverse (FBP for tomography), TV total variation with its weight "
        "chosen on validation images, MC measurement consistency, EI equivariant imaging, REI robust equivariant "
        "imaging, *supervised* the same network with the truth. Each image was measured once (except in one problem, "
        "as marked); every arm learns from the same measurements. Learning rates are the supervised arm's "
        "best of a grid, tried in short trainings, on validation images. With so few images the supervised network "
        "learns them by heart, so it may stop early: the better of a short and a whole training, on validation "
        "images, is what the others are held against. Nothing was chosen on test images, and every figure is of "
        "the network after its last epoch.",
        *_gaps(rows, ordered),
        *_curve(rows),
    ]
    for recipe in ordered:
        blocks += _problem(rows, recipe, shown=recipe.name.removeprefix(PREFIX) in set(pictures))
    return "\n\n".join([*blocks, *_lessons(rows, ordered), *_provenance(rows)]) + "\n"


def _gaps(rows: Sequence[Row], known: Sequence[Recipe]) -> list[str]:
    lines = []
    for recipe in known:
        asked = method_of(recipe)
        if asked.gap is None:
            continue
        method, baseline = asked.gap
        words = f"({NAMES[method]} − {NAMES[baseline]}) / (supervised − {NAMES[baseline]})"
        found = gap_of(rows, recipe.name, method, baseline)
        lines.append([asked.title, words, *_share_cells(found, _papers_share(asked))])
    if not lines:
        return []
    return [
        "## How much of the way to supervised learning",
        table(["problem", "share of the gap", "ours [95 %]", "seeds", "papers", "at least 0.6, surely 0.4"], lines),
        "Shares are of mean PSNRs on the test images, with an interval by a paired bootstrap over images (over "
        "patients, where they are known). Where a gap is small, its share is uncertain and the interval is wide.",
    ]


def _share_cells(found: Gap | None, papers: str) -> list[str]:
    if found is None:
        return ["no rows yet", "–", papers, "–"]
    entry = found.share.to_json()
    value, low = entry["value"], entry["low"]
    if not isinstance(value, float) or not isinstance(low, float):
        return [str(entry.get("reason", "–")), str(found.seeds), papers, "–"]
    return [figure(entry), str(found.seeds), papers, "yes" if value >= _ASKED and low >= _ASKED_LOW else "**no**"]


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
    lines, past = [], list[str]()
    for px, kept, sigma in cases:
        chosen = [
            row for row in some if (row["px"], -row["settings"]["kept"], row["settings"]["sigma"]) == (px, kept, sigma)
        ]
        cells = [of_arm(chosen, arm) for arm in arms]
        lines.append([f"{px}", f"×{-1 / kept:.0f}", f"{sigma:g}", *(_mean(cell) for cell in cells)])
        past += [f"{px} px, ×{-1 / kept:.0f}, σ = {sigma:g}: {said}" for said in _past_its_best(of_arm(chosen, "rei"))]
    blocks = ["## MRI as the noise grows", table(["px", "faster", "σ", *(NAMES[arm] for arm in arms)], lines)]
    if past:
        blocks.append(
            "REI's images get worse after an epoch where few slices, each with one draw of noise, are learnt by "
            "heart; no truth was used to stop there, and the table has the last epoch. On validation images, since "
            f"its best epoch: {'; '.join(past)}."
        )
    return blocks


def _past_its_best(rows: Sequence[Row]) -> list[str]:
    """How far the first seed's validation PSNR has fallen since its best epoch, where that is worth a word."""
    for row in rows[:1]:
        best = max(row["validation_psnr"], key=lambda point: point[1])
        fallen = best[1] - row["validation_psnr"][-1][1]
        if fallen >= _FALLEN:
            return [f"−{fallen:.1f} dB since epoch {best[0]} of {row['validation_psnr'][-1][0]}"]
    return []


def _mean(rows: Sequence[Row]) -> str:
    return figure(_average(rows, "psnr")) if rows else "–"


def _average(rows: Sequence[Row], name: str) -> Mapping[str, float | None]:
    """A figure's mean over seeds; its interval is the images', averaged over the seeds."""
    entries = [row["metrics"][name] for row in rows if name in row["metrics"]]
    if not entries:
        return {"value": None}
    return {key: sum(entry[key] for entry in entries) / len(entries) for key in ("value", "low", "high")}


def _problem(rows: Sequence[Row], recipe: Recipe, *, shown: bool) -> list[str]:
    asked, view, training = method_of(recipe), images_of(recipe), training_of(recipe)
    mine = [row for row in rows if row["problem"] == recipe.name]
    blocks = [f"## {asked.title}"]
    told = (
        f"`{recipe.name}`: {view.size} px, batches of {training.batch_size}, {training.epochs} epochs, "
        f"group {asked.group}, α = {asked.equivariance:g}"
    )
    if not mine:
        return [*blocks, f"{told}. *No row yet: `python -m studies.imaging --only {_short(recipe)}`.*"]
    n = mine[0]["n"]
    blocks.append(f"{told}; {n['trained']} images trained on, {n['tested']} tested; {n['split']}.")
    lines = []
    for arm in asked.arms:
        some = of_arm(mine, arm)
        papers = f"{asked.papers[arm]:.2f}" if arm in asked.papers else "–"
        if not some:
            lines.append([NAMES[arm], "no row yet", "–", "–", papers, "–"])
            continue
        cells = [figure(_average(some, name)) for name in ("psnr", "ssim", "psnr_papers")]
        lines.append([NAMES[arm], *cells, papers, _cost(some, arm)])
    head = [
        "arm",
        "PSNR, dB [95 %]",
        "SSIM",
        "PSNR as the papers take it",
        "papers",
        "cost",
    ]
    blocks.append(table(head, lines))
    if shown:
        arms = ", ".join(["the truth", *(NAMES[arm] for arm in asked.arms)])
        blocks.append(f"![{asked.title}: {arms}, from left to right](images/imaging/{_short(recipe)}.png)")
        if recipe.view.get("pictures") == "digits":
            blocks.append(
                "From left to right as above, the truth first. The digits are MNIST's (LeCun, Cortes; CC BY-SA 3.0)."
            )
    return blocks


def _cost(rows: Sequence[Row], arm: str) -> str:
    if arm == "tv":
        row, tested = rows[0], rows[0]["n"]["tested"]
        near = f"{row['converged']} of {tested} within {row['tolerance']:g} of the minimum"
        return f"{row['iterations']} iterations at most, {near}"
    if arm not in TRAINED:
        return "–"
    minutes = [row["cpu_seconds"] / 60 for row in rows if row.get("cpu_seconds") is not None]
    spent = f"{sum(minutes) / len(minutes):.0f}" if minutes else "–"
    return f"{len(rows)} seed(s), {rows[0]['steps']} steps, {spent} core minutes each"


def _lessons(rows: Sequence[Row], known: Sequence[Recipe]) -> list[str]:
    """What a reader should not overlook."""
    said = [
        "A share measures how close symmetry comes to the same network with the truth, not whether the network is the "
        "best choice.",
        "A network shown few measurements, each with one draw of noise, learns that noise by heart: the estimated risk "
        "falls below zero, which no risk can, and its images get worse. That is seen without any truth; train "
        "for as long as the risk on measurements held out falls. How long the recipes train was decided on validation "
        "images. Low-dose CT stands here twice for that: with each slice measured once, and 25 times. The papers "
        "draw fresh noise at every step, which takes the truth.",
    ]
    ahead = [method_of(recipe).title for recipe in known if _variation_is_ahead(rows, recipe)]
    if ahead:
        said.insert(1, f"Total variation, which learns nothing, is ahead of every network here on: {'; '.join(ahead)}.")
    return ["## What to take from it", "\n".join(f"- {sentence}" for sentence in said)]


def _variation_is_ahead(rows: Sequence[Row], recipe: Recipe) -> bool:
    mine = [row for row in rows if row["problem"] == recipe.name]
    learnt = [of_arm(mine, arm) for arm in method_of(recipe).arms if arm in TRAINED]
    variation = of_arm(mine, "tv")
    if not variation or not any(learnt):
        return False
    best = max(_average(some, "psnr")["value"] or 0.0 for some in learnt if some)
    return (_average(variation, "psnr")["value"] or 0.0) > best


def _short(recipe: Recipe) -> str:
    return recipe.name.removeprefix(PREFIX)


def _provenance(rows: Sequence[Row]) -> list[str]:
    trained = [row for row in rows if row["arm"] in TRAINED]
    said = [
        "## What differs from the papers",
        "The papers train on 90 CT slices, 900 MRI slices and 90 photographs of 256 × 256 pixels (CT noise-free: "
        "128 × 128), for 500 to 5,000 epochs on a GPU, and show a network fresh noise at every step, which takes "
        "the truth to draw. Here an image is measured once; there are fewer images, fewer steps and a network "
        "of under a million weights, so that a run ends within an hour on one core. Their PSNR takes each truth's "
        "maximum as the peak; our first column takes 1, the images' range. Tested images are of patients that "
        "were not trained on, where patients are known; for MRI and photographs, the last 20 by name.",
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
