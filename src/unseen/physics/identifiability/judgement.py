"""From the figures to a verdict and its reason, in a sentence."""

from __future__ import annotations

from typing import Literal

from unseen.physics.identifiability.evidence import Evidence

Verdict = Literal["can", "no", "through interpolation only"]

ROUNDING = 1e-6  # ε up to this is nought
ABOVE_THE_FLOOR = 3.0  # and up to this many times what it is where nothing is moved
BY_INTERPOLATION = 0.3  # of what a look at random shows, clear of the border: below, the grid alone shows it


def equivariant(defect: float, floor: float) -> bool:
    """Whether ε is nought, but for rounding and for singular values near the threshold."""
    return defect <= max(ROUNDING, ABOVE_THE_FLOOR * floor)


def judge(found: Evidence) -> tuple[Verdict, str]:
    """The verdict: "no" where something necessary fails, else "can", unless it holds through the grid alone."""
    if found.defect is None:
        return "can", "A hides nothing: its pseudo-inverse brings back every picture."
    hidden = f"{found.hidden:.0%}" if found.hidden >= 0.005 else f"{found.hidden:.1g}"
    several = "the other operators" if found.moved_by is None else "moving the pictures"
    if found.looks == 1:
        return "no", (
            f"there is one A and nothing moves the pictures, so whatever a network adds within the {hidden} that A "
            "hides agrees with every measurement."
        )
    if equivariant(found.defect[1], found.floor):
        return "no", f"A is equivariant: what it hides ({hidden} of a picture), it hides after {several} just as well."
    if found.never_seen:
        never = f"{found.never_seen * found.hidden:.2g} of a picture is shown by none of the {found.looks:,} looks"
        few = found.whole and found.looks * found.measured < found.pictures
        why = f": {found.looks} looks at m = {found.measured:,} numbers are fewer than n = {found.pictures:,}"
        return "no", f"a share of {never}{why if few else ''}."
    if found.inner is not None and found.inner < BY_INTERPOLATION:
        return "through interpolation only", (
            "clear of the border A is equivariant but for its own interpolation on the grid: moved pictures bring "
            f"into sight {found.inner:.0%} of what a look at random would, and in the continuum nothing."
        )
    return "can", f"the {found.looks:,} looks together leave nothing unseen, though A alone hides {hidden}."
