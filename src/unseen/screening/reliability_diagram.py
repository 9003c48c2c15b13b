"""Is a probability what it says? The reliability diagram, the Brier score and the calibration error, with intervals.

Judged on labelled studies that calibrated nothing. They are weighted to the prevalence that the probabilities were
made for.

    Brier = Σ w (p − y)²        calibration error = Σ_bins |Σ_bin w (p − y)|        (weights that add up to one)

The calibration error is never below what chance leaves in each bin: with few studies a perfect map has one too.

Source: Brier, Mon. Weather Rev. 78 (1950); Naeini et al., AAAI 2015; equal-mass bins: Nixon et al., CVPR-W 2019.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unseen.evaluation.bootstrap import draw_all
from unseen.evaluation.cohort import Cohort
from unseen.evaluation.interval import Figure, Json, Missing
from unseen.evaluation.roc import Floats

BINS = 10


@dataclass(frozen=True)
class ReliabilityBin:
    """Studies of similar probability: their mean probability, the share that was abnormal (both at the prevalence of
    the map), and how many studies."""

    probability: float
    abnormal: float
    studies: int


@dataclass(frozen=True)
class Reliability:
    """What a reliability diagram shows, and its two figures."""

    bins: tuple[ReliabilityBin, ...]
    brier: Figure
    calibration_error: Figure

    def to_json(self) -> dict[str, Json]:
        """Plain values, rounded to six places."""
        return {
            "bins": [
                {"probability": round(b.probability, 6), "abnormal": round(b.abnormal, 6), "studies": b.studies}
                for b in self.bins
            ],
            "brier": self.brier.to_json(),
            "calibration_error": self.calibration_error.to_json(),
        }


def reliability(probabilities: Floats, cohort: Cohort, *, prevalence: float, rng: np.random.Generator) -> Reliability:
    """Judge `probabilities` (n,) of the cohort's studies, at `prevalence` in (0, 1)."""
    if short := cohort.shortfall():
        return Reliability((), Missing(short), Missing(short))
    truth = cohort.abnormal.astype(np.float64)
    factor = np.where(cohort.abnormal, prevalence / truth.sum(), (1 - prevalence) / (1 - truth).sum())
    edges = np.quantile(probabilities, np.linspace(0, 1, BINS + 1)[1:-1])
    bin_of = np.searchsorted(np.unique(edges), probabilities, side="right")
    member = np.equal.outer(bin_of, np.unique(bin_of)).astype(np.float64)  # (studies, bins)

    def shares(weights: Floats) -> Floats:  # (draws, studies), each row adding up to one
        weighted = weights * factor
        return np.asarray(weighted / weighted.sum(axis=1, keepdims=True))

    drawn = draw_all(
        {
            "brier": lambda w: shares(w) @ (probabilities - truth) ** 2,
            "error": lambda w: np.abs((shares(w) * (probabilities - truth)) @ member).sum(axis=1),
        },
        cohort,
        rng=rng,
    )
    share = shares(np.ones((1, len(cohort))))[0]
    bins = [
        ReliabilityBin(
            float(share @ (column * probabilities) / (share @ column)),
            float(share @ (column * truth) / (share @ column)),
            int(column.sum()),
        )
        for column in member.T
    ]
    return Reliability(tuple(bins), drawn["brier"].interval(), drawn["error"].interval())
