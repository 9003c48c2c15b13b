"""First screens of `results-imaging.md` and `results-priors.md`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from studies.evidence.charts import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    VIOLET,
    ChartRow,
    Mark,
    ReferenceLine,
    Series,
    forest,
    plane,
)
from studies.evidence.screen import Answer, Screen, best_first, rendered
from studies.pages.cells import difference_text, signed
from studies.rows import Row
from unseen.artifacts.number_words import number_of
from unseen.evaluation.intervals import Interval
from unseen.evaluation.intervals import interval_text as figure

NEAREST = 14.0  # dB from TV, at most, that the figure shows
_KINDS = {
    "direct": ("pseudo-inverse A†", GREY),
    "free": ("best without truth", BLUE),
    "supervised": ("supervised", ORANGE),
}


@dataclass(frozen=True)
class ProblemGains:
    """One problem: PSNR less that of TV in dB, by kind of `_KINDS`; `arm` is the best that learnt without truth.

    `budget` is the training of `arm`, `supervised_steps` those of the supervised network (None: not trained).
    """

    name: str
    title: str
    arm: str
    differences: dict[str, Interval]
    budget: str = "–"
    supervised_steps: int | None = None

    @property
    def ahead(self) -> Interval:
        """Difference from TV of the best arm without truth, in dB."""
        return self.differences["free"]


def _supervised_cell(one: ProblemGains) -> str:
    """Return the supervised network's difference from TV, and its steps in brackets."""
    steps = "" if one.supervised_steps is None else f" ({number_of(one.supervised_steps, 'step')})"
    return difference_text(one.differences.get("supervised")) + steps


def imaging_screen(
    problems: Sequence[ProblemGains],
    stopped: tuple[int, int, int],
    date: str,
    budget: str,
    *,
    stopped_budget: str = "",
    published: Sequence[str] = (),
    footnotes: Sequence[str] = (),
) -> Screen | None:
    """Return every problem against TV.

    Args:
        problems: Problems with their differences from TV.
        stopped: Trainings near their best epoch as stopped, at their end, and in all.
        date: Date of the latest row.
        budget: Training of the best arms, as a share of the sources'.
        stopped_budget: Training of those that are counted in `stopped`.
        published: Sentences that compare with published figures.
        footnotes: Notes on marks in the names of arms.
    """
    if not problems:
        return None
    ordered = sorted(problems, key=lambda one: -one.ahead.value)
    best = ordered[0]
    above = [one for one in ordered if one.ahead.low > 0]
    below = [one for one in ordered if one.ahead.high < 0]
    chart = forest(
        "PSNR less that of total variation, by problem",
        [
            ChartRow(
                one.name,
                tuple(
                    Mark(found.value, found.low, found.high, _KINDS[kind][1])
                    for kind in _KINDS
                    if (found := one.differences.get(kind)) is not None
                ),
                one is best,
            )
            for one in ordered
        ],
        axis=f"PSNR − TV, dB [95 % interval]; beyond ±{NEAREST:g} dB drawn at the edge",
        span=(-NEAREST, NEAREST),
        rules=[ReferenceLine(0, "total variation (TV)", VIOLET)],
        kinds=dict(_KINDS.values()),
    )
    near, at_the_end, trainings = stopped
    middle = [one for one in ordered if one not in above][:3]
    largest_losses = [one for one in ordered[-2:] if one not in above and one not in middle]
    shown = [one for one in ordered if one in above or one in middle or one in largest_losses]
    return Screen(
        page="results-imaging",
        figure=chart,
        alt=f"PSNR less that of TV for {len(ordered)} problems, with intervals. The best arm without truth is "
        f"significantly above TV on {len(above)} and significantly below on {len(below)}; from "
        f"{signed(best.ahead.value, 1)} dB ({best.name}) to {signed(ordered[-1].ahead.value, 1)} dB "
        f"({ordered[-1].name}). Training: {budget}.",
        sentences=[
            f"Trained on measurements alone for {budget}, the best network of each problem beats total variation "
            f"significantly on {len(above)} of {len(ordered)} problems, and total variation, which learns nothing, "
            f"beats it significantly on {len(below)}; what the sources' full training would give is not measured.",
            *published,
            f"The largest gain is {signed(best.ahead.value, 1)} dB ({best.title}: {best.arm}; {best.budget}).",
            f"Stopped by held-out measurements, without any truth, {near} of {trainings} trainings under noise"
            f"{f', of {stopped_budget},' if stopped_budget else ''} ended within 0.2 dB of their best epoch on test "
            f"images; at their last epoch {at_the_end} would have."
            if trainings
            else "No training has a stopping rule yet.",
        ],
        head=[
            "problem",
            "best without truth",
            "PSNR − TV, dB [95 %]",
            "supervised − TV",
            "training: share of the source's",
        ],
        lines=best_first(
            [
                one.title,
                one.arm,
                difference_text(one.ahead),
                _supervised_cell(one),
                one.budget,
            ]
            for one in shown
        ),
        notes=[
            *footnotes,
            f"The {len(above)} problems with a significant gain, the next {len(middle)} by the difference, and the "
            f"{len(largest_losses)} lowest; all {len(ordered)}: [when learning pays](#when-learning-pays). The names "
            "in the figure are the recipes' (`imaging/…`). The validation images chose the best network of a problem. "
            "*Training*: of the best network without truth. The supervised network has the same width and no "
            "transforms; its steps stand in its own column. Intervals are over images (patients, where known) and "
            "seeds.",
            rendered("make results-imaging", "studies/results/imaging.jsonl"),
        ],
        answer=Answer(
            "Does learning from measurements alone beat total variation?",
            f"On {len(above)} of {len(ordered)} problems, after {budget}; best {difference_text(best.ahead)} dB "
            f"({best.title}; {best.budget})",
            "make results-imaging",
            date,
        ),
    )


_TV = ("tv", "")
_METHODS = {
    _TV: ("TV", GREY, True),
    ("range", "vae"): ("range VAE", BLUE, False),
    ("soft", "vae"): ("soft VAE", ORANGE, False),
    ("sparse", "vae"): ("sparse VAE", GREEN, False),
}


def priors_screen(
    rows: Sequence[Row], problem: str, words: str, levels: Sequence[str], budget: str, *, trained: str = ""
) -> Screen | None:
    """PSNR against the number of measurements of one problem; None where it has no rows at two levels.

    Args:
        rows: of all problems.
        problem: the one that the figure shows, by its name; `words`: what it is called.
        levels: its levels, from the fewest measurements on: `"5 spokes"`.
        budget: Training of its VAE, as a noun phrase.
        trained: Training of the VAEs of all problems, as a noun phrase.
    """
    found = {
        method: {row["level"]: row["metrics"]["psnr"] for row in rows
                 if (row["problem"], row["method"], row["generator"]) == (problem, *method)}
        for method in _METHODS
    }  # fmt: skip
    there = [level for level in levels if all(level in some for some in found.values())]
    if len(there) < 2:
        return None
    xs = [float(level.split()[0]) for level in there]
    series = [
        Series(
            name,
            tuple((x, float(found[method][level]["value"])) for x, level in zip(xs, there, strict=True)),
            colour,
            y_ends=tuple((found[method][level]["low"], found[method][level]["high"]) for level in there),
            dashed=dashed,
        )
        for method, (name, colour, dashed) in _METHODS.items()
    ]
    every = [entry[level][end] for entry in found.values() for level in there for end in ("low", "high")]
    chart = plane(
        f"PSNR against the number of measurements: {words}",
        series,
        x=f"{there[0].split()[1]} measured",
        y=f"PSNR, dB: {words}",
        xs=(xs[0] * 0.92, xs[-1] * 1.06),
        ys=(min(every) - 1, max(every) + 1),
        logarithmic=True,
        at=xs,
    )
    few, many = there[0], there[-1]

    def leader(level: str) -> tuple[str, str]:
        return max(found, key=lambda method: value(method, level))

    def said(level: str) -> str:
        """Return the best method with its PSNR, and TV's; where TV is best, that of the best prior."""
        best = leader(level)
        other = prior(level) if best == _TV else _TV
        return (
            f"{_METHODS[best][0]} is best ({figure(found[best][level])} dB; {_METHODS[other][0]} "
            f"{figure(found[other][level])} dB)"
        )

    def prior(level: str) -> tuple[str, str]:
        return max((method for method in found if method != _TV), key=lambda method: value(method, level))

    def value(method: tuple[str, str], level: str) -> float:
        return float(found[method][level]["value"])

    gains = [value(prior(level), level) - value(_TV, level) for level in there]

    wins = _wins(rows)
    ordered = sorted(found, key=lambda method: -float(found[method][few]["value"]))
    return Screen(
        page="results-priors",
        figure=chart,
        alt=f"Curves of PSNR against {there[0].split()[1]} for TV and three generator priors. With {few}: {said(few)}. "
        f"With {many}: {said(many)}. VAE: {budget}.",
        sentences=[
            f"{words}: with {few}, {said(few)} (VAE: {budget}).",
            f"With {many} and the same VAE, {said(many)}{_trend(gains)}.",
            f"Over all problems and levels a VAE prior has a higher mean PSNR than TV in {wins[0]} of {wins[1]} cases"
            f"{f', with VAEs of {trained}' if trained else ''}.",
        ],
        head=["method", *(f"{level}, dB [95 %]" for level in there), "generator: training"],
        lines=best_first(
            [
                _METHODS[method][0],
                *(figure(found[method][level]) for level in there),
                budget if method[1] else "–",
            ]
            for method in ordered
        ),
        notes=[
            f"{words}; sorted by PSNR with {few}. Intervals are over images, or over subjects where these are known.",
            rendered("make results-priors", "studies/results/priors.jsonl"),
        ],
        answer=Answer(
            "Does a generator as the prior beat total variation?",
            f"{words}: with {few}, {said(few)}; with {many}, {said(many)} (VAE: {budget})",
            "make results-priors",
            max(str(row["date"]) for row in rows),
        ),
    )


def _trend(gains: Sequence[float]) -> str:
    """Return how the gain of the best prior over TV changes with the number of measurements; "" where it varies.

    >>> _trend([2.0, 0.5, -3.0])
    ': the gain of a prior over TV falls with each larger number of measurements'
    >>> _trend([2.0, 0.5, 1.0])
    ''
    """
    for sign, verb in ((-1, "falls"), (1, "grows")):
        if all(sign * (after - before) > 0 for before, after in pairwise(gains)):
            return f": the gain of a prior over TV {verb} with each larger number of measurements"
    return ""


def _wins(rows: Sequence[Row]) -> tuple[int, int]:
    """Return the number of cases (problem and level) where the best VAE prior has a higher PSNR than TV, and of all."""
    cases = {(row["problem"], row["level"]) for row in rows}
    wins = counted = 0
    for case in cases:
        here = [row for row in rows if (row["problem"], row["level"]) == case]
        tv = [row["metrics"]["psnr"]["value"] for row in here if row["method"] == "tv"]
        priors = [row["metrics"]["psnr"]["value"] for row in here if row["generator"] == "vae"]
        if tv and priors:
            counted += 1
            wins += max(priors) > tv[0]
    return wins, counted
