"""`docs/results-priors.md` from rows alone: no number stands there without its JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from studies import recipe_files as recipes
from studies.evidence.reconstruction import priors_screen
from studies.evidence.screen import Screen, folded, rendered
from studies.outlook.page import prior_blocks
from studies.pages.cells import number_range, table
from studies.priors.comparing import LATENT, asked_of
from studies.priors.pattern import MANY, Claim, claims_of, verdict
from studies.priors.problems import KINDS, PROBLEMS, Problem, named
from studies.priors.rows import name_of
from studies.row_files import read_study
from studies.rows import Row
from unseen.artifacts.files import write_text
from unseen.evaluation.intervals import interval_text as figure

WORDS = {"direct": "A†", "tv": "TV", "range": "range", "soft": "soft", "sparse": "sparse"}
GENERATORS = {"vae": "VAE", "wgan-gp": "GAN", "ae": "AE", "": ""}
PAPER = {  # arXiv 2107.11191: fastMRI knees, one slice, a VAE; dB; the source does not state the peak of its PSNR
    "10 spokes": {"direct": 16.58, "tv": 17.99, "range": 21.90, "soft": 23.31},
    "30 spokes": {"direct": 24.25, "tv": 30.26, "range": 28.47, "soft": 31.50},
}
_CURVES = "curves"
SHOWN = "brain-mri"  # the problem of the first screen


def write_page(rows: Path, *, docs: Path) -> Path:
    """Render the page; where there are no rows, it says so."""
    page = docs / "results-priors.md"
    docs.mkdir(parents=True, exist_ok=True)
    pictures = {path.stem for path in (docs / "images" / "priors").glob("*.png")}
    found = list(read_study("priors", rows).values())
    if (first := screen_of(found)) is not None:
        first.write(docs)
    outlook = list(read_study("outlook", rows).values())
    write_text(page, priors_page(found, pictures=pictures, outlook=outlook))
    return page


def priors_page(rows: Sequence[Row], *, pictures: Iterable[str] = (), outlook: Sequence[Row] = ()) -> str:
    """Return the whole page as Markdown.

    Args:
        rows: what `rows.row_of` made.
        images: the names in images/priors.
        outlook: rows of `studies.outlook`.
    """
    there = set(pictures)
    first = screen_of(rows)
    blocks = [
        "# Generators as priors",
        *([rendered("make results-priors", "studies/results/priors.jsonl")] if first is None else first.blocks()),
        "## Methods compared",
        "A generator is trained on images and on no operator. *range* searches the generator's range for the image "
        "that explains y; *soft* allows an image outside the range and penalises the distance; *sparse* allows few "
        "pixels outside it. TV is total variation, A† the pseudo-inverse (for MRI the zero-filled image). For each "
        "method we tried eight weights on the same validation images and kept the one of least mean squared error. "
        "*TV, oracle* uses the best of the same eight weights for each test image: this needs the truth and bounds any "
        "choice for TV. Starts are drawn from the generator's prior. The generators were not trained on test images or "
        "their subjects. Intervals are bootstrap intervals over images, or over subjects where these are known.",
    ]
    for problem in PROBLEMS:
        mine = [row for row in rows if row["problem"] == problem.name]
        blocks += _problem(problem, mine, there)
        if problem.name == "brain-mri" and mine:
            blocks += _pattern(mine)
    if _CURVES in there:
        blocks += [
            "## PSNR against number of measurements",
            f"![PSNR of A†, TV, range and soft against the number of measurements](images/priors/{_CURVES}.png)",
            f"The VAEs had {_every_vae(rows)}; those of each problem are in its table.",
        ]
    return "\n\n".join(folded([*blocks, *_four_operators(there), *prior_blocks(outlook), *_provenance(rows)])) + "\n"


def screen_of(rows: Sequence[Row]) -> Screen | None:
    """Return the page's first screen; None before its problem has rows at two levels."""
    problem = named(SHOWN)
    budget = generator_budget([row for row in rows if row["problem"] == problem.name], "vae")
    return priors_screen(rows, problem.name, problem.words, list(problem.levels), budget, trained=_every_vae(rows))


def _problem(problem: Problem, rows: Sequence[Row], pictures: set[str]) -> list[str]:
    blocks = [f"## {problem.words}"]
    if not rows:
        return [
            *blocks,
            f"*No row yet: `python -m studies.priors --only {problem.name}`.*",
        ]
    n = rows[0]["n"]
    levels = [level for level in problem.levels if any(row["level"] == level for row in rows)]
    blocks.append(
        f"{n['tested']} test images; {n['split']}. Noise: {problem.noise:.0%} of the measurements' root mean "
        "square. PSNR in dB [95 %]:"
    )
    lines, likeness = [], []
    for method, kind in _asked(rows):
        some = {row["level"]: row for row in rows if (row["method"], row["generator"]) == (method, kind)}
        name = " ".join(word for word in (WORDS[method], GENERATORS[kind]) if word)
        budget = generator_budget(rows, kind)
        lines.append([name, *(_figure(some.get(level), "psnr") for level in levels), budget])
        if method == "tv":
            lines.append(["TV, oracle", *(_figure(some.get(level), "psnr_oracle") for level in levels), "–"])
        likeness.append([name, *(_figure(some.get(level), "ssim") for level in levels), budget])
    head = ["method", *levels, "generator: training"]
    blocks += [table(head, lines), *_source(problem, rows), "SSIM:", table(head, likeness), _TRAINING]
    for level in problem.everywhere:
        picture = name_of(problem.name, level, "", "")
        if picture in pictures:
            blocks.append(
                f"![{problem.words}, {level}: the truth, A†, TV, range, soft and sparse with the VAE, from left to "
                f"right](images/priors/{picture}.png)"
            )
    return blocks


_TRAINING = (
    "*Generator: training*: of our generators. The source does not state its steps, so no share can be given; these "
    "rows keep no loss curve, so convergence is not known. A longer training or a larger latent could change the rows "
    "of the generators."
)
_SOURCE_LATENT = 800  # numbers: the source's VAE of knees


def generator_budget(rows: Sequence[Row], kind: str) -> str:
    """Return the training of a problem's generator next to the source's; a dash without one.

    Args:
        rows: Rows of one problem.
        kind: Type of the generator.
    """
    row = next((row for row in rows if row["generator"] == kind and "trained_by" in row), None)
    if row is None or not kind:
        return "–"
    said = [f"{row['training']['epochs']} epochs"]
    if row["trained_by"] in recipes.names():
        settings = recipes.load(row["trained_by"]).method.settings
        of = f" of the source's {_SOURCE_LATENT}" if row["problem"] == SHOWN and kind == "vae" else ""
        said += [f"{settings['features']} features", f"{settings['latent']}{of} latent numbers"]
    return "; ".join(said)


def _every_vae(rows: Sequence[Row]) -> str:
    """Return the range of the VAEs' training over all problems, for a sentence; empty without a VAE."""
    trained = {str(row["trained_by"]): row for row in rows if row["generator"] == "vae" and "trained_by" in row}
    if not trained:
        return ""
    said = f"{number_range([int(row['training']['epochs']) for row in trained.values()])} epochs"
    known = [recipes.load(name).method.settings for name in trained if name in recipes.names()]
    if known:
        said += (
            f", {number_range([int(str(one['features'])) for one in known])} features and "
            f"{number_range([int(str(one['latent'])) for one in known])} latent numbers"
        )
    return said


def _budgets_of(rows: Sequence[Row], kinds: Iterable[str]) -> str:
    """Return the training of a problem's generators, each behind its name."""
    return ". ".join(f"{GENERATORS[kind]}: {generator_budget(rows, kind)}" for kind in kinds)


def _order(figures: Mapping[str, float]) -> str:
    """Return methods in words, the one with the highest PSNR first.

    >>> _order({"tv": 17.99, "soft": 23.31})
    '*soft*, TV'
    """
    ordered = sorted(figures, key=lambda method: -figures[method])
    return ", ".join(f"*{WORDS[method]}*" if method in LATENT else WORDS[method] for method in ordered)


def _orders(rows: Sequence[Row]) -> str:
    """Return the order of the source's methods next to ours with the VAE, at each of the source's levels."""
    said = []
    for level, printed in PAPER.items():
        ours = {
            method: float(row["metrics"]["psnr"]["value"])
            for row in rows
            for method in printed
            if (row["level"], row["method"]) == (level, method) and row["generator"] in ("", "vae")
        }
        found = f"; ours {_order(ours)}" if len(ours) == len(printed) else ""
        said.append(f"With {level}, from the highest PSNR to the lowest: the source's {_order(printed)}{found}.")
    return f"{' '.join(said)} Our VAE: {generator_budget(rows, 'vae')}."


def _source(problem: Problem, rows: Sequence[Row]) -> list[str]:
    """Return how the published figures of a problem compare; the metric of the source is not known."""
    if problem.name != SHOWN:
        return []
    differences = [
        f"{row['metrics']['psnr']['value'] - PAPER[row['level']]['direct']:+.1f} dB at {row['level']}".replace("-", "−")
        for row in rows
        if row["method"] == "direct" and row["level"] in PAPER
    ]
    ours = (
        f" Our A† (the zero-filled image) minus the source's as printed: {'; '.join(differences)}."
        if differences
        else ""
    )
    return [
        "*The source*: Duff, Campbell and Ehrhardt (arXiv 2107.11191), figures with 10 and 30 angles; one knee slice "
        f"of fastMRI, a VAE with {_SOURCE_LATENT} latent numbers. The source does not state the peak of its PSNR, so "
        "its figures cannot be converted to ours (peak 1), and only the order of the methods is compared. "
        f"{_orders(rows)}{ours} The organ, the resolution and the share of measured frequencies differ, and the "
        "source's peak is not known, so no agreement within 1 dB is expected."
    ]


def _asked(rows: Sequence[Row]) -> list[tuple[str, str]]:
    found = {(row["method"], row["generator"]) for row in rows}
    return [pair for pair in asked_of(KINDS) if pair in found]


def _figure(row: Row | None, name: str) -> str:
    return figure(row["metrics"].get(name)) if row else "–"


def _pattern(rows: Sequence[Row]) -> list[str]:
    """Return the section that compares these slices with the source's pattern."""
    claims = claims_of(rows)
    if not claims:
        return []
    lines = [
        [GENERATORS[claim.generator], claim.level, claim.words, figure(claim.entry, sign=True), verdict(claim)]
        for claim in claims
    ]
    return [
        "### Comparison with the source's pattern",
        "The source reports: *range* is better than TV with few data and worse with many; *soft* is at least as good "
        "as both. Differences of PSNR on "
        "the same slices, in dB, with a paired interval over subjects. The source's few are 10 spokes and its many 30. "
        "10 spokes sample 9 % of the frequencies of 128 × 128 and 4 % of 256 × 256; here, 5 spokes sample 4 %.",
        f"{_budgets_of(rows, dict.fromkeys(claim.generator for claim in claims))}. Convergence is not known. *Holds* "
        "and *does not hold* are statements about these trainings only.",
        table(["generator", "measured", "difference", "dB [95 %]", "the pattern"], lines),
        *_why_not(claims, rows),
    ]


def _why_not(claims: Sequence[Claim], rows: Sequence[Row]) -> list[str]:
    """Explain why *soft* is not better than TV with many spokes; empty if it is, or if no validation PSNR is known."""
    fails = [
        claim for claim in claims if claim.level == MANY and claim.words == "soft − TV" and verdict(claim) != "holds"
    ]
    reached = {row["generator"]: row["validation_psnr"] for row in rows if "validation_psnr" in row}
    if not fails or not reached:
        return []
    heard = ", ".join(f"{value:.1f} dB for the {GENERATORS[kind]}" for kind, value in sorted(reached.items()))
    return [
        "Why *soft* is not better than TV with many spokes: the generators learnt from the slices of fourteen subjects "
        "(all that the 22 of the data leave: three validate, five are tested), mirrored, rotated and scaled a little. "
        f"Their PSNR on slices of other subjects is limited: G(E(x)) on validation slices, {heard}. For frequencies "
        "that the spokes do not sample, *soft* uses G(z), and there its error remains the generator's, however much is "
        "measured elsewhere. TV has no such limit. The trainings are short "
        f"({_budgets_of(rows, sorted(reached))}): longer training or more latent numbers could raise "
        "these figures."
    ]


def _four_operators(pictures: set[str]) -> list[str]:
    shown = [
        (problem, name_of(problem.name, problem.everywhere[0], "", ""))
        for problem in PROBLEMS
        if problem.name.startswith("digits-")
    ]
    if not all(name in pictures for _, name in shown):
        return []
    blocks = [
        "## One generator with four operators",
        "The same VAE of digits under each operator, without retraining; from left to right the truth, A†, TV, range, "
        "soft, sparse. A plausible image can be wrong: with few measurements a generator produces a digit that fits "
        "them, and it may be another digit. The digits are MNIST's (LeCun, Cortes; CC BY-SA 3.0).",
    ]
    return blocks + [
        f"**{problem.words.partition(': ')[2]}**, {problem.everywhere[0]}\n\n"
        f"![{problem.words}](images/priors/{name}.png)"
        for problem, name in shown
    ]


def _provenance(rows: Sequence[Row]) -> list[str]:
    if not rows:
        return []
    dates = sorted(row["date"] for row in rows)
    devices = ", ".join(sorted({row["device"] for row in rows}))
    effort = rows[0]["effort"]
    trained = {row["trained_by"]: row for row in rows if "trained_by" in row}
    lines = [
        [
            f"`{name}`",
            str(row["training"]["epochs"]),
            "–" if row["trained_seconds"] is None else f"{row['trained_seconds'] / 60:.0f}",
            f"{row['validation_psnr']:.1f}" if "validation_psnr" in row else "–",
        ]
        for name, row in sorted(trained.items())
    ]
    return [
        "## Provenance",
        f"{devices}; {dates[0]} to {dates[-1]}; seed 0. A search has {effort['solving']['restarts']} starts and at "
        f"most {effort['solving']['iterations']} iterations; while weights are tried, {effort['trying']['restarts']} "
        f"and {effort['trying']['iterations']}. Minutes are wall time under other load. The generators:",
        table(["recipe", "epochs", "minutes", "PSNR of G(E(x)) on validation images, dB"], lines),
    ]
