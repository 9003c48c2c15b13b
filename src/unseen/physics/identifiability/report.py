"""Report of `identify`: its figures, the verdict and its reason in a sentence, and the text that is printed."""

import math
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal


@dataclass(frozen=True)
class Evidence:
    """Findings about A (or several A) and a group.

    Args:
        measured: m, the rank of A (of the first, where there are several); estimated if not `exact`.
        exact: whether ranks are counted from whole matrices, not estimated from random images.
        operators: how many A there are.
        moved_by: the group, or None.
        looks: how many operators A T_g were tried.
        whole: whether these are all there are.
        defect: least and greatest ε_g = ‖A T_g (I − A⁺A)‖ / ‖A T_g‖ over these; None where A hides nothing.
        floor: the same where nothing is moved: zero but for rounding and singular values near the threshold.
        never_seen: the share of A's null space that no A T_g measures.
        least_eigenvalue: of the mean of T_g* A* A T_g, over ‖A‖²; an upper bound where not `exact`. None where A hides
            nothing: then it is not computed.
        condition: the greatest over the least, ∞ where that is zero; None as above.
        inner: the share of energy that A measures of images in its null space after a transform that keeps clear of
            the border, over the share that it measures of random images: the largest value of all transforms tried.
            None where that makes no difference, or was not needed.
        inner_mean: the mean over the transforms tried, and its standard error; None where `inner` is.
        inner_tried: how many transforms were tried.
        moves_too_short: elements that keep images clear of the border move them too little to tell a hole of A from
            interpolation.
        multiplicity: max c_j / s_j of the group's representation; None where it has none.
        dimension: k, the signals', if it was given.
        threshold: singular values up to this share of ‖A‖ count as zero.
    """

    pictures: int
    """n, the numbers of an image (complex ones counted once)."""
    measured: int
    exact: bool
    operators: int
    moved_by: str | None
    looks: int
    whole: bool
    defect: tuple[float, float] | None
    floor: float
    never_seen: float
    least_eigenvalue: float | None
    condition: float | None
    inner: float | None
    inner_mean: tuple[float, float] | None
    inner_tried: int
    moves_too_short: bool
    multiplicity: float | None
    dimension: int | None
    threshold: float

    @property
    def hidden(self) -> float:
        """The share of an image's numbers that A hides."""
        return 1 - self.measured / self.pictures

    @property
    def largest_dimension(self) -> int:
        """The largest k for which the theorems promise that almost every A (not this one) would do; 0: none.

        m > 2k + max c_j + 1 for a compact cyclic group, m > k + n / |G| for several operators (Tachella, Chen &
        Davies, Sensing Theorems, JMLR 24, 2023).
        """
        if self.moved_by is None:
            return max(0, (self.measured * self.operators - self.pictures - 1) // self.operators)
        if self.multiplicity is None:
            return 0
        return max(0, int((self.measured - self.multiplicity - 1 - 1e-9) // 2))


Verdict = Literal["can", "no", "through interpolation only", "not decided"]

ROUNDING = 1e-6  # ε up to this is zero
ABOVE_THE_FLOOR = 3.0  # and up to this many times what it is where nothing is moved
BY_INTERPOLATION = 0.75  # least `inner` that interpolation on the grid alone does not explain. CT has
# 0.15 to 0.45 (0.64 where it hides next to nothing there: 64 pixels, 50 views), masks and random matrices 0.92 and more
UNSEEN_SHARE = 3.0  # over the number tried: with 95 % confidence, no larger share of elements does what none did


def equivariant(defect: float, floor: float) -> bool:
    """Return True if ε is zero, except for rounding and for singular values near the threshold."""
    return defect <= max(ROUNDING, ABOVE_THE_FLOOR * floor)


_LOOKS = "operators A T_g"


def _together(found: Evidence) -> str:
    return f"the {found.looks:,} {_LOOKS} together hide nothing"


def _ratio(value: float) -> str:
    return f"{max(0.0, value):.2f}"  # of energies: below 0 by rounding alone


def judge(found: Evidence) -> tuple[Verdict, str]:
    """Return the verdict: "no" where something necessary fails, else "can", unless it holds through the grid alone."""
    if found.defect is None:
        return "can", "A hides nothing: its pseudo-inverse brings back every image."
    hidden = f"{100 * found.hidden:.0f} %" if found.hidden >= 0.005 else f"{found.hidden:.1g}"
    several = "the other operators" if found.moved_by is None else "moving the images"
    if found.looks == 1:
        return "no", (
            f"there is one A and nothing moves the images, so whatever a network adds within the {hidden} that A "
            "hides agrees with every measurement."
        )
    if equivariant(found.defect[1], found.floor):
        return "no", f"A is equivariant: what it hides ({hidden} of an image), it hides after {several} just as well."
    if found.never_seen:
        never = f"{found.never_seen * found.hidden:.2g} of an image is measured by none of the {found.looks:,} {_LOOKS}"
        few = found.whole and found.looks * found.measured < found.pictures
        why = f": {found.looks} times m = {found.measured:,} numbers are fewer than n = {found.pictures:,}"
        return "no", f"a share of {never}{why if few else ''}."
    if found.inner is not None and found.inner < BY_INTERPOLATION and found.moves_too_short:
        return "not decided", (
            f"{_together(found)}, but on this grid all transforms that keep images clear of the border move them too "
            "little to tell a hole of A from interpolation. Take a larger image."
        )
    if found.inner is not None and found.inner < BY_INTERPOLATION:
        return "through interpolation only", (
            "clear of the border A is equivariant but for its own interpolation on the grid. Of an image in its null "
            f"space, after any transform tried, A measures at most {_ratio(found.inner)} times the share of energy "
            "that it measures of random images, and in the continuum nothing."
        )
    return "can", f"{_together(found)}, though A alone hides {hidden}."


MEANINGS: dict[Verdict, str] = {
    "can": "No obstacle was found: a training on the measurements alone is worth trying, with no promise of success.",
    "no": "No training on these measurements alone can recover what A hides: measure more, take another group, or "
    "train with true images.",
    "through interpolation only": 'A training may succeed on simulated measurements; of real ones expect what "no" '
    "means: no training on them alone recovers what A hides.",
    "not decided": "The image is too small for an answer: take a larger one.",
}


SYMBOLS = {
    "A": "the operator, which measures y = A x of an image x",
    "‖A‖": "largest singular value of A",
    "A⁺": "pseudo-inverse of A",
    "T_g": "transform of the images by an element g of the group; A T_g measures the transformed image",
    "A*": "adjoint of A, and T_g* of T_g",
    "ε": "‖A T_g (I − A⁺A)‖ / ‖A T_g‖ in Frobenius norms, the least and the greatest over the operators; 0: A T_g "
    "measures nothing that A hides",
    "m ≥": "numbers that A measures, its rank",
    "n/|G|": "numbers of an image over the number of operators",
    "c_j": "how often an irreducible representation j of the group occurs in the images; s_j: its dimension",
    "k ≤": "dimension of the set of images",
}
"""Symbols of a report with their meanings; a report defines those that it contains."""


@dataclass(frozen=True)
class Identifiability(Evidence):
    """Verdict: can images be learnt from measurements alone? With its figures. Print it.

    Args:
        verdict: "can": all that is known to be necessary holds, which is consistent with learning, and no promise of
            it; "no": something necessary fails; "through interpolation only": it holds, but only because images live
            on a grid; "not decided": nothing necessary fails, and the image is too small to rule that case out.
        reason: in a sentence.

    Example:
        >>> import torch
        >>> from unseen.physics import Mask, identify
        >>> identify(Mask(torch.arange(64).reshape(8, 8) % 2 == 0)).verdict
        'no'
    """

    verdict: Verdict
    reason: str

    @property
    def meaning(self) -> str:
        """Consequence of the verdict for a training, in a sentence."""
        if self.defect is None:
            return "Without noise no training is needed: take A⁺y."
        return MEANINGS[self.verdict]

    def __str__(self) -> str:
        about, bound = ("", "") if self.exact else ("about ", "at most ")
        several = f", the first of {self.operators}" if self.operators > 1 else ""
        found = {
            "verdict": "can (no obstacle found)" if self.verdict == "can" and self.defect is not None else self.verdict,
            "because": self.reason,
            "means": self.meaning,
            "A shows": f"{about}{self.measured:,} of the {self.pictures:,} numbers of an image{several} (singular "
            f"values above {self.threshold:g} ‖A‖)",
        }
        if self.looks > 1 and self.defect is not None:
            which = "all there are" if self.whole else "drawn"
            found["A T_g"] = f"{self.looks:,} operators, {which}; images are moved by {self.moved_by or 'nothing'}"
        if self.defect is not None:
            low, high = self.defect
            found["defect"] = f"ε = {low:.2g} to {high:.2g} ({self.floor:.1g} where nothing is moved)"
            found["never seen"] = (
                f"{about}{100 * self.never_seen:.2f} % of what A hides, "
                f"{100 * self.never_seen * self.hidden:.2f} % of all"
            )
        if self.inner is not None:
            found["inside"] = f"null-space images, moved clear of the border: A measures {self._inner_words()}"
        if self.least_eigenvalue is not None and self.condition is not None:
            condition = "∞" if math.isinf(self.condition) else f"{self.condition:.1e}"
            found["eigenvalues"] = (
                f"of the mean of T_g* A* A T_g: the least {bound}{self.least_eigenvalue:.1e} ‖A‖², "
                f"condition number {condition}"
            )
        if self.looks > 1 and self.defect is not None:
            found |= self._bounds()
        lines = [f"{name:12} {text}" for name, text in found.items()]
        text = "\n".join([*lines, SYMBOLS["ε"] if self.defect is not None else ""])
        symbols = (f"{symbol.split()[0]}: {meaning}" for symbol, meaning in SYMBOLS.items() if symbol in text)
        lines += [f"{label:12} {text}" for label, text in zip_longest(["symbols"], symbols, fillvalue="")]
        return "\n".join(lines)

    def _inner_words(self) -> str:
        mean, error = self.inner_mean or (0.0, 0.0)
        best = (
            f"{_ratio(self.inner or 0)} times the share of energy that it measures of random images, the best of "
            f"{self.inner_tried} transforms (mean {_ratio(mean)} ± {error:.2f})"
        )
        if self.verdict != "through interpolation only":
            return best
        share = min(100.0, 100 * UNSEEN_SHARE / max(1, self.inner_tried))
        return (
            f"{best}; 95 % confidence: more than {BY_INTERPOLATION} times for at most {share:.0f} % of the transforms"
        )

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
