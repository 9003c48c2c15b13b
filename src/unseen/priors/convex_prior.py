"""`ConvexPrior`: base of the priors whose reconstruction is a convex problem, solved by the primal–dual method.

Law: R(x) ≥ 0, R(c x) = |c| R(x), and the solution is a global minimum up to `Solution.gap`.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import Self

import torch
from torch import Tensor

from unseen.losses.sums import squares
from unseen.physics.numpy_arrays import arrays_too
from unseen.physics.operator import Operator
from unseen.physics.operator_checks import check_image_axes
from unseen.physics.start_images import checked_start
from unseen.physics.tensor_products import describe, inner, lengths
from unseen.priors.discrepancy_principle import noise_bound
from unseen.priors.fits import CountFit, Transmission
from unseen.priors.prior import check_operator_given, own_weight
from unseen.priors.solvers.fista import fista
from unseen.priors.solvers.pdhg import Term, pdhg, per_sample, squared_distance, within
from unseen.priors.solvers.poisson_term import poisson_likelihood
from unseen.priors.solvers.solution import Solution
from unseen.priors.solvers.transmission_term import transmission_likelihood

ITERATIONS = 2000
TOLERANCE = 1e-3  # of the objective, which is then as a rule within 1e-4 of its minimum; a hundred steps or two
# of the dual's size over x's to the first guess; measured with TV: best, or within twice of it, for tomography, MRI and
# inpainting, over a hundredfold of weights
RATIO = 5

# of ‖y‖ over √m σ, above which CT takes larger duals; measured with TV for 20 and 30 views of 32² and 64² pixels
DETAILED = 200
# most that the guess is multiplied by (a signal of 5,000 times the noise): without noise the quotient is infinite
MOST = 25

Map = Callable[[Tensor], Tensor]
Shorten = Callable[[Tensor, Tensor], Tensor]


class ConvexPrior(ABC):
    """weight · R(x), with R a sum of norms of linear maps of x; a new one writes `distance` and `_terms`.

    Args:
        weight: λ ≥ 0; one for all, or (batch,) with each sample's own.
        nonnegative: x ≥ 0 in every pixel, exactly.
        fit: None: ‖A x − y‖²/2; `KullbackLeibler(gain)`: the likelihood of Poisson noise; `Transmission(I0, gain)`:
            that of counts I0 exp(−A x).

    Raises:
        ValueError: a weight that is negative or not finite; another fit.
    """

    reach: float
    """Largest singular value of the map in R: the size of the dual variables for weight 1."""
    known_flat = False
    """True if images that are constant in each channel have R = 0."""

    def __init__(self, weight: float | Tensor, *, nonnegative: bool = False, fit: CountFit | None = None) -> None:
        if fit is not None and not isinstance(fit, CountFit):
            raise ValueError(
                f"{type(self).__name__} fits by squares (fit=None), KullbackLeibler(gain) or "
                f"Transmission(I0, gain), but got {fit}."
            )
        self.weight, self.nonnegative, self.fit = self._checked(weight), nonnegative, fit

    @abstractmethod
    def distance(self, x: Tensor) -> Tensor:
        """R(x), whatever the weight: (batch,), ≥ 0."""

    @abstractmethod
    def _terms(self, weight: Tensor, x: Tensor) -> list[Term]:
        """weight · R as terms of what `_lifted` gives; weight is (batch, 1, 1, 1), x an example image."""

    def weighted(self, weight: float | Tensor) -> Self:
        """Return the same prior with another λ.

        >>> from unseen.priors import TV
        >>> TV(0.5, nonnegative=True).weighted(2.0)
        TV(2.0, nonnegative=True)
        """
        other = copy.copy(self)
        other.weight = self._checked(weight)
        return other

    @arrays_too
    def __call__(self, x: Tensor) -> Tensor:
        """weight · R(x) per sample: (batch,), for x of shape (batch, channels, height, width), real or complex."""
        return self._weights(x).flatten() * self.distance(x)

    @arrays_too
    def solve(
        self,
        y: Tensor,
        A: Operator,
        *,
        start: Tensor | None = None,
        solver: str = "pdhg",
        iterations: int = ITERATIONS,
        tolerance: float = TOLERANCE,
    ) -> Solution:
        """argmin over x of fit(A x, y) + weight · R(x), for any operator.

        With Gaussian noise of standard deviation σ and a prior exp(−λ R), weight = λσ²; with the fits of
        counts, weight = λ.

        Args:
            y: (batch, *A.range), finite; a NumPy array too, and then the solution's `x` is one.
            A: an operator on images (channels, height, width).
            start: (batch, *A.domain), where x begins, such as `A.fbp(y)`; None: A* p / ‖A‖², p = y or, with
                `Transmission`, log(I0 / y).
            solver: "pdhg"; or "fista", of squares without x ≥ 0 alone, where R has a proximal map. For TV each of its
                steps solves a `prox` of its own, and it is slow where A leaves much unseen and the weight is small.
            iterations: at most.
            tolerance: a sample is done when objective − minimum ≤ tolerance · objective, as far as `Solution.gap` can
                tell. Below 1e-4, take double precision.

        Returns:
            The solution: its `x`, and `sentence`, which states whether it converged.

        Raises:
            ValueError: y has another shape than A.range or holds NaN or infinity, y is negative or complex with a
                fit of counts, A's domain is no image, or there is no such solver for this prior.
        """
        if solver not in ("pdhg", "fista"):
            raise ValueError(f'solver is "pdhg" or "fista", but got "{solver}".')
        y, norm, x = self._prepared(y, A, start)
        weight = self._weights(x)
        with torch.no_grad():
            if solver == "fista":
                return self._by_fista(y, A, x, norm, iterations=iterations, tolerance=tolerance)
            solution, _ = self._minimised(
                self._data_term(A, y, norm), weight, x, iterations=iterations, tolerance=tolerance
            )
        return replace(solution, weight=weight.flatten().double())

    @arrays_too
    def fitted(
        self,
        y: Tensor,
        A: Operator,
        *,
        sigma: float | Tensor,
        start: Tensor | None = None,
        iterations: int = ITERATIONS,
        tolerance: float = TOLERANCE,
    ) -> Solution:
        """argmin of R(x) subject to ‖A x − y‖² ≤ m σ²: Morozov's discrepancy principle, in one solve.

        The prior's own weight does not matter. `Solution.weight` is the weight for which `solve` has the same
        minimiser (the multiplier of the constraint, √m σ / ‖p‖); infinite where an image with R = 0 fits well enough.

        The constraint holds up to the tolerance: where `Solution.converged` is True,
        ‖A x − y‖ ≤ √m σ (1 + tolerance · weight · R(x) / (2 m σ²)) with the weight of the solution. Where it is False,
        the misfit may be several times √m σ: allow more iterations.

        Args:
            y: (batch, *A.range), with Gaussian noise; a NumPy array too, and then the solution's `x` is one.
            A: an operator on images (channels, height, width).
            sigma: the noise's standard deviation, per real component; ≥ 0, one for all, or (batch,) with each
                sample's own. 0: fit y exactly.
            start, iterations, tolerance: as in `solve`; the objective is R(x).

        Raises:
            ValueError: as in `solve`, or sigma < 0, or the fit is not by squares.
        """
        sigma = own_weight(sigma, "sigma is a standard deviation of at least 0, one or (batch,)", above_zero=False)
        if self.fit is not None:
            raise ValueError(f"The discrepancy principle is of Gaussian noise, but the fit is {self.fit}. Use solve.")
        y, norm, x = self._prepared(y, A, start)
        if isinstance(sigma, Tensor) and sigma.ndim and len(sigma) != len(y):
            raise ValueError(f"sigma has levels for {len(sigma)} samples, but got a batch of {len(y)}.")
        radius = noise_bound(y, A, sigma).sqrt()  # (batch,)
        with torch.no_grad():
            one = torch.ones_like(lengths(x))
            radius = radius.to(x.device)
            if self.known_flat:
                # where that is near enough, it is the answer, and nothing moves from there
                flat = _nearest_flat(y, A)
                flat = flat.clamp(min=0) if self.nonnegative else flat
                x = torch.where(per_sample(lengths(A(flat) - y).flatten() <= radius, x), flat, x)
            solution, dual = self._minimised(
                within(A, y, norm, radius),
                one,
                x,
                iterations=iterations,
                tolerance=tolerance,
                more=_more_dual(y, A, radius),
            )
        return replace(solution, weight=radius / lengths(dual).flatten().double())

    def _by_fista(
        self, y: Tensor, A: Operator, x: Tensor, norm: float, *, iterations: int, tolerance: float
    ) -> Solution:
        weight = self._weights(x)
        prox = self._prox_steps(weight, tolerance)
        if self.nonnegative or self.fit is not None or prox is None:
            raise ValueError(
                f'solver="fista" fits by squares, without x ≥ 0, a prior with a proximal map, but the prior is {self}. '
                'Use "pdhg".'
            )
        solution = fista(
            lambda x: A.adjoint(A(x) - y),
            prox,
            lambda x: squares(A(x) - y) / 2 + self(x),
            x,
            lipschitz=(1.002 * norm) ** 2 or 1.0,
            iterations=iterations,
            tolerance=tolerance,
        )
        return replace(solution, weight=weight.flatten().double())

    def _prox_steps(self, weight: Tensor, tolerance: float) -> Callable[[Tensor, float], Tensor] | None:
        """(v, step) ↦ argmin over x of ‖x − v‖²/2 + step · weight · R(x), for one run of FISTA; None: there is none."""
        del weight, tolerance
        return None

    def _minimised(
        self,
        data: Term,
        weight: Tensor,
        x: Tensor,
        *,
        iterations: int,
        tolerance: float,
        more: Tensor | float = 1.0,
    ) -> tuple[Solution, Tensor]:
        """Return the minimiser of a data term and weight · R, and the data term's dual variable.

        The guess of the dual's size over x's is multiplied by `more`.
        """
        start = self._lifted(x)
        of_lifted = replace(
            data, forward=lambda v: data.forward(self._image(v)), adjoint=lambda p: self._padded(data.adjoint(p))
        )
        solution, duals = pdhg(
            [of_lifted, *self._terms(weight, x)],
            start,
            ratio=more * _ratio(weight * self.reach, x),
            iterations=iterations,
            tolerance=tolerance,
            nonnegative=self._padded(torch.ones_like(x[:1], dtype=torch.bool)) if self.nonnegative else None,
        )
        return replace(solution, x=self._image(solution.x)), duals[0]

    def _lifted(self, x: Tensor) -> Tensor:
        """x with auxiliary variables, where R needs such."""
        return x

    def _image(self, v: Tensor) -> Tensor:
        """x of `_lifted`."""
        return v

    def _padded(self, x: Tensor) -> Tensor:
        """x with zero in the place of auxiliary variables: the adjoint of `_image`."""
        return x

    def _data_term(self, A: Operator, y: Tensor, norm: float) -> Term:
        if self.fit is None:
            return squared_distance(A, y, norm)
        if y.is_complex() or not bool((y >= 0).all()):
            raise ValueError(f"{self.fit} fits counts, real numbers of at least 0, but y is negative or complex.")
        if isinstance(self.fit, Transmission):
            return transmission_likelihood(A, y, norm, I0=self.fit.I0, gain=self.fit.gain)
        return poisson_likelihood(A, y, norm, gain=self.fit.gain, background=self.fit.background)

    def _linearised(self, y: Tensor, A: Operator) -> Tensor:
        """Return what A x is near: (batch, *A.range)."""
        if not isinstance(self.fit, Transmission) or y.is_complex():
            return y
        lines = self.fit.line_integrals(y)
        mask = A.observed()
        return lines if mask is None else mask(lines)

    def _weights(self, x: Tensor) -> Tensor:
        name = type(self).__name__
        if x.ndim != 4:
            raise ValueError(
                f"{name} takes images (batch, channels, height, width), but got {describe(tuple(x.shape))}."
            )
        weight = torch.as_tensor(self.weight, dtype=lengths(x[:1]).dtype, device=x.device)
        if weight.ndim and len(weight) != len(x):
            raise ValueError(f"{name} has weights for {len(weight)} samples, but got a batch of {len(x)}.")
        return weight.expand(len(x)).reshape(-1, 1, 1, 1)

    def _prepared(self, y: Tensor, A: Operator, start: Tensor | None) -> tuple[Tensor, float, Tensor]:
        """y where it was measured, A's norm, and where to begin."""
        name = type(self).__name__
        check_operator_given(A)
        if not len(y):
            raise ValueError("y is empty. Give at least one measurement.")
        check_image_axes(A.domain, needed_by=f"{name} takes", name=type(A).__name__)
        if not (y.is_floating_point() or y.is_complex()):
            raise ValueError(f"y holds real or complex numbers, but got {y.dtype}. Convert it first: y.float().")
        if not bool(y.isfinite().all()):
            raise ValueError(
                f"y holds NaN or infinity; {name} needs finite measurements. Find out where they come from first."
            )
        back = A.adjoint(self._linearised(y, A))
        if self.nonnegative and back.is_complex():
            raise ValueError(f"Only real images are at least 0, but {type(A).__name__} has complex ones.")
        mask = A.observed()
        if mask is not None:
            y = mask(y)
        norm = A.norm()
        first = back / norm**2 if norm > 0 else back
        x = first if start is None else checked_start(start, tuple(back.shape), back)
        return y, norm, x.clamp(min=0) if self.nonnegative else x

    def _checked(self, weight: float | Tensor) -> float | Tensor:
        demand = f"{type(self).__name__}'s weight is a finite number of at least 0, or one for each sample of the batch"
        return own_weight(weight, demand, above_zero=False)

    def _settings(self) -> str:
        """Return the settings that differ from the defaults, for `repr`."""
        parts = [str(self.weight), *(["nonnegative=True"] if self.nonnegative else [])]
        return ", ".join([*parts, *([] if self.fit is None else [f"fit={self.fit}"])])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._settings()})"


def sum_of_lengths(
    weight: Tensor, lengths_of: Map, shortened_to: Shorten, *, forward: Map, adjoint: Map, norm: float
) -> Term:
    """weight · Σ |(K x)_i|, each |…| the length of a vector or a number: F* is 0 where |p_i| ≤ weight, else infinite.

    Args:
        weight: (batch, 1, 1, 1), ≥ 0.
        lengths_of: K x ↦ the lengths.
        shortened_to: (p, weight) ↦ the nearest p whose vectors are no longer than weight.
        forward, adjoint, norm: K, K* and ‖K‖.
    """

    def value(z: Tensor) -> Tensor:
        return weight.flatten() * lengths_of(z).flatten(1).sum(1)

    return Term(
        forward=forward,
        adjoint=adjoint,
        norm=norm,
        prox_conjugate=lambda p, step: shortened_to(p, weight),
        value=value,
        gap=lambda z, p: (value(z) - inner(z, p).flatten()).clamp(min=0),
    )


def _nearest_flat(y: Tensor, A: Operator) -> Tensor:
    """Find the image, constant in each channel, whose A x is nearest to y: (batch, *A.domain)."""
    flats = torch.diag_embed(torch.ones_like(A.adjoint(y)).movedim(1, -1)).permute(4, 0, 3, 1, 2)  # a channel is 1
    columns = torch.stack([A(flat).flatten(1) for flat in flats], dim=-1)  # (batch, m, channels)
    seen = y.flatten(1).unsqueeze(-1)
    if seen.is_complex() and not flats.is_complex():
        columns, seen = (torch.view_as_real(part).transpose(-1, -2).flatten(1, 2) for part in (columns, seen))
    wide = torch.promote_types(columns.dtype, torch.float32)  # LAPACK has no half precision
    levels: Tensor = (torch.linalg.pinv(columns.to(wide)) @ seen.to(wide)).squeeze(-1).to(flats.dtype)
    return levels.reshape(*levels.shape, 1, 1).expand(flats.shape[1:])


def _more_dual(y: Tensor, A: Operator, radius: Tensor) -> Tensor | float:
    """Return a factor of the first guess of the dual's size over x's, per sample: (batch, 1, 1, 1), or 1.

    CT amplifies noise, so that the multiplier of a tight constraint is large. With the usual guess, images of CT with
    a signal of over 200 times the noise are several standard deviations away from the constraint after 2,000 steps.
    """
    if not A.pinv_by_steps:
        return 1.0
    size = lengths(y).flatten()
    signal = size / radius.to(size).clamp(min=torch.finfo(size.dtype).tiny)
    return (signal / DETAILED).clamp(1, MOST).reshape(-1, 1, 1, 1)


def _ratio(dual_size: Tensor, x: Tensor) -> Tensor:
    """Return a first guess of the dual's size over x's, per sample."""
    typical = lengths(x) / x[0].numel() ** 0.5
    return torch.where((typical > 0) & (dual_size > 0), RATIO * dual_size / typical, 1.0).to(typical.dtype)
