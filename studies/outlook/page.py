"""The outlook's sections of `results-imaging.md` and `results-priors.md`, from its rows alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from studies.imaging.published import EI_INPAINTING, share
from studies.outlook.ambient import ARMS
from studies.outlook.generators import IMAGES, KINDS
from studies.outlook.learning import DISTANCES, NUMBERS
from studies.pages.cells import difference_text, number_range, table
from studies.rows import Row
from unseen.evaluation.bootstrap import mean_of
from unseen.evaluation.bootstrap import share as gap_share
from unseen.evaluation.intervals import Interval
from unseen.evaluation.intervals import interval_text as figure

SHIFT = {
    "direct": "A†, no training",
    "supervised-shapes": "supervised on shapes, with their truth",
    "adapted": "the same network, adapted to 600 measurements of digits by EI",
    "ei-digits": "EI on 600 measurements of digits, from the start",
    "supervised-digits": "supervised on digits, with their truth",
}
IMAGING, PRIORS = "Questions of the talk's outlook", "Measured by several operators, and VAE against GAN"
LEAST_RECALL = 0.05
"""Share of test digits that a GAN has to reach, for a comparison of GANs to mean anything."""
_BUDGET = "training: share of the source's"


def of(rows: Sequence[Row], question: str, arm: str) -> list[Row]:
    """Return an arm's rows, by seed."""
    mine = [row for row in rows if row.get("question") == question and row["arm"] == arm]
    return sorted(mine, key=lambda row: int(row["seed"]))


def psnr_cell(rows: Sequence[Row]) -> str:
    """Return the mean PSNR over images and seeds, for a table."""
    return figure(_mean(rows)) if rows else "–"


def difference(rows: Sequence[Row], others: Sequence[Row]) -> Interval | None:
    """Return PSNR less that of another arm in dB, paired by image and, where both have several, by seed."""
    pairs = _paired(rows, others)
    if not pairs:
        return None
    found = mean_of([(a - b).tolist() for a, b in pairs], tuple(range(len(pairs[0][0]))))
    return found if isinstance(found, Interval) else None


def gap_cell(rows: Sequence[Row], baseline: Sequence[Row], supervised: Sequence[Row]) -> str:
    """Return the share of the gap from the baseline to supervised learning that an arm closes, for a table."""
    by_seed = {int(row["seed"]): row for row in supervised}
    seeds = [row for row in rows if int(row["seed"]) in by_seed]
    if not seeds or not baseline:
        return "–"
    direct = [_values(baseline[0]).tolist() for _ in seeds]
    best = [_values(by_seed[int(row["seed"])]).tolist() for row in seeds]
    mine = [_values(row).tolist() for row in seeds]
    return figure(gap_share(mine, direct, best, tuple(range(len(direct[0])))).to_json())


def budget_cell(rows: Sequence[Row]) -> str:
    """Return an arm's training next to that of EI's inpainting, for a table."""
    if not rows or not rows[0].get("steps"):
        return "–"
    row = rows[0]
    if row["question"] == "dimension":  # no source trains on such signals
        return f"{row['steps']:,} steps; {row['features']} features; 1 transform; no source budget"
    transforms = f"; {row['settings']['transforms']} of {EI_INPAINTING.transforms} transforms"
    return (
        f"{row['steps']:,} steps, {share(row['steps'], EI_INPAINTING.steps)} of the source's "
        f"{EI_INPAINTING.steps:,}; {row['features']} of {EI_INPAINTING.features} features"
        + (transforms if row["settings"].get("losses") == "ei" else "")
    )


def imaging_blocks(rows: Sequence[Row]) -> list[str]:
    """Return the section of `results-imaging.md`; empty without rows."""
    parts = [*_shift(rows), *_samples(rows), *_dimension(rows)]
    if not parts:
        return []
    mine = [row for row in rows if row["question"] in ("shift", "samples", "dimension")]
    trained = [row for row in mine if row.get("steps")]
    compared = [int(row["steps"]) for row in trained if row["question"] != "dimension"]
    part = (
        f" On digits they have at most {share(max(compared), EI_INPAINTING.steps)} of the source's steps."
        if compared
        else ""
    )
    return [
        f"## {IMAGING}",
        f"Small trainings (32 px or 64 samples, {number_range({int(row['features']) for row in trained})} features, "
        f"{number_range({int(row['steps']) for row in trained})} steps, batches of 8, Adam at 1e-3, shifts) of "
        f"`python -m studies.outlook`. No weight, rate or epoch was chosen on an image.{part} They show the direction "
        "of an effect after short training, not its final size.",
        *parts,
        _provenance(mine),
    ]


def prior_blocks(rows: Sequence[Row]) -> list[str]:
    """Return the section of `results-priors.md`; empty without rows."""
    parts = [*_ambient(rows), *_generators(rows)]
    if not parts:
        return []
    mine = [row for row in rows if row["question"] in ("ambient", "generators")]
    return [f"## {PRIORS}", *parts, _provenance(mine)]


def _shift(rows: Sequence[Row]) -> list[str]:
    lines = []
    elsewhere = of(rows, "shift", "supervised-shapes")
    for arm, words in SHIFT.items():
        some = of(rows, "shift", arm)
        if some:
            gain = None if arm == "supervised-shapes" else difference(some, elsewhere)
            cells = [words, psnr_cell(some), difference_text(gain)]
            lines.append([*cells, _seeds(some), budget_cell(some)])
    if not lines or not elsewhere:
        return []
    said = [
        "**Distribution shift.** Digits are inpainted (30 % of the pixels dropped, noise-free) by networks that "
        "learnt from shapes with their truth, or from the measurements of digits alone."
    ]
    for arm, words in (("ei-digits", "EI from digits' measurements alone"), ("adapted", "The adapted network")):
        found = difference(of(rows, "shift", arm), elsewhere)
        if found is not None:
            some = of(rows, "shift", arm)
            said.append(
                f"{words}, after {some[0]['steps']:,} steps, is {_verdict(found)} the supervised network of the other "
                f"set: {difference_text(found)} dB."
            )
    head = ["arm", "PSNR on digits, dB [95 %]", "− supervised on shapes, dB", "seeds", _BUDGET]
    return [" ".join(said), table(head, lines)]


def _samples(rows: Sequence[Row]) -> list[str]:
    direct, supervised = of(rows, "shift", "direct"), of(rows, "shift", "supervised-digits")
    counts = [(number, of(rows, "samples", f"ei-{number}")) for number in NUMBERS]
    counts.append((600, of(rows, "shift", "ei-digits")))
    lines = [
        [f"{number}", psnr_cell(some), gap_cell(some, direct, supervised), _seeds(some), budget_cell(some)]
        for number, some in counts
        if some
    ]
    if not lines or not direct or not supervised:
        return []
    return [
        "**Sample complexity.** EI on the first n measurements of digits, every n with about the same number of steps; "
        "share of the gap from A† to the network that is supervised with 600 truths. All networks are far from "
        "converged, the supervised one too, so a share shows how little the number of measurements matters early in "
        "training; after the source's training it may matter more.",
        table(["measurements n", "PSNR, dB [95 %]", "share of the gap [95 %]", "seeds", _BUDGET], lines),
    ]


def _dimension(rows: Sequence[Row]) -> list[str]:
    lines = []
    for distance in DISTANCES:
        some, direct = of(rows, "dimension", f"ei-{distance:g}"), of(rows, "dimension", f"direct-{distance:g}")
        if some and direct:
            added = float(some[0]["added_rms"])
            error = _error(some)
            ratio = "–" if added == 0 else f"{error / added:.1f}"
            lines.append([f"{distance:g}", psnr_cell(direct), psnr_cell(some), f"{error:.4f}", f"{added:.4f}", ratio,
                          _seeds(some), budget_cell(some)])  # fmt: skip
    if not lines:
        return []
    head = ["distance from the set, share of the signal", "A†, dB", "EI, dB [95 %]", "EI's error, RMS",
            "what is outside the set, RMS", "error ÷ outside", "seeds", _BUDGET]  # fmt: skip
    return [
        "**Models of approximately low dimension.** Sums of three waves (six numbers make one) with white noise that "
        "belongs to the signal, 20 random sums of 64 samples, EI with shifts. " + _floor(rows),
        table(head, lines),
    ]


def _floor(rows: Sequence[Row]) -> str:
    """Say how the error grows with the distance, and whether the training's own error hides it."""
    arms = [(distance, of(rows, "dimension", f"ei-{distance:g}")) for distance in DISTANCES]
    known = [(float(some[0]["added_rms"]), _error(some)) for _, some in arms if some]
    (_, first), (outside, last) = known[0], known[-1]
    steps = next(some[0]["steps"] for _, some in arms if some)
    return (
        f"After {steps:,} steps EI's error is {first:.4f} for signals of the set, which is the error of a short "
        f"training, and {last:.4f} for signals with a part of RMS {outside:.4f} outside the set: this part adds "
        f"{last - first:+.4f}, {(last - first) / outside:.2f} of its own RMS. Whether the added error stays in "
        "proportion at the error of a converged training is not measured."
    )


def _error(rows: Sequence[Row]) -> float:
    """Return the root mean square error, mean over images and seeds."""
    return float(np.mean([np.sqrt(10 ** (-_values(row) / 10)).mean() for row in rows]))


def _ambient(rows: Sequence[Row]) -> list[str]:
    lines = []
    for arm, words in ARMS.items():
        for row in of(rows, "ambient", arm):
            made = row["distribution"]
            lines.append(
                [
                    words,
                    figure(made["mmd"]["squared"]),
                    figure(made["precision"]),
                    figure(made["recall"]),
                    f"{row['steps']:,} steps, {row['generator_steps']:,} of the generator; {row['features']} features; "
                    "the source's steps are not known to us",
                ]
            )
    if not lines:
        return []
    head = ["the critic compares", "MMD² to test digits [95 %], lower is better", "precision", "recall", "training"]
    return [
        "**A GAN from measurements by several operators**, as in AmbientGAN (Bora, Price & Dimakis, ICLR 2018): the "
        "critic of WGAN-GP sees masked digits and masked samples, and never a whole digit. 500 samples are compared "
        "with 500 test digits in principal components of true training digits, which serve the evaluation alone. One "
        "training each, seed 0: the intervals are over images, not over trainings." + _unripe(rows),
        table(head, lines),
    ]


def _unripe(rows: Sequence[Row]) -> str:
    """Say so where no GAN makes more than a few kinds of digits, so that nothing follows from their order."""
    known = [row for arm in ARMS for row in of(rows, "ambient", arm)]
    if any(row["distribution"]["recall"]["value"] >= LEAST_RECALL for row in known):
        return ""
    return (
        f" After {max(row['generator_steps'] for row in known)} steps of the generator no GAN, not even that of the "
        f"images themselves, reaches test digits (recall below {LEAST_RECALL:g}): all are far from converged, nothing "
        "about the method follows from their order, and the question stays open."
    )


def _generators(rows: Sequence[Row]) -> list[str]:
    lines = []
    for images in IMAGES:
        for kind in KINDS:
            for row in of(rows, "generators", f"{images}-{kind}"):
                answers: dict[str, Any] = row["answers"]
                made = answers["distribution"]["samples"]
                name = "VAE" if kind == "vae" else "GAN"
                lines.append(
                    [
                        images,
                        name,
                        figure(answers["feasible"]["relative_error"]),
                        figure(answers["unfeasible"]["nearer"]),
                        figure(made["precision"]),
                        figure(made["recall"]),
                        figure(answers["smoothness"]["slope"]["0.5"]),
                        figure(answers["smoothness"]["pace"]),
                        f"{row['settings']['epochs']} epochs of {row['settings']['limit']:,} images "
                        f"(recipe: {row['settings']['epochs_of_recipe']} epochs of all); {row['features']} features; "
                        "the source's epochs are not known to us",
                    ]
                )
    if not lines:
        return []
    head = [
        "images", "generator", "feasible: error of the nearest image in its range", "unfeasible: chance to be nearer "
        "to a training image than a held-out one is (½: as real images)", "precision", "recall",
        "smoothness: slope at the median latent", "longest ÷ mean step of a path", "training",
    ]  # fmt: skip
    return [
        "**VAE against GAN, by what is measured** (the source's table is in words: the VAE makes all feasible images "
        "but may blur, the GAN makes no unfeasible ones but may lose modes). Short trainings, seed 0; intervals are "
        "over images. Questions and measures: [a generator's study](how-to/generator-studies.md).",
        table(head, lines),
        *_between_generators(rows),
    ]


def _between_generators(rows: Sequence[Row]) -> list[str]:
    """Return what the rows support of VAE against GAN, images by images; empty without a pair."""
    nearer, covered, poor = [], [], []
    for images in IMAGES:
        pair = [of(rows, "generators", f"{images}-{kind}") for kind in KINDS]
        if not all(pair):
            continue
        by_kind = dict(zip(KINDS, (found[0]["answers"] for found in pair), strict=True))
        vae, gan = by_kind["vae"], by_kind["wgan-gp"]
        errors = [one["feasible"]["relative_error"]["value"] for one in (vae, gan)]
        recalls = [one["distribution"]["samples"]["recall"]["value"] for one in (vae, gan)]
        nearer.append(f"{images} {errors[0]:.2f} and {errors[1]:.2f}")
        covered.append(f"{images} {recalls[0]:.2f} and {recalls[1]:.2f}")
        poor += [images] if recalls[1] < LEAST_RECALL else []
    if not nearer:
        return []
    caution = (
        f" Of {' and '.join(poor)} the GAN makes next to none of the images, so it had not converged." if poor else ""
    )
    return [
        f"Error of the nearest image, VAE and GAN: {'; '.join(nearer)}. Recall: {'; '.join(covered)}.{caution} These "
        "trainings are short and of one seed: they do not show which is better after the training of the source."
    ]


def _provenance(rows: Sequence[Row]) -> str:
    dates = " to ".join(dict.fromkeys((min(row["date"] for row in rows), max(row["date"] for row in rows))))
    devices = ", ".join(sorted({str(row["device"]) for row in rows if row.get("device")}))
    spent = sum(float(row.get("cpu_seconds") or row.get("trained_seconds") or 0) for row in rows) / 60
    return (
        f"`python -m studies.outlook`, rows `outlook/…` in `studies/results/outlook.jsonl`; {devices}; {dates}; "
        f"{spent:.0f} core minutes of training in all."
    )


def _mean(rows: Sequence[Row]) -> dict[str, Any]:
    values = [row["by_picture"]["psnr"] for row in rows]
    return dict(mean_of(values, tuple(range(len(values[0])))).to_json())


def _values(row: Row) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.asarray(row["by_picture"]["psnr"], dtype=np.float64)


def _paired(rows: Sequence[Row], others: Sequence[Row]) -> list[tuple[Any, Any]]:
    if not rows or not others:
        return []
    if not rows[0].get("steps") or not others[0].get("steps"):  # what needs no training has one row for every seed
        longer = rows if rows[0].get("steps") else others
        return [
            (_values(rows[0] if longer is others else row), _values(others[0] if longer is rows else row))
            for row in longer
        ]
    by_seed = {int(row["seed"]): row for row in others}
    return [(_values(row), _values(by_seed[int(row["seed"])])) for row in rows if int(row["seed"]) in by_seed]


def _seeds(rows: Sequence[Row]) -> str:
    trained = [row for row in rows if row.get("steps")]
    return ", ".join(str(row["seed"]) for row in trained) or "no training"


def _verdict(found: Interval) -> str:
    if found.low > 0:
        return "significantly above"
    return "significantly below" if found.high < 0 else "not significantly different from"
