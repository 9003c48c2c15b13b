"""Shortcut audit: AUROC of each trivial statistic on the detector's own films and draws, and the verdict in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from unseen.evaluation.bootstrap import BootstrapCohort, Drawn, Statistic, numbers
from unseen.evaluation.intervals import Figure, Interval, Json, Missing
from unseen.evaluation.roc import Auroc, Bools, folds_of
from unseen.evaluation.simple_statistics import STATISTIC_NAMES, TRIVIAL_STATISTICS, Trivial
from unseen.evaluation.statistics_mix import mix_scores

if TYPE_CHECKING:
    import polars as pl

STRONG = 0.70
"""A statistic with at least this strength is called a shortcut, whatever AUROC the detector has. Mean |Laplacian| has
0.59 on Montgomery, the least confounded set that we know, 0.73 on NIH and 0.83 on Shenzhen.
"""

MIX = "mix"
UNKNOWN = "not known for every film, or too few films"
_BY_NAME = {s.name: s for s in TRIVIAL_STATISTICS}


def audit_statistics(table: pl.DataFrame, cohort: BootstrapCohort, groups: Mapping[str, Bools]) -> dict[str, Statistic]:
    """Define the AUROC of each trivial statistic in each group of films that has enough films.

    A statistic is left out if a film of the group lacks it, such as lung area without a lung finder.

    Args:
        table: the score table, with a column per statistic.
        cohort: the films that are evaluated.
        groups: masks by the group's name, (films,), True for the films of the group.

    Returns:
        ``{"shortcut/<statistic>/<group>": AUROC}``; the mix of the statistics has the name "mix".
    """
    out: dict[str, Statistic] = {}
    columns = {name: numbers(table, name) for name in STATISTIC_NAMES}
    mixed = mix_scores(table, cohort.abnormal) if not cohort.shortfall() else None
    for group, among in groups.items():
        if cohort.shortfall(among):
            continue
        for name, column in columns.items():
            if np.isfinite(column[among]).all():
                out[f"shortcut/{name}/{group}"] = Auroc(folds_of(column, cohort.abnormal, cohort.fold, among))
        if mixed:
            folds = folds_of(mixed[0], cohort.abnormal, mixed[1], among)
            if folds:
                out[f"shortcut/{MIX}/{group}"] = Auroc(folds)
    return out


@dataclass(frozen=True)
class Audit:
    """Shortcut audit of one group of films.

    Attributes:
        shortcuts: AUROC of each single statistic, not mirrored (below 0.5: normals have higher values).
        strengths: max(a, 1 − a) of each AUROC a.
        differences: AUROC of the detector minus strength, paired.
        mix: AUROC of the cross-validated supervised mix.
    """

    shortcuts: Mapping[str, Figure]
    strengths: Mapping[str, Figure]
    differences: Mapping[str, Figure]
    mix: Figure

    @property
    def strongest(self) -> str | None:
        """Name of the single statistic with the greatest strength; None if none is known."""
        known = {name: f.value for name, f in self.strengths.items() if isinstance(f, Interval)}
        return max(known, key=lambda name: known[name]) if known else None

    @property
    def above_all(self) -> bool:
        """True if the detector is above each known single statistic: the lower bound of every difference is above 0."""
        known = [d for d in self.differences.values() if isinstance(d, Interval)]
        return bool(known) and all(d.low > 0 for d in known)

    def to_json(self) -> dict[str, Json]:
        """Return ``{"value", "low", "high", "strength", "difference", "acquisition"}`` for each statistic."""
        out: dict[str, Json] = {}
        for name, figure in self.shortcuts.items():
            entry = figure.to_json()
            strength = self.strengths[name]
            entry["strength"] = round(strength.value, 6) if isinstance(strength, Interval) else None
            entry["difference"] = self.differences[name].to_json()
            entry["acquisition"] = _BY_NAME[name].acquisition
            out[name] = entry
        return out


def audit_of(drawn: Mapping[str, Drawn], group: str) -> Audit:
    """Read the audit of one group from the evaluation's draws; the detector is ``auroc/<group>``."""
    shortcuts: dict[str, Figure] = {}
    strengths: dict[str, Figure] = {}
    differences: dict[str, Figure] = {}
    detector = drawn.get(f"auroc/{group}")
    for name in STATISTIC_NAMES:
        one = drawn.get(f"shortcut/{name}/{group}")
        if one is None or detector is None:
            shortcuts[name] = strengths[name] = differences[name] = Missing(UNKNOWN)
            continue
        shortcuts[name] = one.interval()
        strengths[name] = one.strength().interval()
        differences[name] = (detector - one.strength()).interval()
    mixed = drawn.get(f"shortcut/{MIX}/{group}")
    mix = mixed.interval() if mixed is not None else Missing("too few films, or none of the statistics varies")
    return Audit(shortcuts, strengths, differences, mix)


def shortcut_direction(statistic: Trivial, figure: Interval) -> str:
    """Describe in words how abnormal films differ from normal films in one trivial statistic.

    Args:
        statistic: one of `TRIVIAL_STATISTICS`.
        figure: its AUROC, 0 to 1, with its interval. From 0.5 on, abnormal films have higher values.

    Returns:
        A clause without a full stop.

    Example:
        >>> from unseen.evaluation.simple_statistics import TRIVIAL_STATISTICS
        >>> shortcut_direction(TRIVIAL_STATISTICS[0], Interval(0.7, 0.6, 0.8))
        'abnormal films are sharper'
    """
    return f"abnormal films are {statistic.more if figure.value >= 0.5 else statistic.less}"


def verdict(audit: Audit, detector: Figure, *, where: str = "") -> str:
    """Summarise an audit in words: the strongest simple statistic, and whether the detector is above every one."""
    place = f" ({where})" if where else ""
    name = audit.strongest
    if not isinstance(detector, Interval) or name is None:
        reason = detector.reason if isinstance(detector, Missing) else "no trivial statistic is known for every film"
        return f"No verdict{place}: {reason}."
    statistic, figure = _BY_NAME[name], audit.shortcuts[name]
    strength, difference = audit.strengths[name], audit.differences[name]
    assert isinstance(figure, Interval) and isinstance(strength, Interval)
    reached = f"the detector reaches AUROC {detector.value:.2f}"
    worse = ", worse than chance," if detector.high < 0.5 else ""
    if audit.above_all:
        judged = f"{reached}{worse} and is above every single statistic"
    elif isinstance(difference, Interval) and difference.high < 0:
        judged = f"{reached}{worse} and is below it"
    elif isinstance(difference, Interval) and difference.value <= 0:
        judged = f"{reached}{worse} and is not above it"
    else:
        judged = f"{reached}, which is not significantly above {_not_beaten(audit)}"
    gap = ""
    if isinstance(difference, Interval):
        gap = f" (difference {difference.value:+.2f}, {difference.low:+.2f} to {difference.high:+.2f})".replace(
            "-", "−"
        )
    if strength.value >= STRONG:
        alone = f"{statistic.words} alone reaches AUROC {strength.value:.2f}"
        head = f"shortcut{place}: {shortcut_direction(statistic, figure)}: {alone}; {judged}{gap}."
    elif worse:
        strongest = f"the strongest single statistic, {statistic.words}, reaches {strength.value:.2f}"
        head = f"Worse than chance{place}: {reached}; {strongest}{gap}. No strong shortcut."
    else:
        strongest = f"the strongest is {statistic.words} with AUROC {strength.value:.2f}"
        head = f"No strong shortcut{place}: {strongest}; {judged}{gap}."
    if not audit.above_all:
        head += " What the score shows of disease is not proven by this AUROC."
    if isinstance(audit.mix, Interval) and audit.mix.value >= max(detector.value, STRONG):
        head += f" All statistics together, given the labels (supervised), reach AUROC {audit.mix.value:.2f}."
    return head


def _not_beaten(audit: Audit) -> str:
    words = [_BY_NAME[n].words for n, d in audit.differences.items() if isinstance(d, Interval) and d.low <= 0]
    if len(words) > 3:
        return f"{len(words)} of the single statistics"
    return " or ".join(words) if words else "each single statistic"
