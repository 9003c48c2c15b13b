"""Supervised loss: squared error against the truth. Reference for learning from measurements alone."""

from typing import ClassVar

import torch
from torch import Tensor

from unseen.losses.loss import Loss, Seen
from unseen.losses.sums import at_least_single, mean_square
from unseen.physics.tensor_products import describe


class Supervised(Loss):
    """‖x − f(y)‖² / n, over the n real components of x.

    Args:
        weight: ≥ 0.

    Raises (when called):
        ValueError: the truth was not given, or has another shape than f(y).

    Example:
        >>> import torch
        >>> from unseen.losses import Seen
        >>> from unseen.physics import Identity, Measurement
        >>> x = torch.ones(2, 1, 4, 4)
        >>> seen = Seen(x + 0.5, Measurement(Identity((1, 4, 4))), lambda y, process: y, x=x)
        >>> Supervised()(seen, generator=None).tolist()
        [0.25, 0.25]
    """

    needs: ClassVar[frozenset[str]] = frozenset({"x", "y", "f"})
    compares = "images"

    def __call__(self, seen: Seen, *, generator: torch.Generator | None) -> Tensor:
        del generator
        if seen.x is None:
            raise ValueError("Supervised compares with the truth, but none was given: learn(..., truth=x).")
        if seen.x.shape != seen.reconstruction.shape:
            raise ValueError(
                f"The truth has shape {describe(tuple(seen.x.shape))}, but f(y) has "
                f"{describe(tuple(seen.reconstruction.shape))}."
            )
        return mean_square(at_least_single(seen.reconstruction) - at_least_single(seen.x))
