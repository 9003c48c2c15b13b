"""Multi-operator consistency: where each picture was measured by an operator of several, each must serve for all."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor

from unseen.losses.loss import Loss, Seen, mean_square
from unseen.losses.precision import at_least_single


class MultiOperator(Loss):
    """‖f(link(A_s x̂), A_s) − x̂‖² / n,  x̂ = f(y, A_g),  s drawn from the pool for each picture.

    A_g is the operator that measured y. With `MeasurementConsistency` it is multi-operator imaging: what A_g does not
    show of this picture, A_s has shown of others.

    Args:
        weight: ≥ 0.

    Raises (when called):
        ValueError: no pool of operators was given, or it has one alone.

    Source: Tachella, Chen & Davies, Unsupervised learning from incomplete measurements for inverse problems, NeurIPS
    2022.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"y", "A", "f"})

    def __call__(self, seen: Seen, *, generator: torch.Generator | None) -> Tensor:
        if seen.pool is None or seen.pool.batch is None:
            raise ValueError(
                "MultiOperator draws from several operators, but was given one. Give A an operator a row, such as "
                "Mask(masks) with masks of shape (operators, channels, height, width), and learn(..., operators=index)."
            )
        device = generator.device if generator is not None else torch.device("cpu")
        s = torch.randint(seen.pool.batch, (len(seen.y),), generator=generator, device=device).cpu()
        other = replace(seen.process, A=seen.pool.select(s))
        found = seen.again(other.mean(seen.reconstruction), other)
        return mean_square(at_least_single(found) - at_least_single(seen.reconstruction))
