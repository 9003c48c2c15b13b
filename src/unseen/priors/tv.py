"""Total variation (TV) as a prior: images that are flat but for edges.

Isotropic and discrete (Chambolle, "An algorithm for total variation minimization and applications", JMIV 20, 2004,
§2): TV(x) = Σ over channels and pixels of √(|x(i+1, j) − x(i, j)|² + |x(i, j+1) − x(i, j)|²). At the last row and the
last column the difference across the boundary is zero (Neumann), so a constant image has TV 0 whatever its size.
Of a complex image the differences are complex, and | | is the modulus.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from unseen.losses.sums import squares
from unseen.physics.algebra import describe, inner, lengths
from unseen.physics.numpy_arrays import arrays_too
from unseen.physics.operator import Operator
from unseen.priors.differences import NORM, differences, differences_adjoint, moduli, shortened, total_variation
from unseen.priors.discrepancy_principle import noise_bound
from unseen.priors.solvers.fista import fista
from unseen.priors.solvers.pdhg import Term, pdhg, per_sample, squared_distance, within
from unseen.priors.solvers.solution import Solution

ITERATIONS = 2000
TOLERANCE = 1e-3  # of the objective, which is then as a rule within 1e-4 of its minimum; a hundred steps or two
# of the dual's size over x's to the first guess; measured: best, or within twice of it, for tomography, MRI and
# inpainting, over a hundredfold of weights
RATIO = 5
INNER = 50  # dual steps for each outer step of FISTA, at most


class TV:
    """weight · TV(x): total variation as a prior.

    Args:
        weight: λ ≥ 0; one for all, or (batch,) with each sample's own.

    Raises:
        ValueError: a weight that is negative or not finite.

    Example:
        >>> import torch
        >>> from unseen.physics import Mask
        >>> x = torch.zeros(1, 1, 8, 8)
        >>> x[..., 4:] = 1  # one edge, eight pixels long
        >>> TV(0.5)(x).tolist()
        [4.0]
        >>> holes = torch.ones(1, 8, 8, dtype=torch.bool)
        >>> holes[:, 3:5, 2] = False
        >>> A = Mask(holes)
        >>> solution = TV(1e-3).solve(A(x), A)
        >>> bool((solution.x - x).abs().max() < 0.01), bool(solution.converged.all())
        (True, True)
    """

    def __init__(self, weight: float | Tensor) -> None:
        value = torch.as_tensor(weight)
        if value.is_complex() or value.ndim > 1 or not bool((value.isfinite() & (value >= 0)).all()):
            raise ValueError(
                f"TV's weight is a finite number of at least 0, or one for each sample of the batch, but got {weight}."
            )
        self.weight = weight

    @arrays_too
    def __call__(self, x: Tensor) -> Tensor:
        """weight · TV(x) per sample: (batch,), for x of shape (batch, channels, height, width), real or complex."""
        return self._weights(x).flatten() * total_variation(x)

    @arrays_too
    def distance(self, x: Tensor) -> Tensor:
        """TV(x), whatever the weight: (batch,), ≥ 0; an image without edges has 0.

        >>> TV(0.5).distance(torch.tensor([[[[0.0, 1.0]]]])).tolist()
        [1.0]
        """
        return total_variation(x)

    def weighted(self, weight: float | Tensor) -> TV:
        """Return the same prior with another λ.

        >>> TV(0.5).weighted(2.0)
        TV(2.0)
        """
        return TV(weight)

    @arrays_too
    def prox(self, v: Tensor, *, iterations: int = ITERATIONS, tolerance: float = TOLERANCE) -> Solution:
        """argmin over x of ‖x − v‖²/2 + weight · TV(x): TV denoising.

        FISTA on the dual, min over |q| ≤ weight of ‖v − D* q‖²/2, with x = v − D* q (Beck & Teboulle, "Fast
        gradient-based algorithms for constrained total variation image denoising", IEEE TIP 18(11), 2009, §III). The
        gap is the duality gap, a bound without conditions.

        Args:
            v: (batch, channels, height, width), real or complex.
            iterations: at most.
            tolerance: a sample is done when objective − minimum ≤ tolerance · objective.
        """
        solution, _ = self._prox(v, None, iterations=iterations, tolerance=tolerance)
        return solution

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
        """argmin over x of ‖A x − y‖²/2 + weight · TV(x), for any operator.

        With Gaussian noise of standard deviation σ and a prior exp(−λ TV), weight = λσ².

        Args:
            y: (batch, *A.range), finite; a NumPy array too, and then the solution's `x` is one.
            A: an operator on images (channels, height, width).
            start: (batch, *A.domain), where x begins, such as `A.fbp(y)`; None: A* y / ‖A‖².
            solver: "pdhg"; or "fista", whose every step solves a `prox` of its own, and which is slow where A leaves
                much unseen and the weight is small.
            iterations: at most.
            tolerance: a sample is done when objective − minimum ≤ tolerance · objective, as far as `Solution.gap` can
                tell. Below 1e-4, take double precision.

        Returns:
            The solution: its `x`, and `sentence`, which states whether it converged.

        Raises:
            ValueError: y has another shape than A.range or holds NaN or infinity, A's domain is no image, or there
                is no such solver.
        """
        y, norm, x = _prepared(y, A, start)
        weight = self._weights(x)
        if solver == "fista":
            return self._by_fista(y, A, x, norm, iterations=iterations, tolerance=tolerance)
        if solver != "pdhg":
            raise ValueError(f'solver is "pdhg" or "fista", but got "{solver}".')
        with torch.no_grad():
            terms = [squared_distance(A, y, norm), _variation(weight)]
            solution, _ = pdhg(terms, x, ratio=_ratio(weight * NORM, x), iterations=iterations, tolerance=tolerance)
        return replace(solution, weight=weight.flatten().double())

    @staticmethod
    @arrays_too
    def within_noise(
        y: Tensor,
        A: Operator,
        *,
        sigma: float,
        start: Tensor | None = None,
        iterations: int = ITERATIONS,
        tolerance: float = TOLERANCE,
    ) -> Solution:
        """Return the flattest image that fits y as well as the truth does: argmin of TV(x) subject to ‖A x − y‖² ≤ m
        σ².

        Morozov's discrepancy principle, in one solve instead of a search over weights: `Solution.weight` is the weight
        for which `TV(weight).solve(y, A)` has the same minimiser (the multiplier of the constraint, √m σ / ‖p‖).
        Infinite where an image without edges fits well enough.

        Args:
            y: (batch, *A.range), with Gaussian noise; a NumPy array too, and then the solution's `x` is one.
            A: an operator on images (channels, height, width).
            sigma: the noise's standard deviation, per real component; ≥ 0. 0: fit y exactly.
            start, iterations, tolerance: as in `solve`; the objective is TV(x).

        Raises:
            ValueError: as in `solve`, or sigma < 0.
        """
        if not (math.isfinite(sigma) and sigma >= 0):
            raise ValueError(f"sigma is a standard deviation of at least 0, but got {sigma}.")
        y, norm, x = _prepared(y, A, start)
        radius = noise_bound(y, A, sigma).sqrt()  # (batch,)
        with torch.no_grad():
            one = torch.ones_like(lengths(x))
            radius = radius.to(x.device)
            flat = _nearest_flat(y, A)  # where that is near enough, it is the answer, and nothing moves from there
            x = torch.where(per_sample(lengths(A(flat) - y).flatten() <= radius, x), flat, x)
            terms = [within(A, y, norm, radius), _variation(one)]
            solution, duals = pdhg(terms, x, ratio=_ratio(one * NORM, x), iterations=iterations, tolerance=tolerance)
        return replace(solution, weight=radius / lengths(duals[0]).flatten().double())

    def _by_fista(
        self, y: Tensor, A: Operator, x: Tensor, norm: float, *, iterations: int, tolerance: float
    ) -> Solution:
        weight = self._weights(x)
        dual: Tensor | None = None  # each prox goes on from where the last one ended

        def prox(v: Tensor, step: float) -> Tensor:
            nonlocal dual
            solution, dual = TV(step * weight.flatten())._prox(v, dual, iterations=INNER, tolerance=tolerance / 100)
            return solution.x

        with torch.no_grad():
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

    def _prox(self, v: Tensor, dual: Tensor | None, *, iterations: int, tolerance: float) -> tuple[Solution, Tensor]:
        weight = self._weights(v)

        def objective_of(x: Tensor) -> Tensor:
            return squares(x - v) / 2 + self(x)

        def gap(q: Tensor) -> Tensor:  # P(x) + D(q) with x = v − D* q; ‖x − v‖² cancels against the dual's
            x = v - differences_adjoint(q)
            return (self(x) - inner(differences(x), q).flatten()).clamp(min=0)

        with torch.no_grad():
            found = fista(
                lambda q: differences(differences_adjoint(q) - v),
                lambda q, step: shortened(q, weight),
                lambda q: objective_of(v - differences_adjoint(q)),
                torch.zeros_like(differences(v)) if dual is None else dual,
                lipschitz=NORM**2,
                iterations=iterations,
                tolerance=tolerance,
                gap=gap,
            )
            x = v - differences_adjoint(found.x)
        return replace(found, x=x, weight=weight.flatten().double()), found.x

    def _weights(self, x: Tensor) -> Tensor:
        if x.ndim != 4:
            raise ValueError(f"TV takes images (batch, channels, height, width), but got {describe(tuple(x.shape))}.")
        weight = torch.as_tensor(self.weight, dtype=lengths(x[:1]).dtype, device=x.device)
        if weight.ndim and len(weight) != len(x):
            raise ValueError(f"TV has weights for {len(weight)} samples, but got a batch of {len(x)}.")
        return weight.expand(len(x)).reshape(-1, 1, 1, 1)

    def __repr__(self) -> str:
        return f"TV({self.weight})"


def _prepared(y: Tensor, A: Operator, start: Tensor | None) -> tuple[Tensor, float, Tensor]:
    """y where it was measured, A's norm, and where to begin."""
    if len(A.domain) != 3:
        raise ValueError(
            f"TV is of images (channels, height, width), but {type(A).__name__} takes {describe(A.domain)}."
        )
    if not (y.is_floating_point() or y.is_complex()):
        raise ValueError(f"y holds real or complex numbers, but got {y.dtype}. Convert it first: y.float().")
    if not bool(y.isfinite().all()):
        raise ValueError("y holds NaN or infinity; TV needs finite measurements. Find out where they come from first.")
    back = A.adjoint(y)
    mask = A.observed()
    if mask is not None:
        y = mask(y)
    norm = A.norm()
    if start is None:
        return y, norm, back / norm**2 if norm > 0 else back
    if start.shape != back.shape:
        raise ValueError(f"start is {describe(tuple(back.shape))} for this y, but got {describe(tuple(start.shape))}.")
    return y, norm, start.to(back)


def _nearest_flat(y: Tensor, A: Operator) -> Tensor:
    """Find the image, constant in each channel, whose A x is nearest to y: (batch, *A.domain)."""
    flats = torch.diag_embed(torch.ones_like(A.adjoint(y)).movedim(1, -1)).permute(4, 0, 3, 1, 2)  # a channel is 1
    columns = torch.stack([A(flat).flatten(1) for flat in flats], dim=-1)  # (batch, m, channels)
    seen = y.flatten(1).unsqueeze(-1)
    if seen.is_complex() and not flats.is_complex():
        columns, seen = (torch.view_as_real(part).transpose(-1, -2).flatten(1, 2) for part in (columns, seen))
    levels: Tensor = (torch.linalg.pinv(columns) @ seen).squeeze(-1)  # (batch, channels)
    return levels.reshape(*levels.shape, 1, 1).expand(flats.shape[1:])


def _ratio(dual_size: Tensor, x: Tensor) -> Tensor:
    """Return a first guess of the dual's size over x's, per sample."""
    typical = lengths(x) / x[0].numel() ** 0.5
    return torch.where((typical > 0) & (dual_size > 0), RATIO * dual_size / typical, 1.0).to(typical.dtype)


def _variation(weight: Tensor) -> Term:
    """weight · TV, F = weight ‖·‖ summed over pixels: F* is 0 where |q| ≤ weight everywhere, else infinite."""

    def value(z: Tensor) -> Tensor:
        return weight.flatten() * moduli(z).flatten(1).sum(1)

    return Term(
        forward=differences,
        adjoint=differences_adjoint,
        norm=NORM,
        prox_conjugate=lambda q, step: shortened(q, weight),
        value=value,
        gap=lambda z, q: (value(z) - inner(z, q).flatten()).clamp(min=0),
    )
