"""`Range`: x is a picture that the generator can make."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from unseen.physics.algebra import describe
from unseen.physics.identity import Identity
from unseen.priors.fits import Fit, Squares
from unseen.priors.generator import Generator
from unseen.priors.latent_prior import LatentPrior, Search
from unseen.priors.solvers.latent_solution import LatentSolution

SQUARED_DISTANCE = Squares(math.sqrt(0.5))  # ‖u − y‖²


class Range(LatentPrior):
    """x = G(z), with z the minimiser of fit(A G(z), y) + weight · penalty(z); the hard constraint.

    With the squares, ‖A G(z) − y‖² / (2σ²) + λ ‖z‖². As a regulariser it is λ penalty(z) on the range and infinite off
    it; `distance` is the squared distance to the range, min over z of ‖G(z) − x‖², without the penalty.

    Args:
        G: the generator, in eval mode.
        weight: λ ≥ 0; ½ with `Squares(sigma)` is the most probable z. See `LatentPrior`.
        fit: the data fit.

    Source: Bora, Jalal, Price & Dimakis, "Compressed sensing using generative models", ICML 2017; arXiv 2107.11191.

    Example:
        >>> from unseen.physics import Mask
        >>> from unseen.priors import PrincipalSubspace
        >>> rng = torch.Generator().manual_seed(0)
        >>> G = PrincipalSubspace.fit(torch.rand(20, 1, 8, 8, generator=rng), components=3)
        >>> x = G.sample(2, generator=rng)
        >>> A = Mask(torch.rand(1, 8, 8, generator=rng) > 0.5)
        >>> solution = Range(G, weight=0).solve(A(x), A)
        >>> bool((solution.x - x).abs().max() < 1e-2), bool(solution.converged.all())
        (True, True)
    """

    needs_weight = False

    def __init__(self, G: Generator, *, weight: float | Tensor = 1e-3, fit: Fit | None = None) -> None:
        super().__init__(G, weight=weight, mu=1.0, fit=fit or Squares())

    def nearest(
        self,
        x: Tensor,
        *,
        norm: Fit | None = None,
        search: Search | None = None,
        generator: torch.Generator | None = None,
    ) -> LatentSolution:
        """argmin over z of ‖G(z) − x‖², or of norm(G(z), x)."""
        return nearest_in_range(self.G, x, norm or SQUARED_DISTANCE, mu=0.0, search=search, generator=generator)


def nearest_in_range(
    G: Generator, x: Tensor, norm: Fit, *, mu: float, search: Search | None, generator: torch.Generator | None
) -> LatentSolution:
    """argmin over z of norm(G(z), x) + mu · penalty(z), for real pictures x (batch, channels, height, width)."""
    if x.ndim != 4 or x.is_complex():
        raise ValueError(
            "A distance is that of real pictures (batch, channels, height, width), but got "
            f"{x.dtype} of {describe(tuple(x.shape))}."
        )
    prior = Range(G, weight=mu, fit=norm)
    return prior.solve(x, Identity(tuple(x.shape[1:])), search=search, generator=generator)
