"""What a detector's law does to A x before noise comes: entrywise, smooth, and one to one.

The law of a link: `link.inverse(link(p)) = p` wherever the link's output is a usable measurement. The contract tests
check it for every link in `unseen.physics.LINKS`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor

from unseen.physics.recorded import Recorded


class Link(Recorded, ABC):
    """An entrywise function between A x and the mean of the measurement."""

    @abstractmethod
    def __call__(self, p: Tensor) -> Tensor:
        """The noise-free measurement u of p = A x; p's shape."""

    @abstractmethod
    def inverse(self, y: Tensor) -> Tensor:
        """p from a measurement y; y's shape. Values of y that no p gives are brought to the nearest that one does."""
