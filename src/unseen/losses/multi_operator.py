"""Multi-operator consistency: each image was measured by one of several operators, and must be consistent with all."""

from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor

from unseen.losses.loss import Loss, Seen
from unseen.losses.sums import at_least_single, mean_square
from unseen.physics.generator_device import generator_device
from unseen.physics.measurement import Measurement


class MultiOperator(Loss):
    """‖f(link(A_s x̂), A_s) − x̂‖² / n,  x̂ = f(y, A_g),  s drawn from the pool for each image.

    A_g is the operator that measured y. f gets the noise level of A_s, if the pool has a level for each operator.
    Together with `MeasurementConsistency` this is multi-operator imaging: A_s measures components of the images that
    A_g does not measure.

    Args:
        weight: ≥ 0.

    Raises (when called):
        ValueError: the pool of operators is missing, or it is a single operator.

    Example:
        >>> import torch
        >>> from unseen.losses import Seen
        >>> from unseen.physics import Mask, Measurement
        >>> pool = Mask(torch.stack([torch.eye(8), 1 - torch.eye(8)])[:, None])
        >>> process = Measurement(pool.select(torch.tensor([0])))
        >>> seen = Seen(torch.ones(1, 1, 8, 8), process, lambda y, process: y, pool=pool)
        >>> MultiOperator()(seen, generator=torch.Generator().manual_seed(0)).shape
        torch.Size([1])

    Source: Tachella, Chen & Davies, Unsupervised learning from incomplete measurements for inverse problems, NeurIPS
    2022, arXiv 2201.12151.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"y", "A", "f"})
    compares = "images"

    def __call__(self, seen: Seen, *, generator: torch.Generator | None) -> Tensor:
        pool = seen.pool
        A = pool.A if isinstance(pool, Measurement) else pool
        if A is None or A.batch is None:
            raise ValueError(
                "MultiOperator needs several operators, but got one. Give A a batch of operators, such as Mask(masks) "
                "with masks of shape (operators, channels, height, width), and learn(..., operators=index)."
            )
        device = generator_device(generator)
        s = torch.randint(A.batch, (len(seen.y),), generator=generator, device=device).cpu()
        other = pool.select(s) if isinstance(pool, Measurement) else replace(seen.process, A=A.select(s))
        found = seen.again(other.mean(seen.reconstruction), other)
        return mean_square(at_least_single(found) - at_least_single(seen.reconstruction))
