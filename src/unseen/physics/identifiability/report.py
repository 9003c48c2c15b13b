"""What `identify` found, as a value that prints as a page."""

from __future__ import annotations

import math
from dataclasses import dataclass

from unseen.physics.identifiability.evidence import Evidence
from unseen.physics.identifiability.judgement import Verdict

WORDS = {"can": "can: consistent with learning from measurements alone, and no promise of it"}


@dataclass(frozen=True)
class Identifiability(Evidence):
    """Whether pictures can be learnt from measurements alone, and the figures that say so. Print it.

    Args:
        verdict: "can": all that is known to be necessary holds, which is consistent with learning, and no promise of
            it; "no": something necessary fails; "through interpolation only": it holds, but only because pictures live
            on a grid.
        reason: in a sentence.
    """

    verdict: Verdict
    reason: str

    def __str__(self) -> str:
        about, bound = ("", "") if self.exact else ("about ", "at most ")
        several = f", the first of {self.operators}" if self.operators > 1 else ""
        found = {
            "verdict": WORDS.get(self.verdict, self.verdict),
            "because": self.reason,
            "A shows": f"{about}{self.measured:,} of the {self.pictures:,} numbers of a picture{several} (singular "
            f"values above {self.threshold:g} ‖A‖)",
        }
        if self.looks > 1:
            which = "all there are" if self.whole else "drawn"
            found["looks"] = f"{self.looks:,}, {which}; pictures are moved by {self.moved_by or 'nothing'}"
        if self.defect is not None:
            low, high = self.defect
            found["defect"] = f"ε = {low:.2g} to {high:.2g} ({self.floor:.1g} where nothing is moved)"
            found["never seen"] = (
                f"{about}{self.never_seen:.2%} of what A hides, {self.never_seen * self.hidden:.2%} of all"
            )
        if self.inner is not None:
            found["inside"] = f"clear of the border, looks show {self.inner:.0%} of what a look at random would"
        condition = "∞" if math.isinf(self.condition) else f"{self.condition:.1e}"
        found["eigenvalues"] = (
            f"of the mean of T* A* A T: the least {bound}{self.least_eigenvalue:.1e} ‖A‖², condition number {condition}"
        )
        if self.looks > 1 and self.defect is not None:
            found |= self._bounds()
        return "\n".join(f"{name:12} {text}" for name, text in found.items())

    def _bounds(self) -> dict[str, str]:
        n, m, c = self.pictures, self.measured, self.multiplicity
        least = [] if c is None else [f"m ≥ max c_j/s_j = {c:,.0f} ({_yes(m >= c)})"]
        if self.whole:
            least.append(f"m ≥ n/|G| = {n / self.looks:,.1f} ({_yes(m * self.looks >= n)})")
        rule = "m > k + n/|G|" if self.moved_by is None else "m > 2k + max c_j + 1"
        largest = self.largest_dimension
        asked = "" if self.dimension is None else f"; k = {self.dimension:,}: {_yes(self.dimension <= largest)}"
        return ({"necessary": ", ".join(least)} if least else {}) | {
            "sufficient": f"{rule}, for almost every A (not for each): signals of dimension k ≤ {largest:,}{asked}"
        }


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"
