"""Map from a score to the probability of being abnormal, and from both to the priority in the list.

Centred isotonic regression: the increasing step function that fits the labels best, with each flat step replaced by one
point at its mean score, and straight lines between the points. Between its ends it increases where plain isotonic
regression is flat; beyond them it is constant, and `ProbabilityMap.priority` keeps the films' order there.

Labelled films hold more abnormals than a site's mornings do. With prevalence π at the site and n₁, n₀ labelled films,
an abnormal film weighs π/n₁ and a normal one (1 − π)/n₀: the fit is then the posterior at π.

Source: Oron & Flournoy, J. Biopharm. Stat. 27 (2017); reweighting: Saerens et al., Neural Comput. 14 (2002), with the
prior known.
"""

from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from pydantic import BaseModel, ConfigDict, Field, model_validator

from unseen.evaluation.roc import Floats
from unseen.screening.decision import squashed_score

_BY_SCORE = 1e-6  # part of the score itself in a priority: no probability is known to a millionth


class ProbabilityMap(BaseModel):
    """An increasing, piecewise linear map; constant beyond its ends.

    >>> mapped = ProbabilityMap(scores=(0.0, 1.0), probabilities=(0.1, 0.9), prevalence=0.5)
    >>> round(float(mapped(0.5)), 3), float(mapped(7.0))
    (0.5, 0.9)
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    scores: tuple[float, ...] = Field(min_length=1, description="non-decreasing, the detector's unit")
    probabilities: tuple[float, ...] = Field(min_length=1, description="non-decreasing, within (0, 1)")
    prevalence: float = Field(gt=0, lt=1, description="of abnormal studies at the site")

    @model_validator(mode="after")
    def _is_increasing(self) -> Self:
        if len(self.scores) != len(self.probabilities):
            raise ValueError(f"{len(self.scores)} scores and {len(self.probabilities)} probabilities")
        if any(b < a for a, b in zip(self.scores, self.scores[1:], strict=False)):
            raise ValueError("scores must not decrease")
        if any(b < a for a, b in zip(self.probabilities, self.probabilities[1:], strict=False)):
            raise ValueError("probabilities must not decrease")
        if self.probabilities[0] <= 0 or self.probabilities[-1] >= 1:
            raise ValueError("probabilities lie strictly between 0 and 1: no film is certainly either")
        return self

    def __call__(self, scores: ArrayLike) -> Floats:
        """Return probabilities of the same shape as `scores`."""
        x, values = np.asarray(scores, dtype=np.float64), np.asarray(self.probabilities)
        right = np.searchsorted(self.scores, x, side="right")  # the piece that x lies on ends at this step
        last = len(values) - 1
        found = np.interp(x, self.scores, values)  # its rounding may pass the end of the piece by one bit
        within: Floats = np.clip(found, values[np.clip(right - 1, 0, last)], values[np.clip(right, 0, last)])
        return within

    def priority(self, score: float) -> float:
        """Return the place of a film in the list: within a millionth of its probability, and increasing everywhere.

        The map is constant beyond its ends, where the most suspicious films lie. There the score decides the order.

        Args:
            score: the detector's, finite.

        Example:
            >>> mapped = ProbabilityMap(scores=(0.0, 1.0), probabilities=(0.1, 0.9), prevalence=0.5)
            >>> float(mapped(7.0)) == float(mapped(8.0)), mapped.priority(7.0) < mapped.priority(8.0)
            (True, True)
        """
        return (1 - _BY_SCORE) * float(self(score)) + _BY_SCORE * squashed_score(score)


def fit_probability(scores: ArrayLike, abnormal: ArrayLike, *, prevalence: float | None = None) -> ProbabilityMap:
    """Fit the map to labelled scores.

    Args:
        scores: (n,) finite.
        abnormal: (n,) bool, with both classes.
        prevalence: of abnormal studies at the site, in (0, 1); None: as among the labelled.

    A lowest step without any abnormal, and a highest without any normal, are given half a film of the other class: no
    film is certainly either. Raises ValueError without both classes.

    >>> mapped = fit_probability([1, 2, 3, 4], [False, True, False, True])
    >>> mapped.scores, [round(p, 3) for p in mapped.probabilities]
    ((1.0, 2.5, 4.0), [0.333, 0.5, 0.667])
    """
    from sklearn.isotonic import isotonic_regression

    x, y = np.asarray(scores, dtype=np.float64), np.asarray(abnormal, dtype=bool)
    ones, zeros = int(y.sum()), int((~y).sum())
    if not ones or not zeros:
        raise ValueError(f"{ones} abnormal and {zeros} normal studies: a probability needs both. Label some of each")
    share = ones / (ones + zeros) if prevalence is None else prevalence
    weight = np.where(y, share / ones, (1 - share) / zeros)
    levels, which = np.unique(x, return_inverse=True)
    mass = np.bincount(which, weights=weight)
    steps = isotonic_regression(np.bincount(which, weights=weight * y) / mass, sample_weight=mass)
    value, block = np.unique(steps, return_inverse=True)
    total = np.bincount(block, weights=mass)
    centre = np.bincount(block, weights=mass * levels) / total
    half_abnormal, half_normal = share / ones / 2, (1 - share) / zeros / 2
    if value[0] == 0:
        value[0] = min(half_abnormal / (half_abnormal + total[0]), *value[1:2])
    if value[-1] == 1:
        value[-1] = max(1 - half_normal / (half_normal + total[-1]), *value[-2:-1])
    return ProbabilityMap(
        scores=tuple(np.maximum.accumulate(centre).tolist()), probabilities=tuple(value.tolist()), prevalence=share
    )
