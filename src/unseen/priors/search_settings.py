"""Settings of the search for the best latent, without torch: the command line imports their defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

RESTARTS: Final = 10
"""Starts for each image: the default of `Search` and of `unseen reconstruct --restarts`."""


@dataclass(frozen=True)
class Search:
    """Settings of the search for the best latent.

    >>> Search(restarts=3).iterations
    200

    Args:
        restarts: starts for each image, ≥ 1; the best end is taken.
        iterations: at most, ≥ 1, of one generator call each.
        tolerance: a start is done when a step promises less than this share of its objective; 0: never.
    """

    restarts: int = RESTARTS
    iterations: int = 200
    tolerance: float = 1e-4

    def __post_init__(self) -> None:
        if self.restarts < 1 or self.iterations < 1:
            raise ValueError(
                f"A search has at least one start and one iteration, but got restarts={self.restarts} and "
                f"iterations={self.iterations}."
            )
        if not self.tolerance >= 0:
            raise ValueError(f"The tolerance is a share of the objective, such as 1e-4, but got {self.tolerance}.")
