"""Tikhonov's regulariser: of all images that explain y, one that is not large."""

from __future__ import annotations

import torch
from torch import Tensor

from unseen.losses.sums import squares
from unseen.physics.numpy_arrays import arrays_too
from unseen.physics.operator import Operator
from unseen.physics.start_images import checked_start
from unseen.physics.tensor_products import inner, lengths
from unseen.priors.damped import DampedLeastSquares
from unseen.priors.fits import Squares
from unseen.priors.latent_prior import Task
from unseen.priors.prior import own_weight
from unseen.priors.solvers.pdhg import per_sample
from unseen.priors.solvers.solution import Solution

TOLERANCE = 1e-3  # of the objective, which the answer is far within


class Tikhonov:
    """argmin over x of ‖A x − y‖² / (2σ²) + weight · ‖x‖², in closed form or by conjugate gradients (`damped`).

    Args:
        weight: λ > 0; one for all, or (batch,) with each image's own. In nats where `fit` knows σ, else relative to
            an A scaled to ‖A‖ = 1.
        fit: the squares; with `Squares()` σ = ‖A‖.

    Raises:
        ValueError: a weight that is not above 0, or not finite; another fit.

    Example:
        >>> from unseen.physics import Identity
        >>> solution = Tikhonov(0.5).solve(torch.full((1, 1, 1, 1), 4.0), Identity((1, 1, 1)))
        >>> solution.x.item(), solution.value.item()
        (2.0, 4.0)
    """

    def __init__(self, weight: float | Tensor = 1e-2, *, fit: Squares | None = None) -> None:
        weight = own_weight(
            weight,
            "Tikhonov's weight is a finite number above 0, or one for each image of the batch",
            above_zero=True,
            remedy=" For the shortest least-squares image take A.pinv(y).",
        )
        if fit is not None and not isinstance(fit, Squares):
            raise ValueError(f"Tikhonov's closed form is that of Squares, but got {fit}.")
        self.weight, self.fit = weight, fit or Squares()

    @arrays_too
    def solve(self, y: Tensor, A: Operator, *, start: Tensor | None = None) -> Solution:
        """Return the minimiser for each measurement.

        Args:
            y: (batch, *A.range), finite.
            A: an operator on images. Where they are complex, x is complex; of an operator on real images, such as
                `FourierMask(mask, real=True)`, it is real.
            start: (batch, *A.domain), a guess for conjugate gradients.

        Raises:
            ValueError: y does not fit A, or is not finite.
        """
        task = Task(y, A, self.weight, real=False)
        variance = self.fit.variance(task.norm)
        tau = 2 * variance * task.weight
        with torch.no_grad():
            if start is not None:
                back = task.A.adjoint(task.y)
                start = checked_start(start, tuple(back.shape), back)
            x = DampedLeastSquares(task.A).solve(task.y, tau, start=start)
            off = task.A(x) - task.y
            value = squares(off).double() / (2 * variance) + task.weight * squares(x).double()
            slope = task.A.adjoint(off) / variance + 2 * per_sample(task.weight, x).to(x.dtype) * x
        # the objective is 2λ-strongly convex, so value − minimum ≤ ‖slope‖² / (4λ)
        gap = inner(slope, slope).flatten().double() / (4 * task.weight)
        share = torch.where(gap > 0, gap / value.clamp(min=torch.finfo(torch.float64).tiny), 0.0)
        once = torch.ones_like(task.weight, dtype=torch.int64)
        return Solution(
            x=x,
            value=value,
            gap=share,
            iterations=once,
            converged=share <= TOLERANCE,
            tolerance=TOLERANCE,
            trace=torch.stack([once.double(), value, share])[None],
            weight=task.weight,
        )

    @arrays_too
    def distance(self, x: Tensor) -> Tensor:
        """‖x‖²: (batch,)."""
        return (lengths(x) ** 2).flatten()

    def weighted(self, weight: float | Tensor) -> Tikhonov:
        """Return the same with another λ."""
        return Tikhonov(weight, fit=self.fit)

    def __repr__(self) -> str:
        return f"Tikhonov({self.weight}, fit={self.fit})"
