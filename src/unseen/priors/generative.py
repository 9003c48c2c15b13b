"""Generative regularisers: `Range`, `Soft` and `Sparse`.

- `Range`: x is an image that the generator can make.
- `Soft`: x is near to an image that the generator can make.
- `Sparse`: x is an image that the generator can make, but for a few pixels.

`settled_by_steps` finds the part w that the generator does not explain, by proximal steps for a given G(z).
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from unseen.physics.identity import Identity
from unseen.physics.numpy_arrays import arrays_too
from unseen.physics.tensor_products import describe
from unseen.priors.fits import L1, Fit, Squares
from unseen.priors.generator import Generator
from unseen.priors.latent_prior import LatentPrior, Some, Task
from unseen.priors.search_settings import Search
from unseen.priors.solvers.latent_restarts import LatentSolution
from unseen.priors.solvers.pdhg import per_sample
from unseen.priors.solvers.proximal_gradient import proximal_steps

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

    @arrays_too
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
    """argmin over z of norm(G(z), x) + mu · penalty(z), for real images x (batch, channels, height, width)."""
    if x.ndim != 4 or x.is_complex():
        raise ValueError(
            "A distance is that of real images (batch, channels, height, width), but got "
            f"{x.dtype} of {describe(tuple(x.shape))}."
        )
    prior = Range(G, weight=mu, fit=norm)
    return prior.solve(x, Identity(tuple(x.shape[1:])), search=search, generator=generator)


STEPS = 5  # for each z that is tried: they cost the operator and its adjoint, not the generator
STILL_TO_GAIN = 10  # times the last step's fall, as a guess


def first_state(task: Task, fit: Fit) -> tuple[Tensor, Tensor]:
    """w = 0 and the step's length, for every start: (starts, *domain), (starts,)."""
    starts = len(task.y) * task.restarts
    variance = fit.variance(task.norm) if isinstance(fit, Squares) else task.norm**2
    dtype = task.y.real.dtype if task.y.is_complex() else task.y.dtype
    w = torch.zeros(starts, *task.A.domain, dtype=dtype, device=task.y.device)
    return w, torch.full((starts,), variance / task.norm**2, dtype=dtype, device=task.y.device)


def settled_by_steps(
    some: Some,
    fit: Fit,
    g: Tensor,
    state: tuple[Tensor, ...],
    *,
    cost: Callable[[Tensor], Tensor],
    prox: Callable[[Tensor, Tensor], Tensor],
) -> tuple[tuple[Tensor, ...], Tensor]:
    """Take a few steps down fit(A (g + w), y) + λ R(w).

    Args:
        some: the measurements of these rows.
        fit: the data fit.
        g: G(z), (rows, *domain).
        state: w and the step's length, as in `first_state`.
        cost: w ↦ R(w), (rows,).
        prox: (v, t) ↦ argmin over w of ‖w − v‖²/2 + t R(w).

    Returns:
        The state, and what is guessed to be still to gain: (rows,), float64.
    """
    w, length = state
    weight = per_sample(some.weight, g).to(g.dtype)

    def smooth(w: Tensor) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            w = w.detach().requires_grad_()
            value = some.misfit(fit, g + w)
            (gradient,) = torch.autograd.grad(value.sum(), w)
        return value.detach(), gradient

    w, length, fall = proximal_steps(
        smooth, lambda v, t: prox(v, t * weight), lambda w: some.weight * cost(w), w, length, steps=STEPS
    )
    return (w, length), STILL_TO_GAIN * fall


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

    @arrays_too
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

    @arrays_too
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
