"""The page's section on PSNR against steps: a chart, a table and a sentence for each problem, from the rows alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from studies import recipe_files as recipes
from studies.curves.training import DIVERGED, PREFIX, THREE_QUARTERS, steps_of
from studies.evidence.charts import BLUE, GREEN, GREY, ORANGE, VIOLET, ReferenceLine, Series, plane
from studies.imaging.published import PUBLISHED, Published, share
from studies.imaging.settings import method_of, resolved
from studies.pages.cells import difference_text, signed, table
from studies.rows import Row
from unseen.evaluation.bootstrap import mean_of
from unseen.evaluation.intervals import Interval
from unseen.evaluation.intervals import interval_text as figure

SECTION = "PSNR against the number of steps"
IMAGES = "images/curves"
PSNR = "psnr_papers"
"""The metric of the section: the truth's maximum is the peak, as in the papers."""
DOUBLINGS = 3
"""The trend is of the points within so many doublings of the last one at the full learning rate."""
PROBLEMS = {"inpainting": "Inpainting of photographs", "ct": "Sparse-view CT", "mri": "MRI, a quarter of the lines"}
SIZES = (64, 128)
_COLOURS = {64: BLUE, 128: ORANGE}
_REFERENCES = {"direct": ("A†", GREY), "tv": ("TV", VIOLET)}


@dataclass(frozen=True)
class Curve:
    """Rows of one problem at one size.

    Args:
        name: such as ``inpainting-64``; with the ending `DIVERGED` where the training diverged at another rate.
        problem: such as ``inpainting``.
        points: in the order of their steps, of one seed.
        references: by arm, what needs no training.
    """

    name: str
    problem: str
    points: tuple[Row, ...]
    references: dict[str, Row]

    @property
    def px(self) -> int:
        """Pixels a side."""
        return int(self.points[0]["px"])

    @property
    def words(self) -> str:
        """Size, and the learning rate where it is not the recipe's."""
        return f"{self.px} px" + (", rate 1e-3" if self.name.endswith(DIVERGED) else "")

    @property
    def good(self) -> list[Row]:
        """Points that did not diverge."""
        return [row for row in self.points if not diverged(row)]

    @property
    def source(self) -> Published | None:
        """Published figures of the problem; None where no source prints one of EI on it."""
        return PUBLISHED.get(self.problem) if self.printed is not None else None

    @property
    def printed(self) -> float | None:
        """The source's PSNR of EI in the section's metric; None where there is none."""
        literal = self.literal
        return None if literal is None else PUBLISHED[self.problem].converted(literal)

    @property
    def literal(self) -> float | None:
        """The source's PSNR of EI as it is printed; None where no source prints one for the problem."""
        asked = method_of(resolved(recipes.load(f"imaging/{self.problem}")))
        return None if asked.sigma > 0 or asked.gain > 0 else asked.papers.get("ei")


def curves_of(rows: Iterable[Row], *, seed: int = 0) -> list[Curve]:
    """Return the curves that have a point, by problem and size."""
    found = list(rows)
    curves = []
    for problem in PROBLEMS:
        for px in SIZES:
            names = (f"{problem}-{px}", f"{problem}-{px}{DIVERGED}")
            mine = [row for row in found if row["problem"].removeprefix(PREFIX) in names and row["seed"] == seed]
            others = {row["arm"]: row for row in mine if row["arm"] != "ei"}
            for name in names:
                points = [row for row in mine if row["arm"] == "ei" and row["problem"] == PREFIX + name]
                if points:
                    curves.append(Curve(name, problem, tuple(sorted(points, key=steps_of)), others))
    return curves


def charts(rows: Iterable[Row]) -> dict[str, tuple[str, str]]:
    """Return the SVG and the text alternative of each problem's chart, by file below `docs`."""
    known = curves_of(rows)
    found = {}
    for problem, words in PROBLEMS.items():
        mine = [curve for curve in known if curve.problem == problem]
        if mine:
            found[f"{IMAGES}/{problem}.svg"] = (_chart(words, mine), _alternative(words, mine))
    return found


def curve_blocks(rows: Iterable[Row]) -> list[str]:
    """Return the section; empty without rows."""
    every = list(rows)
    known = curves_of(every)
    if not known:
        return []
    blocks = [
        f"## {SECTION}",
        "EI with 32 features (the sources: 64) and 1 transform, batches of 2, Adam at 1e-3 (inpainting: 5e-4, "
        "the default of `learn`, since the choice of 1e-3 by short trainings with 16 features did not hold for 32); "
        "the rate falls to a tenth after three quarters of the planned steps, as in the other rows, unless the text "
        "states otherwise. One training, "
        "seed 0, gives all points of a curve; its planned steps are ten times those of the rows above. PSNR is in the "
        "papers' metric (the truth's maximum is the peak), mean over test images; intervals are over images (patients, "
        "where known), not over trainings. Every point is tested on the same test images. At 64 px CT has 25 views, "
        "half of those at 128 px. The source's point is of one image of another size "
        "([published figures](#published-figures-and-their-metrics)): it shows how many steps the source took, and is "
        "no target at this size. The trend is the least-squares slope of PSNR over "
        f"the logarithm of the steps, of the points within {DOUBLINGS} doublings of the last one before the rate "
        "falls; its interval is over images.",
    ]
    pictures = charts(every)
    for problem, words in PROBLEMS.items():
        mine = [curve for curve in known if curve.problem == problem]
        if not mine:
            continue
        path = f"{IMAGES}/{problem}.svg"
        blocks.append(f"**{words}.** " + " ".join(said(curve) for curve in mine))
        blocks.append(f"![{pictures[path][1]}]({path})")
        blocks.append(table(_HEAD, [line for curve in mine for line in _lines(curve, mine)]))
    return [*blocks, _provenance(known)]


@dataclass(frozen=True)
class Trend:
    """PSNR per doubling of the steps, over the last doublings at the full learning rate.

    Args:
        first: steps of its first point.
        last: steps of its last point.
        per_doubling: least-squares slope of PSNR over log2 of the steps, mean over images, in dB.
    """

    first: int
    last: int
    per_doubling: Interval


def trend(curve: Curve) -> Trend | None:
    """Return the trend of a curve; None with fewer than three points at the full learning rate, or a divergence."""
    full = [row for row in curve.good if int(row["epoch"]) <= last_full_epoch(row)]
    some = [row for row in full if steps_of(row) * 2**DOUBLINGS >= steps_of(full[-1])]
    if len(some) < 3 or len(curve.good) < len(curve.points):
        return None
    doublings = np.log2([steps_of(row) for row in some])
    weights = (doublings - doublings.mean()) / ((doublings - doublings.mean()) ** 2).sum()
    slopes = weights @ np.asarray([row["by_picture"][PSNR] for row in some])
    found = mean_of(slopes.tolist(), some[-1]["units"])
    assert isinstance(found, Interval)
    return Trend(steps_of(some[0]), steps_of(some[-1]), found)


def to_the_source(curve: Curve) -> str:
    """Return the trend of a curve, its distance to the source's figure and the steps left to its budget, or ""."""
    found, source, literal, printed = trend(curve), curve.source, curve.literal, curve.printed
    if found is None:
        return ""
    slope, last = found.per_doubling, curve.good[-1]
    verdict = "rises" if slope.low > 0 else "falls" if slope.high < 0 else "does not change significantly"
    sentences = [
        f"**Trend at {curve.words}**: from {found.first:,} to {found.last:,} steps, at the full learning rate, the "
        f"PSNR {verdict}: {difference_text(slope)} dB per doubling of the steps."
    ]
    if source is None or literal is None or printed is None:
        return sentences[0]
    gap = _mean(last) - printed
    other = f"as printed {literal:.2f}, in the {source.metric}" if source.channels > 1 else "as printed"
    sentences.append(
        f"The source has {printed:.2f} dB in this metric ({other}), of one image of {source.px} px, after "
        f"{source.budget.steps:,} steps with {source.budget.features} features and {source.budget.transforms} "
        f"transforms; ours differs from it by {signed(gap)} dB at {steps_of(last):,} steps, as a mean over "
        f"{len(last['units'])} test images of {curve.px} px."
    )
    remaining, doublings = source.budget.steps - steps_of(last), math.log2(source.budget.steps / steps_of(last))
    left = f"**{remaining:,} steps remain to the source's number of steps**, {doublings:.1f} doublings"
    spent = [row for row in curve.good if row.get("cpu_seconds")]
    if spent:
        hours = remaining * float(spent[-1]["cpu_seconds"]) / steps_of(spent[-1]) / 3600
        left += f" and {hours:.1f} core-hours at this size and width"
    return " ".join([*sentences, f"{left}."])


def said(curve: Curve) -> str:
    """Return what a curve's rows support, in sentences."""
    good = curve.good
    if not good:
        return f"At {curve.words} the training diverged before its first point."
    first, last = good[0], good[-1]
    planned = planned_steps(curve)
    sentences = [
        f"At {curve.words}, from {steps_of(first):,} to {steps_of(last):,} steps{_of_source(curve, last)}, the PSNR "
        f"goes from {_mean(first):.2f} to {figure(last['metrics'][PSNR])} dB."
    ]
    if len(good) > 1:
        before = good[-2]
        gain = difference(last, before)
        verdict = "still rises" if gain.low > 0 else "falls" if gain.high < 0 else "does not change significantly"
        sentences.append(
            f"Between the last two of these points ({steps_of(before):,} and {steps_of(last):,} steps) it {verdict}: "
            f"{difference_text(gain)} dB."
        )
    if "tv" in curve.references:
        ahead = difference(last, curve.references["tv"])
        sentences.append(f"At {steps_of(last):,} steps it differs from TV by {difference_text(ahead)} dB.")
    if len(good) < len(curve.points):
        after = next(row for row in curve.points if diverged(row))
        sentences.append(
            f"**The training then diverged**, between {steps_of(last):,} and {steps_of(after):,} steps at a learning "
            f"rate of {after['learning_rate']:g}, which short trainings had chosen: the points from "
            f"{steps_of(after):,} steps on, which the chart leaves out, show nothing about longer training. Such a "
            "loss now ends a training with an error."
        )
    elif steps_of(last) < planned:
        sentences.append(
            f"{planned - steps_of(last):,} of the planned {planned:,} steps remain: the curve does not show where it "
            "ends."
        )
    return " ".join(part for part in [*sentences, _fall(curve), to_the_source(curve)] if part)


def diverged(row: Row) -> bool:
    """Return whether the images of a point have a negative PSNR, so that black images would be nearer to the truth."""
    return _mean(row) < 0


def last_full_epoch(row: Row) -> int:
    """Return the last epoch with the full learning rate."""
    return math.ceil(float(row.get("milestone", THREE_QUARTERS)) * int(row["epochs_of_training"]))


def _fall(curve: Curve) -> str:
    """Return where the learning rate falls, or "" where it falls after three quarters of the steps."""
    last = curve.points[-1]
    if last.get("milestone", THREE_QUARTERS) == THREE_QUARTERS:
        return ""
    falls = last_full_epoch(last) * steps_of(last) // int(last["epoch"])
    return (
        f"**Its rate falls after {falls:,} steps**, not after three quarters: with the later fall the training "
        "diverged before it and ended with an error. The learning rate was chosen by short trainings with 16 "
        "features, and another seed may diverge earlier."
    )


def planned_steps(curve: Curve) -> int:
    """Return the steps of the whole training."""
    last = curve.points[-1]
    return int(last["epochs_of_training"]) * steps_of(last) // int(last["epoch"])


def difference(row: Row, other: Row) -> Interval:
    """Return PSNR less that of another row on the same images, in dB."""
    values = np.asarray(row["by_picture"][PSNR]) - np.asarray(other["by_picture"][PSNR])
    found = mean_of(values.tolist(), row["units"])
    assert isinstance(found, Interval)
    return found


_HEAD = [
    "size",
    "steps",
    "share of the planned steps",
    "share of the source's steps",
    "PSNR, dB [95 %]",
    "PSNR − TV, dB [95 %]",
    "validation PSNR (peak 1), dB",
]


def _lines(curve: Curve, curves: Sequence[Curve]) -> list[list[str]]:
    lines = []
    for row in curve.points:
        tv = curve.references.get("tv")
        lines.append(
            [
                curve.words,
                f"{steps_of(row):,}",
                share(steps_of(row), planned_steps(curve)),
                "–" if curve.source is None else share(steps_of(row), curve.source.budget.steps),
                figure(row["metrics"][PSNR]),
                "–" if tv is None else difference_text(difference(row, tv)),
                f"{row['validation_psnr']:.2f}",
            ]
        )
    for arm, (name, _) in _REFERENCES.items():
        if arm in curve.references and curve is _first_of_size(curve, curves):
            row = curve.references[arm]
            lines.append([curve.words, f"{name}, no training", "–", "–", figure(row["metrics"][PSNR]), "–", "–"])
    return lines


def _chart(words: str, curves: Sequence[Curve]) -> str:
    """Return the SVG: a curve for each size, A† and TV as lines, the source as a point."""
    series, rules = [], []
    for curve in curves:
        good = curve.good
        series.append(
            Series(
                f"EI, {curve.words}, 32 features",
                tuple((float(steps_of(row)), _mean(row)) for row in good),
                ORANGE if curve.name.endswith(DIVERGED) else _COLOURS[curve.px],
                y_ends=tuple((row["metrics"][PSNR]["low"], row["metrics"][PSNR]["high"]) for row in good),
            )
        )
        rules += [
            ReferenceLine(_mean(curve.references[arm]), f"{name}, {curve.px} px", colour)
            for arm, (name, colour) in _REFERENCES.items()
            if arm in curve.references and curve is _first_of_size(curve, curves)
        ]
    source, printed = curves[0].source, curves[0].printed
    if source is not None and printed is not None:
        point = (float(source.budget.steps), printed)
        series.append(Series(f"source: EI, {source.px} px, one image", (point,), GREEN, joined=False))
    across = [x for one in series for x, _ in one.points]
    heights = [y for one in series for _, y in one.points] + [rule.value for rule in rules]
    heights += [end for one in series for ends in one.y_ends for end in ends]
    return plane(
        f"{words}: PSNR against the number of steps",
        series,
        x="steps of training (logarithmic)",
        y=f"PSNR, dB: {words}",
        xs=(min(across) * 0.9, max(across) * 1.3),
        ys=(min(heights) - 1, max(heights) + 1),
        rules=rules,
        logarithmic=True,
    )


def _alternative(words: str, curves: Sequence[Curve]) -> str:
    """Return what the chart shows, in words."""
    parts = []
    for curve in curves:
        good = curve.good
        ends = [f"{_mean(row):.1f} dB after {steps_of(row):,} steps" for row in (*good[:1], *good[1:][-1:])]
        parts.append(f"EI at {curve.words}: {', '.join(ends) or 'diverged'}")
        parts += [f"{name} {_mean(curve.references[arm]):.1f} dB" for arm, (name, _) in _REFERENCES.items()
                  if arm in curve.references and curve is _first_of_size(curve, curves)]  # fmt: skip
    source, printed = curves[0].source, curves[0].printed
    if source is not None and printed is not None:
        parts.append(f"the source {printed:.1f} dB after {source.budget.steps:,} steps")
    return f"{words}, PSNR against steps on a logarithmic axis. {'; '.join(parts)}."


def _first_of_size(curve: Curve, curves: Sequence[Curve]) -> Curve:
    """Return the first curve of the same size, with which A† and TV are shown."""
    return next(one for one in curves if one.px == curve.px)


def _of_source(curve: Curve, row: Row) -> str:
    if curve.source is None:
        return " (no source states the steps of EI on MRI without noise)"
    return f" ({share(steps_of(row), curve.source.budget.steps)} of the source's {curve.source.budget.steps:,})"


def _mean(row: Row) -> float:
    return float(row["metrics"][PSNR]["value"])


def _provenance(curves: Sequence[Curve]) -> str:
    points = [row for curve in curves for row in curve.points]
    dates = sorted(str(row["date"]) for row in points)
    devices = ", ".join(sorted({str(row["device"]) for row in points}))
    costs = []
    for curve in curves:
        spent = [row for row in curve.points if row.get("cpu_seconds")]
        if spent:
            costs.append(f"{curve.name} {float(spent[-1]['cpu_seconds']) / steps_of(spent[-1]):.2f}")
    return (
        f"`python -m studies.curves`, rows `{PREFIX}…` in `studies/results/curves.jsonl`; {devices}; {dates[0]} to "
        f"{dates[-1]}. Core seconds of a step: {'; '.join(costs)}. The curves at 128 px are entries of the "
        "[queue for a GPU](how-to/gpu.md)."
    )
