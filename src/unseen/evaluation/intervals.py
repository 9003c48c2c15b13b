"""Figures with 95 % intervals: `Interval`, or `Missing` with the reason; exact intervals of shares, also by patients.

Both go to JSON as ``{"value", "low", "high"}``; a missing one is null three times with a ``reason``, never NaN.

The interval of a share, k of n, is that of Clopper & Pearson, Biometrika 26 (1934): exact for any n, never too short.
"""

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
"""JSON value: everything that `json.loads` can return."""


@dataclass(frozen=True)
class Interval:
    """A figure and the ends of its 95 % interval, all finite.

    Args:
        value: the figure.
        low: lower end of the interval.
        high: upper end of the interval.

    >>> str(Interval(0.82, 0.78, 0.86))
    '0.82 (0.78 to 0.86)'
    """

    value: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not all(math.isfinite(x) for x in (self.value, self.low, self.high)):
            raise ValueError(f"an interval is finite; got {self.value}, {self.low}, {self.high}. Give Missing(reason).")

    def __str__(self) -> str:
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"

    def to_json(self) -> dict[str, Json]:
        """``{"value", "low", "high"}`` rounded to six places."""
        return {"value": round(self.value, 6), "low": round(self.low, 6), "high": round(self.high, 6)}


@dataclass(frozen=True)
class Missing:
    """Figure that cannot be given, with the reason.

    Args:
        reason: in a few words, such as "no abnormal film".

    >>> Missing("1 normal and 0 abnormal films").to_json()["reason"]
    '1 normal and 0 abnormal films'
    """

    reason: str

    def __str__(self) -> str:
        return f"not given: {self.reason}"

    def to_json(self) -> dict[str, Json]:
        """``{"value": null, "low": null, "high": null, "reason"}``."""
        return {"value": None, "low": None, "high": None, "reason": self.reason}


Figure: TypeAlias = Interval | Missing
"""Figure with its 95 % confidence interval, or the reason why there is none."""


def from_json(figure: Mapping[str, Json]) -> Figure:
    """Return the figure back from its JSON.

    >>> from_json(Interval(0.5, 0.4, 0.6).to_json())
    Interval(value=0.5, low=0.4, high=0.6)
    >>> from_json(Missing("no abnormal film").to_json())
    Missing(reason='no abnormal film')
    """
    value, low, high = figure.get("value"), figure.get("low"), figure.get("high")
    if isinstance(value, int | float) and isinstance(low, int | float) and isinstance(high, int | float):
        return Interval(float(value), float(low), float(high))
    return Missing(str(figure.get("reason", "no reason given")))


def interval_text(entry: Mapping[str, Any] | None, *, sign: bool = False) -> str:
    """Return a value with its interval, or a dash.

    >>> interval_text({"value": 0.78, "low": 0.7, "high": 0.85}), interval_text({"value": None, "reason": "one class"})
    ('0.78 [0.70, 0.85]', '–')
    """
    if not entry or entry.get("value") is None:
        return "–"
    form = "+.2f" if sign else ".2f"
    value, low, high = (format(entry[key], form).replace("-", "−") for key in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def proportion(k: int, n: int, *, without: str, units: Sequence[Hashable] | None = None) -> Figure:
    """Compute the proportion k / n with its exact (Clopper–Pearson) 95 % confidence interval.

    Args:
        k: number of successes, 0 to n.
        n: number of trials.
        without: the reason to give where n is 0, such as "no study".
        units: the patient, or another unit, of each trial (n). Trials of one unit may have one outcome, so the interval
            is that of (Σ m)² / Σ m² trials, with m trials of each unit. None: all trials are independent.

    Returns:
        The interval, or `Missing` with the reason.

    Example:
        >>> str(proportion(20, 100, without="no study")), str(proportion(0, 0, without="no study"))
        ('0.20 (0.13 to 0.29)', 'not given: no study')
        >>> str(proportion(20, 100, without="no study", units=[study // 5 for study in range(100)]))
        '0.20 (0.06 to 0.44)'

    Source:
        With units: Korn & Graubard, Survey Methodology 24 (1998) 193, with the largest design effect that units can
        have.
    """
    from scipy.stats import beta

    if not n:
        return Missing(without)
    trials = n if units is None else n**2 / sum(size**2 for size in Counter(units).values())
    successes = k * trials / n
    low = float(beta.ppf(0.025, successes, trials - successes + 1)) if k > 0 else 0.0
    high = float(beta.ppf(0.975, successes + 1, trials - successes)) if k < n else 1.0
    return Interval(k / n, low, high)
