"""What a search over latents is to explain: the measurements of a batch, dealt out to the starts that still move."""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor

from unseen.physics.algebra import describe
from unseen.physics.operator import Operator
from unseen.priors.damped import DampedLeastSquares
from unseen.priors.fits import Fit
from unseen.priors.real_pictures import of_real_pictures

TOLERANCE = 1e-3  # of conjugate gradients, which go on from the last solution at every iteration


class Task:
    """A batch of measurements.

    Args:
        y: (batch, *A.range).
        A: an operator on pictures; asked about real ones alone.
        weight: λ, one for all or (batch,).
        restarts: starts of each picture, next to each other.

    Raises:
        ValueError: y does not fit A, is not finite, or holds whole numbers; A takes no pictures; weights of another
            number.
    """

    def __init__(self, y: Tensor, A: Operator, weight: float | Tensor, *, restarts: int) -> None:
        self.A = of_real_pictures(A)
        self.y = checked(y, self.A)
        weights = torch.as_tensor(weight, dtype=torch.float64, device=y.device)
        if weights.ndim and len(weights) != len(y):
            raise ValueError(f"There are weights for {len(weights)} pictures, but the batch has {len(y)}.")
        self.weight = weights.expand(len(y))  # (batch,)
        self.norm = self.A.norm() or 1.0
        self.restarts = restarts
        self._last: Some | None = None

    @cached_property
    def damped(self) -> DampedLeastSquares:
        """(A*A + τ)⁻¹ A*."""
        return DampedLeastSquares(self.A, tolerance=TOLERANCE)

    def of(self, rows: Tensor, g: Tensor) -> Some:
        """What these starts are to explain, in the generator's precision.

        Args:
            rows: (rows,) int64.
            g: (rows, *domain), their pictures.

        Raises:
            ValueError: g is no picture that A takes.
        """
        if tuple(g.shape[1:]) != self.A.domain:
            raise ValueError(
                f"The generator makes pictures of {describe(tuple(g.shape[1:]))}, but {type(self.A).__name__} takes "
                f"{describe(self.A.domain)}. Make the operator for the generator's size."
            )
        if g.is_complex():
            raise ValueError(f"The generator makes real pictures, but these are {g.dtype}.")
        self.y = self.y.to(g.dtype.to_complex() if self.y.is_complex() else g.dtype)
        if self._last is None or not torch.equal(rows, self._last.rows):
            self._last = Some(self, rows)
        return self._last


class Some:
    """The measurements of some starts of a task.

    A        for these rows, on real pictures
    y        (rows, *A.range), with nought where nothing was measured
    weight   (rows,) float64, λ
    norm     ‖A‖ over the whole batch, or 1 where that is 0
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
    """Measurements of real pictures, with nought where nothing was measured.

    Args:
        y: (batch, *A.range).
        A: an operator on real pictures.

    Raises:
        ValueError: see `Task`.
    """
    if len(A.domain) != 3:
        raise ValueError(f"Priors are of pictures (channels, height, width), but A takes {describe(A.domain)}.")
    if not len(y):
        raise ValueError("y is empty. Give at least one measurement.")
    if not (y.is_floating_point() or y.is_complex()):
        raise ValueError(f"y holds real or complex numbers, but got {y.dtype}. Convert it first: y.float().")
    if not bool(y.isfinite().all()):
        raise ValueError("y holds NaN or infinity, and no picture explains those. Find out where they come from.")
    if y.is_complex() and not A.complex_range:
        raise ValueError("y is complex, but this A measures real pictures by real numbers. Take y.real, or .abs().")
    if A.complex_range and not y.is_complex():
        y = y.to(y.dtype.to_complex())
    A.adjoint(y)  # which tells a wrong shape or batch in A's own words
    mask = A.observed()
    return (y if mask is None else mask(y)).detach()
