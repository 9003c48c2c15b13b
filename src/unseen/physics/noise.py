"""Noise: base class of the random part of a measurement, and the law that every noise keeps.

1. unbiased:     E[sample(u)] = u, per entry
2. independent:  entries are drawn independently, given u
3. likelihood:   log_likelihood(y, u) is the log density (for lattice-valued y: log probability) of y, summed over a
sample's entries
4. generator:    the same generator state gives the same bytes, on whatever device u lies

The contract tests check the law for every noise in `unseen.physics.NOISES`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from unseen.physics.generator_device import generator_device
from unseen.physics.immutability import Recorded
from unseen.physics.tensor_products import describe


class Noise(Recorded, ABC):
    """Noise around a noise-free measurement u.

    Example:
        >>> from unseen.physics import Gaussian
        >>> noise = Gaussian(0.1)
        >>> noise.sample(torch.zeros(2, 1, 8, 8), generator=torch.Generator().manual_seed(0)).shape
        torch.Size([2, 1, 8, 8])
        >>> round(noise.variance(torch.zeros(1)).item(), 4)
        0.01
    """

    @property
    def batch(self) -> int | None:
        """Number of samples with a noise level of their own; None: one law for all."""
        return None

    def select(self, samples: Tensor) -> Noise:
        """Return the noise of some samples, in the order given; itself where one law serves all.

        Args:
            samples: (n,), whole numbers from 0 to batch − 1; one may come more than once.
        """
        del samples
        return self

    @abstractmethod
    def sample(self, u: Tensor, *, generator: torch.Generator | None) -> Tensor:
        """Draw y around u.

        Args:
            u: (batch, ...), the noise-free measurement.
            generator: where the randomness comes from; None: torch's global generator.

        Returns:
            y, of u's shape, dtype and device.
        """

    @abstractmethod
    def log_likelihood(self, y: Tensor, u: Tensor) -> Tensor:
        """log p(y | u), summed over each sample's entries.

        Args:
            y: (batch, ...), what was measured.
            u: of y's shape, the noise-free measurement.

        Returns:
            (batch,), in nats.
        """

    @abstractmethod
    def variance(self, u: Tensor) -> Tensor:
        """Var[y | u] per entry (per real component where u is complex), of u's shape."""


def standard_normal(like: Tensor, *, generator: torch.Generator | None) -> Tensor:
    """b ~ N(0, I), of like's shape, dtype and device; N(0, 1) in each of the two components where `like` is complex.

    Drawn on the generator's device and then moved, so that a seed gives the same numbers on every device; at least in
    single precision.

    Example:
        >>> import torch
        >>> a = standard_normal(torch.zeros(4), generator=torch.Generator().manual_seed(1))
        >>> b = standard_normal(torch.zeros(4), generator=torch.Generator().manual_seed(1))
        >>> torch.equal(a, b)
        True
    """
    if like.is_complex():
        return torch.view_as_complex(standard_normal(torch.view_as_real(like), generator=generator))
    device = generator_device(generator)
    dtype = torch.promote_types(like.dtype, torch.float32)
    return torch.randn(like.shape, generator=generator, dtype=dtype, device=device).to(like)


def per_sample(value: Tensor, like: Tensor, name: str) -> Tensor:
    """Return a number, or one for each sample, in a shape that multiplies `like`.

    Args:
        value: () or (batch,) or (batch, 1, ...).
        like: (batch, ...).
        name: what it is called in the error.

    Returns:
        () or (batch, 1, ...), in like's real dtype (at least single precision) and on its device.

    Raises:
        ValueError: neither one number nor one for each sample.
    """
    dtype = torch.promote_types(like.real.dtype if like.is_complex() else like.dtype, torch.float32)
    if value.numel() == 1:
        return value.reshape(()).to(like.device, dtype)
    if value.numel() != len(like) or len(value) != len(like):
        raise ValueError(
            f"{name} is one number or one for each sample, but got {describe(tuple(value.shape))} "
            f"for a batch of {describe(tuple(like.shape))}."
        )
    return value.reshape(-1, *(1,) * (like.ndim - 1)).to(like.device, dtype)


def check_same_shape(y: Tensor, u: Tensor) -> None:
    """Raise ValueError unless y and u have one shape."""
    if y.shape != u.shape:
        raise ValueError(f"y and u have one shape, but got {describe(tuple(y.shape))} and {describe(tuple(u.shape))}.")
