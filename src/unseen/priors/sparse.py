"""`Sparse`: x is a picture that the generator can make, but for a few pixels."""

from __future__ import annotations

import torch
from torch import Tensor

from unseen.priors.fits import L1, Fit, Squares
from unseen.priors.generator import Generator
from unseen.priors.latent_prior import LatentPrior, Search
from unseen.priors.range import nearest_in_range
from unseen.priors.solvers.latent_solution import LatentSolution
from unseen.priors.task import Some, Task
from unseen.priors.unexplained import first_state, settled_by_steps


class Sparse(LatentPrior):
    """x = G(z) + u, with z, u the minimisers of fit(A (G(z) + u), y) + weight · (‖u‖₁ + mu · penalty(z)).

    u takes proximal steps, soft thresholding, for each z that is tried. `distance` is min over z of
    ‖G(z) − x‖₁ + μ penalty(z).

    Args:
        G: the generator, in eval mode.
        weight: λ > 0; see `LatentPrior`. From a certain size u = 0, and x is `Range`'s with weight λ μ.
        mu: μ ≥ 0.
        fit: the data fit.

    Source: Dhar, Grover & Ermon, "Modeling sparse deviations for compressed sensing using generative models", ICML
    2018; arXiv 2107.11191.

    Example:
        >>> from unseen.physics import Identity
        >>> from unseen.priors import PrincipalSubspace
        >>> rng = torch.Generator().manual_seed(0)
        >>> G = PrincipalSubspace.fit(torch.rand(20, 1, 8, 8, generator=rng), components=3)
        >>> x = G.sample(1, generator=rng)
        >>> x[..., 2, 2] += 3
        >>> solution = Sparse(G, weight=0.05, mu=0).solve(x, Identity((1, 8, 8)))
        >>> (solution.residual > 1).nonzero().tolist()
        [[0, 0, 2, 2]]
    """

    def __init__(
        self, G: Generator, *, weight: float | Tensor = 0.05, mu: float = 1e-2, fit: Fit | None = None
    ) -> None:
        super().__init__(G, weight=weight, mu=mu, fit=fit or Squares())

    def nearest(
        self,
        x: Tensor,
        *,
        norm: Fit | None = None,
        search: Search | None = None,
        generator: torch.Generator | None = None,
    ) -> LatentSolution:
        """argmin over z of ‖G(z) − x‖₁ + μ penalty(z), or with norm(G(z), x) in the first term's place."""
        return nearest_in_range(self.G, x, norm or L1(), mu=self.mu, search=search, generator=generator)

    def _first_state(self, task: Task) -> tuple[Tensor, ...]:
        return first_state(task, self.fit)

    def _settled(self, some: Some, g: Tensor, state: tuple[Tensor, ...]) -> tuple[tuple[Tensor, ...], Tensor]:
        return settled_by_steps(some, self.fit, g, state, cost=self._cost, prox=_thresholded)

    def _cost(self, w: Tensor) -> Tensor:
        return w.abs().flatten(1).sum(1)


def _thresholded(v: Tensor, length: Tensor) -> Tensor:
    """argmin over w of ‖w − v‖²/2 + length · ‖w‖₁."""
    return v - v.clamp(min=-length, max=length)
