"""Check of probabilities: reliability diagram, Brier score and calibration error, with intervals.

They are computed on labelled studies that were not used for calibration, weighted to the prevalence that the
probabilities were made for.

    Brier = Σ w (p − y)²        calibration error = Σ_bins |Σ_bin w (p − y)|        (weights that add up to one)

The calibration error is never below what chance leaves in each bin: with few studies a perfect map has one too.

Source: Brier, Mon. Weather Rev. 78 (1950); Naeini et al., AAAI 2015; equal-mass bins: Nixon et al., CVPR-W 2019.
"""

from dataclasses import dataclass

import numpy as np

from unseen.evaluation.bootstrap import BootstrapCohort, draw_all
from unseen.evaluation.intervals import Figure, Json, Missing
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
    """Points of a reliability diagram, and its two figures; `reliability` returns it.

    Args:
        bins: studies of similar probability.
        brier: the Brier score.
        calibration_error: the mean distance of probability and frequency.
        studies: number of studies that all of these are of.

    >>> Reliability((), Missing("no study"), Missing("no study")).to_json()["bins"]
    []
    """

    bins: tuple[ReliabilityBin, ...]
    brier: Figure
    calibration_error: Figure
    studies: int = 0

    def to_json(self) -> dict[str, Json]:
        """Return plain values, rounded to six places."""
        return {
            "studies": self.studies,
            "bins": [
                {"probability": round(b.probability, 6), "abnormal": round(b.abnormal, 6), "studies": b.studies}
                for b in self.bins
            ],
            "brier": self.brier.to_json(),
            "calibration_error": self.calibration_error.to_json(),
        }


def reliability(
    probabilities: Floats, cohort: BootstrapCohort, *, prevalence: float, rng: np.random.Generator
) -> Reliability:
    """Judge probabilities by the labels of a cohort.

    Args:
        probabilities: (n,), of the cohort's studies.
        cohort: their labels.
        prevalence: of abnormal studies, in (0, 1).
        rng: of the bootstrap.

    >>> import polars as pl
    >>> from unseen.evaluation.bootstrap import bootstrap_cohort
    >>> rows = {"score": [0.1, 0.2, 0.7, 0.9], "label": ["normal"] * 2 + ["abnormal"] * 2}
    >>> cohort = bootstrap_cohort(pl.DataFrame({"file": list("abcd"), **rows}))
    >>> found = reliability(np.array([0.1, 0.2, 0.7, 0.9]), cohort, prevalence=0.5, rng=np.random.default_rng(0))
    >>> round(found.brier.value, 4)
    0.0375
    """
    if short := cohort.shortfall():
        return Reliability((), Missing(short), Missing(short), len(cohort))
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
    return Reliability(tuple(bins), drawn["brier"].interval(), drawn["error"].interval(), len(cohort))
