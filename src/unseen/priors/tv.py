"""Total variation (TV) as a prior: images that are flat but for edges.

Isotropic and discrete (Chambolle, "An algorithm for total variation minimization and applications", JMIV 20, 2004,
§2): TV(x) = Σ over channels and pixels of √(|x(i+1, j) − x(i, j)|² + |x(i, j+1) − x(i, j)|²). At the last row and the
last column the difference across the boundary is zero (Neumann), so a constant image has TV 0 whatever its size.
Of a complex image the differences are complex, and | | is the modulus.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from unseen.losses.sums import squares
from unseen.physics.identity import Identity
from unseen.physics.numpy_arrays import arrays_too
from unseen.physics.operator import Operator
from unseen.physics.tensor_products import inner
from unseen.priors.convex_prior import ITERATIONS, TOLERANCE, ConvexPrior, sum_of_lengths
from unseen.priors.differences import NORM, differences, differences_adjoint, moduli, shortened, total_variation
from unseen.priors.solvers.fista import fista
from unseen.priors.solvers.pdhg import Term
from unseen.priors.solvers.solution import Solution

INNER = 50  # dual steps for each outer step of FISTA, at most


class TV(ConvexPrior):
    """weight · TV(x): total variation as a prior.

    Args:
        weight: λ ≥ 0; one for all, or (batch,) with each sample's own.
        nonnegative: x ≥ 0 in every pixel, exactly; for real images.
        fit: None: ‖A x − y‖²/2; `KullbackLeibler(gain)`: the likelihood of Poisson noise; `Transmission(I0, gain)`:
            that of counts I0 exp(−A x).

    Raises:
        ValueError: a weight that is negative or not finite; another fit.

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
        >>> bool((TV(1e-3, nonnegative=True).solve(A(x) - 0.1, A).x >= 0).all())
        True

    Source: Rudin, Osher & Fatemi, Nonlinear total variation based noise removal algorithms, Physica D 60 (1992)
    259–268; with the Poisson likelihood: Le, Chartrand & Asaki, JMIV 27 (2007) 257–263.
    """

    reach = NORM
    known_flat = True

    @arrays_too
    def distance(self, x: Tensor) -> Tensor:
        """TV(x), whatever the weight: (batch,), ≥ 0; an image without edges has 0.

        >>> TV(0.5).distance(torch.tensor([[[[0.0, 1.0]]]])).tolist()
        [1.0]
        """
        return total_variation(x)

    @arrays_too
    def prox(self, v: Tensor, *, iterations: int = ITERATIONS, tolerance: float = TOLERANCE) -> Solution:
        """argmin over x of ‖x − v‖²/2 + weight · TV(x), over x ≥ 0 if `nonnegative`: TV denoising.

        FISTA on the dual, min over |q| ≤ weight of ‖v − D* q‖²/2, with x = v − D* q (Beck & Teboulle, "Fast
        gradient-based algorithms for constrained total variation image denoising", IEEE TIP 18(11), 2009, §III). The
        gap is the duality gap, a bound without conditions.

        Args:
            v: (batch, channels, height, width), real or complex.
            iterations: at most.
            tolerance: a sample is done when objective − minimum ≤ tolerance · objective.
        """
        if self.nonnegative:
            A = Identity(tuple(v.shape[1:]))
            return TV(self.weight, nonnegative=True).solve(v, A, iterations=iterations, tolerance=tolerance)
        solution, _ = self._prox(v, None, iterations=iterations, tolerance=tolerance)
        return solution

    @staticmethod
    @arrays_too
    def within_noise(
        y: Tensor,
        A: Operator,
        *,
        sigma: float | Tensor,
        start: Tensor | None = None,
        iterations: int = ITERATIONS,
        tolerance: float = TOLERANCE,
        nonnegative: bool = False,
    ) -> Solution:
        """Return the flattest image that fits y as well as the truth does: argmin of TV(x) subject to ‖A x − y‖² ≤ m
        σ².

        It is `fitted` of `TV`: Morozov's discrepancy principle, in one solve instead of a search over weights.
        `Solution.weight` is the weight for which `TV(weight).solve(y, A)` has the same minimiser. Infinite where an
        image without edges fits well enough.

        Args:
            y: (batch, *A.range), with Gaussian noise; a NumPy array too, and then the solution's `x` is one.
            A: an operator on images (channels, height, width).
            sigma: the noise's standard deviation, per real component; ≥ 0, one for all, or (batch,) with each
                sample's own. 0: fit y exactly.
            start, iterations, tolerance: as in `solve`; the objective is TV(x).
            nonnegative: x ≥ 0 in every pixel, exactly.

        Raises:
            ValueError: as in `solve`, or sigma < 0.
        """
        prior = TV(1.0, nonnegative=nonnegative)
        return prior.fitted(y, A, sigma=sigma, start=start, iterations=iterations, tolerance=tolerance)

    def _terms(self, weight: Tensor, x: Tensor) -> list[Term]:
        del x
        return [sum_of_lengths(weight, moduli, shortened, forward=differences, adjoint=differences_adjoint, norm=NORM)]

    def _prox_steps(self, weight: Tensor, tolerance: float) -> Callable[[Tensor, float], Tensor]:
        dual: Tensor | None = None  # each prox goes on from where the last one ended

        def prox(v: Tensor, step: float) -> Tensor:
            nonlocal dual
            solution, dual = TV(step * weight.flatten())._prox(v, dual, iterations=INNER, tolerance=tolerance / 100)
            return solution.x

        return prox

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
