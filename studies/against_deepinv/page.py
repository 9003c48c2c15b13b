"""`docs/results-deepinv.md` from rows alone: no number stands there without its JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from studies import recipe_files as recipes
from studies.against_deepinv.problems import CONTESTS, LEARNING_RATE, TUNED_FOR
from studies.against_deepinv.rows import STUDY
from studies.against_deepinv.training import LIBRARIES
from studies.imaging.published import Budget, budget_of, share
from studies.imaging.settings import method_of, resolved
from studies.pages.cells import number_range, table
from studies.row_files import read_study
from studies.rows import Row
from unseen.artifacts.files import write_text
from unseen.artifacts.research_only import LIMITS
from unseen.evaluation.bootstrap import mean_of
from unseen.evaluation.intervals import Interval

PAGE = "results-deepinv.md"
COMMAND = "python -m studies.against_deepinv"
_DIGITS = {"psnr": 2, "ssim": 3}


def write_page(rows: Path, *, docs: Path) -> Path:
    """Render the page; where there are no rows, it says so."""
    page = docs / PAGE
    write_text(page, deepinv_page(read_study(STUDY, rows)))
    return page


@dataclass(frozen=True)
class Difference:
    """PSNR or SSIM of `unseen` less that of the other, on the same images, over images and seeds.

    Args:
        figure: the mean and its 95 % interval.
        seeds: how many it is over.
    """

    figure: Interval
    seeds: int

    @property
    def verdict(self) -> int:
        """1: significantly higher, −1: significantly lower, 0: neither."""
        return 1 if self.figure.low > 0 else -1 if self.figure.high < 0 else 0


def trainings(rows: Mapping[str, Row], problem: str, arm: str) -> dict[int, Row]:
    """Return an arm's rows with figures, by seed."""
    return {
        int(row["seed"]): row
        for row in rows.values()
        if row["problem"] == problem and row["arm"] == arm and "by_picture" in row
    }


def shared_seeds(rows: Mapping[str, Row], problem: str) -> list[int]:
    """Return the seeds at which both libraries have rows."""
    ours, theirs = (trainings(rows, problem, library) for library in LIBRARIES)
    return sorted(set(ours) & set(theirs))


def difference(rows: Mapping[str, Row], problem: str, metric: str, other: str = "deepinv") -> Difference | None:
    """`unseen` less `other`, image by image, at the seeds that both have; None where they share none.

    An arm that needs no training has one row, which stands beside each of the seeds.
    """
    ours, theirs = (trainings(rows, problem, arm) for arm in ("unseen", other))
    if other == "tv" and theirs:
        theirs = dict.fromkeys(ours, theirs[0])
    seeds = sorted(set(ours) & set(theirs))
    if not seeds:
        return None
    pairs = [(ours[seed]["by_picture"][metric], theirs[seed]["by_picture"][metric]) for seed in seeds]
    found = mean_of([[a - b for a, b in zip(mine, its, strict=True)] for mine, its in pairs], ours[seeds[0]]["units"])
    return Difference(found, len(seeds)) if isinstance(found, Interval) else None


def deepinv_page(rows: Mapping[str, Row]) -> str:
    """Return the whole page as Markdown."""
    known = [name for name in CONTESTS if difference(rows, name, "psnr") is not None]
    blocks = ["# Quality beside deepinv"]
    if known:
        blocks += [_headline(rows, known), _budget(rows, known), _table(rows, known)]
        blocks.append(
            "The mean over test images and seeds. Differences are paired: the same image at the same seed, from the "
            "same first weights. Square brackets: 95 % intervals of a bootstrap that draws the seeds and the images "
            "(for CT the patients) again; with one seed they say nothing of the spread between trainings. TV is total "
            "variation by `unseen`, its weight chosen on validation images; *start* is the image that the networks "
            "begin from, with deepinv's own where it differs."
        )
    else:
        blocks.append(f"No row yet: `{COMMAND} train` trains them.")
    blocks.append(
        f"*Rendered by `{COMMAND} render` from `studies/results/{STUDY}.jsonl`, which holds every figure. {LIMITS}*"
    )
    if known:
        blocks += [*_chosen(rows, known), *_method(rows, known), *_limitations(rows, known)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _headline(rows: Mapping[str, Row], known: Sequence[str]) -> str:
    said = []
    for metric, word in (("psnr", "PSNR"), ("ssim", "SSIM")):
        verdicts = [found.verdict for name in known if (found := difference(rows, name, metric)) is not None]
        higher, lower = verdicts.count(1), verdicts.count(-1)
        said.append(
            f"{word}: `unseen` is significantly higher on {higher or 'none'} of {len(known)} problems, significantly "
            f"lower on {lower or 'none'}"
        )
    below_tv = [found.verdict for name in known if (found := difference(rows, name, "psnr", "tv")) is not None]
    said.append(
        f"Total variation, which learns nothing, has a significantly higher PSNR than `unseen` on "
        f"{below_tv.count(-1) or 'none'}"
    )
    return (
        "The same residual U-Net, with the same first weights, was trained without any truth by `unseen` and by "
        f"deepinv on the same images, for the same number of steps ({_length(rows, known)}), with "
        f"{_seeds(rows, known)}. {'. '.join(said)}."
    )


def _seeds(rows: Mapping[str, Row], known: Sequence[str]) -> str:
    """Return the number of seeds of the differences, in words.

    >>> _seeds({}, [])
    'no seed'
    """
    counts = [found.seeds for name in known if (found := difference(rows, name, "psnr")) is not None]
    if not counts:
        return "no seed"
    return "one seed" if max(counts) == 1 else f"{number_range(counts)} seeds"


def _length(rows: Mapping[str, Row], known: Sequence[str]) -> str:
    """Return the trainings' length as a share of the sources', with features and transforms."""
    shares, turns = [], []
    for name in known:
        source = _source(name)
        steps = _steps(rows, name)
        if source is not None:
            shares.append((steps / source.steps, share(steps, source.steps)))
            turns.append((method_of(resolved(recipes.load(CONTESTS[name].recipe))).transforms, source.transforms))
    all_steps = number_range([_steps(rows, name) for name in known])
    ends = list(dict.fromkeys((min(shares)[1], max(shares)[1]))) if shares else []
    part = f", {' to '.join(ends)} of the sources' steps where a source states them" if ends else ""
    features = number_range({int(row["features"]) for row in rows.values() if "features" in row})
    moved = (
        f"; {number_range({own for own, _ in turns})} of {number_range({theirs for _, theirs in turns})} transforms"
        if turns
        else ""
    )
    return f"{all_steps} steps{part}; {features} of 64 features{moved}"


def _budget(rows: Mapping[str, Row], known: Sequence[str]) -> str:
    """Return the sentences that state the trainings' length and what it can show."""
    return (
        f"**Training: {_length(rows, known)}; images of 32 or 64 pixels a side.** "
        "Short trainings compare how fast the two libraries learn, not what either reaches in the end; what full "
        "training would give is not measured."
    )


def _source(name: str) -> Budget | None:
    recipe = resolved(recipes.load(CONTESTS[name].recipe))
    return budget_of(recipe)


def _steps(rows: Mapping[str, Row], name: str) -> int:
    return int(next(iter(trainings(rows, name, "unseen").values()))["steps"])


def _table(rows: Mapping[str, Row], known: Sequence[str]) -> str:
    head = [
        "problem",
        "seeds",
        "metric",
        "`unseen`",
        "deepinv",
        "difference [95 %]",
        "TV",
        "`unseen` − TV [95 %]",
        "start",
    ]
    lines = []
    for name in known:
        for metric, word in (("psnr", "PSNR, dB"), ("ssim", "SSIM")):
            found = difference(rows, name, metric)
            assert found is not None
            bold = "**" if found.verdict else ""
            lines.append(
                [
                    CONTESTS[name].title if metric == "psnr" else "",
                    str(found.seeds) if metric == "psnr" else "",
                    word,
                    _mean(rows, name, "unseen", metric),
                    _mean(rows, name, "deepinv", metric),
                    f"{bold}{signed(found.figure, _DIGITS[metric])}{bold}",
                    _mean(rows, name, "tv", metric),
                    _over_tv(rows, name, metric),
                    _start(rows, name, metric),
                ]
            )
    return table(head, lines)


def signed(figure: Interval, digits: int) -> str:
    """Return a difference with its sign and interval.

    >>> signed(Interval(0.214, -0.1, 0.5), 2)
    '+0.21 [−0.10, +0.50]'
    """
    ends = [f"{value:+.{digits}f}".replace("-", "−") for value in (figure.value, figure.low, figure.high)]
    return f"{ends[0]} [{ends[1]}, {ends[2]}]"


def _mean(rows: Mapping[str, Row], problem: str, arm: str, metric: str) -> str:
    known = trainings(rows, problem, arm)
    if arm in LIBRARIES:  # the seeds that the difference is over
        known = {seed: known[seed] for seed in shared_seeds(rows, problem)}
    found = [mean(row["by_picture"][metric]) for row in known.values()]
    return f"{mean(found):.{_DIGITS[metric]}f}" if found else "–"


def _start(rows: Mapping[str, Row], problem: str, metric: str) -> str:
    """Return the image that the networks begin from; deepinv's own too where it differs."""
    ours, theirs = (_mean(rows, problem, f"{library}-direct", metric) for library in ("unseen", "deepinv"))
    return ours if theirs in (ours, "–") else f"{ours} (deepinv: {theirs})"


def _over_tv(rows: Mapping[str, Row], problem: str, metric: str) -> str:
    found = difference(rows, problem, metric, "tv")
    return "–" if found is None else signed(found.figure, _DIGITS[metric])


def _chosen(rows: Mapping[str, Row], known: Sequence[str]) -> list[str]:
    lines = []
    for name in known:
        for library in ("unseen", "deepinv"):
            trained = trainings(rows, name, library)
            row = rows.get(f"{STUDY}/{name}/{library}-chosen")
            if row is None:
                continue
            tried = "; ".join(f"{_option(one)}: {one['validation_psnr']:.2f} dB" for one in row["tried"])
            seconds = ", ".join(f"{trained[seed]['seconds']:.0f}" for seed in sorted(trained))
            lines.append(
                [
                    CONTESTS[name].title if library == "unseen" else "",
                    f"`{library}`" if library == "unseen" else library,
                    _option(row["chosen"]),
                    tried,
                    f"{_steps(rows, name):,} × {CONTESTS[name].batch}",
                    seconds,
                ]
            )
    return [
        "## What was chosen, and what was spent",
        f"Each library chose between two options by the PSNR on validation images, at seed 0 and about 1/{TUNED_FOR} "
        "of the steps; no test image took part. Seconds are those of each training, seed by seed, on one thread of a "
        "machine that other programs used at the same time: they are no comparison of speed "
        "([Speed of imaging](speed-imaging.md)).",
        table(["problem", "library", "chosen", "tried, validation PSNR", "steps × batch", "seconds"], lines),
    ]


def _option(option: Mapping[str, object]) -> str:
    words = {
        "rei": "SURE + REQ",
        "ei": "MC + EQ",
        "thinning": "thinning + REQ",
        "pictures": "consistency compared as images",
        "measurements": "consistency compared as measurements",
        "mc": "MCLoss",
        "sure-gaussian": "SureGaussianLoss",
        "sure-poisson": "SurePoissonLoss",
        "sure-pg": "SurePGLoss",
        "r2r": "R2RLoss",
    }
    if "losses" in option:
        project = ', `consistency="project"`' if option["consistency"] == "project" else ""
        return words[str(option["losses"])] + project
    scaled = {True: ", `normalize=True`", False: ", `normalize=False`", None: ""}[option.get("normalize")]  # type: ignore[index]
    return f"{words[str(option['consistency'])]} + {option['weight']:g} · EILoss{scaled}"


def _method(rows: Mapping[str, Row], known: Sequence[str]) -> list[str]:
    versions = sorted(
        {str(row["library_version"]) for row in rows.values() if row["arm"] == "deepinv" and "steps" in row}
    )
    trained = [row for row in rows.values() if "steps" in row]
    dates = sorted({str(row["date"]) for row in trained})
    when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    counts = "; ".join(
        f"{CONTESTS[name].title}: {row['n']['trained']} images trained on, {row['n']['tested']} tested"
        for name in known
        for row in [next(iter(trainings(rows, name, "unseen").values()))]
    )
    return [
        "## Method",
        "\n".join(
            f"- {sentence}"
            for sentence in (
                "*Network*: the residual U-Net of `unseen` (no normalisation, no bias, residual output zero at first), "
                "handed to deepinv with its first weights. It begins from the same type of image in both: A†, or "
                "filtered backprojection for CT, which deepinv's `ArtifactRemoval` is given as `A_dagger`.",
                "*Data*: the images, parts and noise levels of [Imaging from measurements alone](results-imaging.md). "
                "MRI and inpainting: deepinv is given the same noisy measurements. Single-pixel camera: the same "
                "patterns. CT: each library measures the same images with its own projector, as their "
                "discretisations differ.",
                f"*Training*: Adam, weight decay 1e-8, a learning rate of {LEARNING_RATE:g} (the choice of supervised "
                "learning on validation images) that falls to a tenth after three quarters of the steps; float32.",
                "*deepinv* "
                + ", ".join(versions)
                + ": its operators, losses and transforms (`EILoss` with `Shift` or bilinear `Rotate`) in the loop of "
                "its documentation; the last weights are kept. Low-dose CT has no ready operator there: it is a "
                "`Physics` of its projector, exp and `PoissonGaussianNoise`, with `SurePGLoss`.",
                "*`unseen`*: `learn`, with the losses and weights of the recipes. Where there is noise it holds out a "
                "tenth of the measurements, learns from the others, and returns the weights with the least risk on "
                "those held out.",
            )
        ),
        f"{counts}. {_devices(trained)}; {when}.",
    ]


def _devices(trained: Sequence[Row]) -> str:
    return ", ".join(sorted({f"{row['device']}, {row['machine']}" for row in trained}))


def _limitations(rows: Mapping[str, Row], known: Sequence[str]) -> list[str]:
    worse = [
        f"{CONTESTS[name].title} ({word})"
        for name in known
        for metric, word in (("psnr", "PSNR"), ("ssim", "SSIM"))
        if (found := difference(rows, name, metric)) is not None and found.verdict < 0
    ]
    few = [name for name in known if (found := difference(rows, name, "psnr")) is not None and found.seeds < 3]
    missing = [CONTESTS[name].title for name in CONTESTS if name not in known]
    said = [
        f"deepinv is significantly better here: {'; '.join(worse)}." if worse else "",
        "A difference cannot be traced to one cause: a rotation or shift for each image (deepinv: for each batch), the "
        "scale of the losses, measurements held out, and the interpolation of rotations all differ.",
        "Two options for each library are few. With a search of its own for each problem, either could gain.",
        "deepinv's weights of `EILoss` for both CT problems are small because its training collapsed with weight 1 in "
        "runs of 44 to 48 steps, which have no rows. The option to compare consistency as images was not given to it.",
        f"Fewer than three seeds: {'; '.join(CONTESTS[name].title for name in few)}. `{COMMAND} train` trains the rest."
        if few
        else "",
        f"No row yet: {'; '.join(missing)}." if missing else "",
        "Three seeds show little of the spread between trainings; the interval over seeds is rough." if not few else "",
    ]
    return ["## Limitations", "\n".join(f"- {sentence}" for sentence in said if sentence)]
