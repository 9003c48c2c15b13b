"""Drift watch: do recent scores still look like those that the policy was calibrated on?

Studies come in windows of a fixed size. At the end of each window two things are tested:

- scores: Kolmogorov–Smirnov between the window's scores and the calibration's, which are weighted to the site's
  prevalence (effective size (Σw)²/Σw²); only if the calibration has scores of normal and of abnormal studies;
- refusals: is the share that was not scored compatible with the calibration's (a beta–binomial tail, upwards)?

Each may raise an alarm in at most `false_alarms`/2 of the windows of a site that has not drifted, so that a site knows
what to expect. An alarm stays until a person acknowledges it, and while it stays nothing is cleared.

Source: Kolmogorov–Smirnov with weights: Monahan, Numerical Methods of Statistics (2011), ch. 12; asymptotic, so
conservative for tied scores.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

WINDOW = 200


FALSE_ALARMS = 0.001


class DriftReference(BaseModel):
    """Reference of the drift watch: the scores and counts of the calibration, with which each window is compared.

    The reference is part of the policy. `prevalence` weighs the calibration's two classes: the share of
    abnormal studies that the user entered, else the labelled studies' own. No probability follows from it.

    Example:
        >>> reference = DriftReference(normals=(0.1, 0.2), abnormals=(0.8,), prevalence=0.1, not_scored=0)
        >>> reference.window, reference.false_alarms
        (200, 0.001)
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    normals: tuple[float, ...] = Field(description="scores of the calibration's normal studies, increasing")
    abnormals: tuple[float, ...] = Field(description="of its abnormal ones, increasing")
    prevalence: float = Field(gt=0, lt=1)
    not_scored: int = Field(ge=0, description="calibration studies that the gate refused")
    window: int = Field(default=WINDOW, ge=20, description="studies a test is made on")
    false_alarms: float = Field(
        default=FALSE_ALARMS, gt=0, lt=0.5, description="share of windows with an alarm without any drift, at most"
    )


class Alarm(BaseModel):
    """Alarm of the drift watch: the reason why clearing has stopped.

    >>> Alarm(kind="scores", p_value=0.001, reason="the scores have changed").kind
    'scores'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["scores", "refusals"] = Field(description="what has changed")
    p_value: float = Field(description="of the test")
    reason: str = Field(description="a sentence")


class DriftWatch(BaseModel):
    """A site's watch; its state is plain data, so that a worklist can keep it (`model_dump_json`).

    Not shared between threads; one watch per site.

    >>> reference = DriftReference(normals=(0.1, 0.2), abnormals=(0.8,), prevalence=0.1, not_scored=0)
    >>> watch = DriftWatch()
    >>> watch.observe(0.15, reference) is None, watch.scores
    (True, [0.15])
    """

    model_config = ConfigDict(extra="forbid")

    scores: list[float] = Field(default=[], description="of the current window")
    refused: int = Field(default=0, description="studies of the current window that were not scored")
    windows: int = Field(default=0, description="windows that are complete")
    alarm: Alarm | None = Field(default=None, description="the alarm that stands")

    def observe(self, score: float | None, reference: DriftReference) -> Alarm | None:
        """Count one study in, None for one that was not scored; returns the alarm that stands, if any."""
        if score is None:
            self.refused += 1
        else:
            self.scores.append(score)
        if len(self.scores) + self.refused >= reference.window:
            found = judge_window(self.scores, self.refused, reference)
            self.scores, self.refused, self.windows = [], 0, self.windows + 1
            self.alarm = self.alarm or found
        return self.alarm

    def revise(self, counted: float | None, score: float | None) -> None:
        """Replace the score of a study of the current window, such as when a further film of it was scored.

        Args:
            counted: the score with which the study was counted; None: it was not scored.
            score: its score now.

        Raises:
            ValueError: no study of the window was counted with that score.

        >>> watch = DriftWatch(scores=[0.1, 0.4], refused=1)
        >>> watch.revise(0.1, 0.8)
        >>> watch.scores, watch.refused
        ([0.4, 0.8], 1)
        """
        if counted is None and self.refused:
            self.refused -= 1
        elif counted is not None and counted in self.scores:
            self.scores.remove(counted)
        else:
            raise ValueError(f"No study of the current window was counted with the score {counted}.")
        if score is None:
            self.refused += 1
        else:
            self.scores.append(score)

    def acknowledge(self) -> Alarm | None:
        """Record that a person has looked: the alarm is taken down and returned.

        Who and why is for the caller's audit trail.
        """
        alarm, self.alarm = self.alarm, None
        return alarm


def judge_window(scores: Sequence[float], refused: int, reference: DriftReference) -> Alarm | None:
    """Compare one window with the reference."""
    from scipy.stats import betabinom

    level = reference.false_alarms / 2
    of = len(scores) + refused
    calibrated = len(reference.normals) + len(reference.abnormals)
    # Jeffreys' prior; the tail includes the value itself
    seen = betabinom(of, reference.not_scored + 0.5, calibrated + 0.5)
    tail = float(seen.sf(refused - 1))
    if tail < level:
        return Alarm(
            kind="refusals",
            p_value=tail,
            reason=f"{refused} of the last {of} studies were not scored, against {reference.not_scored} of "
            f"{reference.not_scored + calibrated} at calibration. Find the cause, then acknowledge or calibrate again",
        )
    p = _same_distribution(np.asarray(scores), reference)
    if p < level:
        return Alarm(
            kind="scores",
            p_value=p,
            reason=f"the scores of the last {len(scores)} studies do not look like those of the calibration "
            f"(Kolmogorov–Smirnov, p = {p:.1g}): another device, another protocol, or other patients? "
            "Look at the films, then acknowledge or calibrate again",
        )
    return None


def _same_distribution(scores: NDArray[np.float64], reference: DriftReference) -> float:
    from scipy.stats import kstwobign

    ones, zeros = len(reference.abnormals), len(reference.normals)
    if not len(scores) or not ones or not zeros:  # one class alone is not what a site sends
        return 1.0
    values = np.concatenate([reference.normals, reference.abnormals])
    weight = np.concatenate(
        [np.full(zeros, (1 - reference.prevalence) / zeros), np.full(ones, reference.prevalence / ones)]
    )
    size = 1 / float((weight**2).sum())  # effective; the weights add up to one
    points = np.union1d(values, scores)
    order = np.argsort(values, kind="stable")
    below = np.concatenate([[0.0], np.cumsum(weight[order])])
    expected = below[np.searchsorted(values[order], points, side="right")]
    seen = np.searchsorted(np.sort(scores), points, side="right") / len(scores)
    distance = float(np.abs(seen - expected).max())
    return float(kstwobign.sf(distance * np.sqrt(size * len(scores) / (size + len(scores)))))
