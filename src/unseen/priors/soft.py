"""`Soft`: x is near to a picture that the generator can make."""

from __future__ import annotations

import torch
from torch import Tensor

from unseen.priors.fits import Fit, Squares
from unseen.priors.generator import Generator
from unseen.priors.latent_prior import LatentPrior, Search
from unseen.priors.range import SQUARED_DISTANCE, nearest_in_range
from unseen.priors.solvers.latent_solution import LatentSolution
from unseen.priors.task import Some, Task
from unseen.priors.unexplained import first_state, settled_by_steps


class Soft(LatentPrior):
    """argmin over x, z of fit(A x, y) + weight · (‖G(z) − x‖² + mu · penalty(z)).

    With the squares, ‖A x − y‖² / (2σ²) + λ (‖G(z) − x‖² + μ ‖z‖²): for each z that is tried, x solves
    (A*A / (2σ²) + λ) x = A* y / (2σ²) + λ G(z), in closed form or by conjugate gradients (`damped`). With another fit x
    takes proximal steps. `distance` is min over z of ‖G(z) − x‖² + μ penalty(z).

    Args:
        G: the generator, in eval mode.
        weight: λ > 0; see `LatentPrior`. Large: `Range` with weight λ μ; small: least squares, to which G(z) adds what
            A does not see.
        mu: μ ≥ 0.
        fit: the data fit.

    Source: arXiv 2107.11191.

    Example:
        >>> from unseen.physics import Identity
        >>> from unseen.priors import PrincipalSubspace
        >>> rng = torch.Generator().manual_seed(0)
        >>> G = PrincipalSubspace.fit(torch.rand(20, 1, 8, 8, generator=rng), components=3)
        >>> y = torch.rand(1, 1, 8, 8, generator=rng)
        >>> solution = Soft(G, weight=0.5, mu=0).solve(y, Identity((1, 8, 8)))  # half way to the range
        >>> bool((solution.x - (y + G(G.latent(y))) / 2).abs().max() < 1e-2)
        True
    """

    def __init__(self, G: Generator, *, weight: float | Tensor = 0.1, mu: float = 1e-3, fit: Fit | None = None) -> None:
        super().__init__(G, weight=weight, mu=mu, fit=fit or Squares())

    def nearest(
        self,
        x: Tensor,
        *,
        norm: Fit | None = None,
        search: Search | None = None,
        generator: torch.Generator | None = None,
    ) -> LatentSolution:
        """argmin over z of ‖G(z) − x‖² + μ penalty(z), or with norm(G(z), x) in the square's place."""
        return nearest_in_range(self.G, x, norm or SQUARED_DISTANCE, mu=self.mu, search=search, generator=generator)

    def _first_state(self, task: Task) -> tuple[Tensor, ...]:
        state = first_state(task, self.fit)
        return state[:1] if isinstance(self.fit, Squares) else state

    def _settled(self, some: Some, g: Tensor, state: tuple[Tensor, ...]) -> tuple[tuple[Tensor, ...], Tensor]:
        if not isinstance(self.fit, Squares):
            return settled_by_steps(some, self.fit, g, state, cost=self._cost, prox=_shrunk)
        tau = 2 * self.fit.variance(some.norm) * some.weight
        w = some.damped.solve(some.y - some.A(g), tau, start=state[0])
        return (w,), torch.zeros(len(g), dtype=torch.float64, device=g.device)

    def _cost(self, w: Tensor) -> Tensor:
        return w.square().flatten(1).sum(1)


def _shrunk(v: Tensor, length: Tensor) -> Tensor:
    """argmin over w of ‖w − v‖²/2 + length · ‖w‖²."""
    return v / (1 + 2 * length)
