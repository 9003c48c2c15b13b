"""The figures that a verdict rests on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Evidence:
    """What was found about A (or several A) and a group.

    Args:
        pictures: n, the numbers of a picture (complex ones counted once).
        measured: m, the rank of A (of the first, where there are several); estimated if not `exact`.
        exact: whether ranks are counted from whole matrices, not estimated from random pictures.
        operators: how many A there are.
        moved_by: the group, or None.
        looks: how many A T_g were tried.
        whole: whether these are all there are.
        defect: least and greatest ε_g = ‖A T_g (I − A⁺A)‖ / ‖A T_g‖ over the looks; None where A hides nothing.
        floor: the same where nothing is moved: nought but for rounding and singular values near the threshold.
        never_seen: the share of what A hides that no A T_g shows.
        least_eigenvalue: of the mean of T_g* A* A T_g, over ‖A‖²; an upper bound where not `exact`.
        condition: the greatest over the least, ∞ where that is nought.
        inner: of what A hides, how much comes into sight when pictures move clear of the border, over what a look at
            random shows; None where that makes no difference, or was not needed.
        multiplicity: max c_j / s_j of the group's representation; None where it has none.
        dimension: k, the signals', if it was given.
        threshold: singular values up to this share of ‖A‖ count as nought.
    """

    pictures: int
    measured: int
    exact: bool
    operators: int
    moved_by: str | None
    looks: int
    whole: bool
    defect: tuple[float, float] | None
    floor: float
    never_seen: float
    least_eigenvalue: float
    condition: float
    inner: float | None
    multiplicity: float | None
    dimension: int | None
    threshold: float

    @property
    def hidden(self) -> float:
        """The share of a picture's numbers that A hides."""
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
