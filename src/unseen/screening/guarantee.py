"""Guarantee: a threshold below which films are cleared, with a bounded share of missed abnormals.

Let x₍₁₎ ≤ … ≤ x₍ₙ₎ be the scores of n abnormal studies, one a patient, drawn as those to come will be. A study is
cleared iff its score lies strictly below x₍ₖ₊₁₎, where k is the largest number of misses whose one-sided
Clopper–Pearson upper bound is at most α:

    P(Bin(n, α) ≤ k) ≤ δ

Then the true miss rate exceeds α with a probability of at most δ, whatever the scores' distribution, ties included:
if it did, the α-quantile would lie below x₍ₖ₊₁₎, so that at most k of n draws fell below it. k is a function of n alone
and was chosen before any score was seen.

Source: Clopper & Pearson, Biometrika 26 (1934); as a tolerance limit, Wilks, Ann. Math. Stat. 12 (1941).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from unseen.artifacts.errors import UserError

MOST_SHOWN = 1_000_000
"""Abnormals beyond which `abnormals_needed` gives up; no site labels as many."""


class GuaranteeError(UserError, ValueError):
    """A rate or a confidence that no guarantee can be asked for."""


@dataclass(frozen=True)
class Guarantee:
    """Guarantee of a miss rate of at most `max_miss_rate` with `confidence`.

    Args:
        max_miss_rate: α, the share of abnormal studies that may be cleared, in (0, 1).
        confidence: 1 − δ, in (0, 1).

    The defaults are those of `calibrate`, `unseen calibrate` and the server; they are written here alone.

    >>> promise = Guarantee(max_miss_rate=0.10, confidence=0.95)
    >>> promise.abnormals_needed(), promise.abnormals_needed(1), promise.abnormals_needed(2)
    (29, 46, 61)
    >>> promise.allowed_misses(28) is None, promise.allowed_misses(29), promise.allowed_misses(61)
    (True, 0, 2)
    """

    max_miss_rate: float = 0.05
    confidence: float = 0.95

    def __post_init__(self) -> None:
        for name, value in (("max_miss_rate", self.max_miss_rate), ("confidence", self.confidence)):
            if not 0 < value < 1:
                raise GuaranteeError(
                    f"`{name}=` is {value}; give a share between 0 and 1, both ends left out, like 0.05"
                )

    def risk(self, misses: int, abnormals: int) -> float:
        """P(Bin(n, α) ≤ k): how likely so few misses are at a true rate of exactly `max_miss_rate`."""
        from scipy.stats import binom

        return float(binom.cdf(misses, abnormals, self.max_miss_rate))

    def allowed_misses(self, abnormals: int) -> int | None:
        """k: how many of `abnormals` may lie below the threshold; None where even none is too many."""
        from scipy.stats import binom

        misses = int(binom.ppf(1 - self.confidence, abnormals, self.max_miss_rate)) if abnormals else -1
        while misses >= 0 and self.risk(misses, abnormals) > 1 - self.confidence:
            misses -= 1
        return None if misses < 0 else misses

    def abnormals_needed(self, misses: int = 0) -> int:
        """Return the least number of abnormal studies of which `misses` may lie below the threshold.

        Raises GuaranteeError where that is more than a million.
        """
        low, high = misses, misses + 1  # not enough; perhaps enough
        while self.risk(misses, high) > 1 - self.confidence:
            low, high = high, 2 * high
            if low > MOST_SHOWN:
                raise GuaranteeError(
                    f"a miss rate of {self.max_miss_rate:g} with confidence {self.confidence:g} needs more than "
                    f"{MOST_SHOWN} abnormal studies; raise the miss rate or lower the confidence"
                )
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.risk(misses, middle) > 1 - self.confidence else (low, middle)
        return high

    def threshold(self, scores: Sequence[float]) -> float | None:
        """x₍ₖ₊₁₎ of the abnormals' scores: what lies strictly below is cleared; None where there are too few.

        Raises GuaranteeError for a score that is NaN, which has no rank.

        >>> Guarantee(max_miss_rate=0.10, confidence=0.95).threshold([0.2] * 10 + [0.1] * 19)
        0.1
        """
        if unknown := sum(math.isnan(score) for score in scores):
            raise GuaranteeError(f"{unknown} of {len(scores)} scores are NaN. Leave out the studies without a score")
        misses = self.allowed_misses(len(scores))
        return None if misses is None else float(sorted(scores)[misses])

    def spent(self, calibration: int) -> Guarantee:
        """Return this guarantee for the `calibration`-th calibration of a lifetime, which spends δ/2ʲ of it: all of
        them together hold with `confidence`.

        >>> Guarantee(max_miss_rate=0.10, confidence=0.95).spent(1).abnormals_needed()
        36
        """
        if calibration < 1:
            raise GuaranteeError(f"calibration number {calibration}: the first is 1")
        confidence = 1 - math.ldexp(1 - self.confidence, -min(calibration, 10_000))
        if confidence == 1:
            raise GuaranteeError(
                f"calibration number {calibration}: the share of the confidence that is left for it is below the "
                "precision of numbers. Begin a new lifetime with calibration 1, for a new model"
            )
        return Guarantee(self.max_miss_rate, confidence)

    def jointly(self, sources: int) -> Guarantee:
        """Return this guarantee for each of `sources` sources such that it holds for all of them at once: δ/S each."""
        return Guarantee(self.max_miss_rate, 1 - (1 - self.confidence) / sources)

    def __str__(self) -> str:
        missed, confidence = f"{100 * self.max_miss_rate:.6g} %", f"{100 * self.confidence:.5g} %"
        return f"at most {missed} of abnormal studies missed, with {confidence} confidence"
