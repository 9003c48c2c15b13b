"""Search over a generator's latents, which `Range`, `Soft` and `Sparse` share: all images and starts in one batch.

    min over z, w of  fit(A (G(z) + w), y) + λ (R(w) + μ penalty(z)),   x = G(z) + w

w is what the generator does not explain, and R what it costs: infinite for `Range` (w = 0), ‖w‖² for `Soft`, ‖w‖₁ for
`Sparse`. penalty(z) is the generator's, ‖z‖² for a standard normal prior.

`Task` is a batch of measurements, `Some` its share for the starts that still move, and `LatentPrior` the base class of
the three priors. `search_settings` has the settings.

Source: Duff, Campbell & Ehrhardt, "Regularising inverse problems with generative machine learning models", arXiv
2107.11191.
"""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property
from typing import Self

import torch
from torch import Tensor

from unseen.physics.numpy_arrays import arrays_too
from unseen.physics.operator import Operator
from unseen.physics.operator_checks import check_image_axes
from unseen.physics.start_images import checked_start
from unseen.physics.tensor_products import describe
from unseen.priors.damped import DampedLeastSquares
from unseen.priors.fits import Fit, check_eval
from unseen.priors.generator import Generator
from unseen.priors.prior import check_operator_given, own_weight
from unseen.priors.real_images import of_real_images
from unseen.priors.search_settings import Search
from unseen.priors.solvers.latent_restarts import LatentSolution, best_of
from unseen.priors.solvers.palm import Point, SearchState, palm

TOLERANCE = 1e-3  # of conjugate gradients, which go on from the last solution at every iteration


class Task:
    """A batch of measurements.

    Args:
        y: (batch, *A.range).
        A: an operator on images.
        weight: λ, one for all or (batch,).
        restarts: starts of each image, next to each other.
        real: images are real, also where A's may be complex.

    Raises:
        ValueError: y does not fit A, is not finite, or holds whole numbers; A takes no images; weights of another
            number.
    """

    def __init__(self, y: Tensor, A: Operator, weight: float | Tensor, *, restarts: int = 1, real: bool = True) -> None:
        check_operator_given(A)
        self.A = of_real_images(A) if real else A
        self.y = checked(y, self.A)
        weights = torch.as_tensor(weight, dtype=torch.float64, device=y.device)
        if weights.ndim and len(weights) != len(y):
            raise ValueError(f"There are weights for {len(weights)} images, but the batch has {len(y)}.")
        self.weight = weights.expand(len(y))  # (batch,)
        self.norm = self.A.norm() or 1.0
        self.restarts = restarts
        self._last: Some | None = None

    @cached_property
    def damped(self) -> DampedLeastSquares:
        """(A*A + τ)⁻¹ A*."""
        return DampedLeastSquares(self.A, tolerance=TOLERANCE)

    def of(self, rows: Tensor, g: Tensor) -> Some:
        """Return the targets of these starts, in the generator's precision.

        Args:
            rows: (rows,) int64.
            g: (rows, *domain), their images.

        Raises:
            ValueError: g is no image that A takes.
        """
        if tuple(g.shape[1:]) != self.A.domain:
            raise ValueError(
                f"The generator makes images of {describe(tuple(g.shape[1:]))}, but {type(self.A).__name__} takes "
                f"{describe(self.A.domain)}. Make the operator for the generator's size."
            )
        if g.is_complex():
            raise ValueError(f"The generator makes real images, but these are {g.dtype}.")
        self.y = self.y.to(g.dtype.to_complex() if self.y.is_complex() else g.dtype)
        if self._last is None or not torch.equal(rows, self._last.rows):
            self._last = Some(self, rows)
        return self._last


class Some:
    """The measurements of some starts of a task.

    Args:
        A: for these rows, on real images.
        y: (rows, *A.range), with zero where nothing was measured.
        weight: (rows,) float64, λ.
        norm: ‖A‖ over the whole batch, or 1 where that is 0.
    """

    def __init__(self, task: Task, rows: Tensor) -> None:
        self._task, self.rows, self._samples = task, rows, rows // task.restarts
        self.A = task.A.select(self._samples)
        self.y, self.weight, self.norm = task.y[self._samples], task.weight[self._samples], task.norm

    @cached_property
    def damped(self) -> DampedLeastSquares:
        """(A*A + τ)⁻¹ A* for these rows."""
        return self._task.damped.select(self._samples)

    def misfit(self, fit: Fit, x: Tensor) -> Tensor:
        """fit(A x, y): (rows,), float64."""
        return fit(self.A(x), self.y, norm=self.norm).double()


def checked(y: Tensor, A: Operator) -> Tensor:
    """Return the measurements, with zero where nothing was measured.

    Args:
        y: (batch, *A.range).
        A: an operator on images.

    Raises:
        ValueError: see `Task`.
    """
    check_image_axes(A.domain, needed_by="Priors take", name=type(A).__name__)
    if not len(y):
        raise ValueError("y is empty. Give at least one measurement.")
    if not (y.is_floating_point() or y.is_complex()):
        raise ValueError(f"y holds real or complex numbers, but got {y.dtype}. Convert it first: y.float().")
    if not bool(y.isfinite().all()):
        raise ValueError("y holds NaN or infinity, and no image explains those. Find out where they come from.")
    if y.is_complex() and not A.complex_range:
        raise ValueError("y is complex, but this A measures real images by real numbers. Take y.real, or .abs().")
    if A.complex_range and not y.is_complex():
        y = y.to(y.dtype.to_complex())
    A.adjoint(y)  # which tells a wrong shape or batch in A's own words
    mask = A.observed()
    return (y if mask is None else mask(y)).detach()


class LatentPrior(ABC):
    """A generator as a regulariser.

    Args:
        G: the generator, in eval mode.
        weight: λ, one for all, or (batch,) with each image's own. In nats where the fit knows the noise
            (`Squares(sigma)`); else relative to an A scaled to ‖A‖ = 1, so that one λ serves operators of every size.
        mu: μ ≥ 0, of the penalty.
        fit: what it costs that A x is not y.

    Raises:
        ValueError: a weight that is out of range, or a generator in training mode.
    """

    needs_weight = True
    """True if λ has to be above 0."""

    def __init__(self, G: Generator, *, weight: float | Tensor, mu: float, fit: Fit) -> None:
        check_eval("G", G)
        if not (math.isfinite(mu) and mu >= 0):
            raise ValueError(f"mu is a finite number of at least 0, but got {mu}.")
        self.G, self.mu, self.fit = G, float(mu), fit
        self.weight = self._checked(weight)

    @arrays_too
    def solve(
        self,
        y: Tensor,
        A: Operator,
        *,
        search: Search | None = None,
        start: Tensor | None = None,
        generator: torch.Generator | None = None,
        progress: Callable[[SearchState], None] | None = None,
    ) -> LatentSolution:
        """Return the best x for each measurement.

        All images and all starts go through the generator in one batch, once an iteration; the objective of no start
        ever rises. Every image has the same starts, so what is found for it does not depend on its batch mates.

        Args:
            y: (batch, *A.range), finite; complex where A's measurements are.
            A: an operator on images of the generator's shape. Where its images are complex, x is real all the same.
            search: how hard to look; None: `Search()`.
            start: (batch, starts, *latent), z to begin from, such as another solution's `ends`; None: drawn from the
                generator's prior.
            generator: of the starts; None: seed 0.
            progress: called after each iteration.

        Returns:
            The solution: `x`, real, and `sentence`, which states whether it converged.

        Raises:
            ValueError: y, A or start does not fit the generator or each other, or y is not finite.
        """
        search = search or Search()
        latent = tuple(self.G.latent_shape)
        z = self._starts(y, search, start, generator)  # (batch, restarts, *latent)
        task = Task(y, A, self.weight, restarts=z.shape[1])
        with torch.no_grad():
            descent = palm(
                lambda rows, flat, state: self._evaluate(task, rows, flat.to(z.dtype).reshape(-1, *latent), state),
                z.reshape(len(y) * z.shape[1], -1),
                self._first_state(task),
                iterations=search.iterations,
                tolerance=search.tolerance,
                progress=progress,
            )
            return best_of(
                descent,
                lambda image, state: image + state[0] if state else image,
                batch=len(y),
                latent_shape=latent,
                dtype=z.dtype,
                tolerance=search.tolerance,
                weight=task.weight,
            )

    @abstractmethod
    def nearest(
        self,
        x: Tensor,
        *,
        norm: Fit | None = None,
        search: Search | None = None,
        generator: torch.Generator | None = None,
    ) -> LatentSolution:
        """Find the generator's nearest point to each image; its `value` is `distance(x)`.

        Args:
            x: (batch, channels, height, width), real.
            norm: instead of the prior's own, such as `L1() + 0.1 * Features(module)`.
            search, generator: as in `solve`.
        """

    @arrays_too
    def distance(
        self,
        x: Tensor,
        *,
        norm: Fit | None = None,
        search: Search | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Return the distance of each image from what the prior allows: (batch,), ≥ 0; arguments as in `nearest`."""
        return self.nearest(x, norm=norm, search=search, generator=generator).value

    def weighted(self, weight: float | Tensor) -> Self:
        """Return the same prior with another λ."""
        other = copy.copy(self)
        other.weight = self._checked(weight)
        return other

    def _first_state(self, task: Task) -> tuple[Tensor, ...]:
        """w, and what goes with it, for every start: each tensor (starts, …); empty where w is 0."""
        return ()

    def _settled(self, some: Some, g: Tensor, state: tuple[Tensor, ...]) -> tuple[tuple[Tensor, ...], Tensor]:
        """w for the images g (rows, *domain), at least as good as the one in `state`; and what is still to gain."""
        return state, torch.zeros(len(g), dtype=torch.float64, device=g.device)

    def _cost(self, w: Tensor) -> Tensor:
        """R(w): (rows,)."""
        raise NotImplementedError

    def _evaluate(self, task: Task, rows: Tensor, z: Tensor, state: tuple[Tensor, ...]) -> Point:
        with torch.enable_grad():
            z = z.clone().requires_grad_()
            g = self.G(z)
        some = task.of(rows, g)
        state, left = self._settled(some, g.detach(), tuple(part.to(g) for part in state))
        with torch.enable_grad():
            x = g + state[0] if state else g
            terms = [some.misfit(self.fit, x)]
            if self.mu:
                terms.append(some.weight * self.mu * self.G.penalty(z).double())
            value = torch.stack(terms).sum(0)
            (slope,) = torch.autograd.grad(value.sum(), z)
        value = value.detach()
        if state:
            value = value + some.weight * self._cost(state[0]).double()
        return Point(value, slope.flatten(1).double(), state, g.detach(), left)

    def _starts(self, y: Tensor, search: Search, start: Tensor | None, generator: torch.Generator | None) -> Tensor:
        latent = tuple(self.G.latent_shape)
        if start is not None:
            if tuple(start.shape) != (len(y), *start.shape[1:2], *latent):
                raise ValueError(
                    f"start is (batch, starts, *latent), here ({len(y)}, starts, {describe(latent)[1:]}, but got "
                    f"{describe(tuple(start.shape))}."
                )
            if not start.shape[1]:
                raise ValueError("start holds one start of each image or more, but got none.")
            return checked_start(start, tuple(start.shape), start.real).to(y.device)
        rng = generator if generator is not None else torch.Generator().manual_seed(0)
        drawn = self.G.latents(search.restarts, generator=rng).detach().to(y.device)
        return drawn.expand(len(y), *drawn.shape)

    def _checked(self, weight: float | Tensor) -> float | Tensor:
        low = "above" if self.needs_weight else "of at least"
        demand = f"{type(self).__name__}'s weight is a finite number {low} 0, or one for each image of the batch"
        return own_weight(weight, demand, above_zero=self.needs_weight)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({type(self.G).__name__}, weight={self.weight}, mu={self.mu:g}, fit={self.fit})"
