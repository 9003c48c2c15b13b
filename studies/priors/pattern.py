"""The source's pattern: with few spokes range is above TV, with many TV is above range, and soft is at least as good as
both, each by a paired interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from studies.priors.problems import KINDS
from studies.rows import Row
from unseen.evaluation.bootstrap import mean_of

FEWEST, FEW, MANY = "5 spokes", "10 spokes", "30 spokes"
_ASKED: tuple[tuple[str, str, str, bool], ...] = (  # level, the better, the worse, strictly
    (FEWEST, "range", "tv", True),
    (FEW, "range", "tv", True),
    (MANY, "tv", "range", True),
    (FEWEST, "soft", "tv", False),
    (FEWEST, "soft", "range", False),
    (FEW, "soft", "tv", False),
    (FEW, "soft", "range", False),
    (MANY, "soft", "tv", False),
    (MANY, "soft", "range", False),
)


@dataclass(frozen=True)
class Claim:
    """One line of the pattern for one generator: `better` − `worse` in PSNR.

    Args:
        strictly: "above"; else "at least as good as".
        entry: value, low and high, in dB.
    """

    generator: str
    level: str
    words: str
    strictly: bool
    entry: Mapping[str, Any]  # Any: a part of a JSON row


def claims_of(rows: Sequence[Row]) -> list[Claim]:
    """Return every line of the pattern that the rows can say something of."""
    found = {(row["level"], row["method"], row["generator"]): row for row in rows}
    claims = []
    for kind in KINDS:
        for level, better, worse, strictly in _ASKED:
            pair = [found.get((level, method, "" if method == "tv" else kind)) for method in (better, worse)]
            if pair[0] is None or pair[1] is None:
                continue
            above = [a - b for a, b in zip(*(row["by_picture"]["psnr"] for row in pair if row), strict=True)]
            entry = mean_of(above, pair[0]["units"]).to_json()
            claims.append(Claim(kind, level, f"{_word(better)} − {_word(worse)}", strictly, entry))
    return claims


def verdict(claim: Claim) -> str:
    """Return a word or two: the claim holds, it does not hold, or the interval includes 0.

    >>> verdict(Claim("vae", FEW, "range − TV", True, {"value": 0.4, "low": 0.1, "high": 0.7}))
    'holds'
    >>> verdict(Claim("vae", FEW, "soft − TV", False, {"value": -0.1, "low": -0.3, "high": 0.1}))
    'not significant'
    """
    low, high = claim.entry["low"], claim.entry["high"]
    if low > 0 or (low >= 0 and not claim.strictly):
        return "holds"
    return "**does not hold**" if high < 0 else "not significant"


def _word(method: str) -> str:
    return "TV" if method == "tv" else method
