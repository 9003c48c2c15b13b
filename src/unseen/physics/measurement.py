"""The one equation that everything here is a side of: y = noise(link(A x))."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from unseen.physics.link import Link
from unseen.physics.noise import Noise
from unseen.physics.operator import Operator


@dataclass(frozen=True)
class Measurement:
    """y = noise(link(A x)): an operator, what the detector's law does to A x, and the noise.

    Args:
        A: the operator.
        link: None means u = A x.
        noise: None means y = u.

    Example:
        >>> import torch
        >>> from unseen.physics import BeerLambert, Identity, PoissonGaussian
        >>> process = Measurement(Identity((1, 4, 4)), link=BeerLambert(1e5), noise=PoissonGaussian(1.0, 30.0))
        >>> x = torch.full((2, 1, 4, 4), 0.5)
        >>> y = process(x, generator=torch.Generator().manual_seed(0))
        >>> bool((process.linearise(y) - x).abs().max() < 0.02)
        True
    """

    A: Operator
    link: Link | None = None
    noise: Noise | None = None

    def __call__(self, x: Tensor, *, generator: torch.Generator | None) -> Tensor:
        """Measure x once.

        Args:
            x: (batch, *A.domain).
            generator: where the noise comes from; None: torch's global generator.

        Returns:
            y: (batch, *A.range).
        """
        u = self.mean(x)
        return u if self.noise is None else self.noise.sample(u, generator=generator)

    def mean(self, x: Tensor) -> Tensor:
        """u = link(A x), the measurement without noise: (batch, *A.range)."""
        p = self.A(x)
        return p if self.link is None else self.link(p)

    def linearise(self, y: Tensor) -> Tensor:
        """p = link⁻¹(y), what A x would have to be: (batch, *A.range)."""
        return y if self.link is None else self.link.inverse(y)

    def select(self, samples: Tensor) -> Measurement:
        """The process for some samples of a per-sample operator; itself where one A serves all."""
        return self if self.A.batch is None else replace(self, A=self.A.select(samples))

    def log_likelihood(self, y: Tensor, x: Tensor) -> Tensor:
        """log p(y | x) per sample: (batch,), in nats.

        Raises:
            ValueError: the measurement has no noise, and so no likelihood.
        """
        if self.noise is None:
            raise ValueError(
                "A measurement without noise has no likelihood. Give it one: Measurement(A, noise=Gaussian(0.1))."
            )
        return self.noise.log_likelihood(y, self.mean(x))
