"""Row and column sums of operators without negative entries, the weights of SIRT and OSEM."""

from __future__ import annotations

import torch
from torch import Tensor

from unseen.physics.operator import Operator

PROBES = 4
ROUNDING = 1e-5  # of the largest value: what a single-precision Fourier transform leaves of a zero


def row_sums(A: Operator, like: Tensor) -> Tensor:
    """Return A 1: (batch, *A.range), ≥ 0.

    Args:
        A: real, without negative entries. Random images of at least 0 test it.
        like: an image (batch, *A.domain), of which the result takes precision and device.

    Raises:
        ValueError: A is complex, or gives a negative value to an image of at least 0.

    Example:
        >>> from unseen.physics import Mask
        >>> row_sums(Mask(torch.tensor([[True, False]])), torch.ones(1, 1, 1, 2)).flatten().tolist()
        [1.0, 0.0]
    """
    if A.complex_domain or A.complex_range:
        raise ValueError(f"{A} is complex, but this method is for real operators without negative entries.")
    rng = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for _ in range(PROBES):
            seen = A(torch.rand(like.shape, generator=rng).square().to(like))
            if bool((seen < -ROUNDING * seen.abs().amax()).any()):
                raise ValueError(
                    f"{A} has negative entries, but this method is for operators without. Take total_variation, or "
                    "split its patterns."
                )
        return A(torch.ones_like(like)).clamp(min=0)


def inverted(sums: Tensor) -> Tensor:
    """1 / sums, and 0 where a sum is 0 or rounding.

    >>> inverted(torch.tensor([[2.0, 0.0]])).tolist()
    [[0.5, 0.0]]
    """
    return torch.where(sums > ROUNDING * sums.amax(), 1 / sums, 0.0)
